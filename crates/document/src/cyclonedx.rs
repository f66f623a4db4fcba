//! CycloneDX 1.6 JSON (ECMA-424): the inventory as a bill of materials.
//!
//! Component references are purls, made unique by the path where the same purl stands twice. The
//! serial number is a name-based UUID of what is described, so that the same artifact gives the
//! same document.

use std::collections::BTreeMap;

use model::{License, Os, Package};
use serde::Serialize;
use uuid::Uuid;

use crate::{Report, purl};

/// The bill of materials as pretty-printed JSON with a final newline.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(&Bom::of(report))
        .expect("strings and lists of them always serialize");
    text.push('\n');
    text
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Component<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    timestamp: &'a str,
    tools: Tools,
    component: Component<'a>,
}

#[derive(Serialize)]
struct Tools {
    components: [Tool; 1],
}

#[derive(Serialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Component<'a> {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licenses: Option<[LicenseChoice<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

/// One license, or an expression that then stands alone.
#[derive(Serialize)]
#[serde(untagged)]
enum LicenseChoice<'a> {
    Expression { expression: String, acknowledgement: &'static str },
    License { license: LicenseJson<'a> },
}

/// Only `name` may hold any text; `id` is one of the SPDX list.
#[derive(Serialize)]
struct LicenseJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    acknowledgement: &'static str,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

impl<'a> Bom<'a> {
    fn of(report: &'a Report) -> Self {
        let os = report.inventory.os.as_ref();
        let mut components: Vec<_> = os.map(os_component).into_iter().collect();
        let mut seen = BTreeMap::<String, u32>::new();
        for package in &report.inventory.packages {
            components.push(package_component(package, report, &mut seen));
        }
        Self {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: serial_number(report),
            version: 1,
            metadata: Metadata {
                timestamp: &report.now,
                tools: Tools {
                    components: [Tool {
                        kind: "application",
                        name: "lazaret",
                        version: env!("CARGO_PKG_VERSION"),
                    }],
                },
                component: artifact_component(report),
            },
            components,
        }
    }
}

/// The same for the same artifact: from the image's digest, else from the packages found.
fn serial_number(report: &Report) -> String {
    let described = match &report.artifact.digest {
        Some(digest) => digest.to_string(),
        None => {
            let os = report.inventory.os.as_ref();
            let purls = report.inventory.packages.iter().map(|package| purl(package, os));
            purls.fold(report.artifact.name.clone(), |all, purl| all + "\n" + &purl)
        }
    };
    Uuid::new_v5(&Uuid::NAMESPACE_OID, described.as_bytes()).urn().to_string()
}

fn artifact_component(report: &Report) -> Component<'_> {
    let artifact = &report.artifact;
    let digest = artifact.digest.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut properties = vec![property("lazaret:artifact:kind", artifact.kind.name())];
    if let Some(manifest) = &artifact.manifest_digest {
        properties.push(property("lazaret:artifact:manifestDigest", manifest));
    }
    if let Some(platform) = &artifact.platform {
        properties.push(property("lazaret:artifact:platform", platform));
    }
    for layer in artifact.layers.iter().filter_map(|layer| layer.diff_id.as_ref()) {
        properties.push(property("lazaret:artifact:diffId", layer));
    }
    Component {
        bom_ref: if digest.is_empty() { "artifact".to_owned() } else { digest.clone() },
        kind: if artifact.kind.has_layers() { "container" } else { "file" },
        publisher: None,
        name: &artifact.name,
        version: digest,
        description: None,
        licenses: None,
        purl: None,
        properties,
    }
}

fn os_component(os: &Os) -> Component<'_> {
    Component {
        bom_ref: format!("os:{}@{}", os.family, os.version),
        kind: "operating-system",
        publisher: None,
        name: &os.family,
        version: os.version.clone(),
        description: os.pretty_name.as_deref(),
        licenses: None,
        purl: None,
        properties: Vec::new(),
    }
}

fn package_component<'a>(
    package: &'a Package,
    report: &'a Report,
    seen: &mut BTreeMap<String, u32>,
) -> Component<'a> {
    let purl = purl(package, report.inventory.os.as_ref());
    let count = seen.entry(purl.clone()).and_modify(|count| *count += 1).or_insert(1);
    let bom_ref = match count {
        1 => purl.clone(),
        again => format!("{purl}#{again}-{}", package.location.path),
    };
    let mut properties = vec![property("lazaret:location:path", &package.location.path)];
    if let Some(layer) = package.location.layer {
        properties.push(property("lazaret:location:layer", layer));
        let diff_id = report.artifact.layers.iter().find(|l| l.index == layer);
        if let Some(diff_id) = diff_id.and_then(|layer| layer.diff_id.as_ref()) {
            properties.push(property("lazaret:location:diffId", diff_id));
        }
    }
    if let Some(source) = &package.source {
        properties.push(property("lazaret:source:name", &source.name));
        properties.push(property("lazaret:source:version", &source.version));
    }
    let license = License::of(&package.license);
    if license.as_ref().is_some_and(|license| license.as_str() != package.license) {
        properties.push(property("lazaret:license:declared", &package.license));
    }
    Component {
        bom_ref,
        kind: "library",
        publisher: (!package.vendor.is_empty()).then_some(package.vendor.as_str()),
        name: &package.name,
        version: package.version.clone(),
        description: None,
        licenses: license_choice(license, &package.license).map(|choice| [choice]),
        purl: Some(purl),
        properties,
    }
}

/// In the terms of SPDX where they are certain, else as the package declares it.
fn license_choice(license: Option<License>, declared: &str) -> Option<LicenseChoice<'_>> {
    let acknowledgement = "declared";
    let (id, name) = match license {
        Some(License::Expression(expression)) => {
            return Some(LicenseChoice::Expression { expression, acknowledgement });
        }
        Some(License::Id(id)) => (Some(id), None),
        None if declared.is_empty() => return None,
        None => (None, Some(declared)),
    };
    Some(LicenseChoice::License { license: LicenseJson { id, name, acknowledgement } })
}

fn property(name: &'static str, value: impl ToString) -> Property {
    Property { name, value: value.to_string() }
}
