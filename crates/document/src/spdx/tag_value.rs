//! SPDX 2.3 as tag-value: a tag, a colon and a value a line; texts of several lines between
//! `<text>` and `</text>`.

use std::io::{self, Write};

use super::{DOCUMENT_ID, Document, NOT_SAID, Package, one_line};
use crate::Report;
use crate::bill::Draft;
use crate::text::{printable, printable_lines};

/// Writes the bill of materials as lines.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let draft = Draft::of(report);
    let document = Document::of(&draft);
    tag(out, "SPDXVersion", "SPDX-2.3")?;
    tag(out, "DataLicense", "CC0-1.0")?;
    tag(out, "SPDXID", DOCUMENT_ID)?;
    tag(out, "DocumentName", &one_line(document.name))?;
    tag(out, "DocumentNamespace", &document.namespace)?;
    if let Some(comment) = document.comment {
        long(out, "DocumentComment", comment)?;
    }
    tag(out, "Creator", &document.creator)?;
    tag(out, "Created", &document.created)?;
    document.packages().try_for_each(|it| package(out, &it))?;
    writeln!(out)?;
    for (from, relationship, to) in document.relationships() {
        tag(out, "Relationship", &format!("{from} {relationship} {to}"))?;
    }
    document.packages().try_for_each(|it| annotation(out, &it, &document))?;
    for (id, extracted) in &document.licenses {
        writeln!(out)?;
        tag(out, "LicenseID", id)?;
        long(out, "ExtractedText", extracted)?;
        tag(out, "LicenseName", NOT_SAID)?;
    }
    Ok(())
}

fn package(out: &mut dyn Write, package: &Package) -> io::Result<()> {
    let component = &package.component;
    writeln!(out)?;
    tag(out, "PackageName", &one_line(&component.name))?;
    tag(out, "SPDXID", &package.id)?;
    if !component.version.is_empty() {
        tag(out, "PackageVersion", &one_line(&component.version))?;
    }
    tag(out, "PackageSupplier", &package.supplier)?;
    tag(out, "PackageDownloadLocation", NOT_SAID)?;
    tag(out, "FilesAnalyzed", "false")?;
    for (algorithm, digits) in package.hashes() {
        tag(out, "PackageChecksum", &format!("{algorithm}: {digits}"))?;
    }
    tag(out, "PackageLicenseConcluded", NOT_SAID)?;
    tag(out, "PackageLicenseDeclared", &package.license)?;
    tag(out, "PackageCopyrightText", NOT_SAID)?;
    if !component.description.is_empty() {
        long(out, "PackageDescription", &component.description)?;
    }
    if !component.purl.is_empty() {
        tag(out, "ExternalRef", &format!("PACKAGE-MANAGER purl {}", component.purl))?;
    }
    tag(out, "PrimaryPackagePurpose", package.purpose)
}

fn annotation(out: &mut dyn Write, package: &Package, document: &Document<'_>) -> io::Result<()> {
    if package.annotation.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    tag(out, "Annotator", &document.creator)?;
    tag(out, "AnnotationDate", &document.created)?;
    tag(out, "AnnotationType", "OTHER")?;
    tag(out, "SPDXREF", &package.id)?;
    long(out, "AnnotationComment", &package.annotation)
}

fn tag(out: &mut dyn Write, tag: &str, value: &str) -> io::Result<()> {
    writeln!(out, "{tag}: {}", printable(value))
}

/// A text of many lines, that its own end cannot be mistaken for and that steers no terminal.
fn long(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    let value = printable_lines(value).replace("</text>", "&lt;/text&gt;");
    writeln!(out, "{name}: <text>{value}</text>")
}
