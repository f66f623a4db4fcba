//! OpenVEX read, 0.0.1 to 0.2.0: older versions name vulnerabilities and products by a text alone.
//! A status that is none of VEX is no reason to forget that somebody looks into it. A `not_affected` without
//! a reason is not valid, and silences nothing.

use std::collections::{BTreeMap, BTreeSet};

use model::{VexProduct, VexStatement, VexStatus};
use serde::Deserialize;

use super::{Said, statement, unknown_statuses, without_groundless};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    author: String,
    timestamp: Option<String>,
    last_updated: Option<String>,
    #[serde(default)]
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    #[serde(default)]
    products: Vec<Component>,
    /// Of version 0.0.1: parts of all products.
    #[serde(default)]
    subcomponents: Vec<Component>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    justification: String,
    #[serde(default)]
    impact_statement: String,
    #[serde(default)]
    status_notes: String,
    timestamp: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Described {
        #[serde(default)]
        name: String,
        #[serde(rename = "@id")]
        id: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Component {
    Name(String),
    Described {
        #[serde(rename = "@id")]
        id: Option<String>,
        #[serde(default)]
        identifiers: BTreeMap<String, String>,
        #[serde(default)]
        hashes: BTreeMap<String, String>,
        #[serde(default)]
        subcomponents: Vec<Self>,
    },
}

pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Said> {
    let Document { author, timestamp, last_updated, statements } = serde_json::from_slice(bytes)?;
    let of_document = last_updated.or(timestamp).unwrap_or_default();
    let mut unknown = BTreeSet::new();
    let read = statements.into_iter().map(|it| it.read(&author, &of_document, &mut unknown));
    let mut statements = read.collect();
    // "Status Labels": `not_affected` has to say why.
    let wanted = "a justification or an impact statement";
    let groundless = without_groundless(&mut statements, wanted);
    let notes = unknown_statuses(&unknown).into_iter().chain(groundless).collect();
    Ok(Said { statements, notes })
}

impl Statement {
    fn read(self, author: &str, time: &str, unknown: &mut BTreeSet<String>) -> VexStatement {
        let status = match self.status.as_str() {
            "not_affected" => VexStatus::NotAffected,
            "affected" => VexStatus::Affected,
            "fixed" => VexStatus::Fixed,
            "under_investigation" => VexStatus::UnderInvestigation,
            _ => {
                unknown.insert(self.status);
                VexStatus::UnderInvestigation
            }
        };
        let names = match self.vulnerability {
            Vulnerability::Name(name) => vec![name],
            Vulnerability::Described { name, id, aliases } => {
                let others = aliases.into_iter().chain(id);
                std::iter::once(name).chain(others).filter(|name| !name.is_empty()).collect()
            }
        };
        let inherited: Vec<Vec<String>> = self.subcomponents.into_iter().map(names_of).collect();
        let products = self.products.into_iter().map(|it| product(it, &inherited));
        VexStatement {
            justification: self.justification,
            // An impact statement belongs to `not_affected` ("Status Labels"); notes go with any.
            statement: match status {
                VexStatus::Fixed => self.status_notes,
                _ => self.impact_statement,
            },
            timestamp: self.last_updated.or(self.timestamp).unwrap_or_else(|| time.to_owned()),
            author: author.to_owned(),
            products: products.collect(),
            ..statement(names, status)
        }
    }
}

fn product(mut component: Component, inherited: &[Vec<String>]) -> VexProduct {
    let own = match &mut component {
        Component::Name(_) => Vec::new(),
        Component::Described { subcomponents, .. } => std::mem::take(subcomponents),
    };
    let parts: Vec<Vec<String>> = own.into_iter().map(names_of).collect();
    let parts = if parts.is_empty() { inherited.to_vec() } else { parts };
    VexProduct { names: names_of(component), parts, ..VexProduct::default() }
}

/// Every name that a component goes by.
fn names_of(component: Component) -> Vec<String> {
    match component {
        Component::Name(name) => vec![name],
        Component::Described { id, identifiers, hashes, .. } => {
            let hash = |(algorithm, digits): (String, String)| {
                format!("{}:{digits}", algorithm.replace('-', ""))
            };
            let hashes = hashes.into_iter().map(hash);
            id.into_iter().chain(identifiers.into_values()).chain(hashes).collect()
        }
    }
}
