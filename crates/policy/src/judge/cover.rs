//! What exceptions speak of is taken out of a result before it is judged, and kept apart.

use std::collections::BTreeSet;

use jiff::civil::Date;
use model::{Artifact, Eol, Excepted, Finding, Inventory, Severity, Silenced, SilencedBy};

use super::hit;
use crate::exception::{Exception, Standing};
use crate::facts::{Facts, Scene, Subject};
use crate::policy::Policy;

/// What exceptions cover.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Covered {
    /// Vulnerabilities, in the order of findings.
    pub silenced: Vec<Silenced>,
    /// Secrets, malware and misconfigurations, in this order.
    pub excepted: Vec<Excepted>,
    /// Exceptions that would cover something and count no more.
    pub notes: Vec<String>,
}

impl Policy {
    /// Takes out of a result what exceptions cover today.
    pub fn cover(
        &self,
        artifact: &Artifact,
        findings: &mut Vec<Finding>,
        inventory: &mut Inventory,
        today: Date,
    ) -> Covered {
        let (nothing, eol) = (Inventory::default(), Eol::Unknown);
        let facts = Facts {
            artifact,
            inventory: &nothing,
            eol: &eol,
            findings: &[],
            problems: &[],
            checks: &[],
            base: None,
        };
        let scene = Scene::new(facts, &self.licenses, today);
        let mut over = BTreeSet::new();
        let mut covered = Covered::default();
        let mut find = |subject: Subject<'_>| self.exception(&scene, subject, &mut over);
        let all = std::mem::take(findings);
        for finding in all {
            match find(Subject::Finding(&finding)) {
                Some(exception) => covered.silenced.push(silenced(finding, exception)),
                None => findings.push(finding),
            }
        }
        let excepted = &mut covered.excepted;
        inventory.secrets.retain(|it| {
            keep(&scene, Subject::Secret(it), "secret", it.severity, &mut find, excepted)
        });
        inventory.malware.retain(|it| {
            keep(&scene, Subject::Malware(it), "malware", it.severity, &mut find, excepted)
        });
        inventory.misconfigurations.retain(|it| {
            let subject = Subject::Misconfiguration(it);
            keep(&scene, subject, "misconfiguration", it.severity, &mut find, excepted)
        });
        covered.notes = over.into_iter().collect();
        covered
    }

    /// The first exception that counts for it. Those whose time is over are noted.
    fn exception(
        &self,
        scene: &Scene<'_>,
        subject: Subject<'_>,
        over: &mut BTreeSet<String>,
    ) -> Option<&Exception> {
        let mut ended = Vec::new();
        for exception in self.exceptions.iter().filter(|it| it.silences()) {
            match exception.standing(scene, subject) {
                Standing::Counts => return Some(exception),
                Standing::Over(why) => ended.push((exception, why)),
                Standing::Elsewhere => {}
            }
        }
        let id = hit(scene, subject).id;
        over.extend(ended.into_iter().map(|(exception, why)| self::over(exception, &id, &why)));
        None
    }
}

/// That an exception would cover something and counts no more.
pub(super) fn over(exception: &Exception, id: &str, why: &str) -> String {
    let owner = match exception.owner.as_str() {
        "" => String::new(),
        owner => format!(" of {owner}"),
    };
    format!("the exception{owner} for {id} counts no more: {why}")
}

/// Whether nobody answers for it; what somebody answers for goes to `excepted`.
fn keep<'p>(
    scene: &Scene<'_>,
    subject: Subject<'_>,
    kind: &str,
    severity: Severity,
    find: &mut impl FnMut(Subject<'_>) -> Option<&'p Exception>,
    excepted: &mut Vec<Excepted>,
) -> bool {
    let Some(exception) = find(subject) else { return true };
    let hit = hit(scene, subject);
    excepted.push(Excepted {
        kind: kind.to_owned(),
        id: hit.id,
        place: hit.place,
        severity,
        source: exception.source.clone(),
        reason: exception.reason.clone(),
        owner: exception.owner.clone(),
        expires: exception.expires.map(|date| date.to_string()),
    });
    false
}

fn silenced(finding: Finding, exception: &Exception) -> Silenced {
    Silenced {
        finding,
        by: SilencedBy::Exception,
        source: exception.source.clone(),
        reason: exception.reason.clone(),
        owner: exception.owner.clone(),
        expires: exception.expires.map(|date| date.to_string()),
    }
}
