//! What could not be done, kept beside what could.
//!
//! A [`Problem`] never stops a scan: it travels with the result, reaches the report, and decides
//! the exit code in one place (`cli`). Its kind says what class of trouble it is; whether the
//! result is incomplete because of it follows from the kind alone.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The class of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProblemKind {
    /// Bytes that do not parse or whose digest is wrong.
    Damaged,
    /// A documented limit was reached; what lies beyond it was not read.
    LimitReached,
    /// Bytes that exist but could not be read (permission, I/O error, not distributed).
    Unreadable,
    /// A path that would leave the root of the image; nothing was read through it.
    Refused,
    /// A format, distribution or feature we know of and do not handle.
    Unsupported,
    /// Advisories that this target needs are not there, so absence of findings means nothing.
    AdvisoriesMissing,
    /// Scores and texts of reported vulnerabilities are not there, so some severities are unknown;
    /// which vulnerabilities there are is known all the same.
    MetadataMissing,
    /// Advisories are older than the age limit and could not be refreshed.
    AdvisoriesStale,
    /// So few advisories are at hand for a distribution's release that they may be an excerpt.
    AdvisoriesFew,
    /// Worth knowing; the result is complete all the same (a distribution past its end of life).
    Notice,
}

impl ProblemKind {
    pub const ALL: [Self; 10] = [
        Self::Damaged,
        Self::LimitReached,
        Self::Unreadable,
        Self::Refused,
        Self::Unsupported,
        Self::AdvisoriesMissing,
        Self::MetadataMissing,
        Self::AdvisoriesStale,
        Self::AdvisoriesFew,
        Self::Notice,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::LimitReached => "limit_reached",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
            Self::AdvisoriesMissing => "advisories_missing",
            Self::MetadataMissing => "metadata_missing",
            Self::AdvisoriesStale => "advisories_stale",
            Self::AdvisoriesFew => "advisories_few",
            Self::Notice => "notice",
        }
    }

    /// Whether something may be missing from a result that carries such a problem. A refused
    /// path hides nothing that a container could reach, and stale data is said with its age. How many
    /// advisories a release should have nobody says, so that there are few is a doubt, not knowledge.
    pub fn makes_incomplete(self) -> bool {
        match self {
            Self::Damaged
            | Self::LimitReached
            | Self::Unreadable
            | Self::Unsupported
            | Self::AdvisoriesMissing => true,
            Self::Refused
            | Self::MetadataMissing
            | Self::AdvisoriesStale
            | Self::AdvisoriesFew
            | Self::Notice => false,
        }
    }
}

/// One thing that went wrong: what, where, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Problem {
    pub kind: ProblemKind,
    /// The thing concerned, as the user knows it: a path in the image, a digest, a stream.
    pub subject: String,
    /// The index of the layer concerned, where there is one.
    pub layer: Option<u32>,
    /// A lower-case fragment without a full stop.
    pub message: String,
}

impl Problem {
    pub fn new(kind: ProblemKind, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, subject: subject.into(), layer: None, message: message.into() }
    }

    #[must_use]
    pub fn in_layer(self, layer: u32) -> Self {
        Self { layer: Some(layer), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.subject, self.message)?;
        self.layer.iter().try_for_each(|layer| write!(f, " (layer {layer})"))
    }
}
