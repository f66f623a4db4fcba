//! Holds checks against things, and says of each that does not pass what was seen and where.
//!
//! Whatever cannot be judged is a Problem: a condition that fails on what it is given, a view that
//! is too large, more of the same than anybody reads.

use std::collections::{BTreeMap, BTreeSet};

use cel::Context;
use model::{ConfigPlace, ImageConfig, Location, Misconfiguration, Problem, ProblemKind};

use super::check::{Check, Rule};
use super::condition::{self, Patterns};
use super::content::{self, CheckSet};
use super::cost::Meter;
use super::thing::Thing;
use super::{history, image as settings, mask};
use crate::LayerFacts;
use crate::facts::Named;
use crate::view::Stack;

/// Reports of one check that are kept: a tree of thousands of such files tells nothing new.
const REPORTS_MAX: usize = 200;

/// Bytes of one view; a Dockerfile's longest instructions have some 20 000.
const VIEW_BYTES_MAX: usize = 512 << 10;

/// Characters of evidence that are shown.
const EVIDENCE_MAX: usize = 160;

/// What checks say of a target.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Sorted.
    pub misconfigurations: Vec<Misconfiguration>,
    /// Sorted.
    pub problems: Vec<Problem>,
}

/// What a target is, as far as it decides what is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Findings in files name their layer.
    pub has_layers: bool,
    /// It is the root file system of something that runs: what modes and accounts are there
    /// matters. In a folder of sources it does not.
    pub is_system: bool,
}

/// Judges what was found in the layers of a target, and its configuration if it has one. Of files
/// only those count that a container would see.
pub fn judge(
    layers: &[LayerFacts],
    config: Option<&ImageConfig>,
    scope: Scope,
    set: &CheckSet,
) -> Judged {
    let mut judge = Judge::new(set);
    if let Some(config) = config {
        judge.look(&settings::thing(config), &Location::default());
        for (layer, thing) in history::things(config) {
            judge.look(&thing, &Location { path: String::new(), layer });
        }
    }
    let stack = Stack::new(layers);
    let view = stack.all();
    for (index, layer) in (0_u32..).zip(layers) {
        let location = |path: &str| Location {
            path: path.to_owned(),
            layer: scope.has_layers.then_some(index),
        };
        let modes = layer.modes.iter().filter(|_| scope.is_system);
        for (path, mode) in modes {
            if view.layer_of(path).and_then(|top| u32::try_from(top).ok()) == Some(index) {
                judge.look(&mode.thing(path), &location(path));
            }
        }
        for (path, named) in &layer.entries {
            let (Named::File(Some(facts)) | Named::Found(facts)) = named else { continue };
            if facts.things.is_empty() || !view.shows(path, facts) {
                continue;
            }
            let wanted = |thing: &&Thing| thing.place != ConfigPlace::FileSystem || scope.is_system;
            facts.things.iter().filter(wanted).for_each(|it| judge.look(it, &location(path)));
        }
    }
    judge.finish()
}

/// Checks at work.
pub(super) struct Judge<'c> {
    set: &'c CheckSet,
    context: Context<'static, 'static>,
    meter: Meter,
    /// What is looked at: the file, or the configuration.
    at: Location,
    reports: BTreeMap<&'c str, usize>,
    misconfigurations: BTreeSet<Misconfiguration>,
    problems: BTreeSet<Problem>,
}

impl<'c> Judge<'c> {
    pub(super) fn new(set: &'c CheckSet) -> Self {
        let meter = Meter::default();
        Self {
            set,
            context: content::context(set, &meter),
            meter,
            at: Location::default(),
            reports: BTreeMap::new(),
            misconfigurations: BTreeSet::new(),
            problems: BTreeSet::new(),
        }
    }

    pub(super) fn finish(self) -> Judged {
        let mut problems = self.problems;
        for (check, count) in self.reports {
            if let Some(more) = count.checked_sub(REPORTS_MAX).filter(|more| *more > 0) {
                let message = format!("{more} more of the same, which are not listed");
                problems.insert(Problem::new(ProblemKind::LimitReached, check, message));
            }
        }
        Judged {
            misconfigurations: self.misconfigurations.into_iter().collect(),
            problems: problems.into_iter().collect(),
        }
    }

