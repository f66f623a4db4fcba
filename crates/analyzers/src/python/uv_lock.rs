//! uv's lock file, `uv.lock`: TOML (docs.astral.sh/uv, "Lockfile").

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::resolution::{self, Locked};
use crate::lock::{self, LOCK_BYTES_MAX, Needed};
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
    /// By the extra that asks for them.
    #[serde(rename = "optional-dependencies", default)]
    optional: BTreeMap<String, Vec<Dependency>>,
    /// By the group that asks for them.
    #[serde(rename = "dev-dependencies", default)]
    development: BTreeMap<String, Vec<Dependency>>,
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
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "uv.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::toml::<Lock>(&file.text(), facts) else { return };
        let needed_for = needed(&lock.package);
        let packages = lock.package.into_iter().filter(|package| !is_local(&package.source));
        let packages = packages.map(|package| {
            let files = std::iter::once(package.sdist).chain(package.wheels);
            let needed =
                package.dependencies.into_iter().map(|needed| (needed.name, needed.version));
            let development = needed_for.development(&package.name);
            Locked {
                name: package.name,
                version: package.version,
                hashes: files.map(|file| file.hash).collect(),
                dependencies: needed.collect(),
                development,
            }
        });
        resolution::list(packages.collect(), facts);
    }
}

/// What the project and folders beside it need, extras included.
fn needed(packages: &[Package]) -> Needed {
    let (mut running, mut development) = (Vec::new(), Vec::new());
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let names = |all: &mut dyn Iterator<Item = &Dependency>| -> Vec<String> {
            all.map(|it| it.name.clone()).collect()
        };
        let own = &mut package.dependencies.iter().chain(package.optional.values().flatten());
        others.entry(package.name.clone()).or_default().extend(names(own));
        if is_local(&package.source) {
            running.push(package.name.clone());
            development.extend(names(&mut package.development.values().flatten()));
        }
    }
    Needed::of(running, development, &others)
}

/// The project itself, or a folder beside it.
fn is_local(source: &Table) -> bool {
    let kinds = ["virtual", "editable", "directory"];
    kinds.iter().any(|kind| source.get(*kind).is_some_and(Value::is_str))
}
