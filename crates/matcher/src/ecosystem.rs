//! Which publishers speak about the packages of a language: one stream an ecosystem, called as the
//! packages are in purls.
//!
//! Packages that the distribution ships are the distribution's: it fixes them under its own
//! version numbers, so an upstream advisory on them would be wrong more often than right. They are
//! left to it wherever its own advisories are consulted. A package that somebody else built is not
//! the distribution's, wherever it puts its files: what is in it is matched.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Inventory, Package, PackageKind, Problem, ProblemKind, Subject};
use version::Scheme;

use crate::distro::{self, Own, Plan, Role, Tracks};
use crate::voice::Voice;

/// The ecosystems that advisories are published for, and the order of their versions.
const ECOSYSTEMS: &[(PackageKind, Scheme)] = &[
    (PackageKind::Bitnami, Scheme::Semver),
    (PackageKind::Cargo, Scheme::Cargo),
    (PackageKind::Composer, Scheme::Composer),
    (PackageKind::Conan, Scheme::Semver),
    (PackageKind::Cpan, Scheme::Cpan),
    (PackageKind::Cran, Scheme::Cran),
    (PackageKind::Gem, Scheme::Gem),
    (PackageKind::Generic, Scheme::Semver),
    (PackageKind::Golang, Scheme::Golang),
    (PackageKind::Hackage, Scheme::Hackage),
    (PackageKind::Hex, Scheme::Hex),
    (PackageKind::Julia, Scheme::Semver),
    (PackageKind::Maven, Scheme::Maven),
    (PackageKind::Npm, Scheme::Npm),
    (PackageKind::Nuget, Scheme::Nuget),
    (PackageKind::Pub, Scheme::Pub),
    (PackageKind::Pypi, Scheme::Pep440),
    (PackageKind::Swift, Scheme::Swift),
];

/// Where distributions put nothing of their own (Filesystem Hierarchy Standard 3.0, 3.13 and 4.9):
/// a package that owns files there is somebody else's.
const THIRD_PARTY: [&str; 2] = ["opt/", "usr/local/"];

/// Packages that are named where it is not known which they are; the rest are counted.
pub(crate) const SHOWN: usize = 5;

/// The order of the versions of a kind of package that somebody publishes advisories for.
pub(crate) fn scheme(kind: PackageKind) -> Option<Scheme> {
    ECOSYSTEMS.iter().find(|(ecosystem, _)| *ecosystem == kind).map(|(_, scheme)| *scheme)
}

/// The order of the versions of any kind of package, the operating system's included.
pub(crate) fn order(kind: PackageKind) -> Scheme {
    scheme(kind).unwrap_or_else(|| distro::scheme(kind))
}

/// Which of two versions of a kind of package is the later, as its ecosystem orders them; None where
/// it would not compare them, and for a kind whose order nobody here knows.
pub fn compare(kind: PackageKind, one: &str, other: &str) -> Option<Ordering> {
    let scheme = if kind.is_os() { distro::scheme(kind) } else { scheme(kind)? };
    scheme.compare(one, other).ok()
}

/// A plan for each ecosystem that has packages here. `declared`: what lock files name counts too.
pub(crate) fn plans(inventory: &Inventory, declared: bool, own: &Own) -> Vec<Plan> {
    let plan = |&(kind, scheme): &(PackageKind, Scheme)| Plan {
        kind,
        scheme,
        streams: vec![(stream(kind).to_owned(), Role::Own)],
        tracks: Tracks::None,
        writes_epochs: true,
        version: String::new(),
        repositories: Vec::new(),
        declared,
        own: Arc::clone(own),
    };
    let plans = ECOSYSTEMS.iter().map(plan);
    plans.filter(|plan| !packages(plan, inventory).is_empty()).collect()
}

/// Of programs without a package manager Bitnami speaks, which builds many of them.
fn stream(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Generic => PackageKind::Bitnami.name(),
        _ => kind.name(),
    }
}

/// The packages that a plan is about, each once: what a lock file names and is installed as well
/// counts as installed. What is only mentioned somewhere is not there for all that is known.
pub(crate) fn packages<'i>(plan: &Plan, inventory: &'i Inventory) -> Vec<&'i Package> {
    let of_kind = || inventory.packages.iter().filter(|package| package.kind == plan.kind);
    if plan.kind.is_os() {
        return of_kind().collect();
    }
    let installed: BTreeSet<(&str, &str)> = of_kind()
        .filter(|package| !package.declared)
        .map(|package| (package.name.as_str(), package.version.as_str()))
        .collect();
    let is_meant = |package: &&Package| {
        let is_there = !package.declared
            || (plan.declared
                && !installed.contains(&(package.name.as_str(), package.version.as_str())));
        let is_told = package.kind == PackageKind::Generic && is_a_component(package, inventory);
        let is_chosen = package.basis.is_meant();
        is_there
            && is_chosen
            && !package.version.is_empty()
            && !is_told
            && !is_distributed(package, &plan.own)
    };
    of_kind().filter(is_meant).collect()
}

