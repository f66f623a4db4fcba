//! The façade: a target in, the truth about it out.
//!
//! [`inspect`] opens the target, reads the layers that the cache does not know, and squashes what
//! the analyzers saw into an inventory. [`run`] goes on: it makes sure that the advisories which
//! this inventory needs are there, and holds them against it; [`look_up`] does so with an inventory
//! that came from elsewhere, a bill of materials.
//!
//! Nothing is judged here (`policy`) and nothing is shown (`document`). One bad file never ends a
//! scan: it becomes a Problem of the result. The only errors are those that leave no result.

mod base;
mod budget;
pub mod cache;
mod clamd;
mod collecting;
mod layers;
mod redact;
mod signatures;

use std::path::PathBuf;
use std::sync::Arc;

use advisories::{SegmentMeta, Store};
use analyzers::config::{self, CheckSet, Judged, Scope};
use analyzers::{LayerFacts, Lent, Scratch, Signatures, Until};
use artifact::{Attachment, Image, OpenError, ReadError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{
    Artifact, ArtifactKind, Base, Eol, Finding, Inventory, Os, Problem, ProblemKind, Silenced,
};

pub use clamd::Address as ClamdAddress;
use clamd::Clamd;
pub use signatures::{SignatureError, SignaturePaths, signatures};

/// How to scan.
#[derive(Debug)]
pub struct Options {
    pub artifact: artifact::Options,
    /// The folder of cached layer facts; None reads every layer anew and keeps nothing.
    pub cache_dir: Option<PathBuf>,
    /// How many bytes the cached facts may take; those not used for longest go first.
    pub cache_limit: u64,
    pub checks: Checks,
    /// The checks of settings with the user's own among them; None for ours alone.
    pub check_set: Option<CheckSet>,
    /// What the user brought to look for malware with.
    pub signatures: Option<Arc<Signatures>>,
    /// A second engine that is asked about every file.
    pub clamd: Option<ClamdAddress>,
    /// What lock files and manifests name is matched as if it were installed. In a directory of
    /// sources it always is: there nothing else says what is used.
    pub declared: bool,
    /// Looks for what others attached to the image.
    pub attached: bool,
    /// Takes the place of what the image says of its distribution.
    pub distro: Option<Os>,
    pub feeds: feeds::Options,
    /// The time of the scan: decides which releases are past their end of life.
    pub now: Timestamp,
    /// Called when much memory was freed in small pieces, which allocators keep.
    pub give_back: fn(),
}

/// What to look for besides taking stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    pub vulnerabilities: bool,
    pub secrets: bool,
    pub malware: bool,
    pub misconfigurations: bool,
}

impl Checks {
    /// Those that are made while layers are read.
    fn of_files(self, kind: ArtifactKind) -> analyzers::Checks {
        let Self { vulnerabilities: _, secrets, malware, misconfigurations } = self;
        let sources = misconfigurations && kind == ArtifactKind::Dir;
        analyzers::Checks { secrets, malware, misconfigurations, sources }
    }
}

/// What is inside a target.
#[derive(Debug)]
pub struct Inspection {
    pub artifact: Artifact,
    /// With every problem met on the way.
    pub inventory: Inventory,
    /// As found: what it means is for others to say.
    pub attached: Vec<Attachment>,
    /// Nothing is installed there: what lock files name is what is used.
    pub of_sources: bool,
}

