//! From items to rules: what names stand for, what conditions ask, and what never can be.

use std::collections::HashMap;
use std::sync::Arc;

use model::event::Call;

use super::Ruleset;
use super::exception::{self, quoted};
use super::item::{Items, List, RuleItem};
use super::own;
use super::read::Read;
use super::rule::{Rule, Scope};
use super::written::{File, Written};
use crate::compile::{CompileError, Compiler, Condition, Lacking, Names};
use crate::diagnostic::{Diagnostic, Level, Place};
use crate::filter::{self, FilterError, Literal};
use crate::output::Output;
use crate::program;
use crate::source::Source;
use crate::suggest;

/// Texts of one list with those of the lists in it; the longest of Falco's has 200.
const LIST_TEXTS_MAX: usize = 64 << 10;

/// Texts of all lists, so expanded: lists of lists could otherwise double with every line.
const LISTS_TEXTS_MAX: usize = 1 << 20;

/// How deep lists may stand in each other.
const LIST_DEPTH_MAX: usize = 64;

/// A rule that asks more than this share of all calls asks too many.
const MANY_CALLS: usize = Call::ALL.len() / 2;

pub(super) fn finish(read: Read) -> (Ruleset, Vec<Diagnostic>) {
    let Read { files, lists, macros, rules, mut diagnostics } = read;
    let mut names = Names { lists: expand(&lists, &mut diagnostics), macros: HashMap::new() };
    let mut conditions = HashMap::new();
    for item in macros.iter() {
        match filter::parse(item.condition.text()) {
            Ok(tree) => drop(names.macros.insert(item.name.clone(), tree)),
            Err(error) => diagnostics.push(told(&files, &item.condition, &item.name, error)),
        }
        conditions.insert(item.name.as_str(), &item.condition);
    }
    let mut finisher = Finisher {
        files: &files,
        macros: conditions,
        compilers: Source::ALL.iter().map(|it| (*it, Compiler::new(*it, &names))).collect(),
        told_macros: Vec::new(),
        diagnostics,
    };
    let rules = rules.iter().filter_map(|item| finisher.rule(item)).map(Arc::new).collect();
    let unused = macros
        .iter()
        .filter(|item| names.macros.contains_key(&item.name) && !finisher.uses_macro(&item.name));
    let unused = unused.map(|item| (&item.name, &item.place));
    let lists_unused = lists.iter().filter(|list| !finisher.uses_list(list, &lists));
    let unused: Vec<_> = unused
        .chain(lists_unused.map(|list| (&list.name, &list.place)))
        .map(|(name, place)| {
            Diagnostic::new(Level::Warning, place.clone(), name, "no rule or macro uses it")
        })
        .collect();
    finisher.diagnostics.extend(unused);
    let mut diagnostics = finisher.diagnostics;
    let order = |it: &Diagnostic| {
        let file = files.iter().position(|file| file.name == it.place.file);
        (file, it.place.line, it.place.column)
    };
    diagnostics.sort_by_key(order);
    (Ruleset { rules }, diagnostics)
}

struct Finisher<'f> {
    files: &'f [File],
    /// Where the texts of macros are.
    macros: HashMap<&'f str, &'f Written>,
    compilers: HashMap<Source, Compiler<'f>>,
    /// Macros whose mistakes were told: one is enough.
    told_macros: Vec<(Source, String)>,
    diagnostics: Vec<Diagnostic>,
}

