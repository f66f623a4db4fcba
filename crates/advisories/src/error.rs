//! What goes wrong with one segment, in words that name it.

use std::io;
use std::path::PathBuf;

use model::{Problem, ProblemKind};

/// The class of a [`SegmentError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentErrorKind {
    /// The file does not begin and end as a segment does.
    NotASegment,
    /// A format version that this build does not read.
    UnknownVersion,
    /// A checksum, length or record is wrong; other blocks may be fine.
    Damaged,
    /// The operating system refused.
    Unreadable,
}

/// Why something could not be read from a segment.
#[derive(Debug, thiserror::Error)]
#[error("segment `{stream}`: {message}")]
pub struct SegmentError {
    pub kind: SegmentErrorKind,
    /// The stream, or the file name where the stream is not known.
    pub stream: String,
    /// A lower-case fragment that names the table and block concerned.
    pub message: String,
    #[source]
    pub source: Option<io::Error>,
}

impl SegmentError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        format!(
            "`lazaret db update {}` fetches it again, `lazaret db import` reads a copy",
            self.stream
        )
    }

    /// The same as a problem of a scan's result.
    pub fn problem(&self) -> Problem {
        let kind = match self.kind {
            SegmentErrorKind::Unreadable => ProblemKind::Unreadable,
            SegmentErrorKind::UnknownVersion => ProblemKind::Unsupported,
            SegmentErrorKind::NotASegment | SegmentErrorKind::Damaged => ProblemKind::Damaged,
        };
        Problem::new(kind, &self.stream, format!("{}; hint: {}", self.message, self.hint()))
    }
}

/// Why a segment could not be written. The old file, if any, is as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("`{0}` is not a stream name (letters, digits, `.`, `_`, `-`)")]
    StreamName(String),
    #[error("segment `{stream}`: {what}")]
    TooLarge { stream: String, what: String },
    #[error("cannot write `{path}`: {source}", path = .path.display())]
    Io { path: PathBuf, source: io::Error },
}
