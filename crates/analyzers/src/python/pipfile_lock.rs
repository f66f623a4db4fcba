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
}

impl Analyzer for PipfileLock {
    fn name(&self) -> &'static str {
        "pipfile-lock"
    }

    fn version(&self) -> u32 {
        1
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
        let packages = sections.flat_map(|(_, packages)| packages).filter_map(|(name, pinned)| {
            let pinned: Pinned = serde_json::from_value(pinned).ok()?;
            let version = pinned.version.trim_start_matches('=').to_owned();
            let hashes = pinned.hashes;
            (!version.is_empty()).then(|| Locked { name, version, hashes, ..Locked::default() })
        });
        resolution::list(packages.collect(), facts);
    }
}
