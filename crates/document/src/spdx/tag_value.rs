//! SPDX 2.3 as tag-value: a tag, a colon and a value a line; texts of several lines between
//! `<text>` and `</text>`.

use std::fmt::Write as _;

use super::{DOCUMENT_ID, Document, NOT_SAID, Package, one_line};
use crate::Report;
use crate::bill::Bill;
use crate::text::{printable, printable_lines};

/// The bill of materials as lines.
pub fn render(report: &Report) -> String {
    let bill = Bill::of(report);
    let document = Document::of(&bill);
    let mut text = String::new();
    tag(&mut text, "SPDXVersion", "SPDX-2.3");
    tag(&mut text, "DataLicense", "CC0-1.0");
    tag(&mut text, "SPDXID", DOCUMENT_ID);
    tag(&mut text, "DocumentName", &one_line(document.name));
    tag(&mut text, "DocumentNamespace", &document.namespace);
    if let Some(comment) = document.comment {
        long(&mut text, "DocumentComment", comment);
    }
    tag(&mut text, "Creator", &document.creator);
    tag(&mut text, "Created", &document.created);
    document.packages().for_each(|it| package(&mut text, &it));
    text.push('\n');
    for (from, relationship, to) in document.relationships() {
        tag(&mut text, "Relationship", &format!("{from} {relationship} {to}"));
    }
    document.packages().for_each(|it| annotation(&mut text, &it, &document));
    for (id, extracted) in &document.licenses {
        text.push('\n');
        tag(&mut text, "LicenseID", id);
        long(&mut text, "ExtractedText", extracted);
        tag(&mut text, "LicenseName", NOT_SAID);
    }
    text
}

fn package(text: &mut String, package: &Package<'_>) {
    let component = package.component;
    text.push('\n');
    tag(text, "PackageName", &one_line(&component.name));
    tag(text, "SPDXID", package.id);
    if !component.version.is_empty() {
        tag(text, "PackageVersion", &one_line(&component.version));
    }
    tag(text, "PackageSupplier", &package.supplier);
    tag(text, "PackageDownloadLocation", NOT_SAID);
    tag(text, "FilesAnalyzed", "false");
    for (algorithm, digits) in &package.hashes {
        tag(text, "PackageChecksum", &format!("{algorithm}: {digits}"));
    }
    tag(text, "PackageLicenseConcluded", NOT_SAID);
    tag(text, "PackageLicenseDeclared", &package.license);
    tag(text, "PackageCopyrightText", NOT_SAID);
    if !component.description.is_empty() {
        long(text, "PackageDescription", &component.description);
    }
    if !component.purl.is_empty() {
        tag(text, "ExternalRef", &format!("PACKAGE-MANAGER purl {}", component.purl));
    }
    tag(text, "PrimaryPackagePurpose", package.purpose);
}

fn annotation(text: &mut String, package: &Package<'_>, document: &Document<'_>) {
    if package.annotation.is_empty() {
        return;
    }
    text.push('\n');
    tag(text, "Annotator", &document.creator);
    tag(text, "AnnotationDate", &document.created);
    tag(text, "AnnotationType", "OTHER");
    tag(text, "SPDXREF", package.id);
    long(text, "AnnotationComment", &package.annotation);
}

fn tag(text: &mut String, tag: &str, value: &str) {
    writeln!(text, "{tag}: {}", printable(value)).expect("a String takes all");
}

/// A text of many lines, that its own end cannot be mistaken for and that steers no terminal.
fn long(text: &mut String, name: &str, value: &str) {
    let value = printable_lines(value).replace("</text>", "&lt;/text&gt;");
    writeln!(text, "{name}: <text>{value}</text>").expect("a String takes all");
}
