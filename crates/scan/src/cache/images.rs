//! Images that were seen before: what they were called, which layers they have, what is in them.
//!
//! One file an image and name, in a folder beside those of layers, under the same limit and cleaned
//! with them. A file is found by its name alone: by the lowest layer, which an image shares with
//! what it was built on, or by the name that the image went by.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use model::{Digest, Os, Package};
use serde::{Deserialize, Serialize};

use super::file::{self, Mark};
use super::{Cache, IMAGES, layers_dir};

const MARK: Mark = *b"lzrimg\x00\x02";
/// An image with more packages is hardly one that others are built on, and is not kept: the largest
/// public bases have some 1500.
const PACKAGES_MAX: usize = 5000;
/// So many packages take some 3 MB; a larger file is not ours.
const FILE_LIMIT: u64 = 8 << 20;
/// How many images with the same lowest layer, or of the same name, are looked at: the most recently
/// used ones. A name that is scanned every day has so many in two months.
const LOOKED_AT_MAX: usize = 64;

/// An image as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// In full, with registry and tag.
    pub(crate) name: String,
    /// Of its configuration.
    pub(crate) digest: Digest,
    pub(crate) platform: String,
    pub(crate) created: Option<String>,
    /// From the lowest up.
    pub(crate) diff_ids: Vec<Digest>,
    pub(crate) os: Option<Os>,
    pub(crate) repositories: Vec<String>,
    /// Without what only documents need.
    pub(crate) packages: Vec<Package>,
}

impl Cache {
    /// Keeps what is known of an image.
    pub(crate) fn store_image(&self, seen: &Seen) {
        let (Some(dir), Some(lowest)) = (self.images_dir(), seen.diff_ids.first()) else { return };
        if seen.packages.len() > PACKAGES_MAX {
            return;
        }
        let name = hash(&format!("{}\0{}", seen.name, seen.platform));
        let own = hash(&seen.digest.to_string());
        let path = dir.join(format!("{}-{name}-{own}", hash(&lowest.to_string())));
        match file::write(&path, MARK, seen) {
            Ok(()) => self.has_grown.store(true, Ordering::Relaxed),
            Err(error) => drop(self.failure().get_or_insert(error)),
        }
    }

    /// The images whose lowest layer is this one.
    pub(crate) fn images_on(&self, lowest: &Digest) -> Vec<Seen> {
        let wanted = hash(&lowest.to_string());
        let found = self.images(|name| name.split('-').next() == Some(&wanted));
        found.into_iter().filter(|it| it.diff_ids.first() == Some(lowest)).collect()
    }

    /// The images that went by this name.
    pub(crate) fn images_named(&self, name: &str, platform: &str) -> Vec<Seen> {
        let wanted = hash(&format!("{name}\0{platform}"));
        let found = self.images(|name| name.split('-').nth(1) == Some(&wanted));
        found.into_iter().filter(|it| it.name == name && it.platform == platform).collect()
    }

    fn images(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Seen> {
        let entries = self.images_dir().and_then(|dir| std::fs::read_dir(dir).ok());
        let mut files: Vec<(SystemTime, PathBuf)> = (entries.into_iter().flatten().flatten())
            .filter(|entry| entry.file_name().to_str().is_some_and(&is_wanted))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort_unstable_by(|one, other| other.cmp(one));
        files.truncate(LOOKED_AT_MAX);
        files.iter().filter_map(|(_, path)| file::read(path, MARK, FILE_LIMIT)).collect()
    }

    fn images_dir(&self) -> Option<PathBuf> {
        Some(layers_dir(self.dir.as_deref()?).join(IMAGES))
    }
}

/// Names and digests must not become paths.
fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().chars().take(32).collect()
}
