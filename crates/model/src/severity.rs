//! How bad a vulnerability is, on the one scale that reports and policies use.
//!
//! Publishers' own words are mapped here; thresholds belong to `policy`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Ordered from the least to the most severe; `Unknown` sorts lowest because nobody rated it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Severity {
    #[default]
    Unknown,
    Negligible,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Negligible, Self::Unknown];

    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The qualitative rating of a CVSS v3 or v4 base score (CVSS v3.1 spec, section 5).
    pub fn from_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            0.0 => Self::Negligible,
            _ => Self::Unknown,
        }
    }

    /// The rating of a base score on the scale of its version of CVSS (`2.0`, `3.1`).
    pub fn from_versioned_score(version: &str, score: f64) -> Self {
        match version {
            "2.0" => Self::from_score_of_version_2(score),
            _ => Self::from_score(score),
        }
    }

    /// The rating of a CVSS 2 base score, which ends at `high` (NVD, "Vulnerability Metrics": low to 3.9).
    pub fn from_score_of_version_2(score: f64) -> Self {
        match score {
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s >= 0.0 => Self::Low,
            _ => Self::Unknown,
        }
    }

    /// Reads a publisher's word, whatever its case: Red Hat's and SUSE's `Important` and
    /// `Moderate`, Debian's `unimportant`, Ubuntu's `negligible`. Other words are `Unknown`.
    pub fn from_publisher(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" | "important" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" | "minor" => Self::Low,
            "negligible" | "unimportant" | "none" => Self::Negligible,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.name().eq_ignore_ascii_case(text)).ok_or_else(|| {
            format!("`{text}` is not a severity (critical, high, medium, low, negligible, unknown)")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CVSS 3.1, section 5; NVD's scale for version 2, which ends at `high`.
    #[test]
    fn a_score_is_read_on_the_scale_of_its_version() {
        for (score, of_2, of_3) in [
            (10.0, Severity::High, Severity::Critical),
            (9.0, Severity::High, Severity::Critical),
            (8.9, Severity::High, Severity::High),
            (7.0, Severity::High, Severity::High),
            (6.9, Severity::Medium, Severity::Medium),
            (4.0, Severity::Medium, Severity::Medium),
            (3.9, Severity::Low, Severity::Low),
            (0.0, Severity::Low, Severity::Negligible),
            (f64::NAN, Severity::Unknown, Severity::Unknown),
        ] {
            assert_eq!(Severity::from_versioned_score("2.0", score), of_2, "{score}");
            for version in ["3.0", "3.1", "4.0"] {
                assert_eq!(Severity::from_versioned_score(version, score), of_3, "{score}");
            }
        }
    }
}
