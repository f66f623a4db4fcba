//! Whether findings may pass: the only place with a severity threshold.

use std::collections::BTreeMap;

use model::{Finding, Secret, Severity};

use crate::Filter;

/// The judgement of a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why the findings may not pass, the most severe first; empty if they may.
    pub reasons: Vec<Reason>,
    /// Findings that no one rated: they pass a threshold, and yet could be above it. Those that a
    /// list of severities leaves out are among them.
    pub unrated: usize,
}

/// All findings of one severity at or above the threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub severity: Severity,
    /// Findings of this severity, at least 1.
    pub count: usize,
    /// The first of them: vulnerability and package, or kind of secret and where it is.
    pub example: (String, String),
}

impl Verdict {
    pub fn passes(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Judges findings and secrets by a threshold: one that the filter keeps and that is at or above
/// `fail_on` fails them all. `Unknown` is the lowest threshold; it fails on any finding.
pub fn gate<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
    secrets: impl IntoIterator<Item = &'a Secret>,
    filter: &Filter,
    fail_on: Severity,
) -> Verdict {
    let mut unrated = 0;
    let mut reasons: BTreeMap<Severity, Reason> = BTreeMap::new();
    let is_too_much = |secret: &&Secret| secret.severity >= fail_on && filter.keeps_secret(secret);
    for secret in secrets.into_iter().filter(is_too_much) {
        let example = (secret.kind.clone(), secret.location.path.clone());
        let severity = secret.severity;
        let new = || Reason { severity, count: 0, example };
        reasons.entry(severity).or_insert_with(new).count += 1;
    }
    for finding in findings {
        let severity = finding.severity;
        if severity >= fail_on && filter.keeps(finding) {
            let new = || Reason { severity, count: 0, example: example(finding) };
            reasons.entry(severity).or_insert_with(new).count += 1;
        } else if severity == Severity::Unknown && filter.keeps_apart_from_severity(finding) {
            unrated += 1;
        }
    }
    Verdict { reasons: reasons.into_values().rev().collect(), unrated }
}

fn example(finding: &Finding) -> (String, String) {
    (finding.id.clone(), finding.package.name.clone())
}
