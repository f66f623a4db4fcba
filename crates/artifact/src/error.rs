//! Why a target could not be opened, or its layers not read at all.
//!
//! Trouble with a part of an image is a [`model::Problem`] that travels with the result; these
//! errors are for when there is no result. Messages never contain credentials.

use std::error::Error;
use std::fmt;

/// The class of an [`OpenError`]; the exit code follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenErrorKind {
    /// What was typed makes no sense: the message says what would.
    Usage,
    /// No such file, image, tag or platform.
    NotFound,
    /// It exists and is something else: a Helm chart, a signature.
    NotAnImage,
    /// The source wants credentials, or refuses those it was given.
    Unauthorized,
    /// The source could not be reached or did not keep to its protocol.
    Network,
    /// Manifest or configuration do not parse, or are not what their digest says.
    Damaged,
    /// A kind of image that we know of and do not read.
    Unsupported,
    /// The user or the deadline ended it.
    Interrupted,
}

/// Why a target could not be opened.
#[derive(Debug)]
pub struct OpenError {
    kind: OpenErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl OpenError {
    /// `message` is a lower-case fragment that names the thing concerned in backticks.
    pub(crate) fn new(kind: OpenErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Adds what the user may do next.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds the cause.
    #[must_use]
    pub(crate) fn because(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// The message alone: the cause is the error's `source`, the hint has a line of its own.
impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Why reading ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The user or the deadline ended it; `0` says which.
    #[error("{0}")]
    Interrupted(&'static str),
    /// The source went away, or refuses now what it granted before.
    #[error(transparent)]
    Source(#[from] OpenError),
}

impl ReadError {
    pub fn kind(&self) -> OpenErrorKind {
        match self {
            Self::Interrupted(_) => OpenErrorKind::Interrupted,
            Self::Source(error) => error.kind(),
        }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Interrupted(reason) => Self::new(OpenErrorKind::Interrupted, reason),
            ReadError::Source(error) => error,
        }
    }
}