/// Packages that would be matched if it were known which they are: no version, or no group where
/// advisories go by that. Told by kind, for silence about them says nothing.
pub(crate) fn unknown(inventory: &Inventory, declared: bool, own: &Own) -> Vec<Problem> {
    let mut names: BTreeMap<(PackageKind, &str), BTreeSet<(&str, &str)>> = BTreeMap::new();
    for package in &inventory.packages {
        let is_meant = (declared || !package.declared) && package.basis.is_meant();
        let what = match (package.kind, package.version.as_str()) {
            (kind, _) if scheme(kind).is_none() => continue,
            (_, "") => "version",
            (PackageKind::Maven, _) if !package.name.contains(':') => "group",
            _ => continue,
        };
        if is_meant && !is_distributed(package, own) {
            let place = (package.name.as_str(), package.location.path.as_str());
            names.entry((package.kind, what)).or_default().insert(place);
        }
    }
    let problem = |((kind, what), places): ((PackageKind, &str), BTreeSet<(&str, &str)>)| {
        let mut shown: Vec<&str> = places.iter().map(|(name, _)| *name).collect();
        shown.dedup();
        if shown.len() > SHOWN {
            shown.truncate(SHOWN);
            shown.push("…");
        }
        let message = format!(
            "packages not matched: {}; nothing tells their {what}: {}",
            places.len(),
            shown.join(", ")
        );
        Problem::new(ProblemKind::Notice, kind.name(), message)
    };
    names.into_iter().map(problem).collect()
}

/// Whether a program is the one that a Bitnami image names as its component.
fn is_a_component(program: &Package, inventory: &Inventory) -> bool {
    inventory.packages.iter().any(|package| {
        package.kind == PackageKind::Bitnami && package.name == program.source_name()
    })
}

/// Programs that the stream has never told anything of: of those silence says nothing.
pub(crate) fn untold(plan: &Plan, packages: &[&Package], voices: &[Voice]) -> Option<Problem> {
    let is_told = |package: &Package| {
        let about = |voice: &Voice| !voice.about(Subject::Binary, package.source_name()).is_empty();
        voices.iter().any(about)
    };
    let untold = packages.iter().filter(|package| !is_told(package));
    let names: BTreeSet<&str> = untold.map(|package| package.name.as_str()).collect();
    if plan.kind != PackageKind::Generic || voices.is_empty() || names.is_empty() {
        return None;
    }
    let names: Vec<&str> = names.into_iter().collect();
    let message = format!("no publisher speaks of these programs: {}", names.join(", "));
    Some(Problem::new(ProblemKind::Notice, plan.kind.name(), message))
}

/// Whether the distribution ships the package, as one of its `own` or in one.
fn is_distributed(package: &Package, own: &Own) -> bool {
    let elsewhere = THIRD_PARTY.iter().any(|folder| package.location.path.starts_with(folder));
    package.owner.as_ref().is_some_and(|owner| own.contains(owner.as_str())) && !elsewhere
}

/// The names of the packages that the distribution built.
pub(crate) fn built_by_the_distribution(inventory: &Inventory) -> Own {
    let built = |os| inventory.packages.iter().filter(move |package| package.is_built_by(os));
    let built = inventory.os.iter().flat_map(built);
    Arc::new(built.map(|package| package.name.clone()).collect())
}

/// Packages that nobody publishes advisories for, by kind.
pub(crate) fn unspoken(inventory: &Inventory) -> Vec<Problem> {
    let is_unspoken = |kind: &PackageKind| !kind.is_os() && scheme(*kind).is_none();
    let kinds = PackageKind::ALL.iter().copied().filter(is_unspoken);
    let problem = |kind: PackageKind| {
        let count = inventory.packages.iter().filter(|package| package.kind == kind).count();
        let message =
            format!("{count} packages were not matched: no publisher speaks of this kind");
        (count > 0).then(|| Problem::new(ProblemKind::Notice, kind.name(), message))
    };
    kinds.filter_map(problem).collect()
}
