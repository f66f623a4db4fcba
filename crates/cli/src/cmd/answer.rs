//! From a target to a report that is judged: what `scan` and either side of `diff` have in common.
//!
//! The options say what to look for, what is silenced, by what it is judged and what of it is shown.
//! What the user brings is read before anything is opened. Nothing is printed but what has no place
//! in a report.

use std::borrow::Cow;
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
use crate::exit_code::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct AnswerArguments {
    #[command(flatten)]
    report: ReportArguments,
    /// Add checks of settings from this file, or from the *.toml files of this folder (repeatable)
    #[arg(long, value_name = "PATH")]
    #[arg(help_heading = "Target options")]
    checks_from: Vec<PathBuf>,
    #[command(flatten)]
    malware: MalwareArguments,
}

/// What to tell of what is found.
#[derive(Debug, Args)]
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
    /// An option that says how to look for something which is not looked for.
    fn contradiction(&self) -> Option<UserError> {
        let checks = self.report.checks.settle();
        let own = (!self.checks_from.is_empty()).then_some("--checks-from");
        let unused = [
            ("malware", checks.malware, self.malware.given()),
            ("config", checks.misconfigurations, own),
        ];
        let (check, _, option) =
            unused.into_iter().find(|(_, wanted, option)| !wanted && option.is_some())?;
        let message = format!("{} is of no use: --checks leaves out `{check}`", option?);
        let hint = format!("add `{check}` to --checks, or leave the option out");
        Some(UserError::new(ExitCode::Usage, message).hint(Some(hint)))
    }

    /// Reads what the user brings: mistakes in it are said before anything is opened.
    pub(crate) fn settle(self, options: &mut scan::Options) -> Result<Answer, UserError> {
        self.contradiction().map_or(Ok(()), Err)?;
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
    /// Of the policy that judges.
    pub(crate) fn policy_version(&self) -> Option<u128> {
        self.judge.version()
    }

    /// Everything that is known of a target, judged; nothing of it is left out yet.
    pub(crate) fn of_target(
        &self,
        target: &str,
        options: &scan::Options,
        global: &Global,
    ) -> Result<Report, UserError> {
        let mut inspection = inspect(target, options)?;
        let mut vex = Cow::Borrowed(&self.vex);
        attached::read(&mut inspection, &mut vex);
        let mut result = scan::look_up(inspection, options, &global.store);
        result.problems.extend(self.unused.iter().cloned());
        result.problems.extend(self.checks.impossible(result.artifact.kind));
        let report = self.report_of(result, global);
        Ok(self.judged(report, &vex, &options.artifact.stop, global))
    }

    /// The same of a report that was stored: what it silenced itself it does not tell, and what would
    /// have to be looked for in the artifact is not there.
    pub(crate) fn of_stored(
        &self,
        mut report: Report,
        options: &scan::Options,
        global: &Global,
    ) -> Report {
        let scan::Options { attached, clamd, signatures, check_set, .. } = options;
        if *attached || clamd.is_some() || signatures.is_some() || check_set.is_some() {
            let message = "a stored report is not looked into again: --attached, --checks-from and \
                           the malware options change nothing in it";
            report.problems.push(Problem::new(ProblemKind::Unsupported, "options", message));
        }
        self.judged(report, &self.vex, &options.artifact.stop, global)
    }

    /// What there is to show of a result, not judged.
    pub(crate) fn report_of(&self, result: ScanResult, global: &Global) -> Report {
        let checks = self.checks.names(result.artifact.kind);
        let ScanResult { artifact, inventory, eol, findings, silenced, problems, data, base } =
            result;
        let source = |meta: advisories::SegmentMeta| document::DataSource {
            source: meta.source,
            stream: meta.stream,
            built_at: meta.built_at,
            modified: meta.upstream_modified,
            license: meta.license,
        };
        let data = data.into_iter().map(source).collect();
        let empty = Report::of(artifact, inventory, eol, global.now.to_string());
        let mut report = Report { base, findings, silenced, problems, data, checks, ..empty };
        leave_out_published(&mut report);
        report
    }

    fn judged(&self, mut report: Report, vex: &Statements, stop: &Stop, global: &Global) -> Report {
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
