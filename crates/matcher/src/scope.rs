//! Whether a statement is about this build of a package at all: architecture, rpm module, flavor.
//!
//! Tracks are weighed later (`tracks`), because a statement of another track can still be worth
//! something; one about another build is worth nothing.

use model::{Advisory, Package};

/// What a release string says of a build that the module build service made.
const MODULAR_RELEASE: &str = ".module";

/// Oracle's live-patchable and FIPS-validated rebuilds share names with the plain packages, but
/// not their version line.
const FLAVORS: [&str; 2] = [".ksplice", "_fips"];

/// Architectures of packages that hold no machine code; any statement may mean them.
const INDEPENDENT: [&str; 4] = ["", "all", "noarch", "(none)"];

/// Whether a statement is about this build, but for the architecture.
pub(crate) fn may_apply(advisory: &Advisory, package: &Package) -> bool {
    same_module(advisory, package) && same_flavor(advisory, package)
}

pub(crate) fn same_architecture(advisory: &Advisory, package: &Package) -> bool {
    let architectures = &advisory.scope.architectures;
    architectures.is_empty()
        || INDEPENDENT.contains(&package.architecture.as_str())
        || architectures.contains(&package.architecture)
}

/// Which module stream a build belongs to.
#[derive(PartialEq, Eq)]
enum Module<'a> {
    None,
    Named(&'a str),
    /// A module build whose stream nobody names.
    Unnamed,
}

/// A modular statement never means an ordinary build, nor the other way round; between streams
/// versions have no meaning. A stream that nobody names is taken for the same: what cannot be
/// told apart is not declared clean.
fn same_module(advisory: &Advisory, package: &Package) -> bool {
    let installed = module(package.module.as_deref(), || is_modular(&package.version));
    let meant = module(advisory.scope.module.as_deref(), || fixes(advisory).any(is_modular));
    match (meant, installed) {
        (Module::Named(meant), Module::Named(installed)) => meant == installed,
        (meant, installed) => (meant == Module::None) == (installed == Module::None),
    }
}

fn module(name: Option<&str>, release_is_modular: impl Fn() -> bool) -> Module<'_> {
    match name {
        Some(name) => Module::Named(name),
        None if release_is_modular() => Module::Unnamed,
        None => Module::None,
    }
}

fn is_modular(version: &str) -> bool {
    version.contains(MODULAR_RELEASE)
}

/// What is said of a flavor means no other build. What is said of plain builds may mean a flavored one, too,
/// where nobody says more of it.
fn same_flavor(advisory: &Advisory, package: &Package) -> bool {
    FLAVORS.iter().all(|flavor| {
        package.version.contains(flavor) || !fixes(advisory).any(|fix| fix.contains(flavor))
    })
}

/// Whether two versions are of one line: each flavor has epochs and releases of its own.
pub(crate) fn is_of_one_flavor(one: &str, other: &str) -> bool {
    FLAVORS.iter().all(|flavor| one.contains(flavor) == other.contains(flavor))
}

/// The versions that are free of it.
pub(crate) fn fixes(advisory: &Advisory) -> impl Iterator<Item = &str> {
    advisory.ranges.iter().filter_map(|range| range.until.fix())
}
