//! What records of vulnerabilities say about names: which are no vulnerability any more, and which
//! two names mean the same one.
//!
//! **Withdrawn.** Who issued a CVE id may take it back: there was no vulnerability, or it has
//! another id. Statements of distributions on it are then older news. Nothing else silences a
//! finding here, and what was silenced is said.
//!
//! **Cited.** Some databases (Wolfi's, Chainguard's) list a CVE and the GHSA of the same
//! vulnerability as two entries and do not say so. The CVE's own record does, where it cites the GHSA;
//! what another publisher's record cites (`GO-…` the GHSA of an earlier, incomplete fix) may be anything.
//! Where two CVEs of a package cite one GHSA, nobody says which of them it means: it stays a
//! finding of its own, as it does where no record is at hand.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::{Details, Finding, Problem, ProblemKind};

use crate::ecosystem;
use crate::enrich::Known;

/// Withdrawn ids that are named; the rest are counted.
const SHOWN: usize = 5;

/// What is known of each vulnerability, by the id of its findings.
type Records = BTreeMap<String, Known>;

/// Takes out findings on vulnerabilities whose own record was withdrawn, and says so.
pub(crate) fn leave_out_withdrawn(
    findings: &mut Vec<Finding>,
    records: &Records,
) -> Option<Problem> {
    let is_withdrawn = |id: &str| own(records, id).any(|record| record.withdrawn.is_some());
    let mut withdrawn = BTreeSet::new();
    let before = findings.len();
    findings.retain(|finding| {
        let gone = is_withdrawn(&finding.id);
        if gone {
            withdrawn.insert(finding.id.clone());
        }
        !gone
    });
    let first = withdrawn.first()?;
    let mut shown: Vec<&str> = withdrawn.iter().take(SHOWN).map(String::as_str).collect();
    if withdrawn.len() > SHOWN {
        shown.push("…");
    }
    let message = format!(
        "{} findings are left out, for who issued the ids has withdrawn them: {}",
        before.saturating_sub(findings.len()),
        shown.join(", ")
    );
    Some(Problem::new(ProblemKind::Notice, first, message))
}

/// Makes one finding of two on one package where the record of one vulnerability cites the other
/// name.
pub(crate) fn join_cited(findings: &mut Vec<Finding>, records: &Records) {
    let mut by_package: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        by_package.entry(place(finding)).or_default().push(index);
    }
    let mut joins: Vec<(usize, usize)> = Vec::new();
    for indices in by_package.into_values() {
        let of_package = || indices.iter().filter_map(|&i| Some((i, findings.get(i)?)));
        for (cited, finding) in of_package().filter(|(_, f)| f.id.starts_with("GHSA-")) {
            let mut citing = of_package()
                .filter(|(_, other)| other.id.starts_with("CVE-"))
                .filter(|(_, other)| own(records, &other.id).any(|r| cites(r, &finding.id)));
            if let (Some((by, _)), None) = (citing.next(), citing.next()) {
                joins.push((by, cited));
            }
        }
    }
    let cited: BTreeSet<usize> = joins.iter().map(|(_, cited)| *cited).collect();
    for (by, cited) in joins {
        if let Ok([into, from]) = findings.get_disjoint_mut([by, cited]) {
            join(into, from);
        }
    }
    let mut index = 0..;
    findings.retain(|_| !index.next().is_some_and(|index| cited.contains(&index)));
}

fn on<'r>(records: &'r Records, id: &str) -> impl Iterator<Item = &'r Details> {
    records.get(id).into_iter().flat_map(|known| &known.details).map(|(_, details)| details)
}

/// Records that are called as the vulnerability is.
fn own<'r>(records: &'r Records, id: &str) -> impl Iterator<Item = &'r Details> {
    on(records, id).filter(move |record| record.id == id)
}

/// Name, version, architecture and path: one installed package.
type Place = (String, String, String, String);

fn place(finding: &Finding) -> Place {
    let package = &finding.package;
    let texts = [&package.name, &package.version, &package.architecture, &package.location.path];
    texts.map(String::clone).into()
}

/// Whether one of the references is a page of the advisory.
fn cites(record: &Details, id: &str) -> bool {
    record.references.iter().any(|url| url.split(['/', '?', '#']).any(|part| part == id))
}

/// The statements of both count, as they would have under one name.
fn join(into: &mut Finding, from: &mut Finding) {
    let scheme = ecosystem::order(into.package.kind);
    match into.status.cmp(&from.status) {
        Ordering::Greater => {
            into.status = from.status;
            into.fixed_version = from.fixed_version.take();
        }
        Ordering::Equal => {
            let later = |a: &String, b: &String| scheme.compare(a, b).is_ok_and(Ordering::is_lt);
            let is_later = match (&into.fixed_version, &from.fixed_version) {
                (Some(own), Some(other)) => later(own, other),
                (own, _) => own.is_none(),
            };
            if is_later {
                into.fixed_version = from.fixed_version.take();
            }
        }
        Ordering::Less => {}
    }
    if into.severity < from.severity {
        into.severity = from.severity;
        into.severity_source = std::mem::take(&mut from.severity_source);
    }
    into.aliases.push(std::mem::take(&mut from.id));
    into.aliases.append(&mut from.aliases);
    into.aliases.sort();
    into.aliases.dedup();
    into.opinions.append(&mut from.opinions);
    into.opinions.sort();
    into.opinions.dedup();
    into.evidence.append(&mut from.evidence);
    into.evidence.sort();
    into.evidence.dedup();
}
