//! Syft's own JSON, read: the packages that it found, where, and on which distribution.

use serde::Deserialize;

use crate::bill::{Component, ComponentKind, Property, property};
use crate::sbom::Reading;

#[derive(Deserialize)]
pub(crate) struct ArtifactJson {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    version: Option<String>,
    purl: Option<String>,
    licenses: Option<Vec<License>>,
    locations: Option<Vec<Location>>,
}

/// A name alone in old versions.
#[derive(Deserialize)]
#[serde(untagged)]
enum License {
    Name(String),
    Described {
        #[serde(default)]
        value: String,
    },
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    path: String,
}

#[derive(Deserialize)]
pub(crate) struct Relationship {
    #[serde(default)]
    parent: String,
    #[serde(default)]
    child: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
pub(crate) struct Source {
    name: Option<String>,
    #[serde(default)]
    metadata: SourceMetadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SourceMetadata {
    user_input: Option<String>,
    #[serde(rename = "imageID")]
    image_id: Option<String>,
    manifest_digest: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Distro {
    id: Option<String>,
    #[serde(rename = "versionID")]
    version_id: Option<String>,
    version_codename: Option<String>,
    pretty_name: Option<String>,
}

pub(crate) fn artifact(artifact: ArtifactJson, reading: &mut Reading) {
    let licenses = artifact.licenses.into_iter().flatten().map(|license| match license {
        License::Name(name) | License::Described { value: name } => name,
    });
    let place = artifact.locations.into_iter().flatten().next();
    let place = place.map(|place| Property::new(PLACE, place.path));
    reading.component(Component {
        reference: artifact.id,
        kind: ComponentKind::Library,
        name: artifact.name,
        version: artifact.version.unwrap_or_default(),
        purl: artifact.purl.unwrap_or_default(),
        license: licenses.collect::<Vec<_>>().join(" AND "),
        properties: place.into_iter().collect(),
        ..Component::default()
    });
}

/// All of Syft's properties begin so.
pub(crate) const PREFIX: &str = "syft:";

/// Where Syft found a package, as its CycloneDX documents name it.
pub(crate) const PLACE: &str = "syft:location:0:path";

pub(crate) fn relationship(relationship: &Relationship, reading: &mut Reading) {
    if relationship.kind == "dependency-of" {
        reading.edge(&relationship.child, &relationship.parent);
    }
}

pub(crate) fn source(source: Option<Source>, reading: &mut Reading) {
    let Some(Source { name, metadata }) = source else { return };
    let SourceMetadata { user_input, image_id, manifest_digest } = metadata;
    let manifest = manifest_digest.map(|it| Property::new(property::ARTIFACT_MANIFEST, it));
    reading.subject(Component {
        kind: ComponentKind::Container,
        name: user_input.or(name).unwrap_or_default(),
        version: image_id.unwrap_or_default(),
        properties: manifest.into_iter().collect(),
        ..Component::default()
    });
}

pub(crate) fn distro(distro: Option<Distro>, reading: &mut Reading) {
    let Some(Distro { id: Some(id), version_id, version_codename, pretty_name }) = distro else {
        return;
    };
    let codename = version_codename.map(|it| Property::new(property::OS_CODENAME, it));
    reading.component(Component {
        reference: format!("os:{id}"),
        kind: ComponentKind::OperatingSystem,
        name: id,
        version: version_id.unwrap_or_default(),
        description: pretty_name.unwrap_or_default(),
        properties: codename.into_iter().collect(),
        ..Component::default()
    });
}
