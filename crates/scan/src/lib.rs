//! The façade: a target in, the truth about it out.
//!
//! [`inspect`] opens the target, reads the layers that the cache does not know, and squashes what
//! the analyzers saw into an inventory. [`run`] goes on: it makes sure that the advisories which
//! this inventory needs are there, and holds them against it; [`look_up`] does so with an inventory
//! that came from elsewhere, a bill of materials.
//!
//! Nothing is judged here (`policy`) and nothing is shown (`document`). One bad file never ends a
//! scan: it becomes a Problem of the result. The only errors are those that leave no result.

pub mod cache;
mod layers;

use std::path::PathBuf;

use advisories::{SegmentMeta, Store};
use artifact::{OpenError, ReadError};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{Artifact, ArtifactKind, Eol, Finding, Inventory, Os, Problem};

/// How to scan.
#[derive(Debug)]
pub struct Options {
    pub artifact: artifact::Options,
    /// The folder of cached layer facts; None reads every layer anew and keeps nothing.
    pub cache_dir: Option<PathBuf>,
    /// How many bytes the cached facts may take; those not used for longest go first.
    pub cache_limit: u64,
    pub checks: Checks,
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
    let cache = cache::Cache::open(options.cache_dir.as_deref(), checks);
    let (layers, mut problems) = layers::collect(&image, &cache, checks)?;
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

/// What somebody else found in an artifact, under the names that advisories go by.
pub fn inspected(artifact: Artifact, mut inventory: Inventory, options: &Options) -> Inspection {
    if let Some(os) = &options.distro {
        inventory.os = Some(os.clone());
    } else if let Some(os) = &mut inventory.os {
        os.family = analyzers::family(&os.family);
    }
    inventory.problems.sort();
    inventory.problems.dedup();
    Inspection { artifact, inventory }
}

/// Inspects a target, and holds the advisories it needs against it if that is asked for.
pub fn run(target: &str, options: &Options, store: &Store) -> Result<ScanResult, ScanError> {
    Ok(look_up(inspect(target, options)?, options, store))
}

/// Holds the advisories that an inspection needs against it, if that is asked for.
pub fn look_up(inspection: Inspection, options: &Options, store: &Store) -> ScanResult {
    let Inspection { artifact, mut inventory } = inspection;
    let problems = std::mem::take(&mut inventory.problems);
    let today = options.now.to_zoned(TimeZone::UTC).date();
    let eol = inventory.os.as_ref().map_or(Eol::Unknown, |os| matcher::end_of_life(os, today));
    let (findings, data) = (Vec::new(), Vec::new());
    let mut result = ScanResult { artifact, inventory, eol, findings, problems, data };
    if options.checks.vulnerabilities {
        find(&mut result, options, store, today);
    }
    result.problems.sort();
    result.problems.dedup();
    result
}

/// Finds what publishers say of the inventory, and what is known of that.
fn find(result: &mut ScanResult, options: &Options, store: &Store, today: Date) {
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
