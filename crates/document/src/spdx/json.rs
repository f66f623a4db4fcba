//! SPDX 2.3 in JSON.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::{DOCUMENT_ID, Document, NOT_SAID, Package};
use crate::Report;
use crate::bill::Draft;
use crate::json::{Each, pretty};

/// Writes the bill of materials as pretty-printed JSON with a final newline.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let draft = Draft::of(report);
    pretty(&document(&Document::of(&draft)), out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentJson<'a, P, R> {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: &'a str,
    document_namespace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
    creation_info: CreationInfo<'a>,
    packages: P,
    relationships: R,
    #[serde(rename = "hasExtractedLicensingInfos", skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<ExtractedLicense<'a>>,
}

#[derive(Serialize)]
struct CreationInfo<'a> {
    created: &'a str,
    creators: [&'a str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PackageJson<'a> {
    #[serde(rename = "SPDXID")]
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version_info: &'a str,
    supplier: &'a str,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum<'a>>,
    license_concluded: &'static str,
    license_declared: &'a str,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_refs: Option<[ExternalRef<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[Annotation<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum<'a> {
    algorithm: &'static str,
    checksum_value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef<'a> {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation<'a> {
    annotation_date: &'a str,
    annotation_type: &'static str,
    annotator: &'a str,
    comment: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship<'a> {
    spdx_element_id: &'a str,
    relationship_type: &'static str,
    related_spdx_element: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedLicense<'a> {
    license_id: &'a str,
    extracted_text: &'a str,
    name: &'static str,
}

fn document(document: &Document<'_>) -> impl Serialize {
    let packages = document.packages().map(move |package| Written { package, document });
    DocumentJson {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT_ID,
        name: document.name,
        document_namespace: &document.namespace,
        comment: document.comment,
        creation_info: CreationInfo { created: &document.created, creators: [&document.creator] },
        packages: Each(packages),
        relationships: Each(document.relationships().map(Relationship::of)),
        licenses: document.licenses.iter().map(ExtractedLicense::of).collect(),
    }
}

/// A package that is gone once it is written.
struct Written<'a> {
    package: Package,
    document: &'a Document<'a>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PackageJson::of(&self.package, self.document).serialize(serializer)
    }
}

impl<'a> PackageJson<'a> {
    fn of(package: &'a Package, document: &'a Document<'_>) -> Self {
        let component = &package.component;
        let purl = ExternalRef {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl",
            reference_locator: &component.purl,
        };
        let annotation = Annotation {
            annotation_date: &document.created,
            annotation_type: "OTHER",
            annotator: &document.creator,
            comment: &package.annotation,
        };
        Self {
            id: &package.id,
            name: &component.name,
            version_info: &component.version,
            supplier: &package.supplier,
            download_location: NOT_SAID,
            files_analyzed: false,
            checksums: package
                .hashes()
                .map(|(algorithm, checksum_value)| Checksum { algorithm, checksum_value })
                .collect(),
            license_concluded: NOT_SAID,
            license_declared: &package.license,
            copyright_text: NOT_SAID,
            description: &component.description,
            // The JSON schema of 2.3 spells with a dash what other parts of SPDX do not.
            primary_package_purpose: match package.purpose {
                "OPERATING-SYSTEM" => "OPERATING_SYSTEM",
                purpose => purpose,
            },
            external_refs: (!component.purl.is_empty()).then_some([purl]),
            annotations: (!package.annotation.is_empty()).then_some([annotation]),
        }
    }
}

impl<'a> Relationship<'a> {
    fn of((from, relationship_type, to): (&'a str, &'static str, &'a str)) -> Self {
        Self { spdx_element_id: from, relationship_type, related_spdx_element: to }
    }
}

impl<'a> ExtractedLicense<'a> {
    fn of((id, text): (&'a String, &&'a str)) -> Self {
        Self { license_id: id, extracted_text: text, name: NOT_SAID }
    }
}
