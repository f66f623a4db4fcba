//! SPDX 2.3 in JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::{DOCUMENT_ID, Document, NOT_SAID, Package};
use crate::Report;
use crate::bill::Bill;
use crate::json::pretty;

/// Writes the bill of materials as pretty-printed JSON with a final newline.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let bill = Bill::of(report);
    pretty(&DocumentJson::of(&Document::of(&bill)), out)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentJson {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
    creation_info: CreationInfo,
    packages: Vec<PackageJson>,
    relationships: Vec<Relationship>,
    #[serde(rename = "hasExtractedLicensingInfos", skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<ExtractedLicense>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PackageJson {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version_info: String,
    supplier: String,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    annotation_date: String,
    annotation_type: &'static str,
    annotator: String,
    comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedLicense {
    license_id: String,
    extracted_text: String,
    name: &'static str,
}

impl DocumentJson {
    fn of(document: &Document<'_>) -> Self {
        let relationships = document.relationships.iter().cloned();
        let licenses = document.licenses.iter();
        Self {
            spdx_version: "SPDX-2.3",
            data_license: "CC0-1.0",
            id: DOCUMENT_ID,
            name: document.name.to_owned(),
            document_namespace: document.namespace.clone(),
            comment: document.comment,
            creation_info: CreationInfo {
                created: document.created.clone(),
                creators: [document.creator.clone()],
            },
            packages: document.packages.iter().map(|it| PackageJson::of(it, document)).collect(),
            relationships: relationships
                .map(|(spdx_element_id, relationship_type, related_spdx_element)| Relationship {
                    spdx_element_id,
                    relationship_type,
                    related_spdx_element,
                })
                .collect(),
            licenses: licenses
                .map(|(id, text)| ExtractedLicense {
                    license_id: id.clone(),
                    extracted_text: (*text).to_owned(),
                    name: NOT_SAID,
                })
                .collect(),
        }
    }
}

impl PackageJson {
    fn of(package: &Package<'_>, document: &Document<'_>) -> Self {
        let component = package.component;
        let purl = ExternalRef {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl",
            reference_locator: component.purl.clone(),
        };
        let annotation = Annotation {
            annotation_date: document.created.clone(),
            annotation_type: "OTHER",
            annotator: document.creator.clone(),
            comment: package.annotation.clone(),
        };
        let hashes = package.hashes.iter();
        Self {
            id: package.id.clone(),
            name: component.name.clone(),
            version_info: component.version.clone(),
            supplier: package.supplier.clone(),
            download_location: NOT_SAID,
            files_analyzed: false,
            checksums: hashes
                .map(|&(algorithm, digits)| Checksum {
                    algorithm,
                    checksum_value: digits.to_owned(),
                })
                .collect(),
            license_concluded: NOT_SAID,
            license_declared: package.license.clone(),
            copyright_text: NOT_SAID,
            description: component.description.clone(),
            // The JSON schema of 2.3 spells with a dash what other parts of SPDX do not.
            primary_package_purpose: match package.purpose {
                "OPERATING-SYSTEM" => "OPERATING_SYSTEM",
                purpose => purpose,
            },
            external_refs: Some(purl).filter(|_| !component.purl.is_empty()).into_iter().collect(),
            annotations: Some(annotation)
                .filter(|_| !package.annotation.is_empty())
                .into_iter()
                .collect(),
        }
    }
}
