//! CVSS as FIRST's JSON schemas write it, the same in NVD's and the CVE program's documents.
//!
//! Scores are taken as published; a vector or score that cannot be one is left out. Only where a
//! publisher gives the vector alone (OSV, RustSec) is the score computed.

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
            None => Severity::from_versioned_score(&self.version, self.base_score),
        }
    }

    /// Later versions of the standard sort higher.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

/// A bare vector, with its score as FIRST's specifications compute it. None if it is no vector.
pub(crate) fn of_vector(source: &str, vector: &str) -> Option<Cvss> {
    let parsed: ::cvss::Cvss = vector.parse().ok()?;
    let version = match &parsed {
        ::cvss::Cvss::CvssV20(_) => "2.0",
        ::cvss::Cvss::CvssV30(_) => "3.0",
        ::cvss::Cvss::CvssV31(_) => "3.1",
        ::cvss::Cvss::CvssV40(_) => "4.0",
        _ => return None,
    };
    Some(Cvss {
        source: source.to_owned(),
        version: version.to_owned(),
        vector: vector.to_owned(),
        score: parsed.score(),
    })
}

/// The rating that the newest of these scores gives; unknown where there is none.
pub(crate) fn rating(scores: &[Cvss]) -> Severity {
    let newest = scores.iter().max_by(|a, b| a.version.cmp(&b.version));
    newest.map_or(Severity::Unknown, Cvss::severity)
}

/// `CWE-79` and the like; what is no CWE number (`NVD-CWE-noinfo`) is None.
pub(crate) fn cwe(text: &str) -> Option<String> {
    let number = text.strip_prefix("CWE-")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.to_owned())
}
