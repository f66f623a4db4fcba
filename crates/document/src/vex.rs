//! VEX (Vulnerability Exploitability eXchange): statements that a product is, or is not, affected
//! by a vulnerability, and why.
//!
//! Read from OpenVEX, CSAF and CycloneDX, told apart by content, into one form; written as OpenVEX
//! (and as the analysis in CycloneDX) from the findings that somebody silenced. What a statement
//! silences is decided elsewhere; here are only words.

mod csaf;
mod cyclonedx;
pub mod openvex;
mod read_openvex;
mod reason;
mod repository;

use model::{VexStatement, VexStatus};
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) use reason::Reason;
pub use repository::locations;

/// The largest document that is read. CSAF documents about a kernel reach 20 MiB.
pub const BYTES_MAX: u64 = 64 << 20;

/// Why there are no statements.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VexError {
    #[error("it is larger than the {} MiB that are read", BYTES_MAX >> 20)]
    TooLarge,
    #[error("it is no VEX document in OpenVEX, CSAF or CycloneDX's JSON")]
    Unknown,
    #[error("it does not parse: {0}")]
    Damaged(String),
}

/// What tells the formats apart.
#[derive(Deserialize)]
struct Head {
    /// OpenVEX
    statements: Option<IgnoredAny>,
    /// CSAF
    document: Option<IgnoredAny>,
    #[serde(rename = "bomFormat")]
    bom_format: Option<IgnoredAny>,
}

/// The statements of a document; `name` is what the user calls it.
pub fn read(name: &str, bytes: &[u8]) -> Result<Vec<VexStatement>, VexError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > BYTES_MAX) {
        return Err(VexError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let damaged = |error: serde_json::Error| VexError::Damaged(error.to_string());
    let statements = match serde_json::from_slice(bytes).map_err(damaged)? {
        Head { statements: Some(_), .. } => read_openvex::read(bytes),
        Head { document: Some(_), .. } => csaf::read(bytes),
        Head { bom_format: Some(_), .. } => cyclonedx::read(bytes),
        _ => return Err(VexError::Unknown),
    };
    let mut statements = statements.map_err(damaged)?;
    statements.iter_mut().for_each(|statement| name.clone_into(&mut statement.source));
    Ok(statements)
}

/// A statement of which nothing but vulnerability and status are known.
fn statement(vulnerabilities: Vec<String>, status: VexStatus) -> VexStatement {
    VexStatement {
        vulnerabilities,
        status,
        justification: String::new(),
        statement: String::new(),
        timestamp: String::new(),
        author: String::new(),
        source: String::new(),
        products: Vec::new(),
    }
}
