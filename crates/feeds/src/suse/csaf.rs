//! SUSE's CSAF documents (ftp.suse.com/pub/projects/security/csaf, csaf-vex).
//!
//! A product is `PLATFORM:PACKAGE`, the platform known by its name. Lists of fixes (`recommended`,
//! `fixed`) hold builds (`bind-9.9.4P2-0.6.1.i586`, in VEX without the architecture), the others
//! hold bare package names; nothing but the list tells them apart, as `libdcerpc-binding0-32bit`
//! is a name. SUSE writes no epochs there.

use model::Status;

use crate::csaf::{self, Claim, Csaf, Listed};
use crate::rpm::{self, Nevra};
use crate::statements::{Place, Statements};
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};

const LICENSE: &str = "CC-BY-4.0";
const ROOT: &str = "https://ftp.suse.com/pub/projects/security";
/// The families that all documents together are about.
const FAMILIES: [&str; 5] =
    ["opensuse-leap", "opensuse-leap-micro", "sl-micro", "sle-micro", "sles"];

/// The feed of VEX documents.
pub(crate) struct Vex;

impl Feed for Vex {
    fn name(&self) -> &'static str {
        "suse-vex"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Vulnerability
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        recognizes(sample, |id| id.starts_with("CVE-"))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        urls(stream, "csaf-vex.tar.bz2")
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        import(document, "", sink)
    }
}

/// The feed of advisories. It has no unfixed vulnerabilities.
pub(crate) struct Advisories;

impl Feed for Advisories {
    fn name(&self) -> &'static str {
        "suse-csaf"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        recognizes(sample, |id| !id.starts_with("CVE-"))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        urls(stream, "csaf.tar.bz2")
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let id = csaf::header(document.head()).map(|header| header.tracking.id.to_string());
        import(document, &id.unwrap_or_default(), sink)
    }
}

fn recognizes(sample: &Sample<'_>, tracked: impl Fn(&str) -> bool) -> bool {
    sample.form() == Form::JsonObject
        && csaf::header(sample.bytes())
            .is_some_and(|header| header.is_from("suse.com") && tracked(&header.tracking.id))
}

fn urls(stream: &str, archive: &str) -> Vec<String> {
    let ours = stream == "opensuse-tumbleweed"
        || FAMILIES.iter().any(|family| crate::stream::release(stream, family).is_some());
    ours.then(|| format!("{ROOT}/{archive}")).into_iter().collect()
}

fn import(document: &Document<'_>, notice: &str, sink: &mut Sink) -> Result<(), FeedError> {
    let bytes = document.bytes()?;
    let csaf = Csaf::parse(&bytes)?;
    if csaf.vulnerabilities.is_empty() {
        sink.passed_over("documents that say nothing of any product");
    }
    sink.covers(&csaf.document.tracking.id);
    let products = csaf.products();
    let modified = csaf.document.modified();
    for vulnerability in &csaf.vulnerabilities {
        let id = match &*vulnerability.cve {
            "" => &*csaf.document.tracking.id,
            cve => cve,
        };
        let mut statements = Statements::default();
        let broken = products.claims(vulnerability, &mut |claim| {
            put_claim(claim, notice, &mut statements, sink);
        });
        if broken > 0 {
            let record = format!("{broken} claims about {id}");
            sink.damaged(&record, "their products are not in the product tree");
        }
        let details = csaf.details(vulnerability, "suse");
        for stream in statements.streams() {
            sink.details(stream, details.clone());
        }
        statements.put(id, sink);
    }
    modified.iter().for_each(|when| sink.modified_all(when));
    Ok(())
}

fn put_claim(claim: &Claim<'_, '_>, notice: &str, statements: &mut Statements, sink: &mut Sink) {
    let [package, .., platform] = claim.parts.as_slice() else {
        return sink.passed_over("statements about products as a whole");
    };
    let Some(product) = super::product(platform.id) else {
        return sink.passed_over("statements about products other than servers");
    };
    let place =
        |name: &str| Place { track: product.track.clone(), ..Place::binary(&product.stream, name) };
    let status = match claim.listed {
        Listed::Fixed => {
            let build = match package.architecture {
                "" => Nevra::without_architecture(package.id),
                _ => Nevra::with_architecture(package.id),
            };
            return match build {
                Some(build) if rpm::is_source(build.architecture) => {}
                Some(build) => {
                    let fixed = (build.version, build.architecture);
                    statements.fixed(place(build.name), fixed, notice, claim.severity);
                }
                None => sink.damaged(package.id, "it is no build of a package"),
            };
        }
        Listed::Affected => Status::Affected,
        Listed::NotAffected => Status::NotAffected,
        Listed::UnderInvestigation => Status::UnderInvestigation,
    };
    statements.state(place(package.id), status, claim.severity);
}
