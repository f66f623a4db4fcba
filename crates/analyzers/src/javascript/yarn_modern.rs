//! `yarn.lock` of version 2 and later: YAML, one entry a package.
//!
//! Checksums there are those of Yarn's own archive and not of what was published, so they are
//! left out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::yarn_lock::Entry;
use super::{origin, specifier};
use crate::{FileFacts, lock};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    version: String,
    /// `name@npm:version`, or another way by which it came.
    resolution: String,
    dependencies: BTreeMap<String, String>,
    #[serde(rename = "linkType")]
    link: String,
}

/// The entries, but for the repository's own folders.
pub(super) fn entries(text: &str, facts: &mut FileFacts) -> Vec<Entry> {
    let documents: Vec<BTreeMap<String, Locked>> = lock::yaml(text, facts);
    let locked = documents.into_iter().flatten();
    locked
        .filter(|(asked, locked)| asked != "__metadata" && locked.link != "soft")
        .filter_map(|(asked, locked)| {
            let (name, reference) = specifier::split(&locked.resolution)?;
            Some(Entry {
                name: name.to_owned(),
                asked: asked.split(", ").map(str::to_owned).collect(),
                address: origin::of_resolution(reference),
                version: locked.version,
                dependencies: locked.dependencies.into_iter().collect(),
                ..Entry::default()
            })
        })
        .collect()
}
