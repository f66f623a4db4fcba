//! CycloneDX 1.6 in JSON.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::vulnerability::Vulnerability;
use super::{LicenseChoice, hash};
use crate::Report;
use crate::bill::{Component, Draft, Property};
use crate::json::{Each, pretty};

/// Writes the bill of materials as pretty-printed JSON with a final newline.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let draft = Draft::of(report);
    pretty(&document(&draft, Vulnerability::of_report(report, &draft)), out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, C, D> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata<'a>,
    components: C,
    dependencies: D,
    compositions: [Composition; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    timestamp: &'a str,
    tools: Tools,
    component: ComponentJson<'a>,
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
struct ComponentJson<'a> {
    #[serde(rename = "bom-ref")]
    bom_ref: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    publisher: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licenses: Option<[LicenseJson<'a>; 1]>,
    #[serde(skip_serializing_if = "str::is_empty")]
    purl: &'a str,
    #[serde(skip_serializing_if = "<[Property]>::is_empty")]
    properties: &'a [Property],
}

#[derive(Serialize)]
struct Hash<'a> {
    alg: &'static str,
    content: &'a str,
}

/// One license, or an expression that then stands alone.
#[derive(Serialize)]
#[serde(untagged)]
enum LicenseJson<'a> {
    Expression { expression: String, acknowledgement: &'static str },
    License { license: Named<'a> },
}

/// Only `name` may hold any text; `id` is one of the SPDX list.
#[derive(Serialize)]
struct Named<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    acknowledgement: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<&'a str>,
}

#[derive(Serialize)]
struct Composition {
    aggregate: &'static str,
}

fn document(draft: &Draft<'_>, vulnerabilities: Vec<Vulnerability>) -> impl Serialize {
    let aggregate = if draft.is_complete() { "complete" } else { "incomplete" };
    let version = env!("CARGO_PKG_VERSION");
    Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: format!("urn:uuid:{}", draft.serial),
        version: 1,
        metadata: Metadata {
            timestamp: draft.created(),
            tools: Tools { components: [Tool { kind: "application", name: "lazaret", version }] },
            component: ComponentJson::of(&draft.subject),
        },
        components: Each(draft.components().map(Written)),
        dependencies: Each(draft.needs().map(Dependency::of)),
        compositions: [Composition { aggregate }],
        vulnerabilities,
    }
}

impl<'a> Dependency<'a> {
    fn of((reference, depends_on): (&'a str, Vec<&'a str>)) -> Self {
        Self { reference, depends_on }
    }
}

/// A component that is gone once it is written.
struct Written(Component);

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ComponentJson::of(&self.0).serialize(serializer)
    }
}

impl<'a> ComponentJson<'a> {
    fn of(component: &'a Component) -> Self {
        let hashes = component.hashes.iter().filter_map(|written| hash(written));
        Self {
            bom_ref: &component.reference,
            kind: component.kind.cyclonedx(),
            publisher: &component.publisher,
            name: &component.name,
            version: &component.version,
            description: &component.description,
            hashes: hashes.map(|(alg, content)| Hash { alg, content }).collect(),
            licenses: LicenseChoice::of(&component.license).map(|it| [LicenseJson::of(it)]),
            purl: &component.purl,
            properties: &component.properties,
        }
    }
}

impl<'a> LicenseJson<'a> {
    fn of(choice: LicenseChoice<'a>) -> Self {
        let acknowledgement = "declared";
        let (id, name) = match choice {
            LicenseChoice::Expression(expression) => {
                return Self::Expression { expression, acknowledgement };
            }
            LicenseChoice::Id(id) => (Some(id), None),
            LicenseChoice::Name(name) => (None, Some(name)),
        };
        Self::License { license: Named { id, name, acknowledgement } }
    }
}
