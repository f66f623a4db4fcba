//! What a publisher says of one vulnerability in one package, in the form every feed is brought
//! into and every segment stores.
//!
//! One [`Advisory`] is one statement: this vulnerability, this package, under this scope, has
//! this status. A publisher that speaks of a hundred packages gives a hundred. Texts, scores and
//! references belong to the vulnerability and stand once, in [`Details`].

use serde::{Deserialize, Serialize};

use crate::Severity;

/// What the publisher says about the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Affected below the fixed version, which exists.
    Fixed,
    /// Affected; no fix yet.
    Affected,
    /// Affected; the publisher decided not to fix it.
    WillNotFix,
    /// Affected; a fix is put off.
    FixDeferred,
    /// Affected or not looked at, because the release or package is out of support.
    EndOfLife,
    /// Looked at; not vulnerable.
    NotAffected,
    /// Being looked at.
    UnderInvestigation,
    /// The publisher cannot tell.
    Undetermined,
}

impl Status {
    pub const ALL: [Self; 8] = [
        Self::Fixed,
        Self::Affected,
        Self::WillNotFix,
        Self::FixDeferred,
        Self::EndOfLife,
        Self::NotAffected,
        Self::UnderInvestigation,
        Self::Undetermined,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::WillNotFix => "will_not_fix",
            Self::FixDeferred => "fix_deferred",
            Self::EndOfLife => "end_of_life",
            Self::NotAffected => "not_affected",
            Self::UnderInvestigation => "under_investigation",
            Self::Undetermined => "undetermined",
        }
    }
}

/// Which of a package's two names the publisher speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// The source package (Debian, Ubuntu, Alpine; Red Hat's unfixed states): compare the source
    /// version.
    Source,
    /// The binary package (most rpm errata): compare its own version.
    Binary,
}

/// What must hold of an installation before the statement applies to it. Empty means always.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// Architectures, as the package manager spells them; empty means all.
    pub architectures: Vec<String>,
    /// `name:stream` of an rpm module; a package outside that stream is not meant.
    pub module: Option<String>,
    /// The track within the release: Ubuntu's `esm-infra`, `esm-apps`, `fips-updates`; an Amazon
    /// extras topic; a Red Hat CPE other than the main one. None is the main track.
    pub track: Option<String>,
    /// Functions of which the program must link one, each as `package name` (`example.org/tide/moon
    /// Client.Get`), sorted; empty where the publisher does not say.
    pub symbols: Vec<String>,
    /// What it must run on, sorted: Go's `windows/*`, `*/386`, RubySec's `jruby`; empty means all.
    pub platforms: Vec<String>,
}

/// A half-open or closed interval of versions, in the order of the stream's version scheme.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionRange {
    /// The first version affected; None from the beginning.
    pub introduced: Option<String>,
    /// Where it ends.
    pub until: Affected,
}

/// The upper end of a [`VersionRange`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Affected {
    /// Every version from `introduced` on.
    Onwards,
    /// Versions below this one.
    Before(String),
    /// This version and those below it.
    Through(String),
    /// Versions below `end`, and `end` itself where it is `included`. What is free of it the publisher
    /// tells apart, or not at all: `fix`.
    Until { end: String, included: bool, fix: Option<String> },
}

impl Affected {
    /// The first version that is free of it, as the publisher names it.
    pub fn fix(&self) -> Option<&str> {
        match self {
            Self::Before(fix) => Some(fix),
            Self::Until { fix, .. } => fix.as_deref(),
            Self::Onwards | Self::Through(_) => None,
        }
    }

    /// The last version, or the first that is not affected, and whether it is affected; None where
    /// there is no end.
    pub fn end(&self) -> Option<(&str, bool)> {
        match self {
            Self::Onwards => None,
            Self::Before(end) => Some((end, false)),
            Self::Through(end) => Some((end, true)),
            Self::Until { end, included, .. } => Some((end, *included)),
        }
    }
}

/// One publisher's statement about one vulnerability in one package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Advisory {
    /// The CVE id; the publisher's own where there is no CVE.
    pub id: String,
    /// Other names of the same vulnerability (GHSA, another CVE), sorted.
    pub aliases: Vec<String>,
    pub package: String,
    pub subject: Subject,
    pub scope: Scope,
    pub status: Status,
    /// The versions affected, in any of the ranges. For `Fixed` at least one range names a
    /// fixed version; for `NotAffected` it is empty.
    pub ranges: Vec<VersionRange>,
    /// The publisher's own rating for this package; `Unknown` if it gives none.
    pub severity: Severity,
    /// The publisher's notices that say so: `DSA-5417-1`, `RHSA-2024:1234`, sorted.
    pub notices: Vec<String>,
}

/// One scored CVSS vector.
#[derive(Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Cvss {
    /// Who scored it: `nvd`, `redhat`, `github`, a CNA's short name.
    pub source: String,
    /// `2.0`, `3.0`, `3.1` or `4.0`.
    pub version: String,
    pub vector: String,
    /// The base score, 0.0 to 10.0.
    pub score: f64,
}

impl Cvss {
    /// What the score means on the scale of its version.
    pub fn severity(&self) -> Severity {
        Severity::from_versioned_score(&self.version, self.score)
    }
}

/// What is known of a vulnerability apart from packages: only reported findings need it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    pub id: String,
    pub title: String,
    pub description: String,
    /// This source's rating, apart from any package.
    pub severity: Severity,
    pub cvss: Vec<Cvss>,
    /// `CWE-79`, sorted.
    pub cwes: Vec<String>,
    /// URLs, in the source's order, without repetition.
    pub references: Vec<String>,
    /// RFC 3339.
    pub published: Option<String>,
    /// RFC 3339.
    pub modified: Option<String>,
    /// When the source withdrew the record (RFC 3339).
    pub withdrawn: Option<String>,
}
