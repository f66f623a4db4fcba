//! Bun's lock file, `bun.lock`: JSON with trailing commas (bun.com/docs, "Lockfile").
//!
//! Packages are listed by the folders they would stand in (`a`, or `b/a` where `b` needs another
//! version), each as `["name@version", registry, {dependencies}, "sha512-…"]`, shorter where they
//! do not come from a registry. The binary form before it is read by `bun_lockb.rs`.

use std::collections::BTreeMap;

use model::{PackageKind, ProblemKind};
use serde::Deserialize;
use serde_json::Value;

use super::folders::Search;
use super::{jsonc, specifier};
use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `bun-lock`.
pub(crate) struct BunLock;

/// The newest form that is known.
const FORM_MAX: u64 = 2;

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "lockfileVersion", default)]
    version: u64,
    #[serde(default)]
    packages: BTreeMap<String, Vec<Value>>,
}

impl Analyzer for BunLock {
    fn name(&self) -> &'static str {
        "bun-lock"
    }

    fn version(&self) -> u32 {
        3
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "bun.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::json::<Lock>(&jsonc::plain(file.bytes), facts) else { return };
        if lock.version > FORM_MAX {
            let message = format!("version {} of the format is not known", lock.version);
            facts.problem(ProblemKind::Unsupported, message);
        }
        let mut search = Search::new(&lock.packages, "");
        let mut listing = Listing::new(facts);
        for (place, locked) in &lock.packages {
            let Some((name, version)) = identity(locked) else { continue };
            let mut installed = Installed::declared(PackageKind::Npm, name, version);
            let digest = locked.iter().skip(1).filter_map(Value::as_str).next_back();
            installed.package.hashes = integrity::subresource(digest.unwrap_or_default());
            installed.package.dependencies = dependencies(place, locked, &mut search);
            listing.add(installed);
        }
    }
}

/// Name and version; None for the repository's own folders. Where no version is said, it is left
/// empty.
fn identity(locked: &[Value]) -> Option<(&str, &str)> {
    let (name, version) = specifier::split(locked.first()?.as_str()?)?;
    if specifier::is_version(version) {
        return Some((name, version));
    }
    specifier::is_address(version).then_some((name, ""))
}

/// What it needs, as it would be found from its folder. An optional package or peer that is
/// nowhere is not needed.
fn dependencies(place: &str, locked: &[Value], search: &mut Search<'_, Vec<Value>>) -> Vec<String> {
    let Some(details) = locked.iter().find_map(Value::as_object) else { return Vec::new() };
    let mut dependencies = Vec::new();
    for (key, is_needed) in
        [("dependencies", true), ("optionalDependencies", false), ("peerDependencies", false)]
    {
        for name in details.get(key).and_then(Value::as_object).into_iter().flat_map(|o| o.keys()) {
            let found = search.find(place, name);
            match found.and_then(|(_, locked)| identity(locked)) {
                Some((name, version)) => dependencies.push(lock::dependency(name, version)),
                None if is_needed => dependencies.push(name.clone()),
                None => {}
            }
        }
    }
    dependencies
}
