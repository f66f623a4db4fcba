//! pnpm's lock file, `pnpm-lock.yaml`, in the forms 5, 6 and 9 (pnpm.io, "pnpm-lock.yaml"; forms 7
//! and 8 were never released).
//!
//! Packages are called `/name/1.2.3_peers` in 5, `/name@1.2.3(peers)` in 6 and `name@1.2.3` in 9,
//! where what they need stands apart under `snapshots`, with the peers.

use std::collections::BTreeMap;

use model::{PackageKind, ProblemKind};
use serde::Deserialize;
use serde_json::Value;

use super::origin::Origins;
use super::specifier;
use crate::lock::{self, LOCK_BYTES_MAX, Listing, Needed};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `pnpm-lock`.
pub(crate) struct PnpmLock;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lock {
    lockfile_version: Value,
    #[serde(default)]
    packages: Option<BTreeMap<String, Locked>>,
    #[serde(default)]
    snapshots: Option<BTreeMap<String, Locked>>,
    /// The projects of the repository.
    #[serde(default)]
    importers: Option<BTreeMap<String, Importer>>,
}

/// What one asks for. Before form 9 packages say themselves what they are for, and versions are texts.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Importer {
    dependencies: BTreeMap<String, Value>,
    optional_dependencies: BTreeMap<String, Value>,
    dev_dependencies: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Locked {
    /// Where the key is an address.
    name: String,
    version: String,
    resolution: Resolution,
    /// Up to form 6.
    dev: Option<bool>,
    dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resolution {
    integrity: String,
    /// Said where it is not what the registry calls it.
    tarball: String,
    /// `directory` is one of the repository's own.
    #[serde(rename = "type")]
    kind: String,
}

/// How keys are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Slash,
    At,
}

impl Analyzer for PnpmLock {
    fn name(&self) -> &'static str {
        "pnpm-lock"
    }

    fn version(&self) -> u32 {
        4
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "pnpm-lock.yaml" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let documents: Vec<Lock> = lock::yaml(&file.text(), facts);
        let mut found = Vec::new();
        // Nothing is said of what comes from the usual registry.
        let is_usual = |it: &Resolution| it.tarball.is_empty() && it.kind.is_empty();
        let has_usual = documents
            .iter()
            .flat_map(|lock| lock.packages.iter().flatten())
            .any(|(_, locked)| is_usual(&locked.resolution));
        let mut origins = Origins::new(has_usual);
        for lock in documents {
            let version = &lock.lockfile_version;
            match form(version) {
                Some(form) => found.extend(packages(form, lock, &mut origins)),
                None => {
                    let message = format!("version {version} of the format is not known");
                    facts.problem(ProblemKind::Unsupported, message);
                }
            }
        }
        let mut listing = Listing::new(facts);
        found.into_iter().for_each(|installed| listing.add(installed));
        origins.tell(facts);
    }
}

/// `5.4` was a number, `'6.0'` and `5.4-inlineSpecifiers` are texts.
fn form(version: &Value) -> Option<Form> {
    let text = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
    match text.split('.').next()?.parse().ok()? {
        5 => Some(Form::Slash),
        6..=9 => Some(Form::At),
        _ => None,
    }
}

fn packages(form: Form, lock: Lock, origins: &mut Origins) -> Vec<Installed> {
    let mut needed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let locked = lock.packages.unwrap_or_default();
    for (key, locked) in locked.iter().chain(lock.snapshots.iter().flatten()) {
        let all = locked.dependencies.iter().chain(&locked.optional_dependencies);
        let texts = all.map(|(name, version)| dependency(form, name, version));
        needed.entry(plain(form, key).to_owned()).or_default().extend(texts);
    }
    let asked = asked(form, &lock.importers.unwrap_or_default(), &needed);
    let mut packages = Vec::new();
    for (key, locked) in locked.iter().filter(|(_, locked)| locked.resolution.kind != "directory") {
        let key = plain(form, key);
        let (name, version) = split(form, key).unwrap_or_default();
        let name = if locked.name.is_empty() { name } else { &locked.name };
        let version = if locked.version.is_empty() { version } else { &locked.version };
        // What comes from elsewhere may have none.
        let version = if specifier::is_version(version) { version } else { "" };
        let mut installed = Installed::declared(PackageKind::Npm, name, version);
        origins.note(&locked.resolution.tarball, &mut installed.package);
        installed.package.development = locked.dev.or_else(|| asked.development(key));
        installed.package.hashes = integrity::subresource(&locked.resolution.integrity);
        installed.package.dependencies = needed.get(key).cloned().unwrap_or_default();
        packages.push(installed);
    }
    packages
}

/// What the projects of the repository need.
fn asked(
    form: Form,
    importers: &BTreeMap<String, Importer>,
    others: &BTreeMap<String, Vec<String>>,
) -> Needed {
    let keys = |lists: &[&BTreeMap<String, Value>]| -> Vec<String> {
        let all = lists.iter().flat_map(|list| list.iter());
        let asked = all.filter_map(|(name, it)| Some((name, it.get("version")?.as_str()?)));
        asked.map(|(name, version)| dependency(form, name, version)).collect()
    };
    let (mut running, mut development) = (Vec::new(), Vec::new());
    for importer in importers.values() {
        running.extend(keys(&[&importer.dependencies, &importer.optional_dependencies]));
        development.extend(keys(&[&importer.dev_dependencies]));
    }
    Needed::of(running, development, others)
}

/// A key or version without the peers behind it. No version has an underscore of its own.
fn plain(form: Form, text: &str) -> &str {
    match form {
        Form::At => text.split('(').next().unwrap_or_default(),
        Form::Slash => {
            let version = text.rfind('/').unwrap_or_default();
            let (before, version) = text.split_at_checked(version).unwrap_or(("", text));
            let length = version.find('_').unwrap_or(version.len());
            text.get(..before.len().saturating_add(length)).unwrap_or(text)
        }
    }
}

/// Name and version in a key without peers; None where it is an address.
fn split(form: Form, key: &str) -> Option<(&str, &str)> {
    let key = key.strip_prefix('/').unwrap_or(key);
    match form {
        Form::Slash => key.rsplit_once('/'),
        Form::At => specifier::split(key),
    }
}

/// Versions stand beside names, but for aliases, which have a whole key there.
fn dependency(form: Form, name: &str, version: &str) -> String {
    let version = plain(form, version);
    if specifier::is_version(version) {
        return lock::dependency(name, version);
    }
    match split(form, version) {
        Some((target, version)) if specifier::is_version(version) => {
            lock::dependency(target, version)
        }
        _ => name.to_owned(),
    }
}
