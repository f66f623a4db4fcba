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

use std::collections::BTreeSet;

use model::{Finding, Silenced, VexStatement, VexStatus};
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) use reason::Reason;
pub use repository::locations;

use crate::{Report, purl};

/// The largest document that is read. CSAF documents about a kernel reach 20 MiB.
pub const BYTES_MAX: u64 = 64 << 20;

/// What is silenced and can be said so that nothing else is: a statement names a vulnerability and a
/// package, wherever in the image that is found. Where the same stands among the findings, of
/// another program that links what this one does not, nothing is said.
pub(crate) fn silenced(report: &Report) -> impl Iterator<Item = &Silenced> {
    let os = report.inventory.os.as_ref();
    let key = move |finding: &Finding| purl(&finding.package, os);
    let names = |finding: &Finding| -> Vec<String> {
        std::iter::once(&finding.id).chain(&finding.aliases).cloned().collect()
    };
    let of = |finding: &Finding| names(finding).into_iter().map(|it| (it, key(finding))).collect();
    let standing: BTreeSet<(String, String)> =
        report.findings.iter().flat_map(|it| -> Vec<_> { of(it) }).collect();
    let stands = move |it: &&Silenced| {
        let purl = key(&it.finding);
        names(&it.finding).into_iter().any(|name| standing.contains(&(name, purl.clone())))
    };
    report.silenced.iter().filter(move |it| !stands(it))
}

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
