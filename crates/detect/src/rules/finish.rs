//! From items to rules: what names stand for, what conditions ask, and what never can be.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::event::Call;

use super::Ruleset;
use super::exception::{self, quoted};
use super::item::{Items, List, RuleItem};
use super::own;
use super::read::Read;
use super::rule::{Rule, Scope};
use super::written::{File, Written};
use crate::compile::{CompileError, Compiler, Condition, Lacking, Names, of_broken};
use crate::diagnostic::{Diagnostic, Level, Place};
use crate::filter::{self, FilterError, Literal};
use crate::output::Output;
use crate::program::Reach;
use crate::source::Source;
use crate::suggest;

/// Texts of one list with those of the lists in it, by their weight; the longest of Falco's has 200.
const LIST_TEXTS_MAX: usize = 64 << 10;

/// Texts of all lists, so expanded: lists of lists could otherwise double with every line.
const LISTS_TEXTS_MAX: usize = 1 << 20;

/// How deep lists may stand in each other.
const LIST_DEPTH_MAX: usize = 64;

/// A rule that asks more than this share of all calls asks too many.
const MANY_CALLS: usize = Call::ALL.len() / 2;

pub(super) fn finish(read: Read) -> (Ruleset, Vec<Diagnostic>) {
    let Read { files, lists, macros, rules, broken_lists, broken_macros, mut diagnostics } = read;
    let mut names = Names {
        lists: expand(&lists, &broken_lists, &mut diagnostics),
        macros: broken_macros.into_iter().map(|name| (name, None)).collect(),
    };
    let mut conditions = HashMap::new();
    for item in macros.iter() {
        let tree = filter::parse(item.condition.text())
            .map_err(|error| diagnostics.push(told(&files, &item.condition, &item.name, error)));
        names.macros.insert(item.name.clone(), tree.ok());
        conditions.insert(item.name.as_str(), &item.condition);
    }
    let mut finisher = Finisher {
        files: &files,
        macros: conditions,
        reaches: Source::ALL.iter().map(|it| (*it, Reach::new(*it))).collect(),
        compilers: Source::ALL.iter().map(|it| (*it, Compiler::new(*it, &names))).collect(),
        told_macros: HashSet::new(),
        told_doubts: HashSet::new(),
        diagnostics,
    };
    let rules = rules.iter().filter_map(|item| finisher.rule(item)).map(Arc::new).collect();
    let is_whole = |name: &String| matches!(names.macros.get(name), Some(Some(_)));
    let unused =
        macros.iter().filter(|item| is_whole(&item.name) && !finisher.uses_macro(&item.name));
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
    reaches: HashMap<Source, Reach>,
    /// Macros whose mistakes were told: one is enough.
    told_macros: HashSet<(Source, String)>,
    /// A macro is compiled once a source, and a list may name a text twice.
    told_doubts: HashSet<Diagnostic>,
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
        // By itself first, so that no parenthesis of it closes ours.
        if let Err(error) = filter::parse(item.condition.text()) {
            self.diagnostics.push(told(self.files, &item.condition, &item.name, error));
            return None;
        }
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
        let calls = self.calls(item, source, &compiled)?;
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
            calls_unasked: self.calls_unasked(source, &compiled),
            calls,
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
            self.told_macros.insert(key.clone());
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
        if self.told_doubts.insert(warning.clone()) {
            self.diagnostics.push(warning);
        }
    }

    /// The calls of which a rule may hold. Of one that never fires that is told, and of one that is
    /// asked too often.
    fn calls(
        &mut self,
        item: &RuleItem,
        source: Source,
        condition: &Arc<Condition>,
    ) -> Option<Vec<Call>> {
        let reach = self.reaches.get_mut(&source)?;
        let kinds = reach.kinds(condition);
        let calls: Vec<Call> = kinds.iter().copied().flatten().collect();
        let message = if kinds.is_empty() {
            Some(never(&reach.lacking(condition)))
        } else if calls.len() > MANY_CALLS && item.warns_of_types {
            Some("it is asked of nearly every event: name the calls with `evt.type`".to_owned())
        } else {
            None
        };
        self.diagnostics.extend(message.map(|message| {
            Diagnostic::new(Level::Warning, item.place.clone(), &item.name, message)
        }));
        Some(calls)
    }

    fn calls_unasked(&mut self, source: Source, condition: &Arc<Condition>) -> Vec<Call> {
        let kinds = self.reaches.get_mut(&source).map(|reach| reach.kinds_unasked(condition));
        kinds.unwrap_or_default().into_iter().flatten().collect()
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
        return "it can never fire: no event there is has the type or direction that it asks for"
            .to_owned();
    }
    let fields: Vec<_> = lacking.iter().map(|it| format!("`{}` ({})", it.field, it.why)).collect();
    format!("it can never fire, for want of {}", fields.join(", "))
}

