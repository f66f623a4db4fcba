//! npm's lock file: `package-lock.json`, and `npm-shrinkwrap.json` of the same form
//! (docs.npmjs.com, "package-lock.json").
//!
//! Versions 2 and 3 list packages by their folders (`node_modules/a/node_modules/b`); version 1
//! nests them, which is brought into the same form. What stands in `node_modules` itself is the
//! business of `npm_package.rs`: npm's hidden lock file there is not read.

use std::collections::BTreeMap;

use model::{PackageKind, ProblemKind};
use serde::Deserialize;
use serde_json::Value;

use super::folders::Search;
use super::origin::{Origin, Origins};
use super::specifier;
use crate::lock::{self, Entries, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `npm-lock`.
pub(crate) struct NpmLock;

/// Where npm puts packages.
const MODULES: &str = "node_modules/";

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "lockfileVersion", default)]
    version: u64,
    #[serde(default)]
    packages: Entries<Locked>,
    #[serde(default)]
    dependencies: Entries<Nested>,
}

/// A package of versions 2 and 3, by its folder.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    /// Where the folder is called otherwise.
    name: String,
    version: String,
    /// From where it came.
    resolved: String,
    integrity: String,
    license: Value,
    /// A folder that stands elsewhere in the repository.
    link: bool,
    /// That of who develops alone; one that is optional besides (`devOptional`) is not.
    dev: bool,
    dependencies: BTreeMap<String, Value>,
    #[serde(rename = "optionalDependencies")]
    optional: BTreeMap<String, Value>,
    #[serde(rename = "peerDependencies")]
    peers: BTreeMap<String, Value>,
}

/// A package of version 1, by its name.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Nested {
    version: String,
    resolved: String,
    integrity: String,
    /// Names and ranges; npm 4 wrote `true` where it meant others.
    requires: Value,
    dev: bool,
    dependencies: BTreeMap<String, Self>,
}

impl Analyzer for NpmLock {
    fn name(&self) -> &'static str {
        "npm-lock"
    }

    fn version(&self) -> u32 {
        4
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "package-lock.json" },
                Select::Anywhere { directory: "*", name: "npm-shrinkwrap.json" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::json::<Lock>(file.bytes, facts) else { return };
        if lock.version > 3 {
            let message = format!("version {} of the format is not known", lock.version);
            facts.problem(ProblemKind::Unsupported, message);
        }
        let mut packages = lock.packages.take(facts);
        if packages.is_empty() {
            flatten("", lock.dependencies.take(facts), &mut packages);
        }
        let mut origins = Origins::of(packages.values().map(|locked| locked.resolved.as_str()));
        let mut search = Search::new(&packages, MODULES);
        let mut listing = Listing::new(facts);
        for (folder, locked) in &packages {
            // Folders outside are the repository's own.
            let Some((name, version)) = identity(folder, locked, &origins) else { continue };
            let mut installed = Installed::declared(PackageKind::Npm, name, version);
            origins.note(locked.address(), &mut installed.package);
            installed.package.development = Some(locked.dev);
            installed.package.license = locked.license.as_str().unwrap_or_default().to_owned();
            installed.package.hashes = integrity::subresource(&locked.integrity);
            installed.package.dependencies = dependencies(folder, locked, &mut search, &origins);
            listing.add(installed);
        }
        origins.tell(facts);
    }
}

/// Brings version 1 into the form of its successors. The depth is that of the JSON, which the
/// parser bounds.
fn flatten(above: &str, nested: BTreeMap<String, Nested>, flat: &mut BTreeMap<String, Locked>) {
    for (name, package) in nested {
        let folder = format!("{above}{MODULES}{name}");
        flatten(&format!("{folder}/"), package.dependencies, flat);
        let Nested { version, resolved, integrity, requires, dev, .. } = package;
        let dependencies = match requires {
            Value::Object(requires) => requires.into_iter().collect(),
            _ => BTreeMap::new(),
        };
        // An alias says what it stands for in place of a version.
        let target = version.strip_prefix("npm:").and_then(specifier::split);
        let (name, version) = match target {
            Some((name, version)) => (name.to_owned(), version.to_owned()),
            None => (String::new(), version),
        };
        let locked =
            Locked { name, version, resolved, integrity, dev, dependencies, ..Locked::default() };
        flat.insert(folder, locked);
    }
}

impl Locked {
    /// From where it came: version 1 has that of commits and archives in place of the version.
    fn address(&self) -> &str {
        let is_said = !self.version.is_empty() && !specifier::is_version(&self.version);
        if is_said { &self.version } else { &self.resolved }
    }
}

/// Name and version of the package in a folder; None for the repository's own. Where no version
/// is said, it is left empty.
fn identity<'a>(
    folder: &'a str,
    locked: &'a Locked,
    origins: &Origins,
) -> Option<(&'a str, &'a str)> {
    let (_, name) = folder.rsplit_once(MODULES)?;
    let name = if locked.name.is_empty() { name } else { &locked.name };
    match origins.origin(locked.address()) {
        Origin::Own => None,
        _ if locked.link => None,
        _ if specifier::is_version(&locked.version) => Some((name, &locked.version)),
        Origin::Elsewhere(_) => Some((name, "")),
        Origin::Public => {
            let is_unsaid = locked.version.is_empty() || specifier::is_address(&locked.version);
            is_unsaid.then_some((name, ""))
        }
    }
}

/// What it needs, as Node.js would find it from its folder. An optional package or peer that is
/// nowhere is not needed.
fn dependencies(
    folder: &str,
    locked: &Locked,
    search: &mut Search<'_, Locked>,
    origins: &Origins,
) -> Vec<String> {
    let needed = locked.dependencies.keys().map(|name| (name, true));
    let wanted = locked.optional.keys().chain(locked.peers.keys()).map(|name| (name, false));
    needed
        .chain(wanted)
        .filter(|(name, is_needed)| !(*is_needed && locked.optional.contains_key(*name)))
        .filter_map(|(name, is_needed)| {
            let found = search.find(folder, name);
            match found.and_then(|(place, locked)| identity(place, locked, origins)) {
                Some((name, version)) => Some(lock::dependency(name, version)),
                None => is_needed.then(|| name.clone()),
            }
        })
        .collect()
}
