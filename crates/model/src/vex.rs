//! What a VEX document says: that a product is, or is not, affected by a vulnerability.

use serde::{Deserialize, Serialize};

/// The four statuses of VEX (CISA, "Minimum Requirements for VEX").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum VexStatus {
    NotAffected,
    Affected,
    Fixed,
    UnderInvestigation,
}

/// What one statement is about. A name is a package URL, a digest, or the name of an image. A package
/// URL with the qualifier `vers` means the versions of that range alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexProduct {
    /// Several names of the same thing.
    pub names: Vec<String>,
    /// What lies between the whole and its parts, each by its names, the outermost first: of a tool in
    /// an image, of which a library is a part, the tool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Vec<String>>,
    /// The parts of it that are meant, each by its names; without any, the whole is.
    pub parts: Vec<Vec<String>>,
}

/// One statement, in the terms that all VEX formats share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexStatement {
    /// The names of the vulnerability.
    pub vulnerabilities: Vec<String>,
    pub status: VexStatus,
    /// As OpenVEX names it (`vulnerable_code_not_present`); empty if none is given.
    pub justification: String,
    /// What is said besides; empty if nothing is.
    pub statement: String,
    /// When it was last said, as it is written; empty if unknown.
    pub timestamp: String,
    /// Who says so; empty if unknown.
    pub author: String,
    /// The document, as the user named it.
    pub source: String,
    pub products: Vec<VexProduct>,
}
