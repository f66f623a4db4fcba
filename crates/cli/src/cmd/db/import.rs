//! `lazaret db import`: feeds and bundles from files, folders, archives and URLs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use advisories::{Counts, Store, bundle};
use artifact::Stop;
use clap::Args;
use feeds::{Download, Failure, Given, ImportReport, Outcome, StreamReport, stream};
use model::{Problem, ProblemKind};

use crate::cmd::db::export::bundle_code;
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::{stop_on_signals, stopped};
use crate::output;
use crate::quantity::count;

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Files, folders, archives or bundles; or URLs of such files
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The paths hold all that their sources say: keep nothing that they said before
    #[arg(long)]
    whole: bool,
    /// Let damaged feeds take the place of sound ones
    #[arg(long)]
    accept_damaged: bool,
    /// Let bundles take the place of what is newer
    #[arg(long)]
    allow_older: bool,
}

pub(crate) fn run(arguments: ImportArguments, global: &Global) -> Result<ExitCode, UserError> {
    let stop = stop_on_signals(None)?;
    let options = feeds::Options {
        whole: arguments.whole,
        accept_damaged: arguments.accept_damaged,
        ..global.feeds(&stop)
    };
    let Sorted { bundles, feeds } = Sorted::all(&arguments.paths, &options)?;
    if !global.db_keys.is_empty() && !feeds.is_empty() {
        let message = "--db-key vouches for bundles, and raw feeds carry no signature";
        return Err(UserError::new(ExitCode::Usage, message));
    }
    let terms = bundle::Terms {
        trusted: &global.db_keys,
        allow_older: arguments.allow_older,
        now: global.now,
    };
    let mut text = String::new();
    let mut code = ExitCode::Done;
    for bundle in bundles {
        let path = bundle.path().to_owned();
        let outcome = bundle.import(&global.store, &terms)?;
        text += &told(&outcome);
        let older: Vec<Problem> = outcome.older.iter().map(|it| stays(it, &path)).collect();
        if !older.is_empty() {
            code = ExitCode::Incomplete;
        }
        output::print_all_problems(&older);
    }
    if !feeds.is_empty() {
        let report = feeds::import_all(feeds, &global.store, &options)
            .map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
        text += &describe(&report);
        // The bundles come first: what kept the feeds from their work is the graver.
        code = Some(ending(&report, &stop)).filter(|it| *it != ExitCode::Done).unwrap_or(code);
        output::print_all_problems(&report.problems);
    }
    output::write(None, &text)?;
    Ok(code)
}

/// Reads raw feeds into a store.
pub(crate) fn import_raw(
    store: &Store,
    paths: &[PathBuf],
    options: &feeds::Options,
) -> Result<ImportReport, UserError> {
    feeds::import(paths, store, options)
        .map_err(|error| UserError::from_chain(ExitCode::Failed, &error))
}

/// What the user names, told apart.
#[derive(Default)]
struct Sorted {
    bundles: Vec<Bundle>,
    feeds: Vec<Given>,
}

enum Bundle {
    /// A file or the folder of a mirror.
    Path(PathBuf),
    Fetched(Download),
}

impl Sorted {
    /// What is fetched is known by its content as what lies on disk is.
    fn all(paths: &[PathBuf], options: &feeds::Options) -> Result<Self, UserError> {
        let url = |path: &PathBuf| path.to_str().filter(|it| feeds::is_url(it)).map(str::to_owned);
        // Whoever mistyped a path waits for no download.
        for path in paths.iter().filter(|path| url(path).is_none()) {
            path.metadata().map_err(|error| {
                let message = format!("cannot read `{}`: {error}", path.display());
                UserError::new(ExitCode::TargetNotFound, message)
            })?;
        }
        let mut sorted = Self::default();
        for path in paths {
            match url(path) {
                Some(url) => sorted.fetch(&url, options)?,
                None => {
                    let feeds::Bundles { found, others } = feeds::bundles(path);
                    let none = found.is_empty();
                    sorted.bundles.extend(found.into_iter().map(Bundle::Path));
                    // An empty folder is for the import to tell of.
                    if others || none {
                        sorted.feeds.push(Given::Path(path.clone()));
                    }
                }
            }
        }
        Ok(sorted)
    }

    fn fetch(&mut self, url: &str, options: &feeds::Options) -> Result<(), UserError> {
        if options.offline {
            let message = format!("`{url}` would have to be fetched, and --offline forbids it");
            return Err(UserError::new(ExitCode::Usage, message));
        }
        let download = feeds::download(url, options).map_err(|error| {
            let code = match error.failure {
                Failure::Network => ExitCode::Network,
                Failure::Damaged => ExitCode::Damaged,
                Failure::Local => ExitCode::Failed,
                Failure::Stopped => stopped(&options.stop),
            };
            UserError::new(code, error.why)
        })?;
        match download.file.try_clone().is_ok_and(bundle::is_in) {
            true => self.bundles.push(Bundle::Fetched(download)),
            false => self.feeds.push(Given::Fetched(download)),
        }
        Ok(())
    }
}

