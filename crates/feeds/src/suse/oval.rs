//! SUSE's OVAL (ftp.suse.com/pub/projects/security/oval), authoritative because one file is one
//! release.
//!
//! Vulnerability definitions are CVEs. Each part of the criteria joins products with packages: a
//! version below which a package is affected; "greater than 0:0-0" where every version is; and
//! "equals 0", which no package satisfies, for "not affected". Files named `-affected` hold all
//! three, the plain ones fixes only; patch definitions are the updates themselves.

use model::{Cvss, Details, Severity, Status};

use crate::notice::{self, Fix};
use crate::oval::{self, Asked, Conditions, Oval};
use crate::statements::{Place, Statements};
use crate::xml::Element;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, rpm, stream};

use super::Product;

/// The feed of OVAL files.
pub(crate) struct OvalFile;

impl Feed for OvalFile {
    fn name(&self) -> &'static str {
        "suse-oval"
    }

    fn license(&self) -> &'static str {
        ""
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Xml && sample.contains("oval:org.opensuse.security:")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let root = "https://ftp.suse.com/pub/projects/security/oval";
        let release = |family| stream::release(stream, family);
        let name = if stream == "opensuse-tumbleweed" {
            "opensuse.tumbleweed-affected".to_owned()
        } else if let Some(version) = release("opensuse-leap-micro") {
            format!("opensuse.leap.micro.{version}-affected")
        } else if let Some(version) = release("opensuse-leap") {
            format!("opensuse.leap.{version}-affected")
        } else if let Some(version) = release("sle-micro") {
            format!("suse.linux.enterprise.micro.{version}-affected")
        } else if let Some(version) = release("sl-micro") {
            format!("suse.linux.micro.{version}-affected")
        } else if let Some(version) = release("sles") {
            format!("suse.linux.enterprise.{}-affected", server_file(version))
        } else {
            return Vec::new();
        };
        vec![format!("{root}/{name}.xml.gz")]
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        Oval::read(
            document,
            sink,
            &mut |oval, definition, sink| match definition.attribute("class") {
                "patch" => import_patch(oval, definition, sink),
                _ => import_vulnerability(oval, definition, sink),
            },
        )
    }
}

/// `15-sp6`; releases from 16 on are numbered with a dot.
fn server_file(version: &str) -> String {
    match version.split_once('.') {
        Some((major @ ("11" | "12" | "15"), pack)) => format!("{major}-sp{pack}"),
        _ => version.to_owned(),
    }
}

fn import_vulnerability(oval: &Oval, definition: &Element, sink: &mut Sink) {
    let Some(metadata) = definition.child("metadata") else { return };
    let Some(cve) = rpm::cve_ids(metadata.child_text("title")).into_iter().next() else {
        return sink.damaged(definition.attribute("id"), "its title names no CVE");
    };
    let advisory = metadata.child("advisory");
    let severity = advisory.map_or("", |advisory| advisory.child_text("severity"));
    let severity = notice::rating(severity);
    let mut statements = Statements::default();
    oval.packages(definition, &mut |package, conditions| {
        for product in products(conditions, sink) {
            let place =
                Place { track: product.track, ..Place::binary(product.stream, package.name) };
            match package.asked {
                Asked::Below(version) => {
                    for architecture in package.architectures() {
                        let build = (rpm::normal(version), architecture);
                        statements.fixed(place.clone(), build, "", severity);
                    }
                }
                Asked::Through(version) => {
                    statements.affected_through(place, rpm::normal(version), severity);
                }
                Asked::Installed => statements.state(place, Status::Affected, severity),
                Asked::Impossible => statements.state(place, Status::NotAffected, severity),
            }
        }
    });
    for stream in statements.streams() {
        sink.details(stream, details(metadata, &cve, severity));
    }
    statements.put(&cve, sink);
}

fn import_patch(oval: &Oval, definition: &Element, sink: &mut Sink) {
    let mut notice = oval::notice(definition);
    oval.packages(definition, &mut |package, conditions| {
        let Asked::Below(version) = package.asked else { return };
        for product in products(conditions, sink) {
            let place =
                Place { track: product.track, ..Place::binary(product.stream, package.name) };
            for architecture in package.architectures() {
                let fix = Fix::new(place.clone(), rpm::normal(version), architecture);
                notice.fixes.push(fix);
            }
        }
    });
    if notice.id.is_empty() && notice.cves.is_empty() {
        return sink.passed_over("updates without an id");
    }
    notice.put(sink);
}

/// The products of which any may be installed for the package test to count.
fn products(conditions: &Conditions<'_>, sink: &mut Sink) -> Vec<Product> {
    let mut products = Vec::new();
    let installed = conditions.iter().flatten().filter_map(|c| c.strip_suffix(" is installed"));
    for name in installed {
        match super::product(name) {
            Some(product) => products.push(product),
            None => sink.passed_over("statements about products other than servers"),
        }
    }
    products.sort();
    products.dedup();
    products
}

fn details(metadata: &Element, cve: &str, severity: Severity) -> Details {
    let advisory = metadata.child("advisory");
    let scored = advisory.into_iter().flat_map(|advisory| advisory.all("cve"));
    let references = metadata.all("reference").map(|reference| reference.attribute("ref_url"));
    Details {
        id: cve.to_owned(),
        description: metadata.child_text("description").to_owned(),
        severity,
        cvss: scored.flat_map(cvss).collect(),
        references: references.map(str::to_owned).collect(),
        ..Details::default()
    }
}

/// SUSE's own scores, and NVD's as SUSE repeats them.
fn cvss(cve: &Element) -> Vec<Cvss> {
    let source = if cve.attribute("href").contains("nvd.nist.gov") { "nvd" } else { "suse" };
    let scored = [("cvss3", "3.0"), ("cvss4", "4.0")].into_iter().filter_map(|(name, version)| {
        let (score, vector) = cve.attribute(name).split_once('/')?;
        let named = vector.strip_prefix("CVSS:").and_then(|rest| rest.split('/').next());
        Some(Cvss {
            source: source.to_owned(),
            version: named.unwrap_or(version).to_owned(),
            vector: vector.to_owned(),
            score: score.parse().ok()?,
        })
    });
    scored.collect()
}
