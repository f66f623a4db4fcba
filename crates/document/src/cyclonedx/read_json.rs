//! CycloneDX read from JSON, 1.2 to 1.6.

use serde::Deserialize;

use super::read_hash;
use crate::bill::{Component, ComponentKind, Property};
use crate::sbom::Reading;

#[derive(Deserialize)]
pub(crate) struct Metadata {
    component: Option<ComponentJson>,
    timestamp: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ComponentJson {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(rename = "bom-ref", default)]
    reference: Option<String>,
    group: Option<String>,
    #[serde(default)]
    name: String,
    version: Option<String>,
    description: Option<String>,
    publisher: Option<String>,
    supplier: Option<Organization>,
    purl: Option<String>,
    hashes: Option<Vec<Hash>>,
    licenses: Option<Vec<LicenseChoice>>,
    properties: Option<Vec<Property>>,
    components: Option<Vec<Self>>,
}

#[derive(Deserialize)]
struct Organization {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Hash {
    #[serde(default)]
    alg: String,
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct LicenseChoice {
    expression: Option<String>,
    license: Option<License>,
}

#[derive(Deserialize)]
struct License {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency {
    #[serde(rename = "ref", default)]
    reference: String,
    #[serde(default)]
    depends_on: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Composition {
    #[serde(default)]
    aggregate: String,
    /// Of what it speaks; of all where it does not say.
    assemblies: Option<Vec<serde::de::IgnoredAny>>,
    dependencies: Option<Vec<serde::de::IgnoredAny>>,
}

pub(crate) fn metadata(metadata: Option<Metadata>, reading: &mut Reading) {
    let Some(Metadata { component, timestamp }) = metadata else { return };
    reading.created(timestamp.unwrap_or_default());
    if let Some(subject) = component {
        let subject = flat(subject, reading);
        reading.subject(subject);
    }
}

pub(crate) fn component(component: ComponentJson, reading: &mut Reading) {
    let component = flat(component, reading);
    reading.component(component);
}

pub(crate) fn dependency(dependency: &Dependency, reading: &mut Reading) {
    for needed in &dependency.depends_on {
        reading.edge(&dependency.reference, needed);
    }
}

pub(crate) fn composition(composition: &Composition, reading: &mut Reading) {
    let is_of_all = composition.assemblies.is_none() && composition.dependencies.is_none();
    if is_of_all && composition.aggregate.starts_with("incomplete") {
        reading.incomplete();
    }
}

/// The component alone; those inside it are handed on. How deep they nest is bounded by the parser.
fn flat(component: ComponentJson, reading: &mut Reading) -> Component {
    for inner in component.components.into_iter().flatten() {
        let inner = flat(inner, reading);
        reading.component(inner);
    }
    let hashes = component.hashes.into_iter().flatten();
    let license = |choice: LicenseChoice| {
        let License { id, name } = choice.license.unwrap_or(License { id: None, name: None });
        choice.expression.or(id).or(name)
    };
    let licenses = component.licenses.into_iter().flatten().filter_map(license);
    let supplier = component.supplier.and_then(|supplier| supplier.name);
    Component {
        reference: component.reference.unwrap_or_default(),
        kind: ComponentKind::of_cyclonedx(&component.kind),
        group: component.group.unwrap_or_default(),
        name: component.name,
        version: component.version.unwrap_or_default(),
        purl: component.purl.unwrap_or_default(),
        publisher: component.publisher.or(supplier).unwrap_or_default(),
        description: component.description.unwrap_or_default(),
        license: super::joined(licenses.collect()),
        hashes: hashes.filter_map(|hash| read_hash(&hash.alg, &hash.content)).collect(),
        properties: component.properties.unwrap_or_default(),
        depends_on: Vec::new(),
    }
}
