//! The lock file that all of Python's tools may write: `pylock.toml`, `pylock.<name>.toml`
//! (PEP 751).

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::resolution::{self, Locked};
use crate::lock::{self, LOCK_BYTES_MAX};
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `pylock`.
pub(crate) struct Pylock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// None where a build decides.
    #[serde(default)]
    version: String,
    /// A folder of the repository.
    directory: Option<Value>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default)]
    archive: Artifact,
    #[serde(default)]
    sdist: Artifact,
    #[serde(default)]
    wheels: Vec<Artifact>,
}

#[derive(Deserialize)]
struct Dependency {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    hashes: BTreeMap<String, String>,
}

impl Analyzer for Pylock {
    fn name(&self) -> &'static str {
        "pylock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "pylock.toml" },
                Select::Anywhere { directory: "*", name: "pylock.*" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        // One pattern cannot say both how a name begins and how it ends.
        if !file.name().ends_with(".toml") {
            return;
        }
        let Some(lock) = lock::toml::<Lock>(&file.text(), facts) else { return };
        let packages = lock.packages.into_iter().filter(|package| package.directory.is_none());
        let packages = packages.map(|package| {
            let files = [package.archive, package.sdist].into_iter().chain(package.wheels);
            let hashes = files.flat_map(|file| file.hashes);
            let needed =
                package.dependencies.into_iter().map(|needed| (needed.name, needed.version));
            Locked {
                name: package.name,
                version: package.version,
                hashes: hashes.map(|(algorithm, digest)| format!("{algorithm}:{digest}")).collect(),
                dependencies: needed.filter(|(name, _)| !name.is_empty()).collect(),
                development: None,
            }
        });
        resolution::list(packages.collect(), facts);
    }
}
