//! Red Hat's CSAF documents (security.access.redhat.com/data/csaf/v2): VEX, one document a CVE and
//! the most complete of Red Hat's forms, and advisories, one document an RHSA.
//!
//! A product in a status list is a component of a repository: `fixed` and some of
//! `known_not_affected` list builds of binaries (`AppStream-9.4.0.Z.MAIN.EUS:curl-0:7…x86_64`),
//! `known_affected` lists source components (`red_hat_enterprise_linux_9:edk2`). The repository is
//! known by its CPE, the package by its purl: `pkg:rpm/redhat/NAME@VERSION-RELEASE?arch=…&epoch=…`.
//! A module is either the purl's `rpmmod` qualifier or, in older documents, a part of its own
//! between package and repository (`pkg:rpmmod/redhat/nodejs@18:…`); an unfixed component of a
//! module is `pkg:rpmmod/redhat/nodejs:18/nodejs` there.
//!
//! Why there is no fix is told by remediations: `no_fix_planned` ("Will not fix", "Out of support
//! scope") and `none_available` ("Affected", "Fix deferred"). Errata are the ends of the addresses
//! of `vendor_fix` remediations.

use model::Status;

use super::LICENSE;
use crate::csaf::{self, Claim, Csaf, Listed};
use crate::purl::Purl;
use crate::statements::{Place, Statements};
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, rpm};

const VEX: &str = "https://security.access.redhat.com/data/csaf/v2/vex/";
const ADVISORIES: &str = "https://security.access.redhat.com/data/csaf/v2/advisories/";
/// The file beside the archive that says the archive's name.
const LATEST: &str = "archive_latest.txt";

/// The feed of VEX documents.
pub(crate) struct Vex;

impl Feed for Vex {
    fn name(&self) -> &'static str {
        "redhat-vex"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Vulnerability
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        recognizes(sample, "CVE-")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        urls(stream, VEX)
    }

    fn follow(&self, url: &str, body: &[u8]) -> Option<Vec<String>> {
        follow(url, body)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        import(document, sink)
    }
}

/// The feed of advisories, for those who keep errata only. It has no unfixed vulnerabilities.
pub(crate) struct Advisories;

impl Feed for Advisories {
    fn name(&self) -> &'static str {
        "redhat-csaf"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        recognizes(sample, "RH")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        urls(stream, ADVISORIES)
    }

    fn follow(&self, url: &str, body: &[u8]) -> Option<Vec<String>> {
        follow(url, body)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        import(document, sink)
    }
}

/// By what the document tracks: advisories were called `csaf_vex` at first, too.
fn recognizes(sample: &Sample<'_>, tracked: &str) -> bool {
    let ours = |header: csaf::Header<'_>| {
        header.is_from("redhat.com") && header.tracking.id.starts_with(tracked)
    };
    sample.form() == Form::JsonObject && csaf::header(sample.bytes()).is_some_and(ours)
}

/// All releases are in one archive.
fn urls(stream: &str, folder: &str) -> Vec<String> {
    let ours = super::is_stream(stream);
    ours.then(|| format!("{folder}{LATEST}")).into_iter().collect()
}

fn follow(url: &str, body: &[u8]) -> Option<Vec<String>> {
    let folder = url.strip_suffix(LATEST)?;
    let name = std::str::from_utf8(body).ok()?.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (!name.is_empty() && name.bytes().all(plain)).then(|| vec![format!("{folder}{name}")])
}

fn import(document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
    let bytes = document.bytes()?;
    let csaf = Csaf::parse(&bytes)?;
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
            put_claim(&csaf, claim, &mut statements, sink);
        });
        if broken > 0 {
            let record = format!("{broken} claims about {id}");
            sink.damaged(&record, "their products are not in the product tree");
        }
        if statements.is_empty() {
            continue;
        }
        let details = csaf.details(vulnerability, "redhat");
        for stream in statements.streams() {
            sink.details(stream, details.clone());
            modified.iter().for_each(|when| sink.modified(stream, when));
        }
        statements.put(id, sink);
    }
    Ok(())
}

