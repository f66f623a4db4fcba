//! Which packages came, went and changed their version.
//!
//! A package is the same under its kind and name, wherever it lies: the jar of another version has
//! another path. Where several versions of one are there, those on both sides cancel out.

use std::collections::{BTreeMap, BTreeSet};

use model::{Package, PackageKind};

/// What became of the packages of one name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PackageChange<'a> {
    pub(crate) kind: PackageKind,
    pub(crate) name: &'a str,
    /// The versions that are no longer there, in the order of their letters.
    pub(crate) from: Vec<&'a str>,
    /// Those that were not there before; one of the two is not empty.
    pub(crate) to: Vec<&'a str>,
}

/// All that became of packages; each list by kind and name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PackageChanges<'a> {
    pub(crate) added: Vec<PackageChange<'a>>,
    pub(crate) removed: Vec<PackageChange<'a>>,
    pub(crate) changed: Vec<PackageChange<'a>>,
    /// How many versions of packages are on both sides.
    pub(crate) kept: usize,
}

/// The versions of a package, before and after.
type Versions<'a> = (BTreeSet<&'a str>, BTreeSet<&'a str>);

impl<'a> PackageChanges<'a> {
    pub(super) fn of(before: &'a [Package], after: &'a [Package]) -> Self {
        let mut all: BTreeMap<(PackageKind, &str), Versions<'_>> = BTreeMap::new();
        for package in before {
            let versions = all.entry((package.kind, &package.name)).or_default();
            versions.0.insert(&package.version);
        }
        for package in after {
            let versions = all.entry((package.kind, &package.name)).or_default();
            versions.1.insert(&package.version);
        }
        let mut changes = Self::default();
        for ((kind, name), (before, after)) in all {
            changes.kept += before.intersection(&after).count();
            let from: Vec<&str> = before.difference(&after).copied().collect();
            let to: Vec<&str> = after.difference(&before).copied().collect();
            let list = match (from.is_empty(), to.is_empty()) {
                (true, true) => continue,
                (true, false) => &mut changes.added,
                (false, true) => &mut changes.removed,
                (false, false) => &mut changes.changed,
            };
            list.push(PackageChange { kind, name, from, to });
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name version, …` of both sides, and `name from > to` of what is expected.
    const CASES: [(&str, &str, &str); 7] = [
        ("a 1", "a 1", ""),
        ("", "a 1", "a  > 1"),
        ("a 1", "", "a 1 > "),
        ("a 1", "a 2", "a 1 > 2"),
        // One of several versions is enough to be one that stays.
        ("a 1, a 2", "a 2, a 3", "a 1 > 3"),
        ("a 1", "a 1, a 2", "a  > 2"),
        // The same in two places is one.
        ("a 1, a 1", "a 1", ""),
    ];

    fn packages(text: &str) -> Vec<Package> {
        let of = |it: &str| {
            let (name, version) = it.split_once(' ')?;
            Some(Package::new(PackageKind::Npm, name, version))
        };
        text.split(", ").filter_map(of).collect()
    }

    #[test]
    fn versions_on_both_sides_cancel_out() {
        for (before, after, expected) in CASES {
            let (old, new) = (packages(before), packages(after));
            let PackageChanges { added, removed, changed, .. } = PackageChanges::of(&old, &new);
            let all: Vec<String> = [added, removed, changed]
                .iter()
                .flatten()
                .map(|it| format!("{} {} > {}", it.name, it.from.join(" "), it.to.join(" ")))
                .collect();
            assert_eq!(all.join(", "), expected, "{before} -> {after}");
        }
    }
}
