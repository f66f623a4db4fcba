//! Collecting records and writing them as one segment file.

use std::path::Path;

use model::{Advisory, Details};

use crate::{KnownExploited, Score, SegmentMeta, WriteError};

/// Collects one stream. Records may come in any order and repeat; the bytes written depend only
/// on the set of records and the meta. Records are kept encoded (some 60 bytes an advisory), so
/// that a writer for each stream of a source fits in memory.
pub struct SegmentWriter {
    meta: SegmentMeta,
}

impl SegmentWriter {
    /// `meta.counts` is ignored and filled at the end.
    pub fn new(meta: SegmentMeta) -> Self {
        Self { meta }
    }

    pub fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    /// For what is known only after the records were read (`upstream_modified`, `origins`).
    pub fn meta_mut(&mut self) -> &mut SegmentMeta {
        &mut self.meta
    }

    /// Equal advisories are kept once.
    pub fn advisory(&mut self, _advisory: &Advisory) {
        todo!()
    }

    /// One record an id: later details of the same id win.
    pub fn details(&mut self, _details: &Details) {
        todo!()
    }

    /// Later scores of the same CVE win.
    pub fn score(&mut self, _cve: &str, _score: Score) {
        todo!()
    }

    /// Later entries of the same CVE win.
    pub fn known_exploited(&mut self, _cve: &str, _entry: &KnownExploited) {
        todo!()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        todo!()
    }

    /// The segment as bytes; deterministic.
    pub fn into_bytes(self) -> Result<Vec<u8>, WriteError> {
        todo!()
    }

    /// Writes the segment to `path`, replacing what is there in one step: a temporary file in the
    /// same directory, synced, then renamed. Returns the meta as written.
    pub fn write(self, _path: &Path) -> Result<SegmentMeta, WriteError> {
        todo!()
    }
}
