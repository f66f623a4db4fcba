//! `lazaret diff`: what became different from one artifact to the next.
//!
//! Each side is scanned, or read where it is the report of an earlier scan; what is new may be held
//! against a threshold.

use std::path::PathBuf;

use artifact::Stop;
use clap::{Args, ValueEnum};
use document::{Diff, Report, json, table};
use model::{Problem, ProblemKind, Severity};

use crate::cmd::checks::ChecksArguments;
use crate::cmd::global::Global;
use crate::cmd::inspect::inspect;
use crate::cmd::scan::{gate_ending, leave_out_published, outcome, report_of};
use crate::cmd::stored;
use crate::cmd::target::OpeningArguments;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::stopped;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  lazaret diff shop:1 shop:2                       what the upgrade brings and takes
  lazaret diff --fail-on high old.tar new.tar      stop at what is new and at least high
  lazaret diff last-week.json shop:2               a report of `scan --format json`, and an image
  lazaret diff -f json shop.cdx.json shop:2        a bill of materials: its packages";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct DiffArguments {
    /// What was: a target as `scan` takes it, or a report of `scan --format json`
    before: String,
    /// What is: the same
    after: String,
    #[command(flatten)]
    opening: OpeningArguments,
    #[command(flatten)]
    report: DiffReportArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Report options")]
struct DiffReportArguments {
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    format: DiffFormat,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// End with exit code 1 if something new is at least this severe
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    #[command(flatten)]
    checks: ChecksArguments,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    /// For people at a terminal
    #[default]
    Table,
    /// Everything that is known; see docs/diff.schema.json
    Json,
}

pub(crate) fn run(arguments: &DiffArguments, global: &Global) -> Result<ExitCode, UserError> {
    let DiffReportArguments { format, output, fail_on, checks } = &arguments.report;
    output::check(output.as_deref())?;
    let stop = arguments.opening.stop()?;
    let before = side(&arguments.before, arguments, &stop, global)?;
    let mut after = side(&arguments.after, arguments, &stop, global)?;
    let impossible = uncompared(&Diff::of(&before, &after), checks);
    after.problems.extend(impossible);
    after.problems.sort();

    let diff = Diff::of(&before, &after);
    let text = match format {
        DiffFormat::Table => table::diff(&diff, global.look(output.as_deref())),
        DiffFormat::Json => json::diff(&diff),
    };
    output::write(output.as_deref(), &text)?;
    if *format != DiffFormat::Table || output.is_some() {
        output::print_problems(&before.problems);
        output::print_problems(&after.problems);
    }
    let code = ending(&diff, &before, &after, *fail_on);
    Ok(if stop.is_stopped() && code != ExitCode::GateReached { stopped(&stop) } else { code })
}

/// What is known of one side.
fn side(
    target: &str,
    arguments: &DiffArguments,
    stop: &Stop,
    global: &Global,
) -> Result<Report, UserError> {
    if let Some(report) = stored::recognize(target)? {
        return Ok(report);
    }
    let checks = &arguments.report.checks;
    let mut options = arguments.opening.settle(stop, global);
    options.checks = checks.settle();
    let inspection = inspect(target, &mut options)?;
    let mut result = scan::look_up(inspection, &options, &global.store);
    leave_out_published(&mut result);
    let checks = checks.names(result.artifact.kind);
    Ok(report_of(result, &policy::Filter::default(), checks, global))
}

/// That something was asked for by name that not both sides can tell.
fn uncompared(diff: &Diff<'_>, checks: &ChecksArguments) -> Option<Problem> {
    let lacking: Vec<&str> =
        diff.not_compared().filter(|it| checks.asked_for().any(|asked| asked == *it)).collect();
    let message =
        format!("{} could not be compared: not both sides were searched", lacking.join(", "));
    (!lacking.is_empty()).then(|| Problem::new(ProblemKind::Unsupported, "checks", message))
}

/// The gate sees what is new alone; else the graver of the two endings counts.
fn ending(diff: &Diff<'_>, before: &Report, after: &Report, fail_on: Option<Severity>) -> ExitCode {
    let (findings, inventory) = diff.brought();
    let gate = |threshold| {
        for check in diff.not_compared() {
            output::note(&format!(
                "gate: not judged, because not both sides were searched: {check}"
            ));
        }
        policy::gate(&findings, &inventory, &policy::Filter::default(), threshold)
    };
    let verdict = fail_on.map(gate).unwrap_or_default();
    match (gate_ending(after, &verdict), outcome(before)) {
        (ExitCode::GateReached, _) => ExitCode::GateReached,
        (ExitCode::AdvisoriesMissing, _) | (_, ExitCode::AdvisoriesMissing) => {
            ExitCode::AdvisoriesMissing
        }
        (ExitCode::Done, code) | (code, _) => code,
    }
}