impl Finisher<'_> {
    fn rule(&mut self, item: &RuleItem) -> Option<Rule> {
        let Some(source) = Source::of_name(&item.source) else {
            let sources = Source::ALL.iter().map(|source| source.name());
            let message = format!("there are no events of the source `{}`", item.source);
            let warning = Diagnostic::new(Level::Warning, item.place.clone(), &item.name, message)
                .hint(suggest::hint(&item.source, sources));
            self.diagnostics.push(warning);
            return None;
        };
        let condition = scoped(&item.condition, item.form.scope);
        let condition = match exception::apply(&condition, &item.exceptions) {
            Ok(condition) => condition,
            Err((file, node, message)) => {
                let file = self.files.get(file).map(|it| it.name.clone()).unwrap_or_default();
                let place = Place { file, line: node.line, column: node.column };
                self.diagnostics.push(exception::mistake(place, &item.name, message));
                return None;
            }
        };
        let tree = match filter::parse(condition.text()) {
            Ok(tree) => tree,
            Err(error) => {
                self.diagnostics.push(told(self.files, &condition, &item.name, error));
                return None;
            }
        };
        let compiler = self.compilers.get_mut(&source)?;
        let compiled = compiler.condition(&tree).map_err(|error| (error, &condition));
        let output = Output::of_rule(compiler, source, item.output.text().trim_end())
            .map_err(|error| (error, &item.output));
        let doubts = compiler.take_doubts();
        for doubt in doubts {
            self.doubt(item, &condition, doubt);
        }
        let (compiled, output) = match (compiled, output) {
            (Ok(compiled), Ok(output)) => (compiled, output),
            (compiled, output) => {
                let errors = [compiled.err(), output.err()];
                for (error, text) in errors.into_iter().flatten() {
                    self.mistake(item, source, text, error);
                }
                return None;
            }
        };
        self.doubts(item, source, &compiled);
        Some(Rule {
            name: item.name.clone(),
            source,
            title: item.form.title.clone().unwrap_or_else(|| item.name.clone()),
            description: item.description.clone(),
            attack: attack(item),
            scope: item.form.scope,
            action: item.form.action,
            fixtures: item.form.fixtures.clone(),
            priority: item.priority,
            tags: item.tags.iter().cloned().collect(),
            enabled: item.enabled,
            place: item.place.clone(),
            text: condition.text().to_owned(),
            condition: compiled,
            output,
        })
    }

    /// A mistake in a condition or output, told where it is; that of a macro once.
    fn mistake(&mut self, item: &RuleItem, source: Source, text: &Written, error: CompileError) {
        let CompileError { at, message, hint, within, unknown_field } = error;
        let level = match unknown_field && item.skipped_if_unknown {
            true => Level::Warning,
            false => Level::Error,
        };
        let Some(within) = within else {
            let place = text.place(self.files, at);
            self.diagnostics.push(Diagnostic::new(level, place, &item.name, message).hint(hint));
            return;
        };
        let key = (source, within);
        if !self.told_macros.contains(&key) {
            let place = self.macros.get(key.1.as_str()).map(|it| it.place(self.files, at));
            let place = place.unwrap_or_default();
            self.diagnostics.push(Diagnostic::new(level, place, &key.1, message).hint(hint));
            self.told_macros.push(key.clone());
        }
        let message = format!("the macro `{}` has a mistake", key.1);
        let place = item.place.clone();
        self.diagnostics.push(Diagnostic::new(level, place, &item.name, message));
    }

    /// Something doubtful in a condition, told where it is.
    fn doubt(&mut self, item: &RuleItem, text: &Written, doubt: CompileError) {
        let CompileError { at, message, hint, within, .. } = doubt;
        let text = within.as_ref().and_then(|it| self.macros.get(it.as_str())).unwrap_or(&text);
        let place = text.place(self.files, at);
        let subject = within.as_ref().unwrap_or(&item.name);
        let warning = Diagnostic::new(Level::Warning, place, subject, message).hint(hint);
        if !self.diagnostics.contains(&warning) {
            self.diagnostics.push(warning);
        }
    }

    /// Rules that never fire, and those that are asked too often.
    fn doubts(&mut self, item: &RuleItem, source: Source, condition: &Arc<Condition>) {
        let message = if let Some(lacking) = program::never_holds(condition, source) {
            never(&lacking)
        } else if source == Source::Syscall
            && item.warns_of_types
            && program::calls(condition).len() > MANY_CALLS
        {
            "it is asked of nearly every event: name the calls with `evt.type`".to_owned()
        } else {
            return;
        };
        let place = item.place.clone();
        self.diagnostics.push(Diagnostic::new(Level::Warning, place, &item.name, message));
    }

    fn uses_macro(&self, name: &str) -> bool {
        self.compilers.values().any(|it| it.used_macros().any(|used| used == name))
    }

    fn uses_list(&self, list: &List, all: &Items<List>) -> bool {
        let in_list =
            |it: &List| it.items.iter().any(|(_, node)| node.scalar() == Some(list.name.as_str()));
        self.compilers.values().any(|it| it.used_lists.contains(&list.name))
            || all.iter().any(in_list)
    }
}

