//! `lazaret scan`: a target in, a report and an exit code out.

mod form;

use std::collections::BTreeMap;
use std::path::PathBuf;

use artifact::{OpenErrorKind, ReadError, Stop};
use clap::Args;
use document::Report;
use model::{ArtifactKind, BaseChange, Decision, Finding, Problem, ProblemKind, Severity};
use scan::{ScanError, ScanResult};

pub(crate) use self::form::Form;
use self::form::FormArguments;
use crate::cmd::attached;
use crate::cmd::checks::ChecksArguments;
use crate::cmd::global::Global;
use crate::cmd::inspect::inspect;
use crate::cmd::judgement::{self, Judge, JudgeArguments};
use crate::cmd::malware::MalwareArguments;
use crate::cmd::own_checks;
use crate::cmd::target::TargetArguments;
use crate::cmd::vex::Statements;
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
    /// Add checks of settings from these files, or from the *.toml files of these folders
    #[arg(long, value_name = "PATH", num_args = 1..)]
    #[arg(help_heading = "Target options")]
    checks_from: Vec<PathBuf>,
    #[command(flatten)]
    report: ReportArguments,
    #[command(flatten)]
    malware: MalwareArguments,
}

/// What to do with the result.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Report options")]
pub(crate) struct ReportArguments {
    #[command(flatten)]
    form: FormArguments,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Report these severities only: critical, high, medium, low, negligible, unknown
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    severity: Vec<Severity>,
    /// Report only what a published version fixes
    #[arg(long)]
    ignore_unfixed: bool,
    /// End with exit code 1 if a reported vulnerability is at least this severe
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    #[command(flatten)]
    pub(crate) checks: ChecksArguments,
    #[command(flatten)]
    judge: JudgeArguments,
    /// Do not report what this VEX document, or folder of them, says is no problem (repeatable)
    #[arg(long, value_name = "PATH")]
    vex: Vec<PathBuf>,
    /// Use the VEX documents that are attached to the image (in a registry or an OCI layout), and
    /// compare the bills of materials; signatures are not verified
    #[arg(long)]
    attached: bool,
}

pub(crate) fn run(arguments: ScanArguments, global: &Global) -> Result<ExitCode, UserError> {
    output::check(arguments.report.output.as_deref())?;
    let mut report = arguments.report;
    // Mistakes in what the user brings are said before anything is read.
    let form = std::mem::take(&mut report.form).settle()?;
    let judge = report.judge.settle()?;
    let mut vex = Statements::read(&report.vex)?;
    let check_set = own_checks::read(&arguments.checks_from)?;
    let (target, mut options) = arguments.target.settle(global)?;
    options.check_set = check_set;
    options.checks = report.checks.settle();
    let unused = arguments.malware.settle(&mut options)?;
    options.attached = report.attached;
    let mut inspection = inspect(&target, &mut options)?;
    attached::read(&mut inspection, &mut vex);
    let mut result = scan::look_up(inspection, &options, &global.store);
    result.problems.extend(unused);
    result.problems.extend(report.checks.impossible(result.artifact.kind));
    vex.silence(&mut result);
    let was_stopped = result.was_stopped;
    let code = present(result, report, &form, &judge, global)?;
    // The gate has the last word on what was found; else a part is no answer to what was asked.
    let is_gate = code == ExitCode::GateReached;
    Ok(if was_stopped && !is_gate { stopped(&options.artifact.stop) } else { code })
}

