//! Finds what a package needs as Node.js does: in the folder of the package, then in each above.
//!
//! A lock file may claim folders of any depth and ask from each of them, so the search is bounded:
//! what is not found any more loses its version, and nothing else.

use std::collections::BTreeMap;

/// The longest path of a folder that is searched from. Those of real lock files have some hundred
/// bytes.
const FOLDER_BYTES_MAX: usize = 1024;

/// The longest name; npm allows 214 characters.
const NAME_BYTES_MAX: usize = 256;

/// Look-ups for one lock file: 100 000 packages that need 10 others each take some 3 million.
const LOOKUPS_MAX: usize = 4 << 20;

/// The search in one lock file.
pub(super) struct Search<'m, T> {
    packages: &'m BTreeMap<String, T>,
    /// What stands between a folder and the name of a package in it.
    within: &'static str,
    lookups: usize,
}

impl<'m, T> Search<'m, T> {
    pub(super) fn new(packages: &'m BTreeMap<String, T>, within: &'static str) -> Self {
        Self { packages, within, lookups: LOOKUPS_MAX }
    }

    /// The place of the package `name` that `folder` would use, and what stands there.
    pub(super) fn find(&mut self, folder: &str, name: &str) -> Option<(&'m str, &'m T)> {
        if folder.len() > FOLDER_BYTES_MAX || name.len() > NAME_BYTES_MAX {
            return None;
        }
        let mut folder = folder;
        loop {
            self.lookups = self.lookups.checked_sub(1)?;
            let slash = if folder.is_empty() { "" } else { "/" };
            let place = format!("{folder}{slash}{}{name}", self.within);
            if let Some((place, found)) = self.packages.get_key_value(&place) {
                return Some((place, found));
            }
            if folder.is_empty() {
                return None;
            }
            // Half of a scoped name holds nothing and does no harm.
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }
}
