//! What is reported: a finding with the evidence for it, and the order of findings.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::{Basis, Evidence, Finding, Opinion, Package, PathList, Severity, Status, Symbols};

use crate::distro::Plan;
use crate::installed::{Named, is_kernel_headers};
use crate::judge::{Because, Exposure};
use crate::standing::words;
use crate::vulnerability::{Said, Vulnerability};

/// A finding with what the statements themselves say; `enrich` adds what is known of the
/// vulnerability apart from the package.
pub(crate) fn finding(
    plan: &Plan,
    package: &Package,
    vulnerability: &Vulnerability<'_>,
    exposure: &Exposure<'_>,
) -> Finding {
    let (severity, severity_source) = rating(&exposure.because);
    Finding {
        id: vulnerability.id.to_owned(),
        aliases: vulnerability.aliases.iter().map(|&alias| alias.to_owned()).collect(),
        package: without_files(package),
        status: exposure.status,
        fixed_version: fixed_version(exposure),
        severity,
        severity_source,
        opinions: opinions(&vulnerability.said),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        cwes: Vec::new(),
        title: String::new(),
        description: String::new(),
        references: Vec::new(),
        published: None,
        modified: None,
        evidence: evidence(plan, package, &exposure.because),
    }
}

/// A module's build is named with the module, for it is no version of the package.
fn fixed_version(exposure: &Exposure<'_>) -> Option<String> {
    let fixed = exposure.fixed?;
    let installed = exposure.because.first()?.said.installed;
    Some(match installed.named {
        Named::Module => format!("{}-{fixed}", installed.name),
        Named::Binary | Named::Source => fixed.to_owned(),
    })
}

/// A package with thousands of files can have hundreds of findings, and none of them needs that
/// list or what it depends on.
fn without_files(package: &Package) -> Package {
    Package {
        kind: package.kind,
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        source: package.source.clone(),
        module: package.module.clone(),
        module_build: package.module_build.clone(),
        license: package.license.clone(),
        vendor: package.vendor.clone(),
        location: package.location.clone(),
        files: PathList::default(),
        declared: package.declared,
        development: package.development,
        basis: package.basis,
        owner: package.owner.clone(),
        dependencies: Vec::new(),
        hashes: Vec::new(),
        symbols: Symbols::default(),
        variant: package.variant.clone(),
    }
}

/// The highest rating among the statements that decided, and whose it is.
fn rating(because: &[Because<'_>]) -> (Severity, String) {
    let rated = because.iter().filter(|one| one.said.advisory.severity != Severity::Unknown);
    match rated.max_by_key(|one| one.said.advisory.severity) {
        Some(one) => (one.said.advisory.severity, one.said.voice.source.clone()),
        None => (Severity::Unknown, String::new()),
    }
}

/// Each publisher's highest rating, whether or not its statement decided.
fn opinions(said: &[Said<'_>]) -> Vec<Opinion> {
    let mut by_source: BTreeMap<&str, Severity> = BTreeMap::new();
    for one in said.iter().filter(|one| one.advisory.severity != Severity::Unknown) {
        let rating = by_source.entry(&one.voice.source).or_default();
        *rating = one.advisory.severity.max(*rating);
    }
    let opinion = |(source, severity): (&str, _)| Opinion { source: source.to_owned(), severity };
    by_source.into_iter().map(opinion).collect()
}

/// One piece of evidence a comparison; statements that compare alike share it.
fn evidence(plan: &Plan, package: &Package, because: &[Because<'_>]) -> Vec<Evidence> {
    let mut notices: BTreeMap<Evidence, BTreeSet<&String>> = BTreeMap::new();
    for Because { said, standing, .. } in because {
        let mut compared = words(plan, said, standing);
        match package.basis {
            Basis::FileName => compared.push_str("; name and version by file name"),
            Basis::Signature => compared.push_str("; name and version by signature"),
            Basis::Digest => compared.push_str("; name and version by SHA-1"),
            Basis::Record | Basis::Mention | Basis::Elsewhere => {}
        }
        if is_kernel_headers(package) {
            compared.push_str("; headers only, no kernel runs from this package");
        }
        let evidence = Evidence {
            source: said.voice.source.clone(),
            stream: said.voice.stream.clone(),
            notices: Vec::new(),
            advisory_package: said.installed.to_string(),
            compared,
        };
        notices.entry(evidence).or_default().extend(&said.advisory.notices);
    }
    notices
        .into_iter()
        .map(|(evidence, notices)| Evidence {
            notices: notices.into_iter().cloned().collect(),
            ..evidence
        })
        .collect()
}

/// Sorts by what to fix first; what nobody can tell comes last. The order depends on nothing but
/// package and vulnerability, so that every way to the same image gives the same list.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by(order);
}

/// See [`sort`].
pub(crate) fn order(a: &Finding, b: &Finding) -> Ordering {
    is_undecided(a)
        .cmp(&is_undecided(b))
        .then_with(|| b.severity.cmp(&a.severity))
        .then_with(|| b.kev.is_some().cmp(&a.kev.is_some()))
        .then_with(|| b.fixed_version.is_some().cmp(&a.fixed_version.is_some()))
        .then_with(|| identity(a).cmp(&identity(b)))
}

fn is_undecided(finding: &Finding) -> bool {
    matches!(finding.status, Status::UnderInvestigation | Status::Undetermined)
}

/// What tells two findings apart.
fn identity(finding: &Finding) -> (&str, &str, &str, &str, &str) {
    let package = &finding.package;
    (&package.name, &package.version, &package.architecture, &package.location.path, &finding.id)
}
