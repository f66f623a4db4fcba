//! What to do about findings: by package, the one version that fixes all that can be fixed.
//!
//! Packages that come from one source are upgraded together, so they count as one upgrade.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::{Finding, Package, PackageKind};

use crate::distro;

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
            by_name.entry((package.kind, upgraded(package))).or_default().push((finding, fixed));
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
    let scheme = distro::scheme(kind);
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

/// What the user upgrades: the source with all that was built from it, unless this package counts
/// its versions apart (an rpm sub-package may).
fn upgraded(package: &Package) -> &str {
    let own_line = |source: &model::Source| {
        package.kind == PackageKind::Rpm
            && without_epoch(&source.version) != without_epoch(&package.version)
    };
    match &package.source {
        Some(source) if !own_line(source) => &source.name,
        _ => &package.name,
    }
}

fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn one_upgrade_a_source_holds_all_fixes() {
        // package, id, fixed version or `-`
        let findings: Vec<Finding> = [
            ("deb openssl 3.0.11-1 amd64", "CVE-1", "3.0.13-1"),
            ("deb libssl3 3.0.11-1 amd64 source=openssl", "CVE-1", "3.0.13-1"),
            ("deb libssl3 3.0.11-1 amd64 source=openssl", "CVE-2", "3.0.9-9"),
            ("deb libssl3 3.0.11-1 amd64 source=openssl", "CVE-3", "-"),
            ("deb mysql-common 5.8+1.1.0 all source=mysql-defaults@1.1.0", "CVE-4", "1.1.1"),
            ("rpm libfoo7 7.1-1 x86_64 source=foo@2.0-1", "CVE-5", "7.2-1"),
            ("rpm foo 1:2.0-1 x86_64 source=foo@2.0-1", "CVE-5", "1:2.0-2"),
            ("deb bash 5-1 amd64", "CVE-6", "-"),
        ]
        .map(|(package, id, fixed)| cases::bare_finding(package, id, fixed))
        .into();
        let shown: Vec<String> = upgrades(&findings)
            .iter()
            .map(|u| {
                let (fixes, packages) = (u.fixes.join(" "), u.packages.join(" "));
                format!("{} {} to {} fixes {fixes}: {packages}", u.kind.name(), u.name, u.to)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "deb openssl to 3.0.13-1 fixes CVE-1 CVE-2: libssl3 openssl",
                "rpm foo to 1:2.0-2 fixes CVE-5: foo",
                "rpm libfoo7 to 7.2-1 fixes CVE-5: libfoo7",
                "deb mysql-defaults to 1.1.1 fixes CVE-4: mysql-common",
            ]
        );
    }
}
