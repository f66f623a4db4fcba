//! Whether findings may pass: the only place with a severity threshold.

use std::collections::BTreeMap;

use model::{Finding, Inventory, Severity};

use crate::Filter;

/// The judgement of a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateVerdict {
    /// Why the findings may not pass, the most severe first; empty if they may.
    pub reasons: Vec<GateReason>,
    /// Findings that no one rated: they pass a threshold, and yet could be above it. Those that a
    /// list of severities leaves out are among them.
    pub unrated: usize,
}

/// All findings of one severity at or above the threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateReason {
    pub severity: Severity,
    /// Findings of this severity, at least 1.
    pub count: usize,
    /// The first of them: vulnerability and package, or what else it is and where.
    pub example: (String, String),
}

impl GateVerdict {
    pub fn passes(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Judges findings, and the malware, secrets and misconfigurations of an inventory, by a
/// threshold: one that the filter keeps and that is at or above `fail_on` fails them all.
/// `Unknown` is the lowest threshold; it fails on any.
pub fn gate(
    findings: &[Finding],
    inventory: &Inventory,
    filter: &Filter,
    fail_on: Severity,
) -> GateVerdict {
    let mut reasons = Reasons { fail_on, reasons: BTreeMap::new() };
    for malware in inventory.malware.iter().filter(|it| filter.keeps_malware(it)) {
        reasons.add(malware.severity, &malware.rule, &malware.location.path);
    }
    for secret in inventory.secrets.iter().filter(|it| filter.keeps_secret(it)) {
        reasons.add(secret.severity, &secret.kind, &secret.location.path);
    }
    for finding in findings.iter().filter(|it| filter.keeps(it)) {
        reasons.add(finding.severity, &finding.id, &finding.package.name);
    }
    for it in inventory.misconfigurations.iter().filter(|it| filter.keeps_misconfiguration(it)) {
        reasons.add(it.severity, &it.check, &it.location.path);
    }
    let is_unrated = |finding: &&Finding| {
        let is_kept = filter.keeps(finding) && finding.severity >= fail_on;
        finding.severity == Severity::Unknown
            && filter.keeps_apart_from_severity(finding)
            && !is_kept
    };
    let unrated = findings.iter().filter(is_unrated).count();
    GateVerdict { reasons: reasons.reasons.into_values().rev().collect(), unrated }
}

/// What is too much, by severity.
struct Reasons {
    fail_on: Severity,
    reasons: BTreeMap<Severity, GateReason>,
}

impl Reasons {
    fn add(&mut self, severity: Severity, what: &str, on: &str) {
        if severity >= self.fail_on {
            let new =
                || GateReason { severity, count: 0, example: (what.to_owned(), on.to_owned()) };
            self.reasons.entry(severity).or_insert_with(new).count += 1;
        }
    }
}
