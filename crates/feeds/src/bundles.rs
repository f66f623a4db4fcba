//! Where among what a user names there are bundles of segments, and whether there is anything else.
//!
//! Bundles are checked and installed as they are, before feeds are read, and keys vouch for them
//! alone. A folder is walked here as an import walks it (`input`). This file must never read more than
//! the first bytes.

use std::fs;
use std::path::{Path, PathBuf};

use advisories::{Index, bundle};

use crate::input::{FOLDER_DEPTH_LIMIT, children};

/// What there is at a path.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bundles {
    /// Bundles and folders of mirrors, in order of names.
    pub found: Vec<PathBuf>,
    /// Whether there is anything else.
    pub others: bool,
}

/// Looks for bundles at a path: itself, or in a folder and those below.
pub fn bundles(path: &Path) -> Bundles {
    let mut all = Bundles::default();
    look(path, 0, &mut all);
    all
}

fn look(path: &Path, depth: usize, all: &mut Bundles) {
    let is_folder = fs::metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let is_bundle = bundle::is_at(path);
    if is_bundle {
        all.found.push(path.to_owned());
    }
    if !is_folder {
        all.others |= !is_bundle;
        return;
    }
    // Links to folders and what lies too deep are passed over or told by the import.
    for child in children(path).unwrap_or_default() {
        let is_link = child.is_symlink() && child.is_dir();
        let is_segment = is_bundle && is_of_mirror(&child);
        if depth < FOLDER_DEPTH_LIMIT && !is_link && !is_segment {
            look(&child, depth + 1, all);
        }
    }
}

/// Whether a file is one of those that a mirror's folder is made of.
pub(crate) fn is_of_mirror(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_index = [Index::FILE_NAME, Index::SIGNATURE_FILE_NAME].contains(&name);
    is_index || path.extension().is_some_and(|extension| extension == "seg")
}
