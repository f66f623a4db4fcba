//! OpenVEX 0.2.0: what is silenced, as statements that others can read, and this program too.
//!
//! A statement is about one image, by its digest. Of what has none (a directory, a root file system)
//! nothing is said: a package alone would be meant wherever it is, while what silenced it here, that a
//! program links none of it or an exception for one path, is true of this place only.
//!
//! Nobody is told that an image is not affected because somebody accepts the risk: an exception without one
//! of the justifications says `affected`, and what is done about it.

use std::collections::{BTreeMap, BTreeSet};

use model::{Artifact, ArtifactKind, Digest, ImageRef, Purl, Silenced, VexStatus};
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
    action_statement: String,
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
        let images = images(&report.artifact);
        let shared = fault::shared_names(report);
        for silenced in super::silenced(report).filter(|_| !images.is_empty()) {
            let key = (silenced.finding.id.as_str(), silenced.by.name(), silenced.reason.as_str());
            let place = *places.entry(key).or_insert_with(|| {
                statements.push(Statement::of(silenced, &report.now, &shared));
                statements.len() - 1
            });
            let id = purl(&silenced.finding.package, report.inventory.os.as_ref());
            if let Some(statement) = statements.get_mut(place) {
                statement.add(&images, &id);
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
        let reason = Reason::of(silenced);
        let status = reason.status();
        let Reason { justification, statement, .. } = reason;
        let owner = (!owner.is_empty()).then(|| format!("owner: {owner}"));
        let expires = expires.as_ref().map(|date| format!("expires: {date}"));
        let notes = owner.into_iter().chain(expires).collect::<Vec<_>>().join("; ");
        let aliases = finding.aliases.iter().map(String::as_str);
        let aliases = aliases.filter(|alias| !shared.contains(alias)).collect();
        let mut said = Self {
            vulnerability: Vulnerability { name: &finding.id, aliases },
            timestamp: now,
            products: Vec::new(),
            status: label(status),
            justification: justification.map(|it| it.name()),
            impact_statement: String::new(),
            action_statement: String::new(),
            status_notes: notes,
        };
        // What each status has to say (OpenVEX spec, "Status Labels").
        match status {
            VexStatus::Affected => said.action_statement = or_no_reason(statement),
            VexStatus::NotAffected if justification.is_none() => {
                said.impact_statement = or_no_reason(statement);
            }
            VexStatus::NotAffected => said.impact_statement = statement,
            VexStatus::Fixed | VexStatus::UnderInvestigation => said.status_notes = statement,
        }
        said
    }

    /// Adds a package, as a part of the image under each of its names.
    fn add(&mut self, images: &[String], purl: &str) {
        if self.products.is_empty() {
            let product = |id: &String| Product { id: id.clone(), subcomponents: Vec::new() };
            self.products = images.iter().map(product).collect();
        }
        let part = Subcomponent { id: purl.to_owned() };
        for product in self.products.iter_mut().filter(|it| !it.subcomponents.contains(&part)) {
            product.subcomponents.push(Subcomponent { id: part.id.clone() });
        }
    }
}

/// OpenVEX spec 0.2.0, "Status Labels".
fn label(status: VexStatus) -> &'static str {
    match status {
        VexStatus::NotAffected => "not_affected",
        VexStatus::Affected => "affected",
        VexStatus::Fixed => "fixed",
        VexStatus::UnderInvestigation => "under_investigation",
    }
}

fn or_no_reason(statement: String) -> String {
    if statement.is_empty() { "no reason was given".to_owned() } else { statement }
}

/// How many findings are silenced of which no statement can be written: nothing tells others what they
/// are about.
pub fn left_out(report: &Report) -> usize {
    if images(&report.artifact).is_empty() { report.silenced.len() } else { 0 }
}

/// The image as package URLs: by the manifest's digest, which others know it by (purl spec, type `oci`),
/// where the source has one; and by the configuration's, which is the same wherever it is read from.
fn images(artifact: &Artifact) -> Vec<String> {
    let name = artifact.name.split(['@', '#']).next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    let last = last.split(':').next().filter(|name| !name.is_empty()).unwrap_or("image");
    let repository = match artifact.kind {
        ArtifactKind::Registry => name.parse::<ImageRef>().ok(),
        _ => None,
    };
    let repository = repository.map(|it| format!("{}/{}", it.registry(), it.repository()));
    let purl = |digest: &Digest, repository: Option<String>| Purl {
        kind: "oci".to_owned(),
        name: last.to_lowercase(),
        version: digest.to_string(),
        qualifiers: repository.map(|it| ("repository_url".to_owned(), it)).into_iter().collect(),
        ..Purl::default()
    };
    let manifest = artifact.manifest_digest.iter().map(|it| purl(it, repository.clone()));
    let config = artifact.digest.iter().map(|it| purl(it, None));
    manifest.chain(config).map(|purl| purl.to_string()).collect()
}
