//! CycloneDX 1.6 in XML. The schema wants the elements of each parent in one order.

use std::io::{self, Write};

use super::vulnerability::{Analysis, Vulnerability};
use super::{LicenseChoice, hash};
use crate::Report;
use crate::bill::{Component, Draft};
use crate::xml::Xml;

/// Writes the bill of materials as indented XML.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let draft = Draft::of(report);
    let vulnerabilities = Vulnerability::of_report(report, &draft);
    let serial = format!("urn:uuid:{}", draft.serial);
    let attributes = [
        ("xmlns", "http://cyclonedx.org/schema/bom/1.6"),
        ("serialNumber", serial.as_str()),
        ("version", "1"),
    ];
    let mut xml = Xml::new(out);
    xml.element("bom", &attributes, |xml| {
        metadata(xml, &draft);
        xml.element("components", &[], |xml| {
            draft.components().for_each(|it| component(xml, &it));
        });
        dependencies(xml, &draft);
        xml.element("compositions", &[], |xml| {
            xml.element("composition", &[], |xml| {
                let aggregate = if draft.is_complete() { "complete" } else { "incomplete" };
                xml.text("aggregate", &[], aggregate);
            });
        });
        if !vulnerabilities.is_empty() {
            xml.element("vulnerabilities", &[], |xml| {
                vulnerabilities.iter().for_each(|it| vulnerability(xml, it));
            });
        }
    });
    xml.finish()
}

fn metadata(xml: &mut Xml<'_>, draft: &Draft<'_>) {
    xml.element("metadata", &[], |xml| {
        xml.text("timestamp", &[], draft.created());
        xml.element("tools", &[], |xml| {
            xml.element("components", &[], |xml| {
                xml.element("component", &[("type", "application")], |xml| {
                    xml.text("name", &[], "lazaret");
                    xml.text("version", &[], env!("CARGO_PKG_VERSION"));
                });
            });
        });
        component(xml, &draft.subject);
    });
}

fn component(xml: &mut Xml<'_>, component: &Component) {
    let attributes =
        [("type", component.kind.cyclonedx()), ("bom-ref", component.reference.as_str())];
    xml.element("component", &attributes, |xml| {
        xml.text_if_any("publisher", &component.publisher);
        xml.text("name", &[], &component.name);
        xml.text_if_any("version", &component.version);
        xml.text_if_any("description", &component.description);
        let hashes: Vec<_> = component.hashes.iter().filter_map(|it| hash(it)).collect();
        if !hashes.is_empty() {
            xml.element("hashes", &[], |xml| {
                for (algorithm, digits) in hashes {
                    xml.text("hash", &[("alg", algorithm)], digits);
                }
            });
        }
        if let Some(choice) = LicenseChoice::of(&component.license) {
            xml.element("licenses", &[], |xml| license(xml, &choice));
        }
        xml.text_if_any("purl", &component.purl);
        if !component.properties.is_empty() {
            xml.element("properties", &[], |xml| {
                for property in &component.properties {
                    xml.text("property", &[("name", &property.name)], &property.value);
                }
            });
        }
    });
}

fn license(xml: &mut Xml<'_>, choice: &LicenseChoice<'_>) {
    let declared = [("acknowledgement", "declared")];
    match choice {
        LicenseChoice::Expression(expression) => xml.text("expression", &declared, expression),
        LicenseChoice::Id(id) => {
            xml.element("license", &declared, |xml| xml.text("id", &[], id));
        }
        LicenseChoice::Name(name) => {
            xml.element("license", &declared, |xml| xml.text("name", &[], name));
        }
    }
}

fn dependencies(xml: &mut Xml<'_>, draft: &Draft<'_>) {
    xml.element("dependencies", &[], |xml| {
        for (reference, needed) in draft.needs() {
            xml.element("dependency", &[("ref", reference)], |xml| {
                for needed in needed {
                    xml.text("dependency", &[("ref", needed)], "");
                }
            });
        }
    });
}

fn vulnerability(xml: &mut Xml<'_>, vulnerability: &Vulnerability) {
    xml.element("vulnerability", &[], |xml| {
        xml.text("id", &[], &vulnerability.id);
        source(xml, &vulnerability.source.name);
        list(xml, "references", &vulnerability.references, |xml, reference| {
            xml.element("reference", &[], |xml| {
                xml.text("id", &[], &reference.id);
                source(xml, &reference.source.name);
            });
        });
        list(xml, "ratings", &vulnerability.ratings, |xml, rating| {
            xml.element("rating", &[], |xml| {
                source(xml, &rating.source.name);
                let score = rating.score.map(|score| score.to_string());
                xml.text_if_any("score", &score.unwrap_or_default());
                xml.text("severity", &[], rating.severity);
                xml.text_if_any("method", rating.method.unwrap_or_default());
                xml.text_if_any("vector", rating.vector.as_deref().unwrap_or_default());
            });
        });
        list(xml, "cwes", &vulnerability.cwes, |xml, cwe| {
            xml.text("cwe", &[], &cwe.to_string());
        });
        xml.text_if_any("description", &vulnerability.description);
        xml.text_if_any("recommendation", &vulnerability.recommendation);
        list(xml, "advisories", &vulnerability.advisories, |xml, advisory| {
            xml.element("advisory", &[], |xml| xml.text("url", &[], &advisory.url));
        });
        xml.text_if_any("published", vulnerability.published.as_deref().unwrap_or_default());
        xml.text_if_any("updated", vulnerability.updated.as_deref().unwrap_or_default());
        if let Some(told) = &vulnerability.analysis {
            analysis(xml, told);
        }
        list(xml, "affects", &vulnerability.affects, |xml, affected| {
            xml.element("target", &[], |xml| xml.text("ref", &[], &affected.reference));
        });
    });
}

fn analysis(xml: &mut Xml<'_>, analysis: &Analysis) {
    xml.element("analysis", &[], |xml| {
        xml.text("state", &[], analysis.state);
        xml.text_if_any("justification", analysis.justification.unwrap_or_default());
        list(xml, "responses", analysis.response, |xml, response| {
            xml.text("response", &[], response);
        });
        xml.text_if_any("detail", &analysis.detail);
    });
}

fn source(xml: &mut Xml<'_>, name: &str) {
    xml.element("source", &[], |xml| xml.text("name", &[], name));
}

/// An element around several, where there are any.
fn list<T>(xml: &mut Xml<'_>, name: &str, items: &[T], write: impl Fn(&mut Xml<'_>, &T)) {
    if !items.is_empty() {
        xml.element(name, &[], |xml| items.iter().for_each(|item| write(xml, item)));
    }
}
