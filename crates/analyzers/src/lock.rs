//! What reading a lock file has in common, whatever the ecosystem: the syntaxes, and that each
//! package is listed once.
//!
//! A tool refuses its lock file as a whole when it does not parse, so this does too, and says so.
//! Nothing here may know a format.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::ProblemKind;
use serde::de::DeserializeOwned;

use crate::{FileFacts, Installed};

/// The largest lock file that is read. Monorepos of thousands of packages have 5 MiB.
pub(crate) const LOCK_BYTES_MAX: u64 = 16 << 20;

/// Elements of one lock file in JSON or TOML. Parsers take up to 300 bytes for each, so that a file
/// of nothing but brackets would fill memory; 5 MiB of packages have some 300 000.
const ELEMENTS_MAX: usize = 1 << 20;

/// YAML nodes in one lock file, of which each takes some 200 bytes; a pnpm package has some 20.
const YAML_NODES_MAX: usize = 512 << 10;

/// The packages of one file, each once.
pub(crate) struct Listing<'f> {
    facts: &'f mut FileFacts,
    /// By name, version and where they are from, with the place among the facts, unless there was no room.
    seen: HashMap<(String, String, BTreeMap<String, String>), Option<usize>>,
}

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
        let key = (package.name.clone(), package.version.clone(), package.variant.clone());
        if let Some(place) = self.seen.get(&key) {
            let same = place.and_then(|place| self.facts.packages.get_mut(place));
            if let Some(Installed { package: same, .. }) = same {
                same.development = both(same.development, package.development);
            }
            return;
        }
        for list in [&mut package.dependencies, &mut package.hashes] {
            list.sort_unstable();
            list.dedup();
        }
        let place = self.facts.packages.len();
        self.facts.package(installed);
        self.seen.insert(key, (self.facts.packages.len() > place).then_some(place));
    }
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
