//! `lazaret diff`: what became different from one artifact to the next.
//!
//! Each side is scanned, or read where it is the report of an earlier scan, and judged as `scan`
//! does; what is new may be held against a threshold.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use document::{Diff, Report, json, table};
use model::{Problem, ProblemKind, Severity};

use crate::cmd::answer::{Answer, AnswerArguments};
use crate::cmd::checks::ChecksArguments;
use crate::cmd::ending::{ending, graver, outcome};
use crate::cmd::global::Global;
use crate::cmd::target::OpeningArguments;
use crate::cmd::{judgement, stored};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::stopped;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  lazaret diff shop:1 shop:2                       what the upgrade brings and takes
  lazaret diff --fail-on high old.tar new.tar      stop at what is new and at least high
  lazaret diff --policy policy.yaml shop:1 shop:2  judge both, and stop at what denies the second
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
    #[command(flatten)]
    answer: AnswerArguments,
}

impl DiffArguments {
    pub(crate) fn keeps_layers(&self) -> bool {
        self.opening.keeps_layers()
    }
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
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum DiffFormat {
    /// For people at a terminal
    #[default]
    Table,
    /// Everything that is known; see docs/diff.schema.json
    Json,
}

pub(crate) fn run(arguments: DiffArguments, global: &Global) -> Result<ExitCode, UserError> {
    let DiffReportArguments { format, output, fail_on } = arguments.report;
    output::check(output.as_deref())?;
    let stop = arguments.opening.stop()?;
    let mut options = arguments.opening.settle(&stop, global);
    let answer = arguments.answer.settle(&mut options)?;
    let before = side(&arguments.before, &answer, &options, global)?;
    let mut after = side(&arguments.after, &answer, &options, global)?;
    after.problems.extend(uncompared(&before, &after, &answer.checks));
    after.problems.sort();

    let mut diff = Diff::of(&before, &after, matcher::compare);
    let was_stopped = stop.is_stopped();
    let gate = fail_on.map(|threshold| gate(&diff, &answer.filter, threshold)).unwrap_or_default();
    diff.leave_out(|severity, finding| match finding {
        Some(finding) => answer.filter.keeps(finding),
        None => answer.filter.keeps_severity(severity),
    });
    let text = match format {
        DiffFormat::Table => table::diff(&diff, global.look(output.as_deref())),
        DiffFormat::Json => json::diff(&diff),
    };
    output::write(output.as_deref(), &text)?;
    if format != DiffFormat::Table || output.is_some() {
        output::print_problems(&before.problems);
        output::print_problems(&after.problems);
        after.verdict.iter().for_each(judgement::note);
    }
    let code = graver(ending(&after, &gate), outcome(&before));
    Ok(if was_stopped && code != ExitCode::GateReached { stopped(&stop) } else { code })
}

/// What is known of one side, judged.
fn side(
    target: &str,
    answer: &Answer,
    options: &scan::Options,
    global: &Global,
) -> Result<Report, UserError> {
    match stored::recognize(target)? {
        Some(report) => Ok(answer.of_stored(report, options, global)),
        None => answer.of_target(target, options, global),
    }
}

/// That something was asked for by name that not both sides can tell.
fn uncompared(before: &Report, after: &Report, checks: &ChecksArguments) -> Option<Problem> {
    let lacking: Vec<&str> = document::not_compared(before, after)
        .filter(|it| checks.asked_for().any(|asked| asked == *it))
        .collect();
    let message =
        format!("{} could not be compared: not both sides were searched", lacking.join(", "));
    (!lacking.is_empty()).then(|| Problem::new(ProblemKind::Unsupported, "checks", message))
}

/// The gate sees what is new alone.
fn gate(diff: &Diff<'_>, filter: &policy::Filter, threshold: Severity) -> policy::GateVerdict {
    for check in diff.not_compared() {
        output::note(&format!("gate: not judged, because not both sides were searched: {check}"));
    }
    let (findings, inventory) = diff.brought();
    policy::gate(&findings, &inventory, filter, threshold)
}