fn put_claim(csaf: &Csaf<'_>, claim: &Claim<'_, '_>, statements: &mut Statements, sink: &mut Sink) {
    let products: Vec<_> = match claim.parts.last() {
        Some(platform) => super::products(platform.cpe),
        None => Vec::new(),
    };
    if products.is_empty() {
        return sink.passed_over("statements about products other than RHEL");
    }
    let Some(component) = component(claim) else {
        return sink.passed_over("statements about components that are no rpm packages");
    };
    // The binaries of an erratum are all listed; its source package would say the same again.
    let source_build = component.build.is_some() && rpm::is_source(&component.architecture);
    if component.is_flatpak() || source_build {
        return;
    }
    for product in products {
        let place = match component.build {
            Some(_) => Place::binary(product.stream, &component.name),
            None => Place::source(product.stream, &component.name),
        };
        let place = Place { track: product.track, module: component.module.clone(), ..place };
        match (claim.listed, &component.build) {
            (Listed::Fixed, Some(build)) => {
                let build = (build.clone(), component.architecture.as_str());
                statements.fixed(place, build, &notice(csaf, claim), claim.severity);
            }
            // A component that is fixed without a build to compare with.
            (Listed::Fixed, None) => sink.passed_over("fixes that name no build"),
            (Listed::Affected, _) => statements.state(place, unfixed(claim), claim.severity),
            (Listed::NotAffected, _) => {
                statements.state(place, Status::NotAffected, claim.severity);
            }
            (Listed::UnderInvestigation, _) => {
                statements.state(place, Status::UnderInvestigation, claim.severity);
            }
        }
    }
}

struct Component {
    name: String,
    module: Option<String>,
    /// `[epoch:]version-release`; None for a source component.
    build: Option<String>,
    architecture: String,
}

impl Component {
    fn is_flatpak(&self) -> bool {
        self.module.as_ref().is_some_and(|module| module.ends_with(":flatpak"))
    }
}

/// None where the innermost part is a container image, a jar or a module as a whole.
fn component(claim: &Claim<'_, '_>) -> Option<Component> {
    let mut purls = claim.parts.iter().map(|part| Purl::parse(part.purl));
    let package = purls.next()??;
    // `redhat/nodejs:18` is the namespace of an unfixed component of a module.
    let namespace_module = match package.kind {
        "rpm" => None,
        "rpmmod" => Some(package.namespace.strip_prefix("redhat/")?.to_owned()),
        _ => return None,
    };
    let between = purls.flatten().find(|purl| purl.kind == "rpmmod");
    let between = between.and_then(|purl| rpm::module(&format!("{}:{}", purl.name, purl.version)));
    let module = rpm::module(&package.qualifier("rpmmod")).or(namespace_module).or(between);
    // The purl of an unfixed component of a module has the stream for a version.
    let build = package
        .version
        .rsplit_once('-')
        .map(|(version, release)| rpm::evr(&package.qualifier("epoch"), version, release));
    let architecture = package.qualifier("arch");
    Some(Component { name: package.name, module, build, architecture })
}

/// The erratum that fixes the product: `RHSA-2024:2447`.
fn notice(csaf: &Csaf<'_>, claim: &Claim<'_, '_>) -> String {
    let tracked = &csaf.document.tracking.id;
    if tracked.starts_with("RH") {
        return tracked.to_string();
    }
    let fix = claim.remediations.iter().find(|r| &*r.category == "vendor_fix");
    let id = fix.and_then(|fix| fix.url.rsplit('/').next()).unwrap_or("");
    if id.starts_with("RH") { id.to_owned() } else { String::new() }
}

fn unfixed(claim: &Claim<'_, '_>) -> Status {
    let reasons = claim.remediations.iter();
    let mut reasons =
        reasons.filter(|r| matches!(&*r.category, "no_fix_planned" | "none_available"));
    let Some(reason) = reasons.next() else { return Status::Affected };
    super::status(&reason.details).unwrap_or(match &*reason.category {
        "no_fix_planned" => Status::WillNotFix,
        _ => Status::Affected,
    })
}
