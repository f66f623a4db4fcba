//! SPDX read from JSON, 2.2 and 2.3.

use serde::Deserialize;

use super::{BUILT_FROM, NOT_SAID, read_hash};
use crate::bill::{Component, ComponentKind, Property, property};
use crate::sbom::Reading;

#[derive(Deserialize)]
pub(crate) struct CreationInfo {
    created: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PackageJson {
    #[serde(rename = "SPDXID", default)]
    id: String,
    #[serde(default)]
    name: String,
    version_info: Option<String>,
    supplier: Option<String>,
    license_declared: Option<String>,
    description: Option<String>,
    primary_package_purpose: Option<String>,
    source_info: Option<String>,
    checksums: Option<Vec<Checksum>>,
    external_refs: Option<Vec<ExternalRef>>,
    annotations: Option<Vec<Annotation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Relationship {
    #[serde(default)]
    spdx_element_id: String,
    #[serde(default)]
    relationship_type: String,
    #[serde(default)]
    related_spdx_element: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtractedLicense {
    #[serde(default)]
    license_id: String,
    #[serde(default)]
    extracted_text: String,
}

pub(crate) fn name(name: Option<String>, reading: &mut Reading) {
    reading.title(name.unwrap_or_default());
}

pub(crate) fn creation_info(info: Option<CreationInfo>, reading: &mut Reading) {
    reading.created(info.and_then(|info| info.created).unwrap_or_default());
}

pub(crate) fn package(package: PackageJson, reading: &mut Reading) {
    let refs = package.external_refs.into_iter().flatten();
    let purls = refs.filter(|it| is_purl(&it.reference_type)).map(|it| it.reference_locator);
    let annotations = package.annotations.into_iter().flatten();
    let checksums = package.checksums.into_iter().flatten();
    let mut properties: Vec<Property> =
        annotations.flat_map(|it| properties(&it.comment)).collect();
    properties.extend(source_info(&package.source_info.unwrap_or_default()));
    let component = Component {
        reference: package.id,
        kind: ComponentKind::of_spdx(&package.primary_package_purpose.unwrap_or_default()),
        name: package.name,
        version: package.version_info.unwrap_or_default(),
        publisher: supplier(&package.supplier.unwrap_or_default()),
        description: package.description.unwrap_or_default(),
        license: declared(package.license_declared.unwrap_or_default()),
        hashes: checksums.filter_map(|it| read_hash(&it.algorithm, &it.checksum_value)).collect(),
        properties,
        ..Component::default()
    };
    called(component, purls.collect(), reading);
}

/// Hands on a package under all its package URLs: each may be one that advisories speak of.
pub(super) fn called(mut component: Component, purls: Vec<String>, reading: &mut Reading) {
    /// A version that is longer is nobody's, and a copy for each URL would be large.
    const VERSION_BYTES_MAX: usize = 256;
    let mut purls = purls.into_iter();
    component.purl = purls.next().unwrap_or_default();
    let is_short = component.version.len() <= VERSION_BYTES_MAX;
    let version = if is_short { component.version.clone() } else { String::new() };
    let (first, kind) = (component.purl.clone(), component.kind);
    reading.component(component);
    for purl in purls.filter(|purl| *purl != first) {
        let version = version.clone();
        reading.component(Component { kind, version, purl, ..Component::default() });
    }
}

/// Whether a reference is a package URL. Some libraries write the type as the URI that it is in RDF.
pub(super) fn is_purl(kind: &str) -> bool {
    kind == "purl" || kind.ends_with("/purl")
}

/// Where a package is from, in the words of two well-known tools: Trivy names the source package, and
/// Syft says that it is the writer.
pub(super) fn source_info(text: &str) -> Option<Property> {
    if let Some(source) = text.strip_prefix("built package from: ") {
        return Some(Property::new(BUILT_FROM, source));
    }
    let by_syft = text.strip_prefix("acquired package info from ")?;
    Some(Property::new("syft:package:foundBy", by_syft))
}

pub(crate) fn relationship(relationship: &Relationship, reading: &mut Reading) {
    let Relationship { spdx_element_id, relationship_type, related_spdx_element } = relationship;
    relate(spdx_element_id, relationship_type, related_spdx_element, reading);
}

pub(crate) fn license(license: ExtractedLicense, reading: &mut Reading) {
    reading.license(license.license_id, license.extracted_text);
}

/// What a relationship says that matters here.
pub(super) fn relate(from: &str, relationship: &str, to: &str, reading: &mut Reading) {
    match relationship {
        "DESCRIBES" => reading.described(to),
        "DESCRIBED_BY" => reading.described(from),
        "DEPENDS_ON" => reading.edge(from, to),
        "DEPENDENCY_OF" => reading.edge(to, from),
        _ => {}
    }
}

/// What our annotation of a package holds; nothing if it is somebody else's.
pub(super) fn properties(comment: &str) -> Vec<Property> {
    if !comment.trim_start().starts_with("[{") {
        return Vec::new();
    }
    let mut all: Vec<Property> = serde_json::from_str(comment).unwrap_or_default();
    all.retain(|property| property.name.starts_with(property::PREFIX));
    all
}

/// `Organization: Example (mail@example.org)` is `Example`.
pub(super) fn supplier(text: &str) -> String {
    let name = text.split_once(": ").map_or("", |(_, name)| name);
    name.to_owned()
}

/// The declared license, where anything is declared.
pub(super) fn declared(text: String) -> String {
    if [NOT_SAID, "NONE"].contains(&text.as_str()) { String::new() } else { text }
}
