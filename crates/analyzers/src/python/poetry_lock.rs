//! Poetry's lock file, `poetry.lock`: TOML. Digests stand with their package, in older ones under
//! `metadata.files` or `metadata.hashes`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::resolution::{self, Locked};
use crate::lock::{self, LOCK_BYTES_MAX};
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `poetry-lock`.
pub(crate) struct PoetryLock;

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
    version: String,
    #[serde(default)]
    files: Vec<Artifact>,
    #[serde(default)]
    dependencies: BTreeMap<String, Value>,
    /// Since Poetry 2.
    #[serde(default)]
    groups: Vec<String>,
    /// Up to Poetry 1.4.
    #[serde(default)]
    category: String,
    #[serde(default)]
    source: Source,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Source {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    files: BTreeMap<String, Vec<Artifact>>,
    hashes: BTreeMap<String, Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    hash: String,
}

impl Analyzer for PoetryLock {
    fn name(&self) -> &'static str {
        "poetry-lock"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "poetry.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::toml::<Lock>(&file.text(), facts) else { return };
        let metadata = &lock.metadata;
        let packages = lock.package.iter().filter(|package| package.source.kind != "directory");
        let packages = packages.map(|package| {
            let older = metadata.files.get(&package.name).into_iter().flatten();
            let files = package.files.iter().chain(older).map(|file| file.hash.clone());
            let oldest = metadata.hashes.get(&package.name).into_iter().flatten();
            let oldest = oldest.map(|digest| format!("sha256:{digest}"));
            let needed = package.dependencies.iter().filter(|(_, needed)| !is_optional(needed));
            Locked {
                name: package.name.clone(),
                version: package.version.clone(),
                hashes: files.chain(oldest).collect(),
                dependencies: needed.map(|(name, _)| (name.clone(), String::new())).collect(),
                development: package.development(),
            }
        });
        resolution::list(packages.collect(), facts);
    }
}

/// What Poetry calls the group of what the project itself needs.
const MAIN: &str = "main";

impl Package {
    fn development(&self) -> Option<bool> {
        match (self.groups.as_slice(), self.category.as_str()) {
            ([], "") => None,
            ([], category) => Some(category != MAIN),
            (groups, _) => Some(groups.iter().all(|group| group != MAIN)),
        }
    }
}

/// Only an extra needs it, which nobody may have asked for.
fn is_optional(dependency: &Value) -> bool {
    dependency.get("optional").and_then(Value::as_bool).unwrap_or(false)
}
