//! The shape of OSV records, as far as they are read.

use std::borrow::Cow;

use serde::Deserialize;

use crate::text::Text;

/// A record, as far as it is read.
#[derive(Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) modified: Text<'a>,
    #[serde(borrow, default)]
    pub(super) published: Text<'a>,
    #[serde(borrow, default)]
    pub(super) withdrawn: Text<'a>,
    #[serde(borrow, default)]
    pub(super) summary: Text<'a>,
    #[serde(borrow, default)]
    pub(super) details: Text<'a>,
    #[serde(borrow, default)]
    pub(super) upstream: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) aliases: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) related: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) references: Option<Vec<Reference<'a>>>,
    #[serde(borrow, default)]
    pub(super) affected: Option<Vec<AffectedPackage<'a>>>,
    #[serde(borrow, default)]
    pub(super) severity: Option<Vec<Vector<'a>>>,
    #[serde(borrow, default)]
    pub(super) database_specific: Specific<'a>,
}

#[derive(Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(borrow)]
    pub(super) url: Text<'a>,
}

/// A CVSS vector, or a publisher's word for it.
#[derive(Deserialize)]
pub(super) struct Vector<'a> {
    /// `CVSS_V3`; `Ubuntu` where the score is Ubuntu's priority.
    #[serde(borrow, default)]
    pub(super) r#type: Text<'a>,
    #[serde(borrow, default)]
    pub(super) score: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct AffectedPackage<'a> {
    #[serde(borrow)]
    pub(super) package: Option<Package<'a>>,
    #[serde(borrow, default)]
    pub(super) ranges: Option<Vec<Range<'a>>>,
    #[serde(borrow, default)]
    pub(super) versions: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub(super) severity: Option<Vec<Vector<'a>>>,
    #[serde(borrow, default)]
    pub(super) ecosystem_specific: Specific<'a>,
    #[serde(borrow, default)]
    pub(super) database_specific: Specific<'a>,
}

#[derive(Deserialize)]
pub(super) struct Package<'a> {
    #[serde(borrow)]
    pub(super) ecosystem: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) purl: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Range<'a> {
    pub(super) r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) introduced: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) fixed: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) last_affected: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) limit: Option<Text<'a>>,
}

/// What publishers put beside the schema; each uses one or two of these.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Specific<'a> {
    #[serde(borrow)]
    pub(super) severity: Text<'a>,
    #[serde(borrow)]
    pub(super) urgency: Text<'a>,
    #[serde(borrow)]
    pub(super) ubuntu_priority: Text<'a>,
    /// RustSec: `unmaintained`, `notice`, `unsound`.
    #[serde(borrow)]
    pub(super) informational: Text<'a>,
    /// GitHub.
    #[serde(borrow)]
    pub(super) cwe_ids: Option<Vec<Text<'a>>>,
    /// GitHub, of a package: `<= 29.0`.
    #[serde(borrow)]
    pub(super) last_known_affected_version_range: Text<'a>,
    /// SUSE: maps of binary package to version; Ubuntu: other objects, which are not needed.
    pub(super) binaries: serde_json::Value,
    /// Ubuntu, of a notice's package: which of the notice's vulnerabilities it has.
    pub(super) cves_map: serde_json::Value,
    /// Chainguard: what was last decided on each vulnerable component.
    pub(super) components: serde_json::Value,
    /// Go: packages with their vulnerable functions.
    pub(super) imports: serde_json::Value,
}
