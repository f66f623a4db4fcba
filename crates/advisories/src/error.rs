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
        match self.kind {
            SegmentErrorKind::Unreadable => "check the permissions of the database".to_owned(),
            _ => format!(
                "`lazaret db update {}` fetches it again, `lazaret db import` reads a copy",
                self.stream
            ),
        }
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

/// The same before anyone has said which segment it is about.
#[derive(Debug)]
pub(crate) enum Fault {
    NotASegment(&'static str),
    UnknownVersion(u32),
    Damaged(String),
    Io(io::Error),
}

impl Fault {
    pub(crate) fn of(self, stream: &str) -> SegmentError {
        let (kind, message, source) = match self {
            Self::NotASegment(why) => {
                (SegmentErrorKind::NotASegment, format!("not an advisory segment, {why}"), None)
            }
            Self::UnknownVersion(version) => (
                SegmentErrorKind::UnknownVersion,
                format!("format version {version} is not one that this lazaret reads"),
                None,
            ),
            Self::Damaged(why) => (SegmentErrorKind::Damaged, format!("damaged, {why}"), None),
            Self::Io(error) => {
                (SegmentErrorKind::Unreadable, format!("cannot be read: {error}"), Some(error))
            }
        };
        SegmentError { kind, stream: stream.to_owned(), message, source }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Self::Damaged("the file is shorter than it says".to_owned())
            }
            _ => Self::Io(error),
        }
    }
}

/// Why a segment could not be written. The old file, if any, is as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("`{0}` is not a stream name (letters, digits, `.`, `_`, `-`)")]
    StreamName(String),
    #[error("segment `{stream}` cannot be written: {what}")]
    TooLarge { stream: String, what: String },
    #[error("cannot write `{path}`: {source}", path = .path.display())]
    Io { path: PathBuf, source: io::Error },
}
