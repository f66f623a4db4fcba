//! `lazaret scan`: a target in, a report and an exit code out.

mod form;

use std::path::PathBuf;

use artifact::{OpenErrorKind, ReadError, Stop};
use clap::Args;
use document::Report;
use model::{ArtifactKind, Decision, ProblemKind, Severity};
use scan::ScanError;

use self::form::FormArguments;
use crate::cmd::answer::{AnswerArguments, show};
use crate::cmd::global::Global;
use crate::cmd::judgement;
use crate::cmd::target::TargetArguments;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::stopped;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  lazaret scan alpine:3.20          found in Docker, containerd or Podman, else pulled
  lazaret scan image.tar            an archive; its kind is recognised by content
  lazaret scan dir:/mnt/rootfs
  lazaret scan -f json -o report.json --severity high,critical --fail-on high IMAGE
  lazaret scan --policy policy.yaml IMAGE

Exit codes: 0 done, 1 `--fail-on` reached or denied by the policy, 3 the policy cannot judge;
`lazaret --help` lists them all.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct ScanArguments {
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    report: ScanReportArguments,
    #[command(flatten)]
    answer: AnswerArguments,
}

/// What to do with the result.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report options")]
struct ScanReportArguments {
    #[command(flatten)]
    form: FormArguments,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// End with exit code 1 if a reported vulnerability is at least this severe
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
}

pub(crate) fn run(arguments: ScanArguments, global: &Global) -> Result<ExitCode, UserError> {
    let ScanReportArguments { form, output, fail_on } = arguments.report;
    output::check(output.as_deref())?;
    // Mistakes in what the user brings are said before anything is read.
    let form = form.settle()?;
    let (target, mut options) = arguments.target.settle(global)?;
    let answer = arguments.answer.settle(&mut options)?;
    let mut report = answer.of_target(&target, &mut options, global)?;
    let was_stopped = options.artifact.stop.is_stopped();
    let filter = &answer.filter;
    let gate = |threshold| policy::gate(&report.findings, &report.inventory, filter, threshold);
    let verdict = fail_on.map(gate).unwrap_or_default();
    show(&mut report, filter);

    let text = form.render(&report, output.as_deref(), global)?;
    output::write(output.as_deref(), &text)?;
    if !form.is_table() || output.is_some() {
        output::print_problems(&report.problems);
        report.verdict.iter().for_each(judgement::note);
    }
    let code = ending(&report, &verdict);
    // The gate has the last word on what was found; else a part is no answer to what was asked.
    let is_gate = code == ExitCode::GateReached;
    Ok(if was_stopped && !is_gate { stopped(&options.artifact.stop) } else { code })
}

/// The exit code, and on stderr what the gate has to say about it.
pub(crate) fn ending(report: &Report, gate: &policy::GateVerdict) -> ExitCode {
    let decision = report.verdict.as_ref().map_or(Decision::Allow, |verdict| verdict.decision);
    match gate_ending(report, gate) {
        _ if decision == Decision::Deny => ExitCode::GateReached,
        code if code != ExitCode::GateReached && decision == Decision::Unknown => {
            ExitCode::PolicyUnknown
        }
        code => code,
    }
}

/// The same as far as no policy has a say.
fn gate_ending(report: &Report, gate: &policy::GateVerdict) -> ExitCode {
    for policy::GateReason { severity, count, example: (id, package) } in &gate.reasons {
        output::note(&format!("gate: {count} {severity}, such as {id} in {package}"));
    }
    let unlooked = has(report, ProblemKind::MetadataMissing);
    if gate.unrated > 0 {
        let why =
            if unlooked { "because metadata is missing" } else { "because nobody rated them" };
        output::note(&format!("gate: {} could not be judged, {why}", gate.unrated));
    }
    match outcome(report) {
        _ if !gate.passes() => ExitCode::GateReached,
        // The gate cannot have judged what nobody could look up.
        ExitCode::Done if gate.unrated > 0 && unlooked => ExitCode::AdvisoriesMissing,
        code => code,
    }
}

/// The exit code of a run that has a report, the gate apart.
pub(crate) fn outcome(report: &Report) -> ExitCode {
    if has(report, ProblemKind::AdvisoriesMissing) {
        ExitCode::AdvisoriesMissing
    } else if report.is_incomplete() {
        ExitCode::Incomplete
    } else {
        ExitCode::Done
    }
}

fn has(report: &Report, kind: ProblemKind) -> bool {
    report.problems.iter().any(|problem| problem.kind == kind)
}

/// The exit code of a run that has no report.
pub(crate) fn scan_error(error: ScanError, target: &str, stop: &Stop) -> UserError {
    let (kind, hint) = match &error {
        ScanError::Open(error) => (error.kind(), error.hint_text()),
        ScanError::Read(ReadError::Source(error)) => (error.kind(), error.hint_text()),
        ScanError::Read(ReadError::Interrupted(_)) => (OpenErrorKind::Interrupted, None),
    };
    let hint = hint.map(str::to_owned).or_else(|| searched(kind, target));
    let code = match kind {
        OpenErrorKind::Usage => ExitCode::Usage,
        OpenErrorKind::NotFound => ExitCode::TargetNotFound,
        OpenErrorKind::NotAnImage => ExitCode::NotAnImage,
        OpenErrorKind::Unauthorized => ExitCode::Unauthorized,
        OpenErrorKind::Network => ExitCode::Network,
        OpenErrorKind::Damaged => ExitCode::Damaged,
        OpenErrorKind::Unsupported => ExitCode::Unsupported,
        OpenErrorKind::Interrupted => stopped(stop),
    };
    UserError::from_chain(code, &error).hint(hint)
}

/// A bare name is looked for in several places, and the error speaks of the last of them.
fn searched(kind: OpenErrorKind, target: &str) -> Option<String> {
    use OpenErrorKind::{Network, NotFound, Unauthorized};
    let prefix = target.split_once(':').map(|(prefix, _)| prefix);
    let has_prefix = ArtifactKind::ALL.iter().any(|kind| prefix == Some(kind.name()));
    if has_prefix
        || artifact::looks_like_path(target)
        || !matches!(kind, Network | NotFound | Unauthorized)
    {
        return None;
    }
    Some(format!(
        "there is no file `{target}`, and neither Docker, containerd nor Podman here has such an \
         image, so its registry was next"
    ))
}
