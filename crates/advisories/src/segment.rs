//! Reading one segment file.

use std::path::Path;

use model::{Advisory, Details, Subject};

use crate::{SegmentError, SegmentMeta};

/// The EPSS score of a CVE.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The probability of exploitation in the next 30 days, 0 to 1.
    pub epss: f64,
    /// The share of CVEs scored the same or lower, 0 to 1.
    pub percentile: f64,
}

/// An entry of CISA's catalog of known exploited vulnerabilities.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownExploited {
    /// When it was added (`YYYY-MM-DD`).
    pub added: String,
    /// By when federal agencies must act (`YYYY-MM-DD`).
    pub due: Option<String>,
    /// Whether it is known to be used by ransomware.
    pub ransomware: bool,
}

/// An open segment. Opening reads a few hundred bytes; a lookup reads the one block it needs.
/// Shareable between threads.
#[derive(Debug)]
pub struct Segment {
    meta: SegmentMeta,
}

impl Segment {
    /// Opens a segment file: reads its footer and description, nothing else.
    pub fn open(_path: &Path) -> Result<Self, SegmentError> {
        todo!()
    }

    /// The same over bytes in memory (fuzz targets, tests).
    pub fn from_bytes(_bytes: Vec<u8>) -> Result<Self, SegmentError> {
        todo!()
    }

    pub fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    /// What the source says of the package with exactly this name, in `Advisory` order. Cheapest
    /// when names are asked for in sorted order.
    pub fn advisories(
        &self,
        _package: &str,
        _subject: Subject,
    ) -> Result<Vec<Advisory>, SegmentError> {
        todo!()
    }

    /// What is known of the vulnerability apart from packages.
    pub fn details(&self, _id: &str) -> Result<Option<Details>, SegmentError> {
        todo!()
    }

    pub fn score(&self, _cve: &str) -> Result<Option<Score>, SegmentError> {
        todo!()
    }

    pub fn known_exploited(&self, _cve: &str) -> Result<Option<KnownExploited>, SegmentError> {
        todo!()
    }

    /// Reads and checks every byte and every record; the first error is returned.
    pub fn verify(&self) -> Result<(), SegmentError> {
        todo!()
    }

    /// Every advisory in order of package, then `Advisory` order. After an error the iteration
    /// goes on with the next block.
    pub fn all_advisories(&self) -> impl Iterator<Item = Result<Advisory, SegmentError>> {
        std::iter::empty()
    }

    /// All details in order of id.
    pub fn all_details(&self) -> impl Iterator<Item = Result<Details, SegmentError>> {
        std::iter::empty()
    }

    /// All scores in order of CVE.
    pub fn all_scores(&self) -> impl Iterator<Item = Result<(String, Score), SegmentError>> {
        std::iter::empty()
    }

    /// All known exploited vulnerabilities in order of CVE.
    pub fn all_known_exploited(
        &self,
    ) -> impl Iterator<Item = Result<(String, KnownExploited), SegmentError>> {
        std::iter::empty()
    }
}
