//! Which packages came, went and changed their version.
//!
//! A package is the same under its kind and name, wherever it lies: the jar of another version has
//! another path. Where several versions of one are there, those on both sides cancel out. Which way
//! a change went is said where every version that came is on the same side of every one that went.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use model::{Package, PackageKind};

use super::Order;

/// Which way versions went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Upgrade,
    Downgrade,
}

impl Direction {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
        }
    }
}

/// What became of the packages of one name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PackageChange<'a> {
    pub(crate) kind: PackageKind,
    pub(crate) name: &'a str,
    /// The versions that are no longer there, in the order of their letters.
    pub(crate) from: Vec<&'a str>,
    /// Those that were not there before; one of the two is not empty.
    pub(crate) to: Vec<&'a str>,
    /// None where one of the two is empty, where they lie among each other, and where nobody can
    /// tell which version is the later.
    pub(crate) direction: Option<Direction>,
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
    pub(super) fn of(before: &'a [Package], after: &'a [Package], order: Order) -> Self {
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
            let direction = direction(kind, &from, &to, order);
            list.push(PackageChange { kind, name, from, to, direction });
        }
        changes
    }

    /// How many packages went which way.
    pub(crate) fn moved(&self, direction: Direction) -> usize {
        self.changed.iter().filter(|it| it.direction == Some(direction)).count()
    }
}

/// A bill may name thousands of versions of one package, so each is looked at once: the highest of
/// one side decides against the lowest of the other.
fn direction(kind: PackageKind, from: &[&str], to: &[&str], order: Order) -> Option<Direction> {
    let order = |one: &str, other: &str| order(kind, one, other);
    let is_below = |old: &[&str], new: &[&str]| {
        let highest = extreme(old, Ordering::Greater, order)?;
        Some(order(highest, extreme(new, Ordering::Less, order)?)? == Ordering::Less)
    };
    match (is_below(from, to)?, is_below(to, from)?) {
        (true, _) => Some(Direction::Upgrade),
        (_, true) => Some(Direction::Downgrade),
        _ => None,
    }
}

/// The one to which no other is what is `wanted`; None where some cannot be compared.
fn extreme<'a>(
    all: &[&'a str],
    wanted: Ordering,
    order: impl Fn(&str, &str) -> Option<Ordering>,
) -> Option<&'a str> {
    let (first, rest) = all.split_first()?;
    let further = |kept, it: &&'a str| Some(if order(it, kept)? == wanted { *it } else { kept });
    rest.iter().try_fold(*first, further)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name version, …` of both sides, and `name from > to` of what is expected, with the direction.
    const CASES: [(&str, &str, &str); 14] = [
        ("a 1", "a 1", ""),
        ("", "a 1", "a  > 1"),
        ("a 1", "", "a 1 > "),
        ("a 1", "a 2", "a 1 > 2 upgrade"),
        ("a 2", "a 1", "a 2 > 1 downgrade"),
        // One of several versions is enough to be one that stays.
        ("a 1, a 2", "a 2, a 3", "a 1 > 3 upgrade"),
        ("a 1, a 2", "a 3", "a 1 2 > 3 upgrade"),
        // On both sides of what went, or not to be compared.
        ("a 2", "a 1, a 3", "a 2 > 1 3"),
        ("a x", "a 2", "a x > 2"),
        ("a 1, a x", "a 2", "a 1 x > 2"),
        ("a 3, a 1, a 2", "a 6, a 4, a 5", "a 1 2 3 > 4 5 6 upgrade"),
        // Other letters for the same version: neither way.
        ("a 1", "a 01", "a 1 > 01"),
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
            let order: Order =
                |_, one, other| Some(one.parse::<u8>().ok()?.cmp(&other.parse().ok()?));
            let PackageChanges { added, removed, changed, .. } =
                PackageChanges::of(&old, &new, order);
            let all: Vec<String> = [added, removed, changed]
                .iter()
                .flatten()
                .map(|it| {
                    let way = it.direction.map(|it| format!(" {}", it.name())).unwrap_or_default();
                    format!("{} {} > {}{way}", it.name, it.from.join(" "), it.to.join(" "))
                })
                .collect();
            assert_eq!(all.join(", "), expected, "{before} -> {after}");
        }
    }
}
