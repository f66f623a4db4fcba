//! What a segment says about itself: where its records come from, and how many there are.

use serde::{Deserialize, Serialize};

/// Longest stream name; it becomes a file name together with an extension.
const STREAM_NAME_LIMIT: usize = 100;

/// The description that a segment carries, kept as JSON inside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentMeta {
    /// `debian-12`, `cve-2024`, `epss`; see [`is_stream_name`].
    pub stream: String,
    /// The feed that speaks with authority for the stream: `debian-tracker`.
    pub source: String,
    /// SPDX expression, or the publisher's words.
    pub license: String,
    /// The name of the version scheme that orders the ranges (`debian`, `rpm`, `apk`); None for
    /// metadata.
    pub scheme: Option<String>,
    /// When the segment was built (RFC 3339), as the caller says.
    pub built_at: String,
    /// When the publisher last changed the data (RFC 3339), where it says.
    pub upstream_modified: Option<String>,
    /// What the data was read from, sorted by URL; used for the next conditional request.
    pub origins: Vec<Origin>,
    /// Why something its source says may be missing (the data it was built from was damaged), as
    /// a lower-case fragment; None if it is whole.
    #[serde(default)]
    pub incomplete: Option<String>,
    /// Filled by the writer.
    pub counts: Counts,
}

/// One upstream document, and what its server said for a conditional request.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The URL it was fetched from, or the name of the imported file without its directory.
    pub url: String,
    /// The `ETag` header, verbatim.
    pub etag: Option<String>,
    /// The `Last-Modified` header, verbatim.
    pub last_modified: Option<String>,
    /// SHA-256 of the bytes as fetched, hexadecimal, where it was computed.
    pub sha256: Option<String>,
}

/// How many records of each kind a segment holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Distinct package names.
    pub packages: u64,
    pub advisories: u64,
    pub details: u64,
    pub scores: u64,
    pub known_exploited: u64,
    /// Distinct digests; segments from before there were any do not say.
    #[serde(default)]
    pub coordinates: u64,
}

impl Counts {
    /// All records; packages are no records of their own.
    pub fn records(&self) -> u64 {
        let Self { packages: _, advisories, details, scores, known_exploited, coordinates } = *self;
        let all = [advisories, details, scores, known_exploited, coordinates];
        all.into_iter().fold(0, u64::saturating_add)
    }
}

/// Whether a text may name a stream: letters, digits, `.`, `_` and `-`, starting with a letter
/// or digit, so that it is a file name on any system and never a path.
pub fn is_stream_name(name: &str) -> bool {
    name.len() <= STREAM_NAME_LIMIT
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
