//! The verdict: every rule asked of everything it looks at, and what that comes to.
//!
//! The gravest decision wins. A rule that could not be asked, because a check did not run, the
//! result is incomplete or a fact is not known, says so and never passes for one that holds of
//! nothing.

mod cover;
mod licenses;
mod remedy;
mod tally;

use std::collections::BTreeSet;

use jiff::civil::Date;
use model::{Decision, Finding, Hit, Reason, Verdict};

pub use self::cover::Covered;
use self::tally::Tally;
use crate::exception::{Exception, Standing};
use crate::expression::Outcome;
use crate::facts::{Facts, On, Scene, Subject};
use crate::policy::Policy;
use crate::rule::{Action, Rule};

/// What one rule came to, whether it has something to say or not.
#[derive(Clone, Debug)]
pub struct Trace {
    pub rule: String,
    /// Whether the rule is asked of this image; None where that is not known.
    pub applies: Option<bool>,
    /// How many things it looked at, and of how many it holds.
    pub looked_at: usize,
    pub holds: usize,
    /// How many of those an exception excuses.
    pub excused: usize,
    /// What it has to say, if anything.
    pub reason: Option<Reason>,
    /// Exceptions for it that would excuse something and count no more.
    pub notes: Vec<String>,
}

impl Policy {
    /// The verdict on facts from which [`Policy::cover()`] took what exceptions speak of.
    pub fn judge(&self, facts: Facts<'_>, today: Date) -> Verdict {
        let (mut reasons, mut notes) = (Vec::new(), Vec::new());
        for trace in self.trace(facts, today) {
            reasons.extend(trace.reason);
            notes.extend(trace.notes);
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.decision));
        let decision = reasons.first().map_or(Decision::Allow, |reason| reason.decision);
        Verdict { decision, policy: self.name.clone(), reasons, notes }
    }

    /// What every rule comes to, in their order; the section on licenses comes last.
    pub fn trace(&self, facts: Facts<'_>, today: Date) -> Vec<Trace> {
        let scene = Scene::new(facts, &self.licenses, today);
        let mut allowed: BTreeSet<(On, usize)> = BTreeSet::new();
        let mut traces: Vec<Trace> =
            self.rules.iter().map(|rule| self.ask(rule, &scene, &mut allowed)).collect();
        if !self.licenses.is_silent() {
            traces.push(self.ask_licenses(&scene));
        }
        traces
    }

    fn ask(&self, rule: &Rule, scene: &Scene<'_>, allowed: &mut BTreeSet<(On, usize)>) -> Trace {
        let applies = rule.scope.holds(scene);
        let mut tally = Tally::default();
        if applies == Some(false) {
            return trace(rule, applies, tally, scene);
        }
        let of_rule = self.exceptions.iter().filter(|it| it.rule.as_ref() == Some(&rule.id));
        let exceptions: Vec<&Exception> = of_rule.collect();
        for (position, subject) in subjects(scene, rule.on).enumerate() {
            if allowed.contains(&(rule.on, position)) {
                continue;
            }
            tally.looked_at += 1;
            match rule.when.outcome(scene, subject) {
                Outcome::Fails => {}
                Outcome::Holds if rule.action == Action::Allow => {
                    tally.holds += 1;
                    if applies == Some(true) {
                        allowed.insert((rule.on, position));
                    }
                }
                Outcome::Holds => {
                    let excused = is_excused(&exceptions, scene, subject, &mut tally.over);
                    tally.hold(scene, subject, excused);
                }
                Outcome::Unknown(fact) => tally.unknown(fact),
            }
        }
        trace(rule, applies, tally, scene)
    }
}

/// Whether an exception that names the rule counts; those whose time is over are noted.
fn is_excused(
    exceptions: &[&Exception],
    scene: &Scene<'_>,
    subject: Subject<'_>,
    over: &mut BTreeSet<String>,
) -> bool {
    let mut ended = Vec::new();
    for exception in exceptions {
        match exception.standing(scene, subject) {
            Standing::Counts => return true,
            Standing::Over(why) => {
                ended.push(cover::over(exception, &hit(scene, subject).id, &why))
            }
            Standing::Elsewhere => {}
        }
    }
    over.extend(ended);
    false
}

