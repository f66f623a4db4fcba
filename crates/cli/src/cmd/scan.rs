//! `lazaret scan`: a target in, a report and an exit code out.

use std::path::PathBuf;
use std::time::Instant;

use artifact::{OpenErrorKind, ReadError, Stop};
use clap::{Args, ValueEnum};
use document::{Format, Report, table};
use model::{ProblemKind, Severity};
use scan::{ScanError, ScanResult};

use crate::cmd::global::Global;
use crate::cmd::target::TargetArguments;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct ScanArguments {
    #[command(flatten)]
    target: TargetArguments,
    #[command(flatten)]
    report: ReportArguments,
}

/// What to do with the result.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Report options")]
pub(crate) struct ReportArguments {
    /// Form of the report
    #[arg(short, long, value_enum, default_value_t)]
    format: ScanFormat,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Report these severities only
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    severity: Vec<Severity>,
    /// Report only what a published version fixes
    #[arg(long)]
    ignore_unfixed: bool,
    /// End with exit code 1 if a reported vulnerability is at least this severe
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    /// Checks to run [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_enum)]
    checks: Vec<Check>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ScanFormat {
    #[default]
    Table,
    Json,
    #[value(name = "cyclonedx-json")]
    CycloneDxJson,
}

/// The checks that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    /// Known vulnerabilities of packages
    Vuln,
}

pub(crate) fn run(arguments: ScanArguments, global: &Global) -> Result<ExitCode, UserError> {
    let (target, options) = arguments.target.settle(global)?;
    let result = scan::run(&target, &options, &global.store)
        .map_err(|error| scan_error(error, &options.artifact.stop))?;
    present(result, arguments.report, global)
}

/// Judges a result, writes the report, and says how the run ends.
pub(crate) fn present(
    result: ScanResult,
    arguments: ReportArguments,
    global: &Global,
) -> Result<ExitCode, UserError> {
    let mut report = report_of(result, global);
    let filter =
        policy::Filter { severities: arguments.severity, ignore_unfixed: arguments.ignore_unfixed };
    report.findings.retain(|finding| filter.keeps(finding));
    let judge = |threshold| policy::gate(&report.findings, threshold);
    let verdict = arguments.fail_on.map(judge).unwrap_or_default();

    let text = match arguments.format {
        ScanFormat::Table => table::render(&report, global.look),
        ScanFormat::Json => Format::Json.render(&report),
        ScanFormat::CycloneDxJson => Format::CycloneDxJson.render(&report),
    };
    output::write(arguments.output.as_deref(), &text)?;
    if !matches!(arguments.format, ScanFormat::Table) || arguments.output.is_some() {
        output::print_problems(&report.problems);
    }
    for policy::Reason { severity, count, example: (id, package) } in &verdict.reasons {
        output::note(&format!("gate: {count} {severity}, such as {id} in {package}"));
    }
    if verdict.unrated > 0 {
        output::note(&format!("gate: {} that nobody has rated passed", verdict.unrated));
    }
    Ok(match outcome(&report) {
        _ if !verdict.passes() => ExitCode::GateReached,
        // The gate cannot have judged what nobody could look up.
        ExitCode::Done if verdict.unrated > 0 && has(&report, ProblemKind::MetadataMissing) => {
            ExitCode::AdvisoriesMissing
        }
        code => code,
    })
}

fn report_of(result: ScanResult, global: &Global) -> Report {
    let ScanResult { artifact, inventory, eol, findings, upgrades, problems, data } = result;
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
    Report {
        artifact,
        inventory,
        eol,
        findings,
        upgrades: upgrades.into_iter().map(upgrade).collect(),
        problems,
        data: data.into_iter().map(source).collect(),
        checks: vec!["vuln".to_owned()],
        now: global.now.to_string(),
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
pub(crate) fn scan_error(error: ScanError, stop: &Stop) -> UserError {
    let (kind, hint) = match &error {
        ScanError::Open(error) => (error.kind(), error.hint_text()),
        ScanError::Read(ReadError::Source(error)) => (error.kind(), error.hint_text()),
        ScanError::Read(ReadError::Interrupted(_)) => (OpenErrorKind::Interrupted, None),
    };
    let hint = hint.map(str::to_owned);
    let code = match kind {
        OpenErrorKind::Usage => ExitCode::Usage,
        OpenErrorKind::NotFound => ExitCode::TargetNotFound,
        OpenErrorKind::NotAnImage => ExitCode::NotAnImage,
        OpenErrorKind::Unauthorized => ExitCode::Unauthorized,
        OpenErrorKind::Network => ExitCode::Network,
        OpenErrorKind::Damaged => ExitCode::Damaged,
        OpenErrorKind::Unsupported => ExitCode::Unsupported,
        OpenErrorKind::Interrupted if is_over(stop) => ExitCode::TimeLimit,
        OpenErrorKind::Interrupted => ExitCode::Interrupted,
    };
    UserError::from_chain(code, &error).hint(hint)
}

fn is_over(stop: &Stop) -> bool {
    stop.deadline().is_some_and(|deadline| Instant::now() >= deadline)
}
