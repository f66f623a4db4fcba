//! `lazaret db update`: sources and streams fetched anew, from their publishers or a mirror.

use std::fmt::Write as _;
use std::time::Duration;

use artifact::Stop;
use clap::Args;
use feeds::{Failure, UpdateReport};
use model::{Problem, ProblemKind};

use crate::cmd::db::import::describe;
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::{stop_on_signals, stopped};
use crate::output;
use crate::quantity::parse_duration;

#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    /// Sources (debian-tracker) or streams (debian-12, cve-2024, epss); none means all that are
    /// installed
    #[arg(value_name = "SOURCE")]
    targets: Vec<String>,
    /// Give up after this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Let segments of a mirror (--db-url) take the place of what is newer
    #[arg(long)]
    allow_older: bool,
}

pub(crate) fn run(arguments: UpdateArguments, global: &Global) -> Result<ExitCode, UserError> {
    if global.offline {
        let message = "`db update` fetches, and --offline forbids it";
        return Err(UserError::new(ExitCode::Usage, message)
            .hint(Some("`lazaret db import` reads feeds and bundles from disk")));
    }
    let stop = stop_on_signals(arguments.timeout)?;
    let options = feeds::Options { allow_older: arguments.allow_older, ..global.feeds(&stop) };
    let report = feeds::update(&arguments.targets, &global.store, &options);
    if let Some(source) = report.idle.first() {
        let message = format!("`--feed-url {source}=…` serves none of the streams asked for");
        let hint = match options.db_url {
            Some(_) => "--db-url takes the place of every source",
            None => "name a stream of that source, as in `lazaret db update debian-12`",
        };
        return Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)));
    }
    let text = told(&report);
    if arguments.targets.is_empty() && text.is_empty() && report.imported.problems.is_empty() {
        let place = global.store.dir().display();
        let hint = "`lazaret db update debian-12` fetches a stream, a scan what it needs";
        output::note(&format!("nothing is installed in `{place}`: {hint}"));
    }
    output::write(None, &text)?;
    output::print_all_problems(&report.imported.problems);
    Ok(ending(&report, &arguments.targets, &stop))
}

fn told(report: &UpdateReport) -> String {
    let mut text = describe(&report.imported);
    for (streams, what) in
        [(&report.mirrored, "from the mirror"), (&report.unchanged, "nothing new")]
    {
        for stream in streams {
            writeln!(text, "{stream}: {what}").expect("writing to a String cannot fail");
        }
    }
    text
}

/// A stream that could not be refreshed keeps what it had, and yet the update did not do its work. A
/// name that means nothing is wrong usage.
fn ending(report: &UpdateReport, targets: &[String], stop: &Stop) -> ExitCode {
    let harmless = |kind| matches!(kind, ProblemKind::Notice | ProblemKind::Refused);
    let problems = &report.imported.problems;
    let unknown = |name: &String| {
        let names = |problem: &Problem| problem.subject == *name;
        problems.iter().any(|p| p.kind == ProblemKind::Unsupported && names(p))
    };
    if targets.iter().any(unknown) {
        return ExitCode::Usage;
    }
    match report.imported.failures.last() {
        Some(Failure::Stopped) => stopped(stop),
        Some(Failure::Local) => ExitCode::Failed,
        Some(Failure::Damaged) => ExitCode::Damaged,
        Some(Failure::Network) => ExitCode::Network,
        // Nothing failed: there was nobody to ask, or nobody who knew more.
        None if problems.iter().any(|problem| !harmless(problem.kind)) => ExitCode::Incomplete,
        None => ExitCode::Done,
    }
}
