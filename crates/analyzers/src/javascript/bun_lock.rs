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
use super::origin::Origins;
use super::{jsonc, specifier};
use crate::lock::{self, LOCK_BYTES_MAX, Listing, Needed};
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
    /// The projects of the repository, by their folders; the root has none.
    #[serde(default)]
    workspaces: BTreeMap<String, Workspace>,
}

/// What one asks for.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Workspace {
    name: String,
    dependencies: BTreeMap<String, Value>,
    optional_dependencies: BTreeMap<String, Value>,
    peer_dependencies: BTreeMap<String, Value>,
    dev_dependencies: BTreeMap<String, Value>,
}

impl Analyzer for BunLock {
    fn name(&self) -> &'static str {
        "bun-lock"
    }

    fn version(&self) -> u32 {
        5
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
        let mut all = BTreeMap::new();
        for (place, locked) in &lock.packages {
            all.insert(place.clone(), dependencies(place, locked, &mut search));
        }
        let needed = needed(&lock.workspaces, &all, &mut search);
        let mut listing = Listing::new(facts);
        for (place, locked) in &lock.packages {
            let Some((name, version)) = identity(locked) else { continue };
            let mut installed = Installed::declared(PackageKind::Npm, name, version);
            origins.note(address(locked), &mut installed.package);
            let digest = locked.iter().skip(1).filter_map(Value::as_str).next_back();
            installed.package.hashes = integrity::subresource(digest.unwrap_or_default());
            let own = all.get(place).into_iter().flatten();
            installed.package.dependencies = own.map(Dependency::named).collect();
            installed.package.development = needed.development(place);
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
fn identity(locked: &[Value]) -> Option<(&str, &str)> {
    let (name, version) = specifier::split(locked.first()?.as_str()?)?;
    if specifier::is_version(version) {
        return Some((name, version));
    }
    specifier::is_address(version).then_some((name, ""))
}

/// What a package needs: the place where it is found, or a name that is nowhere.
enum Dependency<'a> {
    At(&'a str, &'a Vec<Value>),
    Nowhere(&'a str),
}

impl Dependency<'_> {
    fn named(&self) -> String {
        match self {
            Self::At(_, locked) => {
                let (name, version) = identity(locked).unwrap_or_default();
                lock::dependency(name, version)
            }
            Self::Nowhere(name) => (*name).to_owned(),
        }
    }
}

/// What it needs, as it would be found from its folder. An optional package or peer that is
/// nowhere is not needed.
fn dependencies<'a>(
    place: &str,
    locked: &'a [Value],
    search: &mut Search<'a, Vec<Value>>,
) -> Vec<Dependency<'a>> {
    let Some(details) = locked.iter().find_map(Value::as_object) else { return Vec::new() };
    let mut dependencies = Vec::new();
    for (key, is_needed) in
        [("dependencies", true), ("optionalDependencies", false), ("peerDependencies", false)]
    {
        for name in details.get(key).and_then(Value::as_object).into_iter().flat_map(|o| o.keys()) {
            let found = search.find(place, name);
            match found.filter(|(_, locked)| identity(locked).is_some()) {
                Some((place, locked)) => dependencies.push(Dependency::At(place, locked)),
                None if is_needed => dependencies.push(Dependency::Nowhere(name)),
                None => {}
            }
        }
    }
    dependencies
}

/// What the projects of the repository need, by places.
fn needed<'a>(
    workspaces: &BTreeMap<String, Workspace>,
    dependencies: &BTreeMap<String, Vec<Dependency<'a>>>,
    search: &mut Search<'a, Vec<Value>>,
) -> Needed {
    let (mut running, mut development) = (Vec::new(), Vec::new());
    for (folder, workspace) in workspaces {
        // Packages of the root lie in no folder, whatever it is called.
        let place = if folder.is_empty() { "" } else { &workspace.name };
        let mut found = |asked: &BTreeMap<String, Value>, places: &mut Vec<String>| {
            let found = asked.keys().filter_map(|name| search.find(place, name));
            places.extend(found.map(|(place, _)| place.to_owned()));
        };
        found(&workspace.dependencies, &mut running);
        found(&workspace.optional_dependencies, &mut running);
        found(&workspace.peer_dependencies, &mut running);
        found(&workspace.dev_dependencies, &mut development);
    }
    let places = |needed: &Vec<Dependency<'_>>| -> Vec<String> {
        let place = |it: &Dependency<'_>| match it {
            Dependency::At(place, _) => Some((*place).to_owned()),
            Dependency::Nowhere(_) => None,
        };
        needed.iter().filter_map(place).collect()
    };
    let others = dependencies.iter().map(|(place, needed)| (place.clone(), places(needed)));
    Needed::of(running, development, &others.collect())
}
