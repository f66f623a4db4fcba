//! The façade: a target in, the truth about it out.
//!
//! [`inspect`] opens the target, reads the layers that the cache does not know, and squashes what
//! the analyzers saw into an inventory. [`run`] goes on: it makes sure that the advisories which
//! this inventory needs are there, and holds them against it.
//!
//! Nothing is judged here (`policy`) and nothing is shown (`document`). One bad file never ends a
//! scan: it becomes a Problem of the result. The only errors are those that leave no result.

pub mod cache;
mod clamd;
mod layers;
mod signatures;

use std::path::PathBuf;
use std::sync::Arc;

use advisories::{SegmentMeta, Store};
use analyzers::Signatures;
use artifact::{OpenError, ReadError};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Artifact, ArtifactKind, Eol, Finding, Inventory, Os, Problem};

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
    /// What the user brought to look for malware with.
    pub signatures: Option<Arc<Signatures>>,
    /// A second engine that is asked about every file.
    pub clamd: Option<ClamdAddress>,
    /// What lock files and manifests name is matched as if it were installed. In a directory of
    /// sources it always is: there nothing else says what is used.
    pub declared: bool,
    /// Takes the place of what the image says of its distribution.
    pub distro: Option<Os>,
    pub feeds: feeds::Options,
    /// The time of the scan: decides which releases are past their end of life.
    pub now: Timestamp,
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
    fn of_files(self) -> analyzers::Checks {
        let Self { vulnerabilities: _, secrets, malware, misconfigurations } = self;
        analyzers::Checks { secrets, malware, misconfigurations }
    }
}

/// What is inside a target.
#[derive(Debug)]
pub struct Inspection {
    pub artifact: Artifact,
    /// With every problem met on the way.
    pub inventory: Inventory,
}

/// What is inside a target, and what is known to be wrong with it.
#[derive(Debug)]
pub struct ScanResult {
    pub artifact: Artifact,
    /// Its problems were moved to `problems`.
    pub inventory: Inventory,
    pub eol: Eol,
    pub findings: Vec<Finding>,
    /// Sorted.
    pub problems: Vec<Problem>,
    /// The segments that were used.
    pub data: Vec<SegmentMeta>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Opens a target and takes stock of it. Never touches advisories.
pub fn inspect(target: &str, options: &Options) -> Result<Inspection, ScanError> {
    let image = artifact::open(target, &options.artifact)?;
    let checks = options.checks.of_files();
    let clamd = options.clamd.as_ref().filter(|_| checks.malware);
    let clamd = clamd.map(|address| Arc::new(Clamd::new(address.clone())));
    let looking = layers::Looking { checks, signatures: options.signatures.clone(), clamd };
    // What a clamd says changes with its databases, of which nobody here knows.
    let cache_dir = options.cache_dir.as_deref().filter(|_| looking.clamd.is_none());
    let cache = cache::Cache::open(cache_dir, looking.fingerprint());
    let (layers, mut problems) = layers::collect(&image, &cache, &looking)?;
    problems.extend(looking.clamd.iter().flat_map(|clamd| clamd.problems()));
    cache.make_room(options.cache_limit);

    let artifact = image.artifact().clone();
    let mut inventory = analyzers::squash(&layers, artifact.kind.has_layers());
    if let Some(os) = &options.distro {
        inventory.os = Some(os.clone());
    }
    problems.extend(image.problems().iter().cloned());
    problems.extend(cache.problem());
    inventory.problems.append(&mut problems);
    inventory.problems.sort();
    inventory.problems.dedup();
    Ok(Inspection { artifact, inventory })
}

/// Inspects a target, and holds the advisories it needs against it if that is asked for.
pub fn run(target: &str, options: &Options, store: &Store) -> Result<ScanResult, ScanError> {
    let Inspection { artifact, mut inventory } = inspect(target, options)?;
    let problems = std::mem::take(&mut inventory.problems);
    let today = options.now.to_zoned(TimeZone::UTC).date();
    let eol = inventory.os.as_ref().map_or(Eol::Unknown, |os| matcher::end_of_life(os, today));
    let (findings, data) = (Vec::new(), Vec::new());
    let mut result = ScanResult { artifact, inventory, eol, findings, problems, data };
    if options.checks.vulnerabilities {
        look_up(&mut result, options, store, today);
    }
    result.problems.sort();
    result.problems.dedup();
    Ok(result)
}

/// Finds what publishers say of the inventory, and what is known of that.
fn look_up(result: &mut ScanResult, options: &Options, store: &Store, today: Date) {
    let ScanResult { artifact, inventory, problems, findings, data, .. } = result;
    let declared = options.declared || artifact.kind == ArtifactKind::Dir;
    let needs = matcher::needs(inventory, declared);
    problems.extend(feeds::ensure(&needs.streams, store, &options.feeds));
    let matched = matcher::findings(inventory, store, matcher::Options { today, declared });
    let told = |problem: &Problem| {
        problems.iter().any(|p| p.kind == problem.kind && p.subject == problem.subject)
    };
    // Why advisories could not be fetched says more than that they are missing.
    let news: Vec<Problem> =
        matched.problems.into_iter().filter(|problem| !told(problem)).collect();
    problems.extend(news);
    *findings = matched.findings;
    *data = matched.data;

    let metadata = matcher::metadata_needs(findings);
    problems.extend(feeds::ensure(&metadata, store, &options.feeds));
    let enriched = matcher::enrich(findings, store);
    problems.extend(enriched.problems);
    data.extend(enriched.data);
}
