//! CVSS as FIRST's JSON schemas write it, the same in NVD's and the CVE program's documents.
//!
//! Scores are taken as published, not computed anew; a vector or score that cannot be one is left
//! out.

use model::{Cvss, Severity};
use serde::Deserialize;

/// The part of a `cvssData` object (or `cvssV3_1` …) that is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CvssData {
    version: String,
    vector_string: String,
    base_score: f64,
    /// Absent for CVSS 2, which has no ratings of its own.
    base_severity: Option<String>,
}

impl CvssData {
    /// None if it is no CVSS we know of.
    pub(crate) fn scored_by(&self, source: &str) -> Option<Cvss> {
        let known = ["2.0", "3.0", "3.1", "4.0"].contains(&self.version.as_str());
        let in_range = (0.0..=10.0).contains(&self.base_score);
        (known && in_range && !self.vector_string.is_empty()).then(|| Cvss {
            source: source.to_owned(),
            version: self.version.clone(),
            vector: self.vector_string.clone(),
            score: self.base_score,
        })
    }

    /// The rating: as published, else as the score says.
    pub(crate) fn severity(&self, published: Option<&str>) -> Severity {
        match published.or(self.base_severity.as_deref()) {
            Some(word) => Severity::from_publisher(word),
            None => Severity::from_score(self.base_score),
        }
    }

    /// Later versions of the standard sort higher.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

/// `CWE-79` and the like; what is no CWE number (`NVD-CWE-noinfo`) is None.
pub(crate) fn cwe(text: &str) -> Option<String> {
    let number = text.strip_prefix("CWE-")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.to_owned())
}
