//! The options by which a scan is judged: a policy, an ignore file; read before anything is scanned.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use document::Report;
use jiff::civil::Date;
use model::{Decision, Verdict};
use policy::{FILE_BYTES_MAX, Facts, Ignored, Policy, PolicyError};

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Default, Args)]
pub(crate) struct JudgeArguments {
    /// Judge by this policy: end with exit code 1 if it denies, 3 if it cannot judge
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Do not report what this file lists, in the form of .trivyignore (lines, or YAML)
    #[arg(long, value_name = "FILE")]
    ignore_file: Option<PathBuf>,
}

/// The checked policy, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    /// With the exceptions of the ignore file; None where there is neither.
    policy: Option<Policy>,
    /// Whether a verdict was asked for, rather than exceptions alone.
    gives_verdict: bool,
}

impl JudgeArguments {
    pub(crate) fn settle(&self) -> Result<Judge, UserError> {
        let mut policy = self.policy.as_deref().map(load).transpose()?;
        if let Some(path) = &self.ignore_file {
            let name = path.display().to_string();
            let ignored =
                Ignored::parse(&text(path)?, &name).map_err(|errors| mistakes(path, &errors))?;
            policy.get_or_insert_with(Policy::empty).ignore(ignored);
        }
        Ok(Judge { policy, gives_verdict: self.policy.is_some() })
    }
}

impl Judge {
    /// Of the policy that gives verdicts: a number that changes with it.
    pub(crate) fn version(&self) -> Option<u128> {
        self.policy.as_ref().filter(|_| self.gives_verdict).map(Policy::version)
    }

    /// Tells what exceptions cover apart, and judges the rest of a report.
    pub(crate) fn judge(&self, report: &mut Report, today: Date) {
        let Some(policy) = &self.policy else { return };
        let Report { artifact, inventory, findings, eol, problems, checks, base, .. } = report;
        let covered = policy.cover(artifact, findings, inventory, today);
        let base = base.as_ref();
        let facts = Facts { artifact, inventory, eol, findings, problems, checks, base };
        let mut verdict = self.gives_verdict.then(|| policy.judge(facts, today));
        match &mut verdict {
            Some(verdict) => verdict.notes.extend(covered.notes),
            None => covered.notes.iter().for_each(|note| output::note(note)),
        }
        // What was told apart before is no less so.
        report.silenced.extend(covered.silenced);
        report.excepted.extend(covered.excepted);
        report.verdict = verdict;
    }
}

/// Reads and checks a policy.
pub(crate) fn load(path: &Path) -> Result<Policy, UserError> {
    let name = path.display().to_string();
    Policy::parse(&text(path)?, &name).map_err(|errors| mistakes(path, &errors))
}

pub(crate) fn text(path: &Path) -> Result<String, UserError> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot read `{}`: {error}", path.display());
        UserError::new(ExitCode::of_file(&error), message)
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    // One byte more than is read: then it is the reader of policies that says it is too long.
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Every mistake on a line of its own; the first is the error's own.
pub(crate) fn mistakes(path: &Path, errors: &[PolicyError]) -> UserError {
    let said = |error: &PolicyError| {
        let hint = error.hint.as_ref().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
        format!("`{}`: {error}{hint}", path.display())
    };
    if let Some((last, others)) = errors.split_last() {
        others.iter().for_each(|error| output::note(&said(error)));
        return UserError::new(ExitCode::Usage, format!("`{}`: {last}", path.display()))
            .hint(last.hint.clone());
    }
    UserError::new(ExitCode::Usage, format!("`{}` is no policy", path.display()))
}

/// The verdict on stderr, for who sends the report elsewhere.
pub(crate) fn note(verdict: &Verdict) {
    for reason in verdict.reasons.iter().filter(|reason| reason.decision > Decision::Allow) {
        let count = reason.hits.len();
        let such = reason.hits.first().map(|hit| format!(": {count}, such as {}", hit.id));
        let unknown = reason.unknown.first().map(|why| format!(": {why}"));
        let more = such.or(unknown).unwrap_or_default();
        output::note(&format!("policy: {} by {}{more}", reason.decision.name(), reason.rule));
    }
    verdict.notes.iter().for_each(|note| output::note(&format!("policy: {note}")));
    output::note(&format!("policy: the verdict is {}", verdict.decision.name()));
}
