//! What reading a lock file has in common, whatever the ecosystem: the syntaxes, and that each
//! package is listed once.
//!
//! A tool refuses its lock file as a whole when it does not parse, so this does too, and says so.
//! Nothing here may know a format.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::marker::PhantomData;

use model::{Package, ProblemKind};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::{FileFacts, Installed};

/// The largest lock file that is read. Monorepos of thousands of packages have 5 MiB.
pub(crate) const LOCK_BYTES_MAX: u64 = 16 << 20;

/// Elements of one lock file in JSON or TOML. Parsers take up to 300 bytes for each, so that a file
/// of nothing but brackets would fill memory; 5 MiB of packages have some 300 000.
const ELEMENTS_MAX: usize = 1 << 20;

/// YAML nodes in one lock file, of which each takes some 200 bytes; a pnpm package has some 20.
const YAML_NODES_MAX: usize = 512 << 10;

/// Entries of one lock file that are kept, of formats that have little for each: there is room for some 70 000
/// packages among the facts of a layer.
pub(crate) const ENTRIES_MAX: usize = 1 << 17;

/// The first entries of a list by name; the last of one name counts.
pub(crate) struct Entries<T> {
    entries: BTreeMap<String, T>,
    left_out: usize,
}

impl<T> Entries<T> {
    /// Takes them; that there were more is a problem.
    pub(crate) fn take(self, facts: &mut FileFacts) -> BTreeMap<String, T> {
        left_out(self.left_out, facts);
        self.entries
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), left_out: 0 }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("entries by name")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut all = Entries::default();
                while all.entries.len() < ENTRIES_MAX {
                    let Some((name, entry)) = map.next_entry()? else { return Ok(all) };
                    all.entries.insert(name, entry);
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    all.left_out = all.left_out.saturating_add(1);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// That so many entries beyond [`ENTRIES_MAX`] are not looked at.
pub(crate) fn left_out(count: usize, facts: &mut FileFacts) {
    if count > 0 {
        limit(facts, &format!("{count} entries beyond {ENTRIES_MAX} are left out"));
    }
}

/// The packages of one file, each once.
pub(crate) struct Listing<'f> {
    facts: &'f mut FileFacts,
    /// By name, version and where they are from, with the place among the facts.
    seen: HashMap<Key, usize>,
}

/// BLAKE3 of what tells packages apart: no file gives two of them one key to hide one behind the other.
type Key = [u8; 16];

impl<'f> Listing<'f> {
    pub(crate) fn new(facts: &'f mut FileFacts) -> Self {
        Self { facts, seen: HashMap::new() }
    }

    /// Lists the package unless one of the same name, version and origin is there; what is needed once where
    /// the thing runs is no development dependency.
    pub(crate) fn add(&mut self, mut installed: Installed) {
        let package = &mut installed.package;
        if package.name.is_empty() {
            return;
        }
        let key = key(package);
        if let Some(place) = self.seen.get(&key) {
            if let Some(Installed { package: same, .. }) = self.facts.packages.get_mut(*place) {
                same.development = both(same.development, package.development);
            }
            return;
        }
        // Where there was no room for one, there is none for what follows, and it was told.
        if self.facts.overflowed() {
            return;
        }
        for list in [&mut package.dependencies, &mut package.hashes] {
            list.sort_unstable();
            list.dedup();
        }
        self.seen.insert(key, self.facts.packages.len());
        self.facts.package(installed);
    }
}

fn key(package: &Package) -> Key {
    let mut hasher = blake3::Hasher::new();
    let variant = package.variant.iter().flat_map(|(key, value)| [key, value]);
    for text in [&package.name, &package.version].into_iter().chain(variant) {
        hasher.update(&text.len().to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Whether a package that is needed for two reasons is one for development.
pub(crate) fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// What a project needs, directly or through others, where it runs and to develop it.
#[derive(Default)]
pub(crate) struct Needed {
    running: BTreeSet<String>,
    development: BTreeSet<String>,
}

impl Needed {
    /// By what it asks for itself, and what each of the others needs.
    pub(crate) fn of(
        running: Vec<String>,
        development: Vec<String>,
        others: &BTreeMap<String, Vec<String>>,
    ) -> Self {
        Self { running: reached(running, others), development: reached(development, others) }
    }

    /// Whether it is needed to develop alone; None where nobody is known to need it.
    pub(crate) fn development(&self, name: &str) -> Option<bool> {
        match (self.running.contains(name), self.development.contains(name)) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        }
    }
}

fn reached(mut open: Vec<String>, others: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !reached.contains(&name) {
            open.extend(others.get(&name).into_iter().flatten().cloned());
            reached.insert(name);
        }
    }
    reached
}

/// How a dependency is written whose version the lock file tells.
pub(crate) fn dependency(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name}@{version}") }
}

/// The file as JSON; a Problem if it is none.
pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8], facts: &mut FileFacts) -> Option<T> {
    if is_vast(bytes, facts) {
        return None;
    }
    // Windows' editors begin a file with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| damaged(facts, &error.to_string())).ok()
}

/// The file as TOML; a Problem if it is none.
pub(crate) fn toml<T: DeserializeOwned>(text: &str, facts: &mut FileFacts) -> Option<T> {
    if is_vast(text.as_bytes(), facts) {
        return None;
    }
    toml::from_str(text).map_err(|error| damaged(facts, error.message())).ok()
}

/// Every document of the file as YAML; a Problem and none if one of them is not.
pub(crate) fn yaml<T: DeserializeOwned>(text: &str, facts: &mut FileFacts) -> Vec<T> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 2 * YAML_NODES_MAX,
            max_nodes: YAML_NODES_MAX,
        },
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| match error {
            serde_saphyr::Error::Budget { .. } => limit(facts, &error.to_string()),
            error => damaged(facts, &error.to_string()),
        })
        .unwrap_or_default()
}

/// Whether the file has more elements than are read, by what separates and encloses them; a
/// Problem then.
fn is_vast(bytes: &[u8], facts: &mut FileFacts) -> bool {
    let marks = bytes.iter().filter(|byte| matches!(byte, b'[' | b'{' | b',' | b'=')).count();
    let is_vast = marks > ELEMENTS_MAX;
    if is_vast {
        limit(facts, &format!("more than {ELEMENTS_MAX} elements"));
    }
    is_vast
}

fn limit(facts: &mut FileFacts, error: &str) {
    let line = error.lines().next().unwrap_or_default();
    facts.problem(ProblemKind::LimitReached, line);
}

fn damaged(facts: &mut FileFacts, error: &str) {
    let line = error.lines().next().unwrap_or_default();
    facts.problem(ProblemKind::Damaged, format!("cannot be parsed: {line}"));
}