    /// Holds every check that is made for such a thing against it.
    pub(super) fn look(&mut self, thing: &Thing, location: &Location) {
        if self.at.path != location.path || self.at.layer != location.layer {
            self.at.clone_from(location);
            self.meter.begin_file();
        }
        if self.meter.is_file_spent() || self.meter.is_scan_spent() {
            return;
        }
        if thing.view.len() > VIEW_BYTES_MAX {
            let message = format!("{} bytes, too large to be checked", thing.view.len());
            return self.trouble(location, ProblemKind::LimitReached, message);
        }
        if thing.is_cut {
            let message = format!("line {}: too many commands, not all are checked", thing.line);
            self.trouble(location, ProblemKind::LimitReached, message);
        }
        let Ok(view) = serde_json::from_str(&thing.view) else {
            return self.trouble(location, ProblemKind::Damaged, "nothing to check".to_owned());
        };
        self.meter.look_at(&view);
        // One variable at a time: the next thing of the kind takes its place.
        self.context.add_variable_from_value(thing.on.variable(), condition::value(view));
        let set = self.set;
        for check in &set.checks {
            for rule in check.rules.iter().filter(|rule| rule.on == thing.on) {
                self.hold(check, rule, thing, location);
                if self.meter.is_file_spent() {
                    return self.spent(check, location);
                }
            }
        }
    }

    /// Says from where on nothing is known: of this file, or of all that come after it.
    fn spent(&mut self, check: &Check, location: &Location) {
        let which = if self.meter.is_scan_spent() { ", nor is any other file" } else { "" };
        let message = format!("too much to be checked, from `{}` on{which}", check.id);
        self.trouble(location, ProblemKind::LimitReached, message);
    }

    fn hold(&mut self, check: &'c Check, rule: &Rule, thing: &Thing, location: &Location) {
        if !self.meter.evaluation(rule.when.cost) {
            return;
        }
        let holds = rule.when.holds(&self.context);
        match holds {
            // A result that the end of the steps made is none.
            _ if self.meter.is_file_spent() => {}
            Ok(false) => {}
            Ok(true) => self.report(check, rule, thing, location),
            Err(error) => {
                let message = format!("the check `{}` cannot tell: {error}", check.id);
                self.trouble(location, ProblemKind::Unsupported, message);
            }
        }
    }

    fn report(&mut self, check: &'c Check, rule: &Rule, thing: &Thing, location: &Location) {
        let count = self.reports.entry(&check.id).or_default();
        *count = count.saturating_add(1);
        if *count > REPORTS_MAX {
            return;
        }
        let affordable = rule.evidence.as_ref().filter(|it| self.meter.evaluation(it.cost));
        let evidence = affordable.map(|evidence| evidence.text(&self.context));
        let evidence = match evidence {
            Some(Ok(text)) => mask::text(&text),
            // What was found counts more than how it is shown.
            Some(Err(_)) | None => thing.text.clone(),
        };
        self.misconfigurations.insert(Misconfiguration {
            check: check.id.clone(),
            title: check.title.clone(),
            severity: check.severity,
            why: check.why.clone(),
            remediation: check.remediation.clone(),
            benchmarks: check.benchmarks.clone(),
            place: thing.place,
            location: location.clone(),
            line: thing.line,
            resource: thing.resource.clone(),
            evidence: shortened(&evidence),
        });
    }

    pub(super) fn trouble(&mut self, location: &Location, kind: ProblemKind, message: String) {
        let subject = if location.path.is_empty() { "image configuration" } else { &location.path };
        let layer = location.layer;
        self.problems.insert(Problem { layer, ..Problem::new(kind, subject, message) });
    }
}

/// Evaluates a check once on an example of each kind of thing that it is made for. The error says
/// where in the file of the check what is wrong stands.
pub(super) fn rehearse(check: &Check, patterns: &Patterns) -> Result<(), (usize, String)> {
    for rule in &check.rules {
        let mut context = condition::context(patterns, &Meter::default());
        let example = condition::value(rule.on.example());
        context.add_variable_from_value(rule.on.variable(), example);
        rule.when.holds(&context).map_err(|error| (rule.when_at, format!("`when` {error}")))?;
        if let Some(evidence) = &rule.evidence {
            evidence
                .text(&context)
                .map_err(|error| (rule.evidence_at, format!("`evidence` {error}")))?;
        }
    }
    Ok(())
}

/// One line, not too long.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EVIDENCE_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
