//! What a record claims of one package of a release, and the statements that follow.
//!
//! The rpm world's repetitions for each architecture are joined in `statements`, ranges of a language's package
//! that a record names several times are told once, and all others are a statement each.

use std::collections::{BTreeMap, BTreeSet};

use model::{Advisory, Affected, Scope, Severity, Status, Subject, VersionRange};

use super::ZERO;
use super::ecosystems::{Release, Speaks};
use super::names::Names;
use crate::statements::{Place, Statements};
use crate::{Sink, language, rpm, stream};

/// One package of a release, and its affected versions.
pub(super) struct Claim {
    pub(super) release: Release,
    pub(super) package: String,
    pub(super) subject: Subject,
    pub(super) ranges: Vec<VersionRange>,
    /// As in [`Scope`].
    pub(super) symbols: Vec<String>,
    /// As in [`Scope`].
    pub(super) platforms: Vec<String>,
    pub(super) module: Option<String>,
    pub(super) severity: Severity,
    /// As in [`super::cves::of`].
    pub(super) cves: Option<BTreeMap<String, Severity>>,
    /// What holds of a range without a fix.
    pub(super) unfixed: Status,
    pub(super) speaks: Speaks,
}

/// What claims say of one vulnerability.
pub(super) fn put(claims: &[Claim], id: &str, names: &Names, sink: &mut Sink) {
    let mut statements = Statements::default();
    put_on_languages(claims, id, names, sink);
    for claim in claims.iter().filter(|claim| claim.speaks != Speaks::Language) {
        if stream::scheme(&claim.release.stream) == Some("rpm") {
            claim.gather(&names.notice, &mut statements);
        } else if let Some(severity) = claim.severity_of(id) {
            claim.put(id, severity, names, sink);
        }
    }
    statements.put(id, sink);
}

/// A package that a record names several times, each time with a range, is told of once.
fn put_on_languages(claims: &[Claim], id: &str, names: &Names, sink: &mut Sink) {
    let mut packages: BTreeMap<(&str, &str), Vec<&Claim>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.speaks == Speaks::Language) {
        let place = (claim.release.stream.as_str(), claim.package.as_str());
        packages.entry(place).or_default().push(claim);
    }
    for ((stream, package), claims) in packages {
        let mut ranges: Vec<VersionRange> = Vec::new();
        for range in claims.iter().flat_map(|claim| &claim.ranges) {
            if !ranges.contains(range) {
                ranges.push(range.clone());
            }
        }
        let severity = claims.iter().map(|claim| claim.severity).max().unwrap_or_default();
        let named = (id, names.aliases.as_slice());
        let advisory =
            language::advisory(named, package.to_owned(), ranges, severity, &names.notice);
        let Some(mut advisory) = advisory else { continue };
        // One that names no functions means all of them; so it is with platforms.
        advisory.scope.symbols = joined(&claims, |claim| &claim.symbols);
        advisory.scope.platforms = joined(&claims, |claim| &claim.platforms);
        sink.advisory(stream, advisory);
    }
}

/// What all claims name, sorted; nothing if one of them names nothing.
fn joined(claims: &[&Claim], named: fn(&Claim) -> &Vec<String>) -> Vec<String> {
    if claims.iter().any(|claim| named(claim).is_empty()) {
        return Vec::new();
    }
    let all: BTreeSet<&String> = claims.iter().flat_map(|claim| named(claim)).collect();
    all.into_iter().cloned().collect()
}

impl Claim {
    /// The rpm world repeats a package for every architecture: that is joined. A range without a fix stays
    /// beside others with one, unless it is all versions, which an older state says.
    fn gather(&self, notice: &str, statements: &mut Statements) {
        let place = || Place {
            stream: self.release.stream.clone(),
            track: self.release.track.clone(),
            module: self.module.clone(),
            package: self.package.clone(),
            subject: self.subject,
        };
        for range in &self.ranges {
            match &range.until {
                Affected::Before(version) => statements.fixed_since(
                    place(),
                    range.introduced.as_deref().map(rpm::normal),
                    (rpm::normal(version), &self.release.architecture),
                    notice,
                    self.severity,
                ),
                Affected::Onwards if range.introduced.is_none() => {
                    statements.state(place(), Status::Affected, self.severity);
                }
                // Languages' ends that are no fixes do not come here.
                Affected::Onwards | Affected::Through(_) | Affected::Until { .. } => {
                    statements.affected_in(place(), normal(range), self.severity);
                }
            }
        }
    }

    /// How severe a vulnerability of the record is in this package; None where the package does not have it.
    fn severity_of(&self, id: &str) -> Option<Severity> {
        let Some(cves) = &self.cves else { return Some(self.severity) };
        let severity = cves.get(id)?;
        Some(if *severity == Severity::Unknown { self.severity } else { *severity })
    }

    fn put(&self, id: &str, severity: Severity, names: &Names, sink: &mut Sink) {
        let never = |range: &VersionRange| {
            range.introduced.is_none() && end(range).is_some_and(|version| version == ZERO)
        };
        let ranges = self.ranges.iter().filter(|range| !never(range)).cloned();
        let is_fixed = |range: &VersionRange| range.until.fix().is_some();
        let (mut fixed, mut open): (Vec<_>, Vec<_>) = ranges.partition(is_fixed);
        // A later range that has no fix is no older state of one that has.
        if !fixed.is_empty() {
            fixed.append(&mut open);
        }
        let never = fixed.is_empty() && open.is_empty() && !self.ranges.is_empty();
        let said = [
            (!fixed.is_empty()).then_some((Status::Fixed, fixed)),
            (!open.is_empty()).then_some((self.unfixed, open)),
            never.then_some((Status::NotAffected, Vec::new())),
        ];
        let notice = Some(&names.notice).filter(|notice| *notice != id);
        let Release { track, architecture, .. } = &self.release;
        let architectures: Vec<String> =
            Some(architecture).filter(|it| !it.is_empty()).cloned().into_iter().collect();
        for (status, ranges) in said.into_iter().flatten() {
            let advisory = Advisory {
                id: id.to_owned(),
                aliases: names.aliases.clone(),
                package: self.package.clone(),
                subject: self.subject,
                scope: Scope {
                    track: track.clone(),
                    architectures: architectures.clone(),
                    ..Scope::default()
                },
                status,
                ranges,
                severity,
                notices: notice.into_iter().cloned().collect(),
            };
            sink.advisory(&self.release.stream, advisory);
        }
    }
}

/// The range with epochs of 0 left out.
fn normal(range: &VersionRange) -> VersionRange {
    let until = match &range.until {
        Affected::Through(version) => Affected::Through(rpm::normal(version)),
        other => other.clone(),
    };
    VersionRange { introduced: range.introduced.as_deref().map(rpm::normal), until }
}

pub(super) fn end(range: &VersionRange) -> Option<&str> {
    range.until.end().map(|(end, _)| end)
}