/// The condition where a rule looks.
fn scoped(condition: &Written, scope: Scope) -> Written {
    let more = match scope {
        Scope::Anywhere => return condition.clone(),
        Scope::Container => ") and container.id != host",
        Scope::Host => ") and container.id = host",
    };
    let mut scoped = Written::default();
    scoped.push_text("(");
    scoped.extend(condition);
    scoped.push_text(more);
    scoped
}

/// Falco's rules name techniques among their tags.
fn attack(item: &RuleItem) -> Vec<String> {
    match &item.form.title {
        Some(_) => item.form.attack.clone(),
        None => item.tags.iter().filter(|tag| own::is_technique(tag)).cloned().collect(),
    }
}

/// Why a rule never fires, for people.
fn never(lacking: &[Lacking]) -> String {
    if lacking.is_empty() {
        return "it can never fire: no event there is has the type that it asks for".to_owned();
    }
    let fields: Vec<_> = lacking.iter().map(|it| format!("`{}` ({})", it.field, it.why)).collect();
    format!("it can never fire, for want of {}", fields.join(", "))
}

fn told(files: &[File], text: &Written, name: &str, error: FilterError) -> Diagnostic {
    let place = text.place(files, error.at);
    Diagnostic::new(Level::Error, place, name, error.message).hint(error.hint)
}

/// The texts of every list, those of lists in it in their places.
fn expand(lists: &Items<List>, diagnostics: &mut Vec<Diagnostic>) -> HashMap<String, Vec<Literal>> {
    let by_name: HashMap<&str, &List> = lists.iter().map(|it| (it.name.as_str(), it)).collect();
    let mut expansion = Expansion { lists: by_name, done: HashMap::new(), total: 0 };
    for list in lists.iter() {
        if let Err(message) = expansion.of(list, &mut Vec::new()) {
            let place = list.place.clone();
            diagnostics.push(Diagnostic::new(Level::Error, place, &list.name, message));
        }
    }
    expansion.done
}

struct Expansion<'l> {
    lists: HashMap<&'l str, &'l List>,
    done: HashMap<String, Vec<Literal>>,
    total: usize,
}

impl<'l> Expansion<'l> {
    /// Calls itself no deeper than `LIST_DEPTH_MAX`.
    fn of(&mut self, list: &'l List, outer: &mut Vec<&'l str>) -> Result<(), String> {
        if self.done.contains_key(&list.name) {
            return Ok(());
        }
        if outer.len() >= LIST_DEPTH_MAX {
            return Err(format!("more than {LIST_DEPTH_MAX} lists stand in each other"));
        }
        outer.push(&list.name);
        let mut texts = Vec::new();
        for (_, node) in &list.items {
            let text = node.scalar().unwrap_or_default();
            match self.lists.get(text).copied() {
                // Its own name is a text like any other.
                Some(inner) if inner.name != list.name => {
                    if outer.contains(&inner.name.as_str()) {
                        return Err(format!(
                            "it is part of the list `{text}`, which is part of it"
                        ));
                    }
                    self.of(inner, outer)?;
                    texts.extend(self.done.get(text).into_iter().flatten().cloned());
                }
                _ => texts.push(literal(text)?),
            }
            if texts.len() > LIST_TEXTS_MAX {
                return Err(format!(
                    "with the lists in it, it has more than {LIST_TEXTS_MAX} texts"
                ));
            }
        }
        outer.pop();
        self.total += texts.len();
        if self.total > LISTS_TEXTS_MAX {
            return Err(format!("with it, lists have more than {LISTS_TEXTS_MAX} texts in all"));
        }
        self.done.insert(list.name.clone(), texts);
        Ok(())
    }
}

/// An item of a list; quotes in it are those of a condition.
fn literal(text: &str) -> Result<Literal, String> {
    if !text.starts_with(['"', '\'']) {
        return Ok(Literal { text: text.into(), quoted: true, at: 0 });
    }
    filter::literal(&quoted(text)).map_err(|error| format!("`{text}`: {}", error.message))
}
