//! CycloneDX read as VEX: vulnerabilities with an analysis, in a document of their own or in the
//! bill of materials that they are about.

use std::collections::HashMap;

use model::{Purl, VexProduct, VexStatement, VexStatus};
use serde::Deserialize;

use super::reason::Justification;
use super::statement;
use crate::bill::{Property, property};

#[derive(Deserialize)]
struct Document {
    metadata: Option<Metadata>,
    components: Option<Vec<Component>>,
    vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Deserialize)]
struct Metadata {
    timestamp: Option<String>,
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    version: Option<String>,
    purl: Option<String>,
    properties: Option<Vec<Property>>,
    components: Option<Vec<Self>>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    id: String,
    references: Option<Vec<Reference>>,
    updated: Option<String>,
    analysis: Option<Analysis>,
    affects: Option<Vec<Affects>>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    #[serde(default)]
    state: String,
    #[serde(default)]
    justification: String,
    #[serde(default)]
    detail: String,
    first_issued: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: String,
}

pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Vec<VexStatement>> {
    let Document { metadata, components, vulnerabilities } = serde_json::from_slice(bytes)?;
    let Metadata { timestamp, component } =
        metadata.unwrap_or(Metadata { timestamp: None, component: None });
    let mut purls = HashMap::new();
    gather(components.unwrap_or_default(), &mut purls);
    let subject = component.and_then(|it| it.reference.clone().map(|name| (name, image_names(it))));
    let names = Names { purls, subject };
    let time = timestamp.unwrap_or_default();
    let read = vulnerabilities.into_iter().flatten();
    Ok(read.filter_map(|vulnerability| vulnerability.read(&names, &time)).collect())
}

/// Package URLs by reference. How deep components nest is bounded by the parser.
fn gather(components: Vec<Component>, purls: &mut HashMap<String, String>) {
    for component in components {
        if let (Some(reference), Some(purl)) = (component.reference, component.purl) {
            purls.insert(reference, purl);
        }
        gather(component.components.unwrap_or_default(), purls);
    }
}

/// The names by which an image can be recognised; none if it is no image.
fn image_names(component: Component) -> Vec<String> {
    let manifest = component.properties.into_iter().flatten();
    let manifest = manifest.filter(|it| it.name == property::ARTIFACT_MANIFEST).map(|it| it.value);
    let is_image = |name: &String| name.starts_with("sha256:") || name.starts_with("pkg:oci/");
    component.purl.into_iter().chain(component.version).chain(manifest).filter(is_image).collect()
}

/// What references of the document mean.
struct Names {
    purls: HashMap<String, String>,
    /// The reference of what the document is about, and its names if it is an image.
    subject: Option<(String, Vec<String>)>,
}

impl Names {
    /// A part of the image that the document is about, the image, or a package wherever it is.
    fn product(&self, reference: &str) -> VexProduct {
        // A link into another document: what it is about there stands behind the `#`.
        let linked = reference.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#'));
        let reference = linked.map_or_else(|| reference.to_owned(), |(_, name)| decoded(name));
        let image =
            self.subject.as_ref().filter(|(_, names)| !names.is_empty() && linked.is_none());
        if let Some((name, names)) = image
            && *name == reference
        {
            return VexProduct { names: names.clone(), parts: Vec::new() };
        }
        let purl = self.purls.get(&reference).cloned();
        let purl = purl.or_else(|| reference.parse::<Purl>().is_ok().then_some(reference));
        match (image, purl) {
            (_, None) => VexProduct::default(),
            (None, Some(purl)) => VexProduct { names: vec![purl], parts: Vec::new() },
            (Some((_, names)), Some(purl)) => {
                VexProduct { names: names.clone(), parts: vec![vec![purl]] }
            }
        }
    }
}

/// Links escape what references hold.
fn decoded(name: &str) -> String {
    match name.strip_prefix("pkg%3A").or_else(|| name.strip_prefix("pkg%3a")) {
        Some(rest) => Purl::unescape(&format!("pkg:{rest}")),
        None => name.to_owned(),
    }
}

impl Vulnerability {
    /// None without an analysis: then nothing is said.
    fn read(self, names: &Names, time: &str) -> Option<VexStatement> {
        let analysis = self.analysis?;
        let status = match analysis.state.as_str() {
            "resolved" | "resolved_with_pedigree" => VexStatus::Fixed,
            "exploitable" => VexStatus::Affected,
            "in_triage" => VexStatus::UnderInvestigation,
            "false_positive" | "not_affected" => VexStatus::NotAffected,
            _ => return None,
        };
        let others = self.references.into_iter().flatten().map(|reference| reference.id);
        let ids = std::iter::once(self.id).chain(others).filter(|id| !id.is_empty());
        let affects = self.affects.unwrap_or_default();
        let justification = Justification::of_cyclonedx(&analysis.justification);
        let times = [analysis.last_updated, analysis.first_issued, self.updated];
        Some(VexStatement {
            justification: justification.map_or_else(String::new, |it| it.name().to_owned()),
            statement: analysis.detail,
            timestamp: times.into_iter().flatten().next().unwrap_or_else(|| time.to_owned()),
            products: affects.iter().map(|it| names.product(&it.reference)).collect(),
            ..statement(ids.collect(), status)
        })
    }
}