/// Everything of one kind, in the order of the report.
fn subjects<'a>(scene: &Scene<'a>, on: On) -> Box<dyn Iterator<Item = Subject<'a>> + 'a> {
    let Facts { inventory, findings, problems, .. } = scene.facts;
    match on {
        On::Image => Box::new(std::iter::once(Subject::Image)),
        On::Package => Box::new(inventory.packages.iter().map(Subject::Package)),
        On::Finding => Box::new(findings.iter().map(Subject::Finding)),
        On::Secret => Box::new(inventory.secrets.iter().map(Subject::Secret)),
        On::Malware => Box::new(inventory.malware.iter().map(Subject::Malware)),
        On::Misconfiguration => {
            Box::new(inventory.misconfigurations.iter().map(Subject::Misconfiguration))
        }
        On::Problem => Box::new(problems.iter().map(Subject::Problem)),
    }
}

/// What a rule's tally comes to today.
fn trace(rule: &Rule, applies: Option<bool>, tally: Tally<'_>, scene: &Scene<'_>) -> Trace {
    let (looked_at, holds, excused) = (tally.looked_at, tally.holds, tally.excused);
    let mut unknown = tally.unknowns(rule.on);
    if applies != Some(false) {
        unknown.extend(scene.facts.unseen(rule.on));
    }
    // A rule that holds of nothing may as well be for this image.
    if applies.is_none() && !(tally.hits.is_empty() && unknown.is_empty()) {
        unknown.push(
            "name or labels of the image are not known, which say whether it is for it".to_owned(),
        );
    }
    let observed = rule.observe_until.filter(|date| scene.today < *date);
    let bound = |decision: Decision| match observed {
        Some(_) => decision.min(Decision::Warn),
        None => decision,
    };
    let mut decision = Decision::Allow;
    if !tally.hits.is_empty() && applies == Some(true) {
        decision = decision.max(bound(rule.action.decision()));
    }
    if !unknown.is_empty() && applies != Some(false) {
        decision = decision.max(bound(rule.unknown));
    }
    let says = rule.action != Action::Allow && decision > Decision::Allow;
    let remedies = tally.remedies(rule);
    let notes = tally.over.into_iter().collect();
    let reason = says.then(|| Reason {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        decision,
        because: rule.because.clone(),
        observed_until: observed.map(|date| date.to_string()),
        on: rule.on.name().to_owned(),
        hits: tally.hits,
        unknown,
        remedies,
    });
    Trace { rule: rule.id.clone(), applies, looked_at, holds, excused, reason, notes }
}

/// A thing as reasons name it.
fn hit(scene: &Scene<'_>, subject: Subject<'_>) -> Hit {
    match subject {
        Subject::Image => {
            Hit { id: scene.facts.artifact.name.clone(), place: String::new(), severity: None }
        }
        Subject::Package(it) => Hit {
            id: it.name.clone(),
            place: format!("{} {}", it.version, it.location.path).trim().to_owned(),
            severity: None,
        },
        Subject::Finding(it) => of_finding(it),
        Subject::Secret(it) => Hit {
            id: it.kind.clone(),
            place: it.location.path.clone(),
            severity: Some(it.severity),
        },
        Subject::Malware(it) => Hit {
            id: it.rule.clone(),
            place: it.location.path.clone(),
            severity: Some(it.severity),
        },
        Subject::Misconfiguration(it) => Hit {
            id: it.check.clone(),
            place: if it.resource.is_empty() { &it.location.path } else { &it.resource }.clone(),
            severity: Some(it.severity),
        },
        Subject::Problem(it) => {
            Hit { id: it.kind.name().to_owned(), place: it.subject.clone(), severity: None }
        }
    }
}

fn of_finding(finding: &Finding) -> Hit {
    let package = &finding.package;
    Hit {
        id: finding.id.clone(),
        place: format!("{} {}", package.name, package.version),
        severity: Some(finding.severity),
    }
}
