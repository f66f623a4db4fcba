//! What to do about findings: by package, the one version that fixes all that can be fixed.
//!
//! Packages that come from one source are upgraded together, so they count as one upgrade.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::{Finding, PackageKind};

use crate::ecosystem;

/// `upgrade openssl to 3.0.15-1~deb12u1 fixes 7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    pub kind: PackageKind,
    /// The source package; the binary package where it has a version line of its own.
    pub name: String,
    /// The lowest version that holds all the fixes.
    pub to: String,
    /// The ids of the vulnerabilities fixed by it, sorted.
    pub fixes: Vec<String>,
    /// The names of the installed packages concerned, sorted.
    pub packages: Vec<String>,
}

/// The upgrades that these findings ask for: the one that fixes most first, then by name. Findings
/// without a fixed version ask for none.
pub fn upgrades(findings: &[Finding]) -> Vec<Upgrade> {
    let mut by_name: BTreeMap<(PackageKind, &str), Vec<(&Finding, &str)>> = BTreeMap::new();
    for finding in findings {
        if let Some(fixed) = &finding.fixed_version {
            let package = &finding.package;
            by_name.entry((package.kind, upgraded(finding))).or_default().push((finding, fixed));
        }
    }
    let mut upgrades: Vec<Upgrade> = by_name
        .into_iter()
        .filter_map(|((kind, name), fixable)| upgrade(kind, name, &fixable))
        .collect();
    upgrades.sort_by(|a, b| b.fixes.len().cmp(&a.fixes.len()).then_with(|| a.name.cmp(&b.name)));
    upgrades
}

fn upgrade(kind: PackageKind, name: &str, fixable: &[(&Finding, &str)]) -> Option<Upgrade> {
    let scheme = ecosystem::order(kind);
    let order = |a: &&str, b: &&str| scheme.compare(a, b).unwrap_or(Ordering::Equal);
    let to = fixable.iter().map(|(_, fixed)| *fixed).max_by(order)?;
    let ids: BTreeSet<&String> = fixable.iter().map(|(finding, _)| &finding.id).collect();
    let packages: BTreeSet<&String> =
        fixable.iter().map(|(finding, _)| &finding.package.name).collect();
    Some(Upgrade {
        kind,
        name: name.to_owned(),
        to: to.to_owned(),
        fixes: ids.into_iter().cloned().collect(),
        packages: packages.into_iter().cloned().collect(),
    })
}

/// What the user upgrades: the source with all that was built from it, unless the fix is one of an rpm that
/// counts its versions apart.
fn upgraded(finding: &Finding) -> &str {
    let package = &finding.package;
    match package.kind == PackageKind::Rpm && package.counts_apart() {
        true => finding.upgraded().0,
        false => package.source_name(),
    }
}