impl Bundle {
    /// What people call it.
    fn path(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Fetched(download) => Path::new(&download.origin.url),
        }
    }

    fn import(
        self,
        store: &Store,
        terms: &bundle::Terms<'_>,
    ) -> Result<bundle::Outcome, UserError> {
        let imported = match self {
            Self::Path(path) => bundle::import(&path, store, terms),
            Self::Fetched(Download { origin, file }) => {
                bundle::import_open(file, Path::new(&origin.url), store, terms)
            }
        };
        imported.map_err(|error| UserError::from_chain(bundle_code(&error), &error))
    }
}

fn told(outcome: &bundle::Outcome) -> String {
    let mut text = String::new();
    for segment in &outcome.installed {
        let bundle::Imported { meta, replaced } = segment;
        write!(text, "{}: {} from the bundle", meta.stream, meta.source).expect("a String");
        match replaced.as_ref().filter(|old| old.source != meta.source) {
            Some(old) => writeln!(text, ", replaces {}", old.source),
            None => writeln!(text),
        }
        .expect("writing to a String cannot fail");
    }
    for bundle::Older { meta, .. } in &outcome.older {
        writeln!(text, "{}: {} stays, the bundle's is older", meta.stream, meta.source)
            .expect("writing to a String cannot fail");
    }
    text
}

fn stays(older: &bundle::Older, path: &Path) -> Problem {
    let bundle::Older { meta, offered, installed } = older;
    let offered = offered.map_or_else(|| "no date".to_owned(), |it| it.to_string());
    let message = format!(
        "what is installed is of {installed} and stays, for `{}` has data of {offered}; hint: \
         `--allow-older` takes it all the same",
        path.display()
    );
    Problem::new(ProblemKind::AdvisoriesStale, &meta.stream, message)
}

/// What an import did, a line a source and a line a stream; one for all parts of an index.
pub(crate) fn describe(report: &ImportReport) -> String {
    let mut text = String::new();
    let mut line = |content: std::fmt::Arguments<'_>| {
        writeln!(text, "{content}").expect("writing to a String cannot fail");
    };
    for source in &report.sources {
        let damaged = match source.damaged {
            0 => String::new(),
            count => format!(", {count} damaged"),
        };
        let documents = count(source.documents, "document");
        let statements = count(source.statements, "statement");
        line(format_args!("{}: {documents}, {statements}{damaged}", source.name));
        for (what, count) in &source.passed_over {
            line(format_args!("  passed over {count} {what}"));
        }
    }
    let is_shard = |one: &&StreamReport| {
        let is_written = !matches!(one.outcome, Outcome::Kept(_));
        is_written && stream::release(&one.stream, stream::MAVEN_SHA1).is_some()
    };
    let (shards, others): (Vec<_>, Vec<_>) = report.streams.iter().partition(is_shard);
    if let Some(first) = shards.first() {
        let records = shards.iter().filter_map(|one| counts_of(&one.outcome)).map(Counts::records);
        let records = count(records.sum::<u64>(), "record");
        let streams = count(shards.len(), "stream");
        line(format_args!("{}-*: {}, {streams}, {records}", stream::MAVEN_SHA1, first.source));
    }
    for stream in others {
        let (name, source) = (&stream.stream, stream.source);
        match &stream.outcome {
            Outcome::Installed(counts) => {
                line(format_args!("{name}: {source}, {}", records(counts)))
            }
            Outcome::Renewed(counts) => {
                line(format_args!("{name}: {source}, renewed, {}", records(counts)))
            }
            Outcome::Merged(counts) => {
                line(format_args!("{name}: {source}, merged, {}", records(counts)))
            }
            Outcome::Replaced { other, counts } => {
                line(format_args!("{name}: {source} replaces {other}, {}", records(counts)));
            }
            Outcome::Kept(_) => {
                line(format_args!("{name}: {source}, not written: see the problems"))
            }
        }
    }
    text
}

fn counts_of(outcome: &Outcome) -> Option<&Counts> {
    match outcome {
        Outcome::Installed(counts) | Outcome::Renewed(counts) | Outcome::Merged(counts) => {
            Some(counts)
        }
        Outcome::Replaced { counts, .. } => Some(counts),
        Outcome::Kept(_) => None,
    }
}

fn records(counts: &Counts) -> String {
    count(counts.records(), "record")
}

/// Damage is an exit code even where most was read.
fn ending(report: &ImportReport, stop: &Stop) -> ExitCode {
    let grave = report.problems.iter().any(|problem| problem.kind.makes_incomplete());
    match (report.failures.last(), grave) {
        (Some(Failure::Stopped), _) => stopped(stop),
        (Some(Failure::Local), _) => ExitCode::Failed,
        (_, false) => ExitCode::Done,
        (_, true) if report.streams.is_empty() => ExitCode::Damaged,
        (_, true) => ExitCode::Incomplete,
    }
}
