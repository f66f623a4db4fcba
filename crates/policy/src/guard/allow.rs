//! An entry that allows: what somebody has looked at, answers for, and does not want to be told of.
//!
//! It counts where all that it says certainly holds, up to its day. One that would count if its time
//! were not over is said beside the alert.

use core::net::SocketAddr;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use model::event::Event;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::check::Check;
use super::network::{Destinations, ports};
use super::object::Objects;
use super::request::Subject;
use super::rule::{Select, SelectFile, called};
use super::scope::{Place, Scope, ScopeFile, Whom, all};
use crate::error::PolicyError;
use crate::glob::Glob;
use crate::rule::date;

/// An entry as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowFile {
    id: Option<Spanned<String>>,
    #[serde(default)]
    rules: Vec<Spanned<String>>,
    #[serde(default)]
    tags: Vec<Spanned<String>>,
    #[serde(default)]
    scope: ScopeFile,
    #[serde(default)]
    processes: Vec<Spanned<String>>,
    #[serde(default)]
    arguments: Vec<Spanned<String>>,
    #[serde(default)]
    parents: Vec<Spanned<String>>,
    #[serde(default)]
    ancestors: Vec<Spanned<String>>,
    #[serde(default)]
    files: Vec<Spanned<String>>,
    #[serde(default)]
    destinations: Vec<Spanned<String>>,
    #[serde(default)]
    ports: Vec<Spanned<String>>,
    owner: Spanned<String>,
    reason: Spanned<String>,
    expires: Option<Spanned<String>>,
}

/// A checked entry.
#[derive(Clone, Debug)]
pub(super) struct Allow {
    /// As verdicts call it.
    pub(super) called: String,
    pub(super) select: Select,
    scope: Scope,
    conditions: Vec<Condition>,
    pub(super) owner: String,
    pub(super) reason: String,
    /// The last day on which it counts.
    expires: Option<Date>,
}

/// One setting: one of its patterns has to hold.
#[derive(Clone, Debug)]
enum Condition {
    /// The executable's path.
    Processes(Vec<Glob>),
    /// The command line: arguments with a space between.
    Arguments(Vec<Glob>),
    /// The parent's executable.
    Parents(Vec<Glob>),
    /// That of some ancestor.
    Ancestors(Vec<Glob>),
    /// Of every file that the act touches.
    Files(Vec<Glob>),
    Destinations(Destinations),
    Ports(Vec<RangeInclusive<u16>>),
}

pub(super) fn check(entry: &Spanned<AllowFile>, check: &mut Check) -> Option<Allow> {
    let before = check.errors.len();
    let file = &entry.value;
    for (what, text) in [("owner", &file.owner), ("reason", &file.reason)] {
        if text.value.trim().is_empty() {
            check.wrong(text, format!("an entry that allows, without {what}"));
        }
    }
    if file.rules.is_empty() && file.tags.is_empty() {
        let message = "an entry that allows has to say of which rules: `rules` or `tags`";
        check.errors.push(PolicyError::at(entry, message));
    }
    let allow = Allow {
        called: called("allow", file.id.as_ref(), entry.referenced.line()),
        select: SelectFile::of_rules(&file.rules, &file.tags).check(check),
        scope: file.scope.check(check),
        conditions: file.conditions(check),
        owner: file.owner.value.clone(),
        reason: file.reason.value.clone(),
        expires: date(file.expires.as_ref(), &mut check.errors),
    };
    if allow.conditions.is_empty() && allow.scope.is_open() && allow.scope.place.is_none() {
        let message = "an entry that allows whatever these rules find";
        let hint =
            "narrow it by `scope`, `processes`, `files` …, or switch the rules off under `rules`";
        check.errors.push(PolicyError::at(entry, message).hint(Some(hint.to_owned())));
    }
    (check.errors.len() == before).then_some(allow)
}

