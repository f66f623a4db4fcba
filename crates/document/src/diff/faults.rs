//! Which things that are wrong are new, gone or still there.
//!
//! A vulnerability is the same under any of its names in a package of the same kind and name,
//! whatever the version and wherever it lies. Anything else is the same under its fingerprint.

use std::collections::BTreeSet;

use crate::Report;
use crate::fault::{Fault, Kind, faults};

/// What is wrong of one kind; each list in the order of reports.
#[derive(Debug)]
pub(crate) struct Faults<'a> {
    /// There after, and not before.
    pub(crate) new: Vec<Fault<'a>>,
    /// There before, and not after.
    pub(crate) gone: Vec<Fault<'a>>,
    /// There on both sides, as it is after.
    pub(crate) kept: Vec<Fault<'a>>,
}

impl<'a> Faults<'a> {
    pub(super) fn of(kind: Kind, before: &'a Report, after: &'a Report) -> Self {
        let all = |report| faults(report).into_iter().filter(move |fault| fault.kind == kind);
        let known = |report: &'a Report| -> BTreeSet<String> {
            all(report).flat_map(|fault| names(&fault, report)).collect()
        };
        let (known_before, known_after) = (known(before), known(after));
        let is_in = |known: &BTreeSet<String>, fault: &Fault<'_>, report| {
            names(fault, report).iter().any(|name| known.contains(name))
        };
        let (kept, new) = all(after).partition(|it| is_in(&known_before, it, after));
        let gone = all(before).filter(|it| !is_in(&known_after, it, before)).collect();
        Self { new, gone, kept }
    }
}

/// What it is known by; one in common is enough.
fn names(fault: &Fault<'_>, report: &Report) -> Vec<String> {
    let Some(finding) = fault.finding() else { return vec![fault.fingerprint(report)] };
    let package = &finding.package;
    let ids = std::iter::once(&finding.id).chain(&finding.aliases);
    ids.map(|id| format!("{}\0{}\0{id}", package.kind.name(), package.name)).collect()
}
