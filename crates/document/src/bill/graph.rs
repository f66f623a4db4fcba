//! What needs what, as far as that is certain: names of dependencies resolved to components.
//!
//! A package names what it needs as `name` or `name@version`. Of several packages that could be
//! meant, those found in the same file are (a lock file, an archive, a program); where more than
//! one is left, nobody knows, and nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use model::{Package, PackageKind};

/// Of a name that more packages share than this nobody can tell which is meant, and looking at all
/// of them for each dependency would take a day.
const NAMESAKES_MAX: usize = 256;

/// For each package the positions of those that it needs, sorted.
pub(super) fn resolve(packages: &[Package]) -> Vec<BTreeSet<usize>> {
    let mut by_name: BTreeMap<(PackageKind, &str), Vec<usize>> = BTreeMap::new();
    for (position, package) in packages.iter().enumerate() {
        by_name.entry((package.kind, &package.name)).or_default().push(position);
    }
    let names = Names { packages, by_name };
    let needed = |(position, package): (usize, &Package)| {
        let found = package.dependencies.iter().filter_map(|wanted| names.find(package, wanted));
        found.filter(|found| *found != position).collect()
    };
    packages.iter().enumerate().map(needed).collect()
}

struct Names<'a> {
    packages: &'a [Package],
    by_name: BTreeMap<(PackageKind, &'a str), Vec<usize>>,
}

impl Names<'_> {
    /// The one that `package` means by `wanted`.
    fn find(&self, package: &Package, wanted: &str) -> Option<usize> {
        let (name, version) = match self.by_name.contains_key(&(package.kind, wanted)) {
            true => (wanted, None),
            false => split(wanted)?,
        };
        let namesakes = self.by_name.get(&(package.kind, name))?;
        if namesakes.len() > NAMESAKES_MAX {
            return None;
        }
        let fits = |at: &usize| {
            self.packages.get(*at).is_some_and(|it| version.is_none_or(|want| it.version == want))
        };
        let candidates: Vec<usize> = namesakes.iter().copied().filter(fits).collect();
        choose(self.packages, package, &candidates)
    }
}

/// A scope's `@` begins a name and does not end it.
fn split(wanted: &str) -> Option<(&str, Option<&str>)> {
    let (name, version) = wanted.rsplit_once('@').filter(|(name, _)| !name.is_empty())?;
    Some((name, Some(version)))
}

fn choose(packages: &[Package], package: &Package, candidates: &[usize]) -> Option<usize> {
    let beside = |at: &&usize| {
        packages.get(**at).is_some_and(|it| it.location.path == package.location.path)
    };
    let mut near = candidates.iter().filter(beside);
    match (near.next(), near.next(), candidates) {
        (Some(only), None, _) | (None, _, [only]) => Some(*only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use model::Location;

    use super::*;

    fn package(name: &str, version: &str, path: &str, needs: &[&str]) -> Package {
        Package {
            location: Location { path: path.to_owned(), layer: None },
            dependencies: needs.iter().map(|&need| need.to_owned()).collect(),
            ..Package::new(PackageKind::Npm, name, version)
        }
    }

    #[test]
    fn only_what_is_certain_is_resolved() {
        let packages = [
            package("app", "1", "a.lock", &["@s/x", "y@2", "absent", "z"]),
            package("@s/x", "1", "a.lock", &["app@1"]),
            package("@s/x", "1", "b.lock", &["y"]),
            package("y", "1", "a.lock", &["y"]),
            package("y", "2", "a.lock", &["@s/x@1"]),
            package("z", "3", "c.lock", &[]),
        ];
        let resolved: Vec<Vec<usize>> =
            resolve(&packages).into_iter().map(|set| set.into_iter().collect()).collect();
        // `app` needs the scope beside it, `y` of version 2 and the only `z`; the `y` that the other
        // lock file needs could be either.
        let expected: [&[usize]; 6] = [&[1, 4, 5], &[0], &[], &[], &[1], &[]];
        assert_eq!(resolved, expected);
    }

    #[test]
    fn a_hundred_thousand_namesakes_end() {
        let one = package("x", "1", "a", &["x", "x@1"]);
        assert!(resolve(&vec![one; 100_000]).iter().all(BTreeSet::is_empty));
    }
}
