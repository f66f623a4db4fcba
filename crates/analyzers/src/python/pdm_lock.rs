//! PDM's lock file, `pdm.lock`: TOML. Digests stand with their package, in older ones under
//! `metadata.files`, by name and version.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::requirement::Requirement;
use super::resolution::{self, Locked};
use crate::lock::{self, LOCK_BYTES_MAX};
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `pdm-lock`.
pub(crate) struct PdmLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    version: String,
    /// A folder of the repository.
    #[serde(default)]
    path: String,
    #[serde(default)]
    files: Vec<Artifact>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(default)]
    groups: BTreeSet<String>,
}

/// The group of what the project itself needs.
const MAIN: &str = "default";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    files: BTreeMap<String, Vec<Artifact>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    hash: String,
}

impl Analyzer for PdmLock {
    fn name(&self) -> &'static str {
        "pdm-lock"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "pdm.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::toml::<Lock>(&file.text(), facts) else { return };
        let metadata = &lock.metadata;
        let packages = lock.package.iter().filter(|package| package.path.is_empty());
        let packages = packages.map(|package| {
            let older = metadata.files.get(&format!("{} {}", package.name, package.version));
            let files = package.files.iter().chain(older.into_iter().flatten());
            let needed = package.dependencies.iter().filter_map(|text| Requirement::of(text));
            let needed = needed.map(|needed| (needed.name, String::new()));
            Locked {
                name: package.name.clone(),
                version: package.version.clone(),
                hashes: files.map(|file| file.hash.clone()).collect(),
                dependencies: needed.collect(),
                // Other groups may be extras as well.
                development: package.groups.contains(MAIN).then_some(false),
            }
        });
        resolution::list(packages.collect(), facts);
    }
}
