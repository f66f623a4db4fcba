//! uv's lock file, `uv.lock`: TOML (docs.astral.sh/uv, "Lockfile").

use serde::Deserialize;
use toml::{Table, Value};

use super::resolution::{self, Locked};
use crate::lock::{self, LOCK_BYTES_MAX};
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `uv-lock`.
pub(crate) struct UvLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// None where it is read from the project at build time.
    #[serde(default)]
    version: String,
    /// One key, which says where it comes from.
    #[serde(default)]
    source: Table,
    #[serde(default)]
    dependencies: Vec<Dependency>,
    #[serde(default)]
    sdist: Artifact,
    #[serde(default)]
    wheels: Vec<Artifact>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Where there are several.
    #[serde(default)]
    version: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    hash: String,
}

impl Analyzer for UvLock {
    fn name(&self) -> &'static str {
        "uv-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "uv.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::toml::<Lock>(&file.text(), facts) else { return };
        let packages = lock.package.into_iter().filter(|package| !is_local(&package.source));
        let packages = packages.map(|package| {
            let files = std::iter::once(package.sdist).chain(package.wheels);
            let needed =
                package.dependencies.into_iter().map(|needed| (needed.name, needed.version));
            Locked {
                name: package.name,
                version: package.version,
                hashes: files.map(|file| file.hash).collect(),
                dependencies: needed.collect(),
            }
        });
        resolution::list(packages.collect(), facts);
    }
}

/// The project itself, or a folder beside it.
fn is_local(source: &Table) -> bool {
    let kinds = ["virtual", "editable", "directory"];
    kinds.iter().any(|kind| source.get(*kind).is_some_and(Value::is_str))
}
