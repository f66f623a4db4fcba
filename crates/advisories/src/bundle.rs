//! A mirror in one file: a plain tar of `index.json`, its signature if any, and the segments.

use std::path::{Path, PathBuf};

use crate::{
    Index, IndexError, KeyError, PrivateKey, PublicKey, SegmentMeta, Store, StoreError, WriteError,
};

/// One stream that an import installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub meta: SegmentMeta,
    /// The meta of the segment it replaced.
    pub replaced: Option<SegmentMeta>,
}

/// Why a bundle was not written or not installed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("`{path}` is not a lazaret bundle: {why}", path = .path.display())]
    NotABundle { path: PathBuf, why: String },
    #[error("bundle `{path}` is damaged: {why}", path = .path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("bundle `{path}`: {source}", path = .path.display())]
    Index { path: PathBuf, source: IndexError },
    #[error("bundle `{path}`: {source}", path = .path.display())]
    Signature { path: PathBuf, source: KeyError },
    #[error("stream `{0}` is not in the store")]
    Missing(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("cannot read `{path}`: {source}", path = .path.display())]
    Read { path: PathBuf, source: std::io::Error },
}

/// Whether a file begins as a bundle does, so that `db import` can tell it from a feed.
pub fn recognizes(_head: &[u8]) -> bool {
    todo!()
}

/// Writes these streams of the store (all if empty) into one file, atomically; the same segments
/// and key give the same bytes.
pub fn export(
    _store: &Store,
    _streams: &[String],
    _path: &Path,
    _key: Option<&PrivateKey>,
) -> Result<Index, BundleError> {
    todo!()
}

/// Checks the whole bundle (signature, digests, every record), then installs all of it. Nothing
/// is installed if anything is wrong. With trusted keys, a bundle signed by none of them is
/// refused.
pub fn import(
    _path: &Path,
    _store: &Store,
    _trusted: &[PublicKey],
) -> Result<Vec<Imported>, BundleError> {
    todo!()
}
