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
use super::origin::{Origin, Origins};
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
        4
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
        // Nothing is said of what comes from the usual registry.
        let is_usual = |locked: &[Value]| is_of_a_registry(locked) && address(locked).is_empty();
        let mut origins = Origins::new(lock.packages.values().any(|locked| is_usual(locked)));
        let mut search = Search::new(&lock.packages, "");
        let mut listing = Listing::new(facts);
        for (place, locked) in &lock.packages {
            let Some((name, version)) = identity(locked, &origins) else { continue };
            let mut installed = Installed::declared(PackageKind::Npm, name, version);
            origins.note(address(locked));
            if let Origin::Elsewhere(told) = origins.origin(address(locked)) {
                installed.package.variant = told;
            }
            let digest = locked.iter().skip(1).filter_map(Value::as_str).next_back();
            installed.package.hashes = integrity::subresource(digest.unwrap_or_default());
            installed.package.dependencies = dependencies(place, locked, &mut search, &origins);
            listing.add(installed);
        }
        origins.tell(facts);
    }
}

/// From where it came; empty for the usual registry.
fn address(locked: &[Value]) -> &str {
    let reference = locked.first().and_then(Value::as_str).and_then(specifier::split);
    match reference {
        Some((_, reference)) if specifier::is_address(reference) => reference,
        _ => locked.get(1).and_then(Value::as_str).unwrap_or_default(),
    }
}

fn is_of_a_registry(locked: &[Value]) -> bool {
    let reference = locked.first().and_then(Value::as_str).and_then(specifier::split);
    reference.is_some_and(|(_, version)| specifier::is_version(version))
}

/// Name and version; None for the repository's own folders. Where no version is said, it is left
/// empty.
fn identity<'a>(locked: &'a [Value], origins: &Origins) -> Option<(&'a str, &'a str)> {
    let (name, version) = specifier::split(locked.first()?.as_str()?)?;
    if specifier::is_version(version) {
        let is_public = matches!(origins.origin(address(locked)), Origin::Public);
        return Some((name, if is_public { version } else { "" }));
    }
    specifier::is_address(version).then_some((name, ""))
}

/// What it needs, as it would be found from its folder. An optional package or peer that is
/// nowhere is not needed.
fn dependencies(
    place: &str,
    locked: &[Value],
    search: &mut Search<'_, Vec<Value>>,
    origins: &Origins,
) -> Vec<String> {
    let Some(details) = locked.iter().find_map(Value::as_object) else { return Vec::new() };
    let mut dependencies = Vec::new();
    for (key, is_needed) in
        [("dependencies", true), ("optionalDependencies", false), ("peerDependencies", false)]
    {
        for name in details.get(key).and_then(Value::as_object).into_iter().flat_map(|o| o.keys()) {
            let found = search.find(place, name);
            match found.and_then(|(_, locked)| identity(locked, origins)) {
                Some((name, version)) => dependencies.push(lock::dependency(name, version)),
                None if is_needed => dependencies.push(name.clone()),
                None => {}
            }
        }
    }
    dependencies
}