fn told(files: &[File], text: &Written, name: &str, error: FilterError) -> Diagnostic {
    let place = text.place(files, error.at);
    Diagnostic::new(Level::Error, place, name, error.message).hint(error.hint)
}

/// The texts of every list, those of lists in it in their places; None of lists with mistakes.
fn expand(
    lists: &Items<List>,
    broken: &HashSet<String>,
    diagnostics: &mut Vec<Diagnostic>,
) -> HashMap<String, Option<Vec<Literal>>> {
    let by_name: HashMap<&str, &List> = lists.iter().map(|it| (it.name.as_str(), it)).collect();
    let done = broken.iter().filter(|name| !by_name.contains_key(name.as_str()));
    let done = done.map(|name| (name.clone(), None)).collect();
    let mut expansion = Expansion { lists: by_name, done, total: 0, diagnostics };
    for list in lists.iter() {
        expansion.list(list, &mut Vec::new());
    }
    expansion.done
}

struct Expansion<'l> {
    lists: HashMap<&'l str, &'l List>,
    done: HashMap<String, Option<Vec<Literal>>>,
    /// What all texts so far count.
    total: usize,
    diagnostics: &'l mut Vec<Diagnostic>,
}

impl<'l> Expansion<'l> {
    /// Calls itself no deeper than `LIST_DEPTH_MAX`. A mistake is told of the list that has it.
    fn list(&mut self, list: &'l List, outer: &mut Vec<&'l str>) {
        if self.done.contains_key(&list.name) {
            return;
        }
        outer.push(&list.name);
        let texts = self.texts(list, outer).map_err(|message| {
            let place = list.place.clone();
            self.diagnostics.push(Diagnostic::new(Level::Error, place, &list.name, message));
        });
        outer.pop();
        self.done.insert(list.name.clone(), texts.ok());
    }

    fn texts(&mut self, list: &'l List, outer: &mut Vec<&'l str>) -> Result<Vec<Literal>, String> {
        if outer.len() > LIST_DEPTH_MAX {
            return Err(format!("more than {LIST_DEPTH_MAX} lists stand in each other"));
        }
        let (mut texts, mut weight) = (Vec::new(), 0);
        for (_, node) in &list.items {
            let text = node.scalar().unwrap_or_default();
            // Its own name is a text like any other.
            if let Some(inner) = self.lists.get(text).copied().filter(|_| text != list.name) {
                if outer.contains(&text) {
                    return Err(format!("it is part of the list `{text}`, which is part of it"));
                }
                self.list(inner, outer);
            }
            let first = texts.len();
            match self.done.get(text).filter(|_| text != list.name) {
                Some(Some(inner)) => texts.extend(inner.iter().cloned()),
                Some(None) => return Err(of_broken("list", text)),
                None => texts.push(literal(text)?),
            }
            weight += texts.iter().skip(first).map(Literal::weight).sum::<usize>();
            if weight > LIST_TEXTS_MAX {
                return Err(format!(
                    "with the lists in it, it has more than {LIST_TEXTS_MAX} texts"
                ));
            }
        }
        self.total += weight;
        if self.total > LISTS_TEXTS_MAX {
            return Err(format!("with it, lists have more than {LISTS_TEXTS_MAX} texts in all"));
        }
        Ok(texts)
    }
}

/// An item of a list; quotes in it are those of a condition.
fn literal(text: &str) -> Result<Literal, String> {
    if !text.starts_with(['"', '\'']) {
        return Ok(Literal { text: text.into(), quoted: true, at: 0 });
    }
    filter::literal(&quoted(text)).map_err(|error| format!("`{text}`: {}", error.message))
}
