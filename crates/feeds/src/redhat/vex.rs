//! Red Hat's CSAF documents (security.access.redhat.com/data/csaf/v2): VEX, one document a CVE and
//! the most complete of Red Hat's forms, and advisories, one document an RHSA.
//!
//! A product in a status list is a component of a repository, which is known by its CPE; the
//! component is known by its purl: `pkg:rpm/redhat/NAME@VERSION-RELEASE?arch=…&epoch=…`. VEX has
//! been written in two forms:
//!
//! - Until 2026 (`vex/`), `fixed` and some of `known_not_affected` list builds of binaries for each
//!   architecture (`AppStream-9.4.0.Z.MAIN.EUS:curl-0:7…x86_64`) beside that of their source, and
//!   all binaries of an erratum; states are about source components (`…?arch=src`).
//! - Since then (`vex-feed/`), architectures are gone. A component is a source (`arch=src`) or, without
//!   `arch`, a binary of all architectures; for most vulnerabilities the source is all there is.
//!   Each minor release has states of its own, and the one at present that of its EUS repositories.
//!
//! So a fixed source counts, unless the binaries of its erratum are listed for architectures: it
//! would say the same again. A binary that is not affected is told apart from its source; one
//! that is not fixed says no more than the source beside it.
//!
//! A module is either the purl's `rpmmod` qualifier or, in older documents, a part of its own
//! between package and repository (`pkg:rpmmod/redhat/nodejs@18:…`); an unfixed component of a
//! module is `pkg:rpmmod/redhat/nodejs:18/nodejs` there.
//!
//! Why there is no fix is told by remediations: `no_fix_planned` ("Will not fix", "Out of support
//! scope") and `none_available` ("Affected", "Fix deferred"). Errata are the ends of the addresses
//! of `vendor_fix` remediations.

use std::collections::HashSet;

use model::Status;

use super::LICENSE;
use crate::csaf::{self, Claim, Csaf, Listed, Products, Vulnerability};
use crate::purl::Purl;
use crate::statements::{Place, Statements};
use crate::{Covers, Document, Feed, FeedError, Form, Part, Sample, Sink, changes, rpm, stream};

const VEX: &str = "https://security.access.redhat.com/data/csaf/v2/vex-feed/";
const ADVISORIES: &str = "https://security.access.redhat.com/data/csaf/v2/advisories/";
/// Where Red Hat has a page for each CVE.
const PAGES: &str = "https://access.redhat.com/security/cve/";
/// The file beside the archive that says the archive's name.
const LATEST: &str = "archive_latest.txt";
/// What was changed, and what was deleted, since the archive was made.
const CHANGES: &str = "changes.csv";
const DELETIONS: &str = "deletions.csv";

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

    fn part(&self, url: &str) -> Part {
        part(url)
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

    fn part(&self, url: &str) -> Part {
        part(url)
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
    if name.is_empty() || !name.bytes().all(plain) {
        return None;
    }
    // Of an archive without a day nobody knows what changed since.
    let lists = changes::day_in(name).map_or(&[][..], |_| &[CHANGES, DELETIONS]);
    let further = std::iter::once(name).chain(lists.iter().copied());
    Some(further.map(|name| format!("{folder}{name}")).collect())
}

fn part(url: &str) -> Part {
    match url.rsplit('/').next().unwrap_or_default() {
        CHANGES => Part::Changes,
        DELETIONS => Part::Deletions,
        name if name.ends_with(".json") => Part::Document,
        name => changes::day_in(name).map_or(Part::Document, |day| Part::Archive { day }),
    }
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
        let listed = Named::by(&csaf, &products, vulnerability);
        let mut statements = Statements::default();
        let broken = products.claims(vulnerability, &mut |claim| {
            put_claim(&csaf, &listed, claim, &mut statements, sink);
        });
        if broken > 0 {
            let record = format!("{broken} claims about {id}");
            sink.damaged(&record, "their products are not in the product tree");
        }
        if statements.is_empty() {
            continue;
        }
        let mut details = csaf.details(vulnerability, "redhat");
        if details.references.is_empty() && stream::is_cve(id) {
            details.references.push(format!("{PAGES}{id}"));
        }
        for stream in statements.streams() {
            sink.details(stream, details.clone());
            modified.iter().for_each(|when| sink.modified(stream, when));
        }
        statements.put(id, sink);
    }
    Ok(())
}

/// What a vulnerability names beside a component, which decides whether that says anything new.
#[derive(Default)]
struct Named<'t> {
    /// Products and errata with binaries for an architecture: with all of them, then.
    binaries: HashSet<(&'t str, &'t str)>,
    /// Releases with a source component.
    sources: HashSet<&'t str>,
}

