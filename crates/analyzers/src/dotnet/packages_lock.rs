//! `packages.lock.json`: what NuGet resolved for each framework (learn.microsoft.com/nuget,
//! "Locking dependencies").

use std::collections::BTreeMap;

use model::PackageKind;
use serde::Deserialize;

use super::reference;
use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `nuget-lock`.
pub(crate) struct NugetLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    dependencies: BTreeMap<String, BTreeMap<String, Package>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    /// Absent for projects of the same solution.
    #[serde(default)]
    resolved: String,
    #[serde(default)]
    content_hash: String,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

impl Analyzer for NugetLock {
    fn name(&self) -> &'static str {
        "nuget-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "packages.lock.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::json::<Lock>(file.bytes, facts) else { return };
        let mut listing = Listing::new(facts);
        for (name, package) in lock.dependencies.values().flatten() {
            if package.resolved.is_empty() {
                continue;
            }
            let mut installed = Installed::declared(PackageKind::Nuget, name, &package.resolved);
            installed.package.dependencies = reference::needed(&package.dependencies);
            let digest = format!("sha512-{}", package.content_hash);
            installed.package.hashes = integrity::subresource(&digest);
            listing.add(installed);
        }
    }
}