/// What is inside a target, and what is known to be wrong with it.
#[derive(Debug)]
pub struct ScanResult {
    pub artifact: Artifact,
    /// Its problems were moved to `problems`.
    pub inventory: Inventory,
    pub eol: Eol,
    pub findings: Vec<Finding>,
    /// Findings that the image itself answers, each with the reason.
    pub silenced: Vec<Silenced>,
    /// Sorted.
    pub problems: Vec<Problem>,
    /// The segments that were used.
    pub data: Vec<SegmentMeta>,
    /// What the image was built on, if that was scanned before.
    pub base: Option<Base>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Unlinked files, for what analyzers unpack and cannot have in memory.
fn scratch(directory: Option<PathBuf>) -> Scratch {
    let files = artifact::Scratch::new(directory);
    Scratch::new(move |from, most| {
        let mut bytes = files.gather(from, most)?;
        let failed = bytes.failed.take();
        Ok(Lent { bytes: Box::new(bytes), failed })
    })
}

/// Opens a target and takes stock of it. Never touches advisories.
pub fn inspect(target: &str, options: &Options) -> Result<Inspection, ScanError> {
    let image = artifact::open(target, &options.artifact)?;
    let shown = redact::Shown::begin(image.artifact());
    let checks = options.checks.of_files(image.artifact().kind);
    let clamd = options.clamd.as_ref().filter(|_| checks.malware);
    let clamd = clamd.map(|address| Arc::new(Clamd::new(address.clone())));
    let signatures = options.signatures.clone();
    let stop = options.artifact.stop.clone();
    let until = Until::new(move || stop.is_stopped());
    let scratch = scratch(options.artifact.temp_dir.clone());
    let give_back = options.give_back;
    let looking = layers::Looking { checks, signatures, clamd, until, scratch, give_back };
    // What a clamd says changes with its databases, of which nobody here knows.
    let cache_dir = options.cache_dir.as_deref().filter(|_| looking.clamd.is_none());
    let cache = cache::Cache::open(cache_dir, looking.fingerprint());
    let layers = layers::collect(&image, &cache, &looking)?;

    let artifact = image.artifact();
    let mut inventory = analyzers::squash(&layers.facts, artifact.kind.has_layers());
    if let Some(os) = &options.distro {
        inventory.os = Some(os.clone());
    }
    let mut problems = layers.problems;
    problems.extend(image.problems().iter().cloned());
    problems.extend(nothing_known(artifact, &inventory));
    problems.extend(looking.clamd.iter().flat_map(|clamd| clamd.problems()));
    if let Some(config) = artifact.config.as_ref().filter(|_| options.checks.secrets) {
        let (mut secrets, unread) = analyzers::config_secrets(config);
        inventory.secrets.append(&mut secrets);
        inventory.secrets.sort();
        problems.extend(unread);
    }
    if let Some(config) = artifact.config.as_ref().filter(|_| options.checks.malware) {
        inventory.malware.extend(analyzers::config_malware(config));
        inventory.malware.sort_unstable();
    }
    if options.checks.misconfigurations {
        let judged = judge(&layers.facts, artifact, inventory.os.is_some(), options);
        inventory.misconfigurations = judged.misconfigurations;
        problems.extend(judged.problems);
    }
    // What they told is in the inventory, which takes as much again.
    drop(layers.facts);
    inventory.problems.append(&mut problems);
    let attached = if options.attached { attached(&image, &mut inventory) } else { Vec::new() };
    base::remember(artifact, &inventory, &cache);
    cache.make_room(options.cache_limit);
    inventory.problems.extend(cache.problem());
    if !artifact.kind.has_layers() {
        inventory.problems.iter_mut().for_each(|problem| problem.layer = None);
    }
    inventory.problems.sort();
    inventory.problems.dedup();
    let of_sources = artifact.kind == ArtifactKind::Dir;
    // From here on only what may be shown.
    Ok(Inspection { artifact: shown.finish(), inventory, attached, of_sources })
}

/// That nothing is there which could be found vulnerable. A notice: a program on an empty image is nothing
/// unusual, and what a layer below knew of is a problem of its own ([`analyzers::squash`]). An archive or a
/// folder may also be something else than a root file system.
fn nothing_known(artifact: &Artifact, inventory: &Inventory) -> Option<Problem> {
    let is_known = inventory.os.is_some() || !inventory.packages.is_empty();
    let message = match artifact.kind {
        ArtifactKind::FsArchive | ArtifactKind::Dir => {
            "it was read as a root file system, and holds neither a distribution nor a package"
        }
        _ => {
            "it holds neither a distribution nor a package that is known: whether its programs are \
              vulnerable is not known"
        }
    };
    (!is_known).then(|| Problem::new(ProblemKind::Notice, &*artifact.name, message))
}

/// What is attached to an image; that a source holds no such things is a problem, for it was asked.
fn attached(image: &Image, inventory: &mut Inventory) -> Vec<Attachment> {
    let Some((attached, problems)) = image.attached() else {
        inventory.problems.push(nothing_attached());
        return Vec::new();
    };
    inventory.problems.extend(problems);
    attached
}

/// What was asked for cannot be there.
fn nothing_attached() -> Problem {
    let message = "only registries and OCI layouts hold what is attached to an image";
    Problem::new(ProblemKind::Unsupported, "attachments", message)
}

/// Holds the checks of settings against what was found.
fn judge(
    layers: &[LayerFacts],
    artifact: &Artifact,
    has_system: bool,
    options: &Options,
) -> Judged {
    let scope = Scope {
        has_layers: artifact.kind.has_layers(),
        // A folder of sources has no distribution; an image without one runs all the same.
        is_system: has_system || artifact.kind != ArtifactKind::Dir,
    };
    let ours = options.check_set.is_none().then(CheckSet::default);
    let Some(set) = options.check_set.as_ref().or(ours.as_ref()) else {
        return Judged::default();
    };
    config::judge(layers, artifact.config.as_ref(), scope, set)
}

/// What somebody else found in an artifact, under the names that advisories go by.
pub fn inspected(
    artifact: Artifact,
    mut inventory: Inventory,
    of_sources: bool,
    options: &Options,
) -> Inspection {
    if let Some(os) = &options.distro {
        inventory.os = Some(os.clone());
    } else if let Some(os) = &mut inventory.os {
        os.family = analyzers::family(&os.family);
    }
    inventory.problems.extend(options.attached.then(nothing_attached));
    inventory.problems.sort();
    inventory.problems.dedup();
    Inspection { artifact, inventory, attached: Vec::new(), of_sources }
}

/// Inspects a target, and holds the advisories it needs against it if that is asked for.
pub fn run(target: &str, options: &Options, store: &Store) -> Result<ScanResult, ScanError> {
    Ok(look_up(inspect(target, options)?, options, store))
}

/// Holds the advisories that an inspection needs against it, if that is asked for.
pub fn look_up(inspection: Inspection, options: &Options, store: &Store) -> ScanResult {
    let Inspection { artifact, mut inventory, attached: _, of_sources } = inspection;
    let problems = std::mem::take(&mut inventory.problems);
    let today = options.now.to_zoned(TimeZone::UTC).date();
    let eol = inventory.os.as_ref().map_or(Eol::Unknown, |os| matcher::end_of_life(os, today));
    let (findings, silenced, data) = (Vec::new(), Vec::new(), Vec::new());
    let base = None;
    let mut result =
        ScanResult { artifact, inventory, eol, findings, silenced, problems, data, base };
    if options.checks.vulnerabilities {
        let how = matcher::Options { today, declared: options.declared || of_sources };
        find(&mut result, how, options, store);
    }
    result.problems.sort();
    result.problems.dedup();
    let cache = cache::Cache::open(options.cache_dir.as_deref(), String::new());
    result.base = base::find(&result, &cache, options, store);
    result
}

/// Finds what publishers say of the inventory, and what is known of that.
fn find(result: &mut ScanResult, how: matcher::Options, options: &Options, store: &Store) {
    let ScanResult { inventory, problems, findings, silenced, data, .. } = result;
    problems.extend(matcher::identify(inventory, store));
    let needs = matcher::needs(inventory, how.declared);
    problems.extend(feeds::ensure(&needs.streams, store, &options.feeds));
    let is_stopped = || options.artifact.stop.is_stopped();
    let matched = matcher::findings(inventory, store, how, &is_stopped);
    let told = |problem: &Problem| {
        problems.iter().any(|p| p.kind == problem.kind && p.subject == problem.subject)
    };
    // Why advisories could not be fetched says more than that they are missing.
    let news: Vec<Problem> =
        matched.problems.into_iter().filter(|problem| !told(problem)).collect();
    problems.extend(news);
    *findings = matched.findings;
    *silenced = matched.silenced;
    inventory.malware.extend(matched.malware);
    inventory.malware.sort_unstable();
    *data = matched.data;

    let metadata = matcher::metadata_needs(findings);
    problems.extend(feeds::ensure(&metadata, store, &options.feeds));
    let enriched = matcher::enrich(findings, store);
    problems.extend(enriched.problems);
    data.extend(enriched.data);
}
