//! Pipenv's lock file, `Pipfile.lock`: JSON, one section a category of packages.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::resolution::{self, Locked};
use crate::lock::{self, LOCK_BYTES_MAX};
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `pipfile-lock`.
pub(crate) struct PipfileLock;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pinned {
    /// `==1.0`; none for what comes from a repository or a folder.
    version: String,
    hashes: Vec<String>,
    /// A folder.
    path: String,
}

impl Analyzer for PipfileLock {
    fn name(&self) -> &'static str {
        "pipfile-lock"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "Pipfile.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let sections: Option<BTreeMap<String, BTreeMap<String, Value>>> =
            lock::json(file.bytes, facts);
        let sections = sections.into_iter().flatten().filter(|(section, _)| section != "_meta");
        let packages = sections.flat_map(|(section, packages)| {
            let development = development(&section);
            packages.into_iter().filter_map(move |(name, pinned)| {
                let pinned: Pinned = serde_json::from_value(pinned).ok()?;
                let version = pinned.version.trim_start_matches('=').to_owned();
                let (hashes, dependencies) = (pinned.hashes, Vec::new());
                let is_elsewhere = pinned.path.is_empty();
                is_elsewhere.then_some(Locked { name, version, hashes, dependencies, development })
            })
        });
        resolution::list(packages.collect(), facts);
    }
}

/// What a section is for; those besides the two are the project's own invention.
pub(super) fn development(section: &str) -> Option<bool> {
    match section {
        "default" | "packages" => Some(false),
        "develop" | "dev-packages" => Some(true),
        _ => None,
    }
}
