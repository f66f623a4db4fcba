//! An entry about rules: which rules it speaks of, for whom, and what it sets.

use jiff::civil::Date;
use model::{Priority, Response};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::AskedRule;
use super::check::{Check, Word};
use super::scope::{Scope, ScopeFile};
use crate::error::PolicyError;
use crate::glob::Glob;
use crate::rule::date;
use crate::suggest;

/// What becomes of what a rule finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    /// Nothing is told.
    Allow,
    Alert,
    /// Told, and what did it is killed: the act itself happened, unless a prevention refused it.
    Block,
}

/// An entry as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryFile {
    id: Option<Spanned<String>>,
    #[serde(default)]
    select: SelectFile,
    #[serde(default)]
    scope: ScopeFile,
    enabled: Option<bool>,
    severity: Option<Spanned<String>>,
    action: Option<Action>,
    respond: Option<Vec<Response>>,
    observe_until: Option<Spanned<String>>,
    #[serde(default)]
    reason: String,
}

/// Which rules are meant: all that is given has to hold; nothing given, every rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SelectFile {
    rules: Vec<Spanned<String>>,
    tags: Vec<Spanned<String>>,
    /// At least so severe, as the rule's own file says.
    severity: Option<Spanned<String>>,
}

/// A checked selection.
#[derive(Clone, Debug, Default)]
pub(super) struct Select {
    /// With the texts that they are made of.
    rules: Vec<(Word, Glob)>,
    tags: Vec<Glob>,
    severity: Option<Priority>,
}

/// A checked entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// As verdicts call it.
    pub(super) called: String,
    pub(super) select: Select,
    pub(super) scope: Scope,
    pub(super) enabled: Option<bool>,
    pub(super) priority: Option<Priority>,
    pub(super) action: Option<Action>,
    pub(super) respond: Option<Vec<Response>>,
    pub(super) observe_until: Option<Date>,
    pub(super) reason: String,
}

pub(super) fn check(entry: &Spanned<EntryFile>, check: &mut Check) -> Option<Entry> {
    let before = check.errors.len();
    let file = &entry.value;
    let sets_any = file.enabled.is_some()
        || file.severity.is_some()
        || file.action.is_some()
        || file.respond.is_some();
    if !sets_any {
        let message = "an entry that sets nothing";
        let hint = "it can set `enabled`, `severity`, `action` and `respond`";
        check.errors.push(PolicyError::at(entry, message).hint(Some(hint.to_owned())));
    }
    let responds = file.respond.as_ref().is_some_and(|responses| !responses.is_empty());
    if file.action == Some(Action::Allow) && responds {
        let message = "`action: allow` tells nothing, so nothing is done either";
        check.errors.push(PolicyError::at(entry, message));
    }
    let acts = responds || file.action == Some(Action::Block);
    if let Some(until) = &file.observe_until
        && !acts
    {
        let message = "`observe_until` waits with what is done: `respond`, or `action: block`";
        check.wrong(until, message);
    }
    let checked = Entry {
        called: called("rules", file.id.as_ref(), entry.referenced.line()),
        select: file.select.check(check),
        scope: file.scope.check(check),
        enabled: file.enabled,
        priority: file.severity.as_ref().and_then(|word| severity(word, check)),
        action: file.action,
        respond: file.respond.clone(),
        observe_until: date(file.observe_until.as_ref(), &mut check.errors),
        reason: file.reason.clone(),
    };
    (check.errors.len() == before).then_some(checked)
}

/// How an entry is spoken of: by its section and id, or where it stands.
pub(super) fn called(section: &str, id: Option<&Spanned<String>>, line: u64) -> String {
    match id {
        Some(id) => format!("{section} `{}`", id.value),
        None => format!("{section}, line {line}"),
    }
}

/// `critical`, `high`, `medium`, `low`, `info`, or one of Falco's priorities.
fn severity(word: &Spanned<String>, check: &mut Check) -> Option<Priority> {
    let of_ours = Priority::SEVERITIES.iter().find(|(name, _)| *name == word.value);
    let priority = of_ours.map(|(_, it)| *it).or_else(|| Priority::of_name(&word.value));
    if priority.is_none() {
        let words = Priority::SEVERITIES.iter().map(|(name, _)| *name);
        let hint = suggest::hint(&word.value, words);
        let message = format!("`{}` is no severity", word.value);
        check.errors.push(PolicyError::at(word, message).hint(Some(hint)));
    }
    priority
}

impl SelectFile {
    pub(super) fn of_rules(rules: &[Spanned<String>], tags: &[Spanned<String>]) -> Self {
        Self { rules: rules.to_vec(), tags: tags.to_vec(), severity: None }
    }

    pub(super) fn check(&self, check: &mut Check) -> Select {
        let words = check.words(&self.rules);
        let rules = words.into_iter().filter_map(|word| {
            let glob = check.glob(&word, Glob::name)?;
            Some((word, glob))
        });
        Select {
            rules: rules.collect(),
            tags: check.names(&self.tags),
            severity: self.severity.as_ref().and_then(|word| severity(word, check)),
        }
    }
}

impl Select {
    pub(super) fn takes(&self, rule: &AskedRule<'_>) -> bool {
        let is_named = self.rules.is_empty()
            || self.rules.iter().any(|(_, pattern)| pattern.matches(rule.name));
        let is_tagged = self.tags.is_empty()
            || rule.tags.iter().any(|tag| self.tags.iter().any(|it| it.matches(tag)));
        // The most urgent stands first.
        let is_severe = self.severity.is_none_or(|least| rule.priority <= least);
        is_named && is_tagged && is_severe
    }

    /// Names that mean one rule.
    pub(super) fn literal_names(&self) -> impl Iterator<Item = &Word> {
        let words = self.rules.iter().map(|(word, _)| word);
        words.filter(|word| !word.text.contains(['*', '?']))
    }
}
