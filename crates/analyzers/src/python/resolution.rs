//! What Python's lock files have in common: packages that name each other, mostly without a
//! version.

use std::collections::BTreeMap;

use model::PackageKind;

use super::name::normalized;
use crate::lock::{self, Listing};
use crate::{FileFacts, Installed, integrity};

/// A package of a lock file.
#[derive(Default)]
pub(super) struct Locked {
    /// As written.
    pub(super) name: String,
    pub(super) version: String,
    /// Digests as written, `sha256:…`, of each of its files.
    pub(super) hashes: Vec<String>,
    /// Names as written, and versions, which are mostly left out.
    pub(super) dependencies: Vec<(String, String)>,
    /// As in [`model::Package`].
    pub(super) development: Option<bool>,
}

/// Lists the packages, each dependency with its version where the lock file has one alone: which
/// of several is meant depends on the platform.
pub(super) fn list(packages: Vec<Locked>, facts: &mut FileFacts) {
    let mut versions: BTreeMap<String, Option<String>> = BTreeMap::new();
    // A package with an extra may stand beside itself without.
    let mut merged: BTreeMap<(String, String), Locked> = BTreeMap::new();
    for package in packages {
        let name = normalized(&package.name);
        let known = versions.entry(name.clone()).or_insert_with(|| Some(package.version.clone()));
        known.take_if(|known| *known != package.version);
        let known = (name, package.version);
        let development =
            merged.get(&known).map(|it| lock::both(it.development, package.development));
        let same = merged.entry(known).or_default();
        same.development = development.unwrap_or(package.development);
        same.hashes.extend(package.hashes);
        same.dependencies.extend(package.dependencies);
    }
    let mut listing = Listing::new(facts);
    for ((name, version), locked) in merged {
        let mut installed = Installed::declared(PackageKind::Pypi, &name, &version);
        installed.package.development = locked.development;
        let hashes = locked.hashes.iter();
        installed.package.hashes = hashes.filter_map(|hash| integrity::labelled(hash)).collect();
        let needed = locked.dependencies.into_iter();
        let needed = needed.map(|(name, version)| (normalized(&name), version));
        installed.package.dependencies = needed
            .filter(|(needed, _)| *needed != name)
            .map(|(name, version)| match versions.get(&name) {
                Some(Some(only)) => lock::dependency(&name, only),
                _ => lock::dependency(&name, &version),
            })
            .collect();
        listing.add(installed);
    }
}
