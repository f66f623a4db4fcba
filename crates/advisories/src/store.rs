//! A directory of segments: `<stream>.seg`, and beside it `<stream>.checked` with the time at
//! which its upstream was last asked whether there is news.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Segment, SegmentError, SegmentMeta, SegmentWriter, WriteError};

/// A directory of segments. Cheap to open (no I/O), lazy, shareable between threads; works on a
/// directory that is absent (empty) or read-only.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
}

/// One segment file in a store, for `db status`.
#[derive(Debug)]
pub struct Installed {
    pub stream: String,
    pub size_bytes: u64,
    /// When the upstream was last asked for news (RFC 3339); None if never since the install.
    pub checked_at: Option<String>,
    /// What it says about itself, or why it cannot be read.
    pub meta: Result<SegmentMeta, SegmentError>,
}

/// Why the store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error("cannot read `{path}`: {source}", path = .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the file for stream `{wanted}` holds stream `{found}`")]
    OtherStream { wanted: String, found: String },
}

impl Store {
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The segment of a stream; None if it is not installed. Opened once, then shared.
    pub fn segment(&self, _stream: &str) -> Result<Option<Arc<Segment>>, SegmentError> {
        todo!()
    }

    /// Every segment file, sorted by stream; a damaged one is listed with its error. An absent
    /// directory is an empty list.
    pub fn list(&self) -> Result<Vec<Installed>, StoreError> {
        todo!()
    }

    /// Writes a segment under its stream's name, creating the directory if need be. Returns the
    /// meta of the segment it replaced, if that could be read: a source that differs is worth
    /// telling the user.
    pub fn write(&self, _writer: SegmentWriter) -> Result<Option<SegmentMeta>, StoreError> {
        todo!()
    }

    /// Installs a ready segment from its bytes (fetched from a mirror): verifies all of it, checks
    /// that it holds `stream`, then replaces atomically. Returns the replaced segment's meta.
    pub fn install(&self, _stream: &str, _bytes: &[u8]) -> Result<Option<SegmentMeta>, StoreError> {
        todo!()
    }

    /// Like [`Self::install`], from a file anywhere.
    pub fn install_file(
        &self,
        _stream: &str,
        _path: &Path,
    ) -> Result<Option<SegmentMeta>, StoreError> {
        todo!()
    }

    /// When the stream's upstream was last asked for news (RFC 3339).
    pub fn checked_at(&self, _stream: &str) -> Option<String> {
        todo!()
    }

    /// Notes that the upstream had no news at this time (RFC 3339), without touching the segment.
    pub fn mark_checked(&self, _stream: &str, _at: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// SHA-256 of the installed file, as a mirror's index gives it; None if not installed.
    pub fn sha256(&self, _stream: &str) -> Result<Option<model::Digest>, StoreError> {
        todo!()
    }

    /// Removes a stream; false if it was not there.
    pub fn remove(&self, _stream: &str) -> Result<bool, StoreError> {
        todo!()
    }
}
