//! `lazaret scan`: a target in, a report and an exit code out.

mod filling;
pub(crate) mod form;
mod keep;

use std::path::PathBuf;

use clap::Args;
use model::Severity;

use self::form::FormArguments;
use crate::cmd::answer::{AnswerArguments, show};
use crate::cmd::ending::ending;
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

impl ScanArguments {
    pub(crate) fn keeps_layers(&self) -> bool {
        self.target.keeps_layers()
    }
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
    /// End with exit code 1 if something reported is at least this severe
    ///
    /// A release past its end of life has no severity: a policy stops at it (`image.os.end_of_life`; the
    /// presets `upkeep`, `baseline` and `strict` do).
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    /// Keep the verdict in this folder, where `lazaret gate` looks for it
    #[arg(long, value_name = "DIR", requires = "policy")]
    keep_verdict: Option<PathBuf>,
}

pub(crate) fn run(arguments: ScanArguments, global: &Global) -> Result<ExitCode, UserError> {
    let ScanReportArguments { form, output, fail_on, keep_verdict } = arguments.report;
    output::check(output.as_deref())?;
    // Mistakes in what the user brings are said before anything is read.
    let form = form.settle()?;
    let (target, mut options) = arguments.target.settle(global)?;
    // A verdict counts for the image of that digest, so every byte has to be the digest's.
    options.artifact.verify |= keep_verdict.is_some();
    let answer = arguments.answer.settle(&mut options)?;
    let mut report = answer.of_target(&target, &options, global)?;
    let was_stopped = options.artifact.stop.is_stopped();
    let filter = &answer.filter;
    let gate = |threshold| policy::gate(&report.findings, &report.inventory, filter, threshold);
    let verdict = fail_on.map(gate).unwrap_or_default();
    // What was not looked at to its end takes the place of no verdict.
    let kept = keep_verdict.filter(|_| !was_stopped);
    let kept = kept.map(|folder| keep::keep(&folder, &report, answer.policy_version(), global));
    show(&mut report, filter);

    form.write(&report, output.as_deref(), global, &options.artifact.stop)?;
    form.unwritten(&report).iter().for_each(|note| output::note(note));
    if !form.is_table() || output.is_some() {
        output::print_problems(&report.problems);
        report.verdict.iter().for_each(judgement::note);
    }
    kept.unwrap_or(Ok(()))?;
    let code = ending(&report, &verdict);
    // The gate has the last word on what was found; else a part is no answer to what was asked.
    let is_gate = code == ExitCode::GateReached;
    // The process ends here: what is taken apart piece by piece goes all at once.
    std::mem::forget(report);
    Ok(if was_stopped && !is_gate { stopped(&options.artifact.stop) } else { code })
}
