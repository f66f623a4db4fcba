//! Facts about layers that were read before: one file a layer, no lock.
//!
//! Two processes that write the same layer write the same bytes. The folder is named by the
//! analyzers' fingerprint, so that a new analyzer starts afresh. The cache is a convenience:
//! whatever is wrong with it means reading the layer again, and is said once. It is bounded: a run
//! that added to it makes room (`room.rs`). Beside layers it keeps what images were seen (`images.rs`).

mod file;
mod images;
mod room;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use analyzers::LayerFacts;
use model::{Problem, ProblemKind};
use serde::{Deserialize, Serialize};

pub(crate) use images::Seen;
pub use room::{Usage, clean, usage};

const MARK: file::Mark = *b"lzrlay\x00\x03";
/// The facts of a layer at the entry limit stay well below this; a larger file is not ours.
const FILE_LIMIT: u64 = 256 << 20;

/// What is kept of a layer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What the layer takes of the limits that all layers of an image share: entries, and bytes that
    /// were read without being there.
    pub(crate) entries: u64,
    pub(crate) growth: u64,
    pub(crate) problems: Vec<Problem>,
    pub(crate) facts: LayerFacts,
}

/// A folder of cached facts, or none.
pub(crate) struct Cache {
    /// The user's cache folder.
    dir: Option<PathBuf>,
    /// The folder of what is looked for, as this program does it.
    generation: String,
    has_grown: AtomicBool,
    /// The first failure to write: a full or read-only disk fails for every layer alike.
    failure: Mutex<Option<io::Error>>,
}

impl Cache {
    pub(crate) fn open(dir: Option<&Path>, generation: String) -> Self {
        let dir = dir.map(Path::to_owned);
        Self { dir, generation, has_grown: AtomicBool::new(false), failure: Mutex::default() }
    }

    /// The facts kept under a key. A file that is absent, damaged or of another version is none.
    pub(crate) fn load(&self, key: &str) -> Option<Kept> {
        file::read(&self.path(key)?, MARK, FILE_LIMIT)
    }

    /// Keeps the facts of a layer.
    pub(crate) fn store(&self, key: &str, kept: &Kept) {
        let Some(path) = self.path(key) else { return };
        match file::write(&path, MARK, kept) {
            Ok(()) => self.has_grown.store(true, Ordering::Relaxed),
            Err(error) => drop(self.failure().get_or_insert(error)),
        }
    }

    /// Keeps the folder below `limit` bytes, if this run has added to it.
    pub(crate) fn make_room(&self, limit: u64) {
        let has_grown = self.has_grown.load(Ordering::Relaxed);
        let Some(dir) = self.dir.as_deref().filter(|_| has_grown) else { return };
        if let Err(error) = room::make_room(dir, limit) {
            self.failure().get_or_insert(error);
        }
    }

    fn failure(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That nothing could be kept, if so. It names the folder alone: which layer came first and what its
    /// file was called for a moment is different in every run.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let failure = self.failure();
        let message = format!("layer results could not be cached: {}", failure.as_ref()?);
        Some(Problem::new(ProblemKind::Notice, self.dir.as_ref()?.display().to_string(), message))
    }

    /// The key is hashed: it holds what file systems and archives call things, and must not become
    /// a path. An image has a say in what stands there, so no two keys may meet.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let dir = layers_dir(self.dir.as_ref()?).join(&self.generation);
        Some(dir.join(blake3::hash(key.as_bytes()).to_hex().as_str()))
    }
}

/// The folder of images, beside those of generations.
const IMAGES: &str = "images";

/// One folder a generation of analyzers is in here.
fn layers_dir(cache_dir: &Path) -> PathBuf {
    cache_dir.join("layers")
}
