//! `import`: what the user has becomes segments.
//!
//! The story in three calls: read everything (`collect`), decide what replaces what and write it
//! (`install`), tell what happened ([`ImportReport`]). Nothing is fetched here.
//!
//! What an import replaces follows from what its documents cover (see `install`): a folder with
//! one year of CVE files renews that year's CVEs and leaves the others alone; one document that is
//! a whole stream replaces that stream. [`Options::whole`] says that the input is all there is.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use advisories::{Origin, Store};
use model::{Problem, ProblemKind};

use crate::collect::{Collected, Input, Unknown, collect};
use crate::download::Download;
use crate::install::{Outcome, StreamReport, install};
use crate::told::Told;
use crate::{Failure, Feed, Options, list};

/// What an import did.
#[derive(Debug, Default)]
pub struct ImportReport {
    /// Sorted by name.
    pub sources: Vec<SourceReport>,
    /// Sorted by stream.
    pub streams: Vec<StreamReport>,
    pub problems: Vec<Problem>,
    /// What kept it from doing all of its work.
    pub failures: BTreeSet<Failure>,
}

/// What was read from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    pub name: &'static str,
    pub documents: u64,
    /// Documents that could not be read to their end, and records within sound documents.
    pub damaged: u64,
    /// Statements about packages and vulnerabilities, before repetitions are removed.
    pub statements: u64,
    /// What was understood and left out, or not known: how many of what.
    pub passed_over: Vec<(String, u64)>,
}

/// Why an import could not be done at all; what is wrong with one input is a problem instead.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("cannot keep what was read in a temporary file: {0}")]
    Spool(#[source] io::Error),
}

/// Something to import.
#[derive(Debug)]
pub enum Given {
    /// A file, a folder or an archive.
    Path(PathBuf),
    Fetched(Download),
}

impl Given {
    fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Fetched(download) => download.origin.url.clone(),
        }
    }

    fn origin(&self) -> Origin {
        match self {
            Self::Path(path) => file_origin(path),
            Self::Fetched(download) => download.origin.clone(),
        }
    }
}

/// Reads files, folders and archives, recognized by content, and writes the segments of all
/// streams they speak of.
pub fn import(
    paths: &[PathBuf],
    store: &Store,
    options: &Options,
) -> Result<ImportReport, ImportError> {
    import_all(paths.iter().cloned().map(Given::Path).collect(), store, options)
}

/// The same of what was fetched beside what lies on disk.
pub fn import_all(
    given: Vec<Given>,
    store: &Store,
    options: &Options,
) -> Result<ImportReport, ImportError> {
    let names: Vec<String> = given.iter().map(Given::name).collect();
    let origins: Vec<Origin> = given.iter().map(Given::origin).collect();
    let mut inputs = given.into_iter().map(|given| match given {
        Given::Path(path) => Input::Path(path),
        Given::Fetched(Download { origin, file }) => {
            Input::File { name: origin.url, file, without: Arc::default() }
        }
    });
    let read = collect(list::ALL, &mut inputs, options).map_err(ImportError::Spool)?;
    Ok(put(list::ALL, read, (&names, &origins), store, options))
}

/// Installs what was collected and reports on it. Names and origins are those of the inputs, by
/// index.
pub(crate) fn put(
    feeds: &[&'static dyn Feed],
    mut collected: Collected,
    (names, origins): (&[String], &[Origin]),
    store: &Store,
    options: &Options,
) -> ImportReport {
    let troubles = std::mem::take(&mut collected.problems);
    let mut problems = told(&troubles, "import", "more files or archives could not be read");
    problems.extend(unknown(&collected, names));
    let mut sources = Vec::new();
    for (index, source) in &mut collected.sources {
        let Some(feed) = feeds.get(*index) else { continue };
        let damage = std::mem::take(&mut source.problems);
        problems.extend(told(&damage, feed.name(), "more documents or records are damaged"));
        sources.push(SourceReport {
            name: feed.name(),
            documents: source.documents,
            damaged: source.damaged_documents + source.damaged_records,
            statements: source.statements,
            passed_over: source.passed_over.clone().into_iter().collect(),
        });
    }
    sources.sort_by_key(|source| source.name);
    let (streams, more) = install(feeds, collected, origins, store, options);
    problems.extend(more);
    problems.sort();
    let mut failures = failures(&streams, &problems);
    failures.extend(options.stop.is_stopped().then_some(Failure::Stopped));
    ImportReport { sources, streams, problems, failures }
}

fn failures(streams: &[StreamReport], problems: &[Problem]) -> BTreeSet<Failure> {
    let unwritten = streams.iter().filter_map(|done| match done.outcome {
        Outcome::Kept(failure) => Some(failure),
        _ => None,
    });
    let told = problems.iter().filter_map(|problem| match problem.kind {
        // Of many files some may be unreadable; where nothing was read, that is why.
        ProblemKind::Unreadable => streams.is_empty().then_some(Failure::Local),
        kind => kind.makes_incomplete().then_some(Failure::Damaged),
    });
    unwritten.chain(told).collect()
}

/// The file's name without its folder: a segment must not tell where its maker keeps things.
fn file_origin(path: &std::path::Path) -> Origin {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Origin { url: name.unwrap_or_default(), ..Origin::default() }
}

/// Says which inputs gave nothing, and how many documents within the others no feed knew.
fn unknown(collected: &Collected, names: &[String]) -> Vec<Problem> {
    let known = |index: usize| {
        collected.sources.values().any(|source| source.inputs.contains(&index))
            || collected.broken_inputs.contains(&index)
            || collected.bundles.contains(&index)
    };
    let mut problems: Vec<Problem> = names
        .iter()
        .enumerate()
        .filter(|(index, _)| !known(*index))
        .map(|(_, name)| {
            let message = "holds no document of a known feed".to_owned();
            Problem::new(ProblemKind::Unsupported, name, message)
        })
        .collect();
    let Unknown { count, shown } = &collected.unknown;
    if let Some(first) = shown.first() {
        let message = match count {
            1 => "belongs to no known feed".to_owned(),
            _ => format!("belongs to no known feed, like {} more", count - 1),
        };
        problems.push(Problem::new(ProblemKind::Notice, first, message));
    }
    problems
}

fn told(all: &Told, subject: &str, rest: &str) -> Vec<Problem> {
    let more = match all.hidden() {
        0 => None,
        hidden => Some(Problem::new(ProblemKind::Damaged, subject, format!("{hidden} {rest}"))),
    };
    all.iter().cloned().chain(more).collect()
}
