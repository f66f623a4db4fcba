//! How .NET's own files write a package in one word: `Newtonsoft.Json/13.0.1`.

use std::collections::BTreeMap;

use crate::lock::dependency;

/// Name and version; None if there are not both.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let (name, version) = text.split_once('/')?;
    (!name.is_empty() && !version.is_empty()).then_some((name, version))
}

/// What a package needs, as inventories write it.
pub(super) fn needed(dependencies: &BTreeMap<String, String>) -> Vec<String> {
    // A range says nothing of what was chosen.
    let exact = |version: &str| !version.contains(['[', '(', ',', '*']);
    let versions = dependencies
        .iter()
        .map(|(name, version)| dependency(name, if exact(version) { version } else { "" }));
    versions.collect()
}
