//! A finding that somebody has looked at and says not to report.

use serde::{Deserialize, Serialize};

use crate::Finding;

/// What silences a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SilencedBy {
    /// A statement of a VEX document: not affected, or fixed.
    Vex,
    /// An exception of the user's policy.
    Exception,
    /// The program: it links none of the functions that are vulnerable.
    NotLinked,
    /// The package: it was built for a platform on which the vulnerability is not there.
    OtherPlatform,
}

impl SilencedBy {
    pub fn name(self) -> &'static str {
        match self {
            Self::Vex => "vex",
            Self::Exception => "exception",
            Self::NotLinked => "not_linked",
            Self::OtherPlatform => "other_platform",
        }
    }
}

/// A finding that is told apart, with the reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silenced {
    pub finding: Finding,
    pub by: SilencedBy,
    /// The document or policy that says so, as the user named it.
    pub source: String,
    /// In its words; a VEX justification (`vulnerable_code_not_present`) where it says no more.
    pub reason: String,
    /// Who answers for it; empty if nobody is named.
    pub owner: String,
    /// The date after which it counts no more (`YYYY-MM-DD`).
    pub expires: Option<String>,
}
