//! From a target to a report that is judged: what `scan` and either side of `diff` have in common.
//!
//! The options say what to look for, what is silenced, by what it is judged and what of it is shown.
//! What the user brings is read before anything is opened. Nothing is printed but what has no place
//! in a report.

use std::collections::BTreeMap;
use std::path::PathBuf;

use artifact::Stop;
use clap::Args;
use document::Report;
use model::{BaseChange, Finding, Problem, ProblemKind, Severity};
use policy::Filter;
use scan::ScanResult;

use crate::cmd::attached;
use crate::cmd::checks::ChecksArguments;
use crate::cmd::global::Global;
use crate::cmd::inspect::inspect;
use crate::cmd::judgement::{Judge, JudgeArguments};
use crate::cmd::malware::MalwareArguments;
use crate::cmd::own_checks;
use crate::cmd::vex::Statements;
use crate::error::UserError;

#[derive(Debug, Default, Args)]
pub(crate) struct AnswerArguments {
    #[command(flatten)]
    report: ReportArguments,
    /// Add checks of settings from these files, or from the *.toml files of these folders
    #[arg(long, value_name = "PATH", num_args = 1..)]
    #[arg(help_heading = "Target options")]
    checks_from: Vec<PathBuf>,
    #[command(flatten)]
    malware: MalwareArguments,
}

/// What to tell of what is found.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Report options")]
struct ReportArguments {
    /// Report these severities only: critical, high, medium, low, negligible, unknown
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    severity: Vec<Severity>,
    /// Report only what a published version fixes
    #[arg(long)]
    ignore_unfixed: bool,
    #[command(flatten)]
    checks: ChecksArguments,
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

/// The same, read and ready.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) filter: Filter,
    pub(crate) checks: ChecksArguments,
    judge: Judge,
    vex: Statements,
    /// What of what the user brought is not used.
    unused: Vec<Problem>,
}

impl AnswerArguments {
    /// Reads what the user brings: mistakes in it are said before anything is opened.
    pub(crate) fn settle(self, options: &mut scan::Options) -> Result<Answer, UserError> {
        let ReportArguments { severity, ignore_unfixed, checks, judge, vex, attached } =
            self.report;
        let judge = judge.settle()?;
        let vex = Statements::read(&vex, &options.artifact.stop)?;
        options.check_set = own_checks::read(&self.checks_from)?;
        options.checks = checks.settle();
        options.attached = attached;
        let unused = self.malware.settle(options)?;
        let filter = Filter { severities: severity, ignore_unfixed };
        Ok(Answer { filter, checks, judge, vex, unused })
    }
}

impl Answer {
    /// Everything that is known of a target, judged; nothing of it is left out yet.
    pub(crate) fn of_target(
        &self,
        target: &str,
        options: &mut scan::Options,
        global: &Global,
    ) -> Result<Report, UserError> {
        let mut inspection = inspect(target, options)?;
        let mut vex = self.vex.clone();
        attached::read(&mut inspection, &mut vex);
        let mut result = scan::look_up(inspection, options, &global.store);
        result.problems.extend(self.unused.iter().cloned());
        result.problems.extend(self.checks.impossible(result.artifact.kind));
        let report = self.report_of(result, global);
        Ok(self.judged(report, vex, &options.artifact.stop, global))
    }

    /// The same of a report that was stored: what it silenced itself it does not tell.
    pub(crate) fn of_stored(&self, report: Report, stop: &Stop, global: &Global) -> Report {
        self.judged(report, self.vex.clone(), stop, global)
    }

    /// What there is to show of a result, not judged.
    pub(crate) fn report_of(&self, result: ScanResult, global: &Global) -> Report {
        let checks = self.checks.names(result.artifact.kind);
        let mut report = report_of(result, checks, global);
        leave_out_published(&mut report);
        report
    }

    fn judged(&self, mut report: Report, vex: Statements, stop: &Stop, global: &Global) -> Report {
        vex.silence(&mut report, stop);
        // A policy judges everything that was found, whatever is shown of it.
        self.judge.judge(&mut report, global.today);
        report.problems.sort();
        report
    }
}

/// Takes out secrets that everybody has, and says so.
fn leave_out_published(report: &mut Report) {
    let count = leave_out(&mut report.inventory.secrets, |secret| secret.owner.is_none());
    if count > 0 {
        let message = format!("{count} in files that packages publish to everybody are not listed");
        report.problems.push(Problem::new(ProblemKind::Notice, "secrets", message));
        report.problems.sort();
    }
}

fn report_of(result: ScanResult, checks: Vec<String>, global: &Global) -> Report {
    let ScanResult { artifact, inventory, eol, findings, silenced, problems, data, base, .. } =
        result;
    let source = |meta: advisories::SegmentMeta| document::DataSource {
        source: meta.source,
        stream: meta.stream,
        built_at: meta.built_at,
        modified: meta.upstream_modified,
        license: meta.license,
    };
    Report {
        artifact,
        base,
        inventory,
        eol,
        findings,
        silenced,
        excepted: Vec::new(),
        verdict: None,
        left_out: BTreeMap::new(),
        secrets_left_out: 0,
        malware_left_out: 0,
        misconfigurations_left_out: 0,
        upgrades: Vec::new(),
        problems,
        data: data.into_iter().map(source).collect(),
        checks,
        now: global.now.to_string(),
    }
}

/// Leaves what the user does not want to see out of a report, counts it, and says what to do about
/// the rest.
pub(crate) fn show(report: &mut Report, filter: &Filter) {
    let all = std::mem::take(&mut report.findings);
    let (kept, others): (Vec<Finding>, Vec<Finding>) =
        all.into_iter().partition(|finding| filter.keeps(finding));
    others.iter().for_each(|it| *report.left_out.entry(it.severity).or_default() += 1);
    let inventory = &mut report.inventory;
    report.secrets_left_out += leave_out(&mut inventory.secrets, |it| filter.keeps_secret(it));
    report.malware_left_out += leave_out(&mut inventory.malware, |it| filter.keeps_malware(it));
    report.misconfigurations_left_out +=
        leave_out(&mut inventory.misconfigurations, |it| filter.keeps_misconfiguration(it));
    let upgrade = |upgrade: matcher::Upgrade| document::Upgrade {
        package: upgrade.name,
        moves: upgrade.packages,
        to: upgrade.to,
        fixes: upgrade.fixes,
    };
    report.upgrades = matcher::upgrades(&kept).into_iter().map(upgrade).collect();
    // What would not be shown or is silenced needs no newer base either.
    let newer = report.base.iter_mut().flat_map(|base| base.newer.iter_mut());
    for BaseChange { fixes, .. } in newer.filter_map(|newer| newer.change.as_mut()) {
        fixes.retain(|(id, on)| kept.iter().any(|it| it.id == *id && it.package.name == *on));
    }
    report.findings = kept;
}

/// Keeps what the user wants to see, and counts the rest.
fn leave_out<T>(all: &mut Vec<T>, keeps: impl FnMut(&T) -> bool) -> usize {
    let before = all.len();
    all.retain(keeps);
    before - all.len()
}
