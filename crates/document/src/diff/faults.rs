//! Which things that are wrong are new, gone or still there.
//!
//! A vulnerability is the same under any of its names in a package of the same kind and name,
//! whatever the version and wherever it lies. Anything else is the same under its fingerprint, each as
//! often as it is there: a second token beside one that looks like it is new.

use std::collections::BTreeSet;

use model::{Finding, Severity};

use crate::Report;
use crate::fault::{self, Fault, Kind};

/// What is wrong of one kind; each list in the order of reports.
#[derive(Debug)]
pub(crate) struct Faults<'a> {
    /// There after, and not before.
    pub(crate) new: Vec<Fault<'a>>,
    /// There before, and not after.
    pub(crate) gone: Vec<Fault<'a>>,
    /// There on both sides, as it is after.
    pub(crate) kept: Vec<Fault<'a>>,
    /// How many of each the user does not want to see.
    pub(crate) left_out: LeftOut,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) new: usize,
    pub(crate) gone: usize,
    pub(crate) kept: usize,
}

/// Every kind, in the order of [`Kind::ALL`]; None where not both reports were searched for it.
pub(super) fn of<'a>(before: &'a Report, after: &'a Report) -> Vec<(Kind, Option<Faults<'a>>)> {
    let (old, new) = (named(before), named(after));
    let (known_before, known_after) = (known(&old), known(&new));
    let faults = |kind: Kind| {
        let of = |all: &[(Fault<'a>, Vec<String>)], others: &BTreeSet<&str>, is_known: bool| {
            let is_among = |names: &[String]| names.iter().any(|it| others.contains(it.as_str()));
            let wanted = all
                .iter()
                .filter(|(fault, names)| fault.kind == kind && is_among(names) == is_known);
            wanted.map(|(fault, _)| fault.clone()).collect()
        };
        Faults {
            new: of(&new, &known_before, false),
            gone: of(&old, &known_after, false),
            kept: of(&new, &known_before, true),
            left_out: LeftOut::default(),
        }
    };
    let compared = |kind| compares(before, after, kind).then(|| faults(kind));
    Kind::ALL.into_iter().map(|kind| (kind, compared(kind))).collect()
}

/// Whether both reports were searched for it.
pub(super) fn compares(before: &Report, after: &Report, kind: Kind) -> bool {
    let searched = |report: &Report| report.checks.iter().any(|it| it == kind.check());
    searched(before) && searched(after)
}

impl Faults<'_> {
    pub(super) fn leave_out(&mut self, keeps: &impl Fn(Severity, Option<&Finding>) -> bool) {
        let Self { new, gone, kept, left_out } = self;
        let sift = |list: &mut Vec<Fault<'_>>, count: &mut usize| {
            let all = list.len();
            list.retain(|fault| keeps(fault.severity, fault.finding()));
            *count += all - list.len();
        };
        sift(new, &mut left_out.new);
        sift(gone, &mut left_out.gone);
        sift(kept, &mut left_out.kept);
    }
}

fn named<'r>(report: &'r Report) -> Vec<(Fault<'r>, Vec<String>)> {
    let shared = fault::shared_names(report);
    let faults = fault::faults(report);
    let fingerprints = fault::fingerprints(&faults, report);
    let with_names = |(fault, fingerprint): (Fault<'r>, String)| {
        let names = names(&fault, &shared).unwrap_or_else(|| vec![fingerprint]);
        (fault, names)
    };
    faults.into_iter().zip(fingerprints).map(with_names).collect()
}

fn known<'n>(all: &'n [(Fault<'_>, Vec<String>)]) -> BTreeSet<&'n str> {
    all.iter().flat_map(|(_, names)| names).map(String::as_str).collect()
}

/// What a vulnerability is known by; one in common is enough, so that names which several have do not count.
fn names(fault: &Fault<'_>, shared: &BTreeSet<&str>) -> Option<Vec<String>> {
    let finding = fault.finding()?;
    let package = &finding.package;
    let aliases = finding.aliases.iter().filter(|alias| !shared.contains(alias.as_str()));
    let ids = std::iter::once(&finding.id).chain(aliases);
    Some(ids.map(|id| format!("{}\0{}\0{id}", package.kind.name(), package.name)).collect())
}
