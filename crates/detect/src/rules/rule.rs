//! A rule, whatever form it was written in.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::Priority;
use model::event::Call;

use crate::compile::{self, Condition};
use crate::diagnostic::Place;
use crate::output::Output;
use crate::source::Source;

/// What is looked for, and what is told of it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it is called: the name of a Falco rule, the id of one of ours.
    pub name: String,
    pub source: Source,
    /// What it finds, in a few words; of a Falco rule, its name.
    pub title: String,
    /// What it finds and why that matters.
    pub description: String,
    pub priority: Priority,
    /// Sorted.
    pub tags: Vec<String>,
    /// Techniques of ATT&CK.
    pub attack: Vec<String>,
    pub scope: Scope,
    /// What its author thinks should be done; a policy decides.
    pub action: Action,
    pub fixtures: Fixtures,
    pub enabled: bool,
    /// Where it was defined first.
    pub place: Place,
    /// The condition as written, with exceptions and what was appended.
    pub text: String,
    pub(super) calls: Vec<Call>,
    pub(super) calls_unasked: Vec<Call>,
    pub(crate) condition: Arc<Condition>,
    pub(crate) output: Output,
}

/// Where a rule looks. The condition says so too: a scope is short for a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    Anywhere,
    Container,
    Host,
}

/// What is done about what a rule finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    #[default]
    Alert,
    /// Where the sensor can, before it happens.
    Block,
}

/// Recordings that show what a rule does, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixtures {
    pub fires: Vec<String>,
    pub silent: Vec<String>,
    /// What the rule is given in them, for one that asks lists.
    pub block_list: Option<String>,
    pub allow_list: Option<String>,
}

impl Rule {
    /// The same rule that tells more.
    pub(super) fn with_output(&self, more: Output) -> Self {
        Self { output: self.output.clone().then(more), ..self.clone() }
    }

    /// The condition with macros and lists in their places; a line for each of its first parts.
    pub fn expanded(&self) -> String {
        compile::text(&self.condition)
    }

    /// The calls of which an event may make it hold; none for rules about other sources.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Those of them of which an event without a question for a name may make it hold.
    pub fn calls_unasked(&self) -> &[Call] {
        &self.calls_unasked
    }

    /// The fields that the condition asks for, sorted.
    pub fn fields(&self) -> Vec<String> {
        let names: BTreeSet<&str> = compile::fields(&self.condition);
        names.into_iter().map(str::to_owned).collect()
    }

    /// What it tells, with `%field` where values stand.
    pub fn output(&self) -> &str {
        self.output.text()
    }
}
