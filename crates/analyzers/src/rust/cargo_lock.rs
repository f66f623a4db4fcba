//! `Cargo.lock`, all four versions of it (doc.rust-lang.org/cargo, "Cargo.toml vs Cargo.lock").
//!
//! Packages from crates.io are listed. Those without a source are the workspace's own; those from
//! other registries and from git only share their names with what advisories speak of.

use std::collections::HashMap;

use model::{PackageKind, ProblemKind};
use serde::Deserialize;

use crate::lock::{self, LOCK_BYTES_MAX, Listing, dependency};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `cargo-lock`.
pub(crate) struct CargoLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
    /// Versions 1 only: `checksum <name> <version> (<source>)`.
    #[serde(default)]
    metadata: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    /// `name`, `name version` or `name version (source)`, as short as is clear.
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Analyzer for CargoLock {
    fn name(&self) -> &'static str {
        "cargo-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "Cargo.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::toml::<Lock>(&file.text(), facts) else { return };
        let mut versions: HashMap<&str, &str> = HashMap::new();
        for package in &lock.package {
            versions.insert(&package.name, &package.version);
        }
        let mut elsewhere = 0_usize;
        let mut listing = Listing::new(facts);
        for package in &lock.package {
            match package.source.as_deref() {
                Some(source) if is_crates_io(source) => {
                    listing.add(locked(package, &lock.metadata, &versions));
                }
                Some(_) => elsewhere = elsewhere.saturating_add(1),
                None => {}
            }
        }
        if elsewhere > 0 {
            let message = format!("packages not from crates.io, which are not listed: {elsewhere}");
            facts.problem(ProblemKind::Notice, message);
        }
    }
}

fn locked(
    package: &Package,
    metadata: &HashMap<String, String>,
    versions: &HashMap<&str, &str>,
) -> Installed {
    let Package { name, version, source, checksum, dependencies } = package;
    let mut installed = Installed::declared(PackageKind::Cargo, name, version);
    let source = source.as_deref().unwrap_or_default();
    let old = || metadata.get(&format!("checksum {name} {version} ({source})"));
    let digest = checksum.as_ref().or_else(old);
    installed.package.hashes =
        digest.and_then(|digest| integrity::hexadecimal("sha256", digest)).into_iter().collect();
    let needed = dependencies.iter().map(|text| {
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next().or_else(|| versions.get(name).copied());
        dependency(name, version.unwrap_or_default())
    });
    installed.package.dependencies = needed.collect();
    installed
}

/// By git, or by the sparse protocol.
fn is_crates_io(source: &str) -> bool {
    matches!(
        source,
        "registry+https://github.com/rust-lang/crates.io-index"
            | "registry+sparse+https://index.crates.io/"
            | "sparse+https://index.crates.io/"
    )
}