impl<'t> Named<'t> {
    fn by(
        csaf: &'t Csaf<'_>,
        products: &Products<'t>,
        vulnerability: &'t Vulnerability<'t>,
    ) -> Self {
        let mut named = Self::default();
        // Claims that are broken are told of when they are put.
        let _broken = products.claims(vulnerability, &mut |claim| {
            let (Some(component), Some(product)) = (claim.parts.first(), claim.parts.last()) else {
                return;
            };
            let Some(purl) = Purl::parse(component.purl) else { return };
            let architecture = purl.qualifier("arch");
            if rpm::is_source(&architecture) || purl.kind == "rpmmod" {
                named.sources.insert(without_edition(product.cpe));
            } else if claim.listed == Listed::Fixed && !architecture.is_empty() {
                named.binaries.insert((product.id, notice(csaf, claim)));
            }
        });
        named
    }
}

/// `cpe:/a:redhat:rhel_eus:9.8` of `cpe:/a:redhat:rhel_eus:9.8::appstream`: what all repositories of
/// a release share.
fn without_edition(cpe: &str) -> &str {
    let end = cpe.match_indices(':').nth(4).map_or(cpe.len(), |(at, _)| at);
    cpe.get(..end).unwrap_or(cpe)
}

fn put_claim<'t>(
    csaf: &'t Csaf<'_>,
    named: &Named<'t>,
    claim: &Claim<'t, '_>,
    statements: &mut Statements,
    sink: &mut Sink,
) {
    let Some(platform) = claim.parts.last() else { return };
    let products = super::products(platform.cpe);
    if products.is_empty() {
        return sink.passed_over("statements about products other than RHEL");
    }
    let Some(component) = component(claim) else {
        return sink.passed_over("statements about components that are no rpm packages");
    };
    if component.is_flatpak() {
        return sink.passed_over("statements about parts of flatpaks");
    }
    let notice = notice(csaf, claim);
    let is_fixed = claim.listed == Listed::Fixed;
    if component.is_source && is_fixed && named.binaries.contains(&(platform.id, notice)) {
        return sink.passed_over("fixed sources whose binaries are listed beside them");
    }
    let is_unfixed = !is_fixed && claim.listed != Listed::NotAffected;
    let has_source = || named.sources.contains(without_edition(platform.cpe));
    if !component.is_source && component.build.is_none() && is_unfixed && has_source() {
        return sink.passed_over("unfixed binaries whose sources are listed beside them");
    }
    for product in products {
        let place = match component.is_source {
            false => Place::binary(product.stream, &component.name),
            true => Place::source(product.stream, &component.name),
        };
        let place = Place { track: product.track, module: component.module.clone(), ..place };
        let status = match (claim.listed, &component.build) {
            (Listed::Fixed, Some(build)) => {
                let build = (build.clone(), component.architecture());
                statements.fixed(place, build, notice, claim.severity);
                continue;
            }
            // A component that is fixed without a build to compare with.
            (Listed::Fixed, None) => {
                sink.passed_over("fixes that name no build");
                continue;
            }
            (Listed::Affected, _) => unfixed(claim),
            (Listed::NotAffected, _) => Status::NotAffected,
            (Listed::UnderInvestigation, _) => Status::UnderInvestigation,
        };
        statements.state(place, status, claim.severity);
    }
}

struct Component {
    name: String,
    module: Option<String>,
    /// `[epoch:]version-release`; None where no build is named.
    build: Option<String>,
    /// Empty: all.
    architecture: String,
    is_source: bool,
}

impl Component {
    /// That of the builds that are meant; empty: all.
    fn architecture(&self) -> &str {
        if self.is_source { "" } else { &self.architecture }
    }

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
    let is_source = rpm::is_source(&architecture) || package.kind == "rpmmod";
    Some(Component { name: package.name, module, build, architecture, is_source })
}

/// The erratum that fixes the product: `RHSA-2024:2447`; empty if none is named.
fn notice<'t>(csaf: &'t Csaf<'_>, claim: &Claim<'t, '_>) -> &'t str {
    let tracked: &'t str = &csaf.document.tracking.id;
    if tracked.starts_with("RH") {
        return tracked;
    }
    let fix = claim.remediations.iter().find(|r| &*r.category == "vendor_fix");
    let id = fix.and_then(|fix| fix.url.rsplit('/').next()).unwrap_or("");
    if id.starts_with("RH") { id } else { "" }
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