/// Judges a result, writes the report, and says how the run ends.
pub(crate) fn present(
    mut result: ScanResult,
    arguments: ReportArguments,
    form: &Form,
    judge: &Judge,
    global: &Global,
) -> Result<ExitCode, UserError> {
    let checks = arguments.checks.names(result.artifact.kind);
    let ReportArguments { form: _, output, severity, ignore_unfixed, fail_on, .. } = arguments;
    leave_out_published(&mut result);
    // A policy judges everything that was found, whatever is shown of it.
    let judged = judge.judge(&mut result, &checks, global.today);
    let filter = policy::Filter { severities: severity, ignore_unfixed };
    let gate = |threshold| policy::gate(&result.findings, &result.inventory, &filter, threshold);
    let verdict = fail_on.map(gate).unwrap_or_default();
    // What was told apart before is no less so.
    result.silenced.extend(judged.silenced);
    let report = Report {
        excepted: judged.excepted,
        verdict: judged.verdict,
        ..report_of(result, &filter, checks, global)
    };

    let text = form.render(&report, output.as_deref(), global)?;
    output::write(output.as_deref(), &text)?;
    if !form.is_table() || output.is_some() {
        output::print_problems(&report.problems);
        report.verdict.iter().for_each(judgement::note);
    }
    Ok(ending(&report, &verdict))
}

/// Takes out secrets that everybody has, and says so.
pub(crate) fn leave_out_published(result: &mut ScanResult) {
    let count = leave_out(&mut result.inventory.secrets, |secret| secret.owner.is_none());
    if count > 0 {
        let message = format!("{count} in files that packages publish to everybody are not listed");
        result.problems.push(Problem::new(ProblemKind::Notice, "secrets", message));
        result.problems.sort();
    }
}

/// The exit code, and on stderr what the gate has to say about it.
fn ending(report: &Report, gate: &policy::GateVerdict) -> ExitCode {
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
pub(crate) fn gate_ending(report: &Report, gate: &policy::GateVerdict) -> ExitCode {
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

/// What there is to show of a result.
pub(crate) fn report_of(
    result: ScanResult,
    filter: &policy::Filter,
    checks: Vec<String>,
    global: &Global,
) -> Report {
    let ScanResult {
        artifact, mut inventory, eol, findings, silenced, problems, data, base, ..
    } = result;
    let (findings, others): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| filter.keeps(finding));
    let mut left_out = BTreeMap::new();
    others.iter().for_each(|other| *left_out.entry(other.severity).or_default() += 1);
    let secrets_left_out = leave_out(&mut inventory.secrets, |it| filter.keeps_secret(it));
    let malware_left_out = leave_out(&mut inventory.malware, |it| filter.keeps_malware(it));
    let misconfigurations_left_out =
        leave_out(&mut inventory.misconfigurations, |it| filter.keeps_misconfiguration(it));
    let upgrades = matcher::upgrades(&findings);
    let upgrade = |upgrade: matcher::Upgrade| document::Upgrade {
        package: upgrade.name,
        moves: upgrade.packages,
        to: upgrade.to,
        fixes: upgrade.fixes,
    };
    let source = |meta: advisories::SegmentMeta| document::DataSource {
        source: meta.source,
        stream: meta.stream,
        built_at: meta.built_at,
        modified: meta.upstream_modified,
        license: meta.license,
    };
    // What would not be shown or is silenced needs no newer base either.
    let base = base.map(|mut base| {
        let change = base.newer.iter_mut().filter_map(|newer| newer.change.as_mut());
        for BaseChange { fixes, .. } in change {
            fixes.retain(|(id, on)| {
                findings.iter().any(|it| it.id == *id && it.package.name == *on)
            });
        }
        base
    });
    Report {
        artifact,
        base,
        inventory,
        eol,
        findings,
        silenced,
        excepted: Vec::new(),
        verdict: None,
        left_out,
        secrets_left_out,
        malware_left_out,
        misconfigurations_left_out,
        upgrades: upgrades.into_iter().map(upgrade).collect(),
        problems,
        data: data.into_iter().map(source).collect(),
        checks,
        now: global.now.to_string(),
    }
}

/// Keeps what the user wants to see, and counts the rest.
fn leave_out<T>(all: &mut Vec<T>, keeps: impl FnMut(&T) -> bool) -> usize {
    let before = all.len();
    all.retain(keeps);
    before - all.len()
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
