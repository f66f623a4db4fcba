//! Facts about layers that were read before: one file a layer, no lock.
//!
//! A file is written under another name and renamed, so that a second process sees all of it or
//! nothing; two that write the same layer write the same bytes. The folder is named by the
//! analyzers' fingerprint, so that a new analyzer starts afresh. The cache is a convenience:
//! whatever is wrong with it means reading the layer again, and is said once.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use analyzers::LayerFacts;
use model::{Problem, ProblemKind};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Changes whenever the bytes after it change their meaning.
const MAGIC: [u8; 8] = *b"lzrlay\x00\x02";
/// The facts of a layer at the entry limit stay well below this; a larger file is not ours.
const FILE_LIMIT: u64 = 256 << 20;

/// What is kept of a layer.
#[derive(Debug, Deserialize)]
pub(crate) struct Kept {
    /// How many entries the layer has.
    pub(crate) entries: u64,
    pub(crate) problems: Vec<Problem>,
    pub(crate) facts: LayerFacts,
}

/// [`Kept`], as it is written.
#[derive(Serialize)]
struct Keeping<'a> {
    entries: u64,
    problems: &'a [Problem],
    facts: &'a LayerFacts,
}

/// A folder of cached facts, or none.
pub(crate) struct Cache {
    dir: Option<PathBuf>,
    /// The first failure to write: a full or read-only disk fails for every layer alike.
    failure: RefCell<Option<(PathBuf, io::Error)>>,
}

impl Cache {
    pub(crate) fn open(dir: Option<&Path>) -> Self {
        let dir = dir.map(|dir| dir.join("layers").join(analyzers::fingerprint()));
        Self { dir, failure: RefCell::default() }
    }

    /// The facts kept under a key. A file that is absent, damaged or of another version is none.
    pub(crate) fn load(&self, key: &str) -> Option<Kept> {
        let path = self.path(key)?;
        if path.metadata().ok()?.len() > FILE_LIMIT {
            return None;
        }
        let bytes = std::fs::read(path).ok()?;
        let (magic, rest) = bytes.split_first_chunk()?;
        let (checksum, payload) = rest.split_first_chunk()?;
        if *magic != MAGIC || u64::from_le_bytes(*checksum) != xxh3_64(payload) {
            return None;
        }
        postcard::from_bytes(payload).ok()
    }

    /// Keeps the facts of a layer.
    pub(crate) fn store(&self, key: &str, entries: u64, problems: &[Problem], facts: &LayerFacts) {
        let Some(path) = self.path(key) else { return };
        if let Err(error) = write(&path, &Keeping { entries, problems, facts }) {
            self.failure.borrow_mut().get_or_insert((path, error));
        }
    }

    /// That nothing could be kept, if so.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let failure = self.failure.borrow();
        let (path, error) = failure.as_ref()?;
        let message = format!("layer results could not be cached: {error}");
        Some(Problem::new(ProblemKind::Notice, path.display().to_string(), message))
    }

    /// The key is hashed: it holds what file systems and archives call things, and must not become
    /// a path. No one gains by a collision, for keys of verified layers are digests themselves.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let dir = self.dir.as_ref()?;
        Some(dir.join(format!("{:032x}", xxh3_128(key.as_bytes()))))
    }
}

fn write(path: &Path, keeping: &Keeping<'_>) -> io::Result<()> {
    let payload = postcard::to_allocvec(keeping).map_err(io::Error::other)?;
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(&MAGIC)?;
    file.write_all(&xxh3_64(&payload).to_le_bytes())?;
    file.write_all(&payload)?;
    file.persist(path)?;
    Ok(())
}