impl AllowFile {
    fn conditions(&self, check: &mut Check) -> Vec<Condition> {
        let mut conditions = Vec::new();
        let mut paths = |texts: &[Spanned<String>], of: fn(Vec<Glob>) -> Condition| {
            if !texts.is_empty() {
                conditions.push(of(check.paths(texts)));
            }
        };
        paths(&self.processes, Condition::Processes);
        paths(&self.parents, Condition::Parents);
        paths(&self.ancestors, Condition::Ancestors);
        paths(&self.files, Condition::Files);
        if !self.arguments.is_empty() {
            conditions.push(Condition::Arguments(check.names(&self.arguments)));
        }
        if !self.destinations.is_empty() {
            let destinations = Destinations::check(&self.destinations, check);
            conditions.push(Condition::Destinations(destinations));
        }
        if !self.ports.is_empty() {
            conditions.push(Condition::Ports(ports(&self.ports, check)));
        }
        conditions
    }
}

impl Allow {
    /// Whether all that it says certainly holds; whether its time is over is another question.
    pub(super) fn covers(&self, subject: Subject<'_>) -> bool {
        let scope = self.scope.holds(&Whom::of(subject), Place::Anywhere);
        if scope != Some(true) {
            return false;
        }
        match subject.event() {
            // What is audited has neither program nor file.
            None => self.conditions.is_empty(),
            Some(event) => {
                let objects = Objects::of(event);
                let answers = self.conditions.iter().map(|it| it.holds(event, &objects));
                all(answers) == Some(true)
            }
        }
    }

    pub(super) fn is_over(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| today > last)
    }

    /// That its time is over, if it is.
    pub(super) fn over(&self, today: Date) -> Option<String> {
        let last = self.expires.filter(|_| self.is_over(today))?;
        Some(format!("{} of {} ended on {last} and counts no more", self.called, self.owner))
    }
}

impl Condition {
    /// None where it is not known.
    fn holds(&self, event: &Event, objects: &Objects<'_>) -> Option<bool> {
        match self {
            Self::Processes(patterns) => is_path(&event.process.executable.path, patterns),
            Self::Arguments(patterns) => {
                let words: Vec<String> =
                    event.process.arguments.iter().map(ToString::to_string).collect();
                let line = words.join(" ");
                // What was cut off could be anything.
                let is_known = !event.process.cut && !words.is_empty();
                is_known.then(|| patterns.iter().any(|it| it.matches(&line)))
            }
            Self::Parents(patterns) => is_path(&event.ancestors.first()?.executable.path, patterns),
            Self::Ancestors(patterns) => {
                let paths = event.ancestors.iter().map(|it| &it.executable.path);
                Some(paths.into_iter().any(|path| is_path(path, patterns) == Some(true)))
            }
            Self::Files(patterns) => match objects.files.is_empty() {
                true => Some(false),
                false => all(objects.files.iter().map(|path| is_path(path, patterns))),
            },
            Self::Destinations(destinations) => Some(goes_to(destinations, objects)),
            Self::Ports(ports) => {
                let port = objects.remote.map(SocketAddr::port);
                Some(port.is_some_and(|port| ports.iter().any(|range| range.contains(&port))))
            }
        }
    }
}

fn is_path(path: &model::event::Text, patterns: &[Glob]) -> Option<bool> {
    let path = path.to_string();
    let below = path.strip_prefix('/').unwrap_or(&path);
    (!path.is_empty()).then(|| patterns.iter().any(|it| it.matches(below)))
}

/// Its address is one of them, or all names are that it is known by or that were asked for.
fn goes_to(destinations: &Destinations, objects: &Objects<'_>) -> bool {
    let by_address = objects.remote.is_some_and(|it| destinations.hold_address(it.ip()));
    let mut domains = objects.domains.iter().map(ToString::to_string);
    let by_name =
        !objects.domains.is_empty() && domains.all(|name| destinations.hold_domain(&name));
    by_address || by_name
}
