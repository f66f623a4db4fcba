//! Red Hat's OVAL v2 (`rhel-9-including-unpatched.oval.xml.bz2` and its like), served until 2024
//! and still kept by users without a network.
//!
//! Patch definitions are errata: binaries with fixed versions. Vulnerability definitions are CVEs
//! without a fix; their `resolution` elements name source components and states. Definitions
//! named `unaffected` list binaries that were found not to be affected. Which release and track a
//! definition is about is told by its CPEs.

use std::collections::BTreeSet;

use model::{Cvss, Details, Severity, Status};

use super::{Component, LICENSE, Product};
use crate::notice::Fix;
use crate::oval::{self, Asked, Oval};
use crate::statements::{Place, Statements};
use crate::xml::Element;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, rpm};

/// The feed of OVAL v2 files.
pub(crate) struct OvalV2;

impl Feed for OvalV2 {
    fn name(&self) -> &'static str {
        "redhat-oval"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Xml && sample.contains("oval:com.redhat.")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let release = crate::stream::release(stream, "rhel").filter(|_| super::is_stream(stream));
        let url = release.map(|release| {
            format!(
                "https://security.access.redhat.com/data/oval/v2/RHEL{release}/rhel-{release}-including-unpatched.oval.xml.bz2"
            )
        });
        url.into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        Oval::read(document, sink, &mut |oval, definition, sink| {
            import_definition(oval, definition, sink);
        })
    }
}

fn import_definition(oval: &Oval, definition: &Element, sink: &mut Sink) {
    let metadata = definition.child("metadata");
    let Some(advisory) = metadata.and_then(|metadata| metadata.child("advisory")) else { return };
    let products = products(advisory);
    if products.is_empty() {
        return sink.passed_over("definitions of products other than RHEL");
    }
    if definition.attribute("class") == "patch" {
        return import_patch(oval, definition, &products, sink);
    }
    let Some(cve) = advisory.all("cve").next() else {
        return sink.damaged(definition.attribute("id"), "it names no CVE");
    };
    let severity = Severity::from_publisher(match cve.attribute("impact") {
        "" => advisory.child_text("severity"),
        impact => impact,
    });
    let mut statements = Statements::default();
    if definition.attribute("id").contains(".unaffected:") {
        put_unaffected(oval, definition, &products, severity, &mut statements);
    } else {
        put_states(advisory, &products, severity, &mut statements, sink);
    }
    for stream in statements.streams() {
        sink.details(stream, details(definition, cve));
    }
    statements.put(cve.text(), sink);
}

fn import_patch(oval: &Oval, definition: &Element, products: &[Product], sink: &mut Sink) {
    let mut notice = oval::notice(definition);
    if notice.cves.is_empty() {
        return sink.passed_over("errata that name no CVE");
    }
    let streams: BTreeSet<&str> = products.iter().map(|product| &*product.stream).collect();
    let advisory = definition.child("metadata").and_then(|metadata| metadata.child("advisory"));
    for cve in advisory.into_iter().flat_map(|advisory| advisory.all("cve")) {
        if !cve.attribute("impact").is_empty() {
            let severity = Severity::from_publisher(cve.attribute("impact"));
            notice.ratings.insert(cve.text().to_owned(), severity);
        }
        streams.iter().for_each(|stream| sink.details(stream, details(definition, cve)));
    }
    oval.packages(definition, &mut |package, conditions| {
        let Asked::Below(version) = package.asked else { return };
        let version = rpm::normal(version);
        let module = oval::module(conditions);
        for product in products {
            for architecture in package.architectures() {
                let place = place(product, package.name, module);
                notice.fixes.push(Fix::new(place, version.clone(), architecture));
            }
        }
    });
    notice.put(sink);
}

fn products(advisory: &Element) -> Vec<Product> {
    let cpes = advisory.all("affected_cpe_list").flat_map(|list| list.all("cpe"));
    let mut products: Vec<Product> = cpes.flat_map(|cpe| super::products(cpe.text())).collect();
    products.sort();
    products.dedup();
    products
}

fn put_unaffected(
    oval: &Oval,
    definition: &Element,
    products: &[Product],
    severity: Severity,
    statements: &mut Statements,
) {
    oval.packages(definition, &mut |package, conditions| {
        let module = oval::module(conditions);
        for product in products {
            let place = place(product, package.name, module);
            statements.state(place, Status::NotAffected, severity);
        }
    });
}

fn put_states(
    advisory: &Element,
    products: &[Product],
    severity: Severity,
    statements: &mut Statements,
    sink: &mut Sink,
) {
    for resolution in advisory.all("affected").flat_map(|affected| affected.all("resolution")) {
        let word = resolution.attribute("state");
        let status = super::status(word).unwrap_or_else(|| {
            sink.passed_over(&format!("unknown words for a state, `{word}`"));
            Status::Undetermined
        });
        for component in resolution.all("component") {
            let Component::Package { name, module } = super::component(component.text()) else {
                sink.passed_over("states of flatpaks and container images");
                continue;
            };
            for product in products {
                let place = Place {
                    track: product.track.clone(),
                    module: module.map(str::to_owned),
                    ..Place::source(&product.stream, name)
                };
                statements.state(place, status, severity);
            }
        }
    }
}

fn place(product: &Product, package: &str, module: Option<&str>) -> Place {
    Place {
        track: product.track.clone(),
        module: module.map(str::to_owned),
        ..Place::binary(&product.stream, package)
    }
}

fn details(definition: &Element, cve: &Element) -> Details {
    // Texts of an erratum are about all its CVEs together.
    let own = definition.child("metadata").filter(|_| definition.attribute("class") != "patch");
    let text = |name: &str| own.map_or("", |metadata| metadata.child_text(name)).to_owned();
    let scored = [("cvss2", "2.0"), ("cvss3", "")].into_iter().filter_map(|(name, version)| {
        let (score, vector) = cve.attribute(name).split_once('/')?;
        let named = vector.strip_prefix("CVSS:").and_then(|rest| rest.split('/').next());
        Some(Cvss {
            source: "redhat".to_owned(),
            version: named.unwrap_or(version).to_owned(),
            vector: vector.to_owned(),
            score: score.parse().ok()?,
        })
    });
    let cwe = cve.attribute("cwe");
    Details {
        id: cve.text().to_owned(),
        title: text("title"),
        description: text("description"),
        severity: Severity::from_publisher(cve.attribute("impact")),
        cvss: scored.collect(),
        cwes: super::cve::cwes(cwe),
        references: vec![cve.attribute("href").to_owned()],
        published: day(cve.attribute("public")),
        modified: None,
        withdrawn: None,
    }
}

/// `20220520` in RFC 3339; an hour behind it is not looked at.
fn day(digits: &str) -> Option<String> {
    let (year, month, day) = (digits.get(..4)?, digits.get(4..6)?, digits.get(6..8)?);
    digits
        .bytes()
        .take(8)
        .all(|b| b.is_ascii_digit())
        .then(|| format!("{year}-{month}-{day}T00:00:00Z"))
}
