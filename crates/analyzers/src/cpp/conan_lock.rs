//! `conan.lock`, of Conan 1 (a graph of nodes) and Conan 2 (lists of references).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::conan_reference;
use crate::lock::{self, LOCK_BYTES_MAX, Listing, dependency};
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `conan-lock`.
pub(crate) struct ConanLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    graph_lock: Graph,
    #[serde(default)]
    requires: Vec<String>,
    #[serde(default)]
    build_requires: Vec<String>,
    #[serde(default)]
    python_requires: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Graph {
    #[serde(default)]
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    /// Absent for the project itself.
    #[serde(rename = "ref", default)]
    reference: String,
    /// Keys of other nodes.
    #[serde(default)]
    requires: Vec<String>,
}

impl Analyzer for ConanLock {
    fn name(&self) -> &'static str {
        "conan-lock"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "conan.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::json::<Lock>(file.bytes, facts) else { return };
        let mut listing = Listing::new(facts);
        let nodes = &lock.graph_lock.nodes;
        for node in nodes.values() {
            let Some(mut installed) = conan_reference::package(&node.reference) else { continue };
            let needed = node.requires.iter().filter_map(|key| nodes.get(key));
            installed.package.dependencies = needed
                .filter_map(|node| conan_reference::split(&node.reference))
                .map(|(name, version)| dependency(name, version))
                .collect();
            listing.add(installed);
        }
        for reference in [lock.requires, lock.build_requires, lock.python_requires].iter().flatten()
        {
            conan_reference::package(reference).into_iter().for_each(|it| listing.add(it));
        }
    }
}
