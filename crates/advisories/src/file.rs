//! The bytes of a segment: a file read at positions, or memory.
//!
//! Positioned reads rather than a mapping: a block is read once and then kept decompressed, so
//! that a mapping would save one copy of some twenty kilobytes, and it would need `unsafe` and
//! turn a file that someone truncates under us into a SIGBUS. Measured: docs/segments.md.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// A run of bytes in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Where the bytes of a segment are.
#[derive(Debug)]
pub(crate) enum SegmentFile {
    File(File),
    Memory(Vec<u8>),
}

impl SegmentFile {
    pub(crate) fn length(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Reads a span. Its length has been held against the file's by whoever made it, so that no
    /// more memory is taken than there are bytes.
    pub(crate) fn read(&self, span: Span) -> io::Result<Vec<u8>> {
        let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let length = usize::try_from(span.length).ok().ok_or_else(cut_off)?;
        match self {
            Self::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, span.offset)?;
                Ok(bytes)
            }
            Self::Memory(bytes) => {
                let start = usize::try_from(span.offset).ok().ok_or_else(cut_off)?;
                let end = start.checked_add(length).ok_or_else(cut_off)?;
                Ok(bytes.get(start..end).ok_or_else(cut_off)?.to_vec())
            }
        }
    }
}

impl Span {
    pub(crate) fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    /// The first bytes of it.
    pub(crate) fn first(self, length: u64) -> Self {
        Self { length, ..self }
    }

    /// All but the first bytes; empty if it is shorter than that.
    pub(crate) fn from(self, skipped: u64) -> Self {
        let skipped = skipped.min(self.length);
        let offset = self.offset.saturating_add(skipped);
        Self { offset, length: self.length.saturating_sub(skipped) }
    }

    /// A range counted from its beginning.
    pub(crate) fn within(self, range: &Range<u64>) -> Self {
        let length = range.end.saturating_sub(range.start);
        Self { offset: self.offset.saturating_add(range.start), length }
    }

    /// Everything but the last bytes, then the last bytes; None if it is shorter than that.
    pub(crate) fn split_end(self, length: u64) -> Option<(Self, Self)> {
        let head = self.first(self.length.checked_sub(length)?);
        Some((head, Self { offset: head.end(), length }))
    }
}
