//! Yarn's lock file, `yarn.lock`: the form of version 1 (`yarn_classic.rs`), and the YAML of all
//! later ones, known as Berry (`yarn_modern.rs`).
//!
//! Each entry is called by what was asked for (`rope@^1.0.0, rope@^1.2.0`), so that is how
//! dependencies find theirs.

use std::collections::HashMap;

use model::PackageKind;

use super::origin::{Origin, Origins};
use super::{specifier, yarn_classic, yarn_modern};
use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `yarn-lock`.
pub(crate) struct YarnLock;

/// One entry, of either form.
#[derive(Default)]
pub(crate) struct Entry {
    /// What it answers: `name@range`.
    pub(crate) asked: Vec<String>,
    pub(crate) name: String,
    pub(crate) version: String,
    /// From where it came; empty where nothing says it.
    pub(crate) address: String,
    pub(crate) hashes: Vec<String>,
    /// Names and ranges.
    pub(crate) dependencies: Vec<(String, String)>,
}

impl Analyzer for YarnLock {
    fn name(&self) -> &'static str {
        "yarn-lock"
    }

    fn version(&self) -> u32 {
        3
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "yarn.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let is_modern = text.lines().any(|line| line.starts_with("__metadata:"));
        let mut entries = match is_modern {
            true => yarn_modern::entries(&text, facts),
            false => yarn_classic::entries(&text, facts),
        };
        // Berry says nothing of what comes from the usual registry.
        let mut origins = match is_modern {
            true => Origins::new(entries.iter().any(|entry| entry.address.is_empty())),
            false => Origins::of(entries.iter().map(|entry| entry.address.as_str())),
        };
        entries.retain(|entry| specifier::is_version(&entry.version));
        entries.retain(|entry| !matches!(origins.origin(&entry.address), Origin::Own));
        let answers: HashMap<&str, &Entry> = entries
            .iter()
            .flat_map(|entry| entry.asked.iter().map(move |asked| (asked.as_str(), entry)))
            .collect();
        let mut listing = Listing::new(facts);
        for entry in &entries {
            let mut installed = Installed::declared(PackageKind::Npm, &entry.name, &entry.version);
            installed.package.hashes.clone_from(&entry.hashes);
            origins.note(&entry.address, &mut installed.package);
            let needed = entry.dependencies.iter();
            installed.package.dependencies =
                needed.map(|(name, range)| dependency(name, range, &answers)).collect();
            listing.add(installed);
        }
        origins.tell(facts);
    }
}

/// A dependency as its answer is called; an alias (`a@npm:b@^1`) asks for another name than its
/// own. Before version 4 of Berry, the `npm:` of a range was left out.
fn dependency(name: &str, range: &str, answers: &HashMap<&str, &Entry>) -> String {
    let asked = [format!("{name}@{range}"), format!("{name}@npm:{range}")];
    match asked.iter().find_map(|asked| answers.get(asked.as_str())) {
        Some(entry) => lock::dependency(&entry.name, &entry.version),
        None => name.to_owned(),
    }
}
