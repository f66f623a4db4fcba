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

use model::{Finding, Purl, Silenced, VexStatement, VexStatus};
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) use reason::Reason;
pub use repository::{Listed, listed};

use crate::{Report, fault, purl};

/// The largest document that is read. CSAF documents about a kernel reach 20 MiB.
pub const BYTES_MAX: u64 = 64 << 20;

/// How many names of products the statements of a document may have; each takes some 200 bytes, and 2 us
/// to look up. CSAF lists a product as often as it likes, so that a small document can have any number:
/// one with more is read so far that whoever counts finds too many.
pub const NAMES_MAX: usize = 1_000_000;

/// What is silenced and can be said so that nothing else is: a statement names a vulnerability and a
/// package, wherever in the image that is found. Where the same stands among the findings, of
/// another program that links what this one does not, nothing is said.
pub(crate) fn silenced(report: &Report) -> impl Iterator<Item = &Silenced> {
    let os = report.inventory.os.as_ref();
    let key = move |finding: &Finding| purl(&finding.package, os);
    let shared = fault::shared_names(report);
    let names = move |finding: &Finding| -> Vec<String> {
        let aliases = finding.aliases.iter().filter(|alias| !shared.contains(alias.as_str()));
        std::iter::once(&finding.id).chain(aliases).cloned().collect()
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

/// What a document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub statements: Vec<VexStatement>,
    /// What of it is not taken as it stands there, for people.
    pub notes: Vec<String>,
}

/// The statements of a document; `name` is what the user calls it.
pub fn read(name: &str, bytes: &[u8]) -> Result<Said, VexError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > BYTES_MAX) {
        return Err(VexError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let damaged = |error: serde_json::Error| VexError::Damaged(error.to_string());
    let said = match serde_json::from_slice(bytes).map_err(damaged)? {
        Head { statements: Some(_), .. } => read_openvex::read(bytes),
        Head { document: Some(_), .. } => csaf::read(bytes),
        Head { bom_format: Some(_), .. } => cyclonedx::read(bytes),
        _ => return Err(VexError::Unknown),
    };
    let mut said = said.map_err(damaged)?;
    said.statements.iter_mut().for_each(|statement| name.clone_into(&mut statement.source));
    Ok(said)
}

fn silences(status: VexStatus) -> bool {
    matches!(status, VexStatus::NotAffected | VexStatus::Fixed)
}

/// What is said of statements of which nobody knows what they want to say.
fn unknown_statuses(words: &BTreeSet<String>) -> Option<String> {
    (!words.is_empty()).then(|| {
        format!(
            "statuses that are none of the format's are taken for under investigation: {}",
            some(words)
        )
    })
}

/// Takes out the statements that are not valid, in formats that want a reason of whoever is not affected
/// (`wanted`), and says which they were, by their vulnerabilities.
fn without_groundless(statements: &mut Vec<VexStatement>, wanted: &str) -> Option<String> {
    let is_groundless = |it: &mut VexStatement| {
        let words = [&it.justification, &it.statement];
        it.status == VexStatus::NotAffected && words.iter().all(|text| text.trim().is_empty())
    };
    let taken = statements.extract_if(.., is_groundless);
    let names = taken.map(|it| it.vulnerabilities.into_iter().next().unwrap_or_default());
    let names: BTreeSet<String> = names.collect();
    (!names.is_empty()).then(|| {
        format!(
            "statements of `not affected` that do not say why ({wanted}) are not valid and silence \
             nothing: {}",
            some(&names)
        )
    })
}

/// The first few of what a document says.
fn some(words: &BTreeSet<String>) -> String {
    const SHOWN_MAX: usize = 3;
    let shown = |word: &String| format!("`{}`", word.chars().take(32).collect::<String>());
    let shown: Vec<String> = words.iter().take(SHOWN_MAX).map(shown).collect();
    let more = match words.len().saturating_sub(SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} others"),
    };
    format!("{}{more}", shown.join(", "))
}

/// A package of a range of versions alone, in the terms of VERS: the range as the qualifier `vers`.
fn narrowed(mut purl: Purl, range: &str) -> String {
    purl.qualifiers.push(("vers".to_owned(), range.to_owned()));
    purl.to_string()
}

/// The range that holds one version.
fn exactly(kind: &str, version: &str) -> String {
    let escaped = |c: char| match c {
        '%' | '|' | '<' | '>' | '=' | '!' | '*' | ' ' => format!("%{:02X}", u32::from(c)),
        _ => c.to_string(),
    };
    format!("vers:{kind}/{}", version.chars().map(escaped).collect::<String>())
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
