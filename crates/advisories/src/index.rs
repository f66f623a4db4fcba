//! The list of segments that a mirror serves (`index.json`) and that a bundle begins with.

use model::Digest;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::StoreError;

/// What a mirror has. A mirror is a directory of static files: `index.json`, optionally
/// `index.json.sig` (a signature over the exact bytes of `index.json`), and the segments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Sorted by stream, each once.
    pub segments: Vec<IndexEntry>,
}

/// One segment file of a mirror.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    pub stream: String,
    /// The file's name beside the index; always `<stream>.seg`.
    pub file: String,
    pub sha256: Digest,
    pub size_bytes: u64,
    pub source: String,
    /// RFC 3339.
    pub built_at: String,
}

/// Why a document is not an index.
#[derive(Debug, thiserror::Error)]
#[error("index of segments: {0}")]
pub struct IndexError(pub String);

impl Index {
    /// The conventional file name.
    pub const FILE_NAME: &str = "index.json";
    /// The conventional name of the signature beside it.
    pub const SIGNATURE_FILE_NAME: &str = "index.json.sig";

    /// Describes these streams of a store (all if empty), reading every byte of them.
    pub fn of_store(_store: &Store, _streams: &[String]) -> Result<Self, StoreError> {
        todo!()
    }

    /// Reads an index, checking names, digests and limits.
    pub fn parse(_json: &[u8]) -> Result<Self, IndexError> {
        todo!()
    }

    /// Deterministic, ends with a newline.
    pub fn to_json(&self) -> Vec<u8> {
        todo!()
    }

    pub fn entry(&self, stream: &str) -> Option<&IndexEntry> {
        self.segments.iter().find(|entry| entry.stream == stream)
    }
}
