//! OpenVEX 0.2.0: what is silenced, as statements that others can read, and this program too.
//!
//! A statement is about one image, by its digest. Of what has none (a directory, a root file system)
//! nothing is said: a package alone would be meant wherever it is, while what silenced it here, that a
//! program links none of it or an exception for one path, is true of this place only.

use std::collections::{BTreeMap, BTreeSet};

use model::{Artifact, Purl, Silenced};
use serde::Serialize;
use uuid::Uuid;

use super::Reason;
use crate::{Report, fault, purl};

/// The silenced findings of a report as pretty-printed JSON with a final newline.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(&Document::of(report))
        .expect("strings and lists of them always serialize");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@id")]
    id: String,
    author: &'static str,
    timestamp: &'a str,
    version: u32,
    tooling: &'static str,
    statements: Vec<Statement<'a>>,
}

#[derive(Serialize)]
struct Statement<'a> {
    vulnerability: Vulnerability<'a>,
    timestamp: &'a str,
    products: Vec<Product>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    impact_statement: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    status_notes: String,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<&'a str>,
}

#[derive(Serialize)]
struct Product {
    #[serde(rename = "@id")]
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subcomponents: Vec<Subcomponent>,
}

#[derive(Serialize, PartialEq, Eq)]
struct Subcomponent {
    #[serde(rename = "@id")]
    id: String,
}

impl<'a> Document<'a> {
    fn of(report: &'a Report) -> Self {
        let mut statements: Vec<Statement<'a>> = Vec::new();
        let mut places: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
        let image = image(&report.artifact);
        let shared = fault::shared_names(report);
        let silenced = image.iter().flat_map(|_| super::silenced(report));
        for silenced in silenced {
            let key = (silenced.finding.id.as_str(), silenced.by.name(), silenced.reason.as_str());
            let place = *places.entry(key).or_insert_with(|| {
                statements.push(Statement::of(silenced, &report.now, &shared));
                statements.len() - 1
            });
            let id = purl(&silenced.finding.package, report.inventory.os.as_ref());
            if let Some((statement, image)) = statements.get_mut(place).zip(image.as_deref()) {
                statement.add(image, id);
            }
        }
        let described = serde_json::to_string(&statements).unwrap_or_default();
        let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, described.as_bytes());
        Self {
            context: "https://openvex.dev/ns/v0.2.0",
            id: uuid.urn().to_string(),
            author: "lazaret",
            timestamp: &report.now,
            version: 1,
            tooling: concat!("lazaret ", env!("CARGO_PKG_VERSION")),
            statements,
        }
    }
}

impl<'a> Statement<'a> {
    /// Without the names that others have too, who are not meant.
    fn of(silenced: &'a Silenced, now: &'a str, shared: &BTreeSet<&str>) -> Self {
        let Silenced { finding, owner, expires, .. } = silenced;
        let Reason { is_fixed, justification, statement } = Reason::of(silenced);
        // A statement that nothing is affected has to say why (OpenVEX spec, "Status Labels").
        let is_bare = !is_fixed && justification.is_none() && statement.is_empty();
        let notes = match is_fixed {
            true => statement.clone(),
            false => {
                let owner = (!owner.is_empty()).then(|| format!("owner: {owner}"));
                let expires = expires.as_ref().map(|date| format!("expires: {date}"));
                owner.into_iter().chain(expires).collect::<Vec<_>>().join("; ")
            }
        };
        let aliases = finding.aliases.iter().map(String::as_str);
        let aliases = aliases.filter(|alias| !shared.contains(alias)).collect();
        Self {
            vulnerability: Vulnerability { name: &finding.id, aliases },
            timestamp: now,
            products: Vec::new(),
            status: if is_fixed { "fixed" } else { "not_affected" },
            justification: justification.map(|it| it.name()),
            impact_statement: match (is_fixed, is_bare) {
                (true, _) => String::new(),
                (false, true) => "no reason was given".to_owned(),
                (false, false) => statement,
            },
            status_notes: notes,
        }
    }

    /// Adds a package, as a part of the image.
    fn add(&mut self, image: &str, purl: String) {
        if self.products.is_empty() {
            self.products.push(Product { id: image.to_owned(), subcomponents: Vec::new() });
        }
        let part = Subcomponent { id: purl };
        for product in self.products.iter_mut().filter(|it| !it.subcomponents.contains(&part)) {
            product.subcomponents.push(Subcomponent { id: part.id.clone() });
        }
    }
}

/// How many findings are silenced of which no statement can be written: nothing tells others what they
/// are about.
pub fn left_out(report: &Report) -> usize {
    match image(&report.artifact) {
        Some(_) => 0,
        None => report.silenced.len(),
    }
}

/// The image as a package URL: by its digest, which is the same wherever it is read from; of others'
/// bills the manifest's is all that is known.
fn image(artifact: &Artifact) -> Option<String> {
    let digest = artifact.digest.as_ref().or(artifact.manifest_digest.as_ref())?;
    let name = artifact.name.split(['@', '#']).next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    let name = last.split(':').next().filter(|name| !name.is_empty()).unwrap_or("image");
    let purl = Purl {
        kind: "oci".to_owned(),
        name: name.to_lowercase(),
        version: digest.to_string(),
        ..Purl::default()
    };
    Some(purl.to_string())
}
