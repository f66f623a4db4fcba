//! `--format`: in which form the report is written, and what some forms need besides.
//!
//! What a form needs is settled before the scan begins: a template with a mistake, or a snapshot
//! that belongs to no commit, must not cost a scan.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use artifact::Stop;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use document::{Format, Report, Template, github, table, template, vex};

use super::filling::fill;
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// The forms of a report, as users name them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ScanFormat {
    #[default]
    Table,
    Machine(Format),
    Github,
    Template,
}

/// Those that a report alone makes stand between the one for people and those that need more.
static FORMS: LazyLock<Vec<ScanFormat>> = LazyLock::new(|| {
    let mut forms = vec![ScanFormat::Table];
    forms.extend(Format::ALL.map(ScanFormat::Machine));
    forms.extend([ScanFormat::Github, ScanFormat::Template]);
    forms
});

/// A format, as the help tells of it.
pub(crate) fn value(format: Format) -> PossibleValue {
    PossibleValue::new(format.name()).help(format.about())
}

impl ValueEnum for ScanFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &FORMS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, about) = match self {
            Self::Table => ("table", "For people at a terminal"),
            Self::Machine(format) => return Some(value(*format)),
            Self::Github => {
                ("github", "GitHub's dependency snapshot; needs a commit, see --github-sha")
            }
            Self::Template => ("template", "Your own, see --template"),
        };
        Some(PossibleValue::new(name).help(about))
    }
}

/// What some forms need.
#[derive(Debug, Args)]
pub(super) struct FormArguments {
    /// Form of the report
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) format: ScanFormat,
    /// Template for `--format template`: see docs/templates.md
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Commit for `--format github`
    #[arg(long, value_name = "SHA", env = "GITHUB_SHA", hide_env_values = true)]
    github_sha: Option<String>,
    /// Branch or tag for `--format github`: refs/heads/main
    #[arg(long, value_name = "REF", env = "GITHUB_REF", hide_env_values = true)]
    github_ref: Option<String>,
    /// Run that makes the snapshot for `--format github`
    #[arg(long, value_name = "ID", env = "GITHUB_RUN_ID", hide_env_values = true)]
    github_job: Option<String>,
    /// Snapshots with the same name replace each other [default: lazaret]
    #[arg(long, value_name = "NAME", env = "GITHUB_WORKFLOW", hide_env_values = true)]
    github_correlator: Option<String>,
}

/// A form with all it needs.
#[derive(Debug)]
pub(super) enum Form {
    Table,
    Machine(Format),
    Github(github::Job),
    Template(Box<Template>),
}

impl FormArguments {
    pub(super) fn settle(self) -> Result<Form, UserError> {
        if self.template.is_some() && self.format != ScanFormat::Template {
            let message = "`--template` is for `--format template`";
            return Err(UserError::new(ExitCode::Usage, message));
        }
        Ok(match self.format {
            ScanFormat::Table => Form::Table,
            ScanFormat::Machine(format) => Form::Machine(format),
            ScanFormat::Github => Form::Github(self.job()?),
            ScanFormat::Template => Form::Template(Box::new(read(self.template.as_deref())?)),
        })
    }

    fn job(self) -> Result<github::Job, UserError> {
        let missing = |option: &str, why: &str| {
            let message = format!("`--format github` needs `{option}`{why}");
            UserError::new(ExitCode::Usage, message)
                .hint(Some("GitHub Actions sets GITHUB_SHA and GITHUB_REF"))
        };
        let is_commit =
            |sha: &str| sha.len() == 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sha = self.github_sha.filter(|sha| !sha.is_empty());
        let sha = sha.ok_or_else(|| missing("--github-sha", ""))?;
        if !is_commit(&sha) {
            return Err(missing("--github-sha", " with 40 hexadecimal digits"));
        }
        let branch = self.github_ref.filter(|branch| branch.starts_with("refs/"));
        let branch = branch.ok_or_else(|| missing("--github-ref", " that begins with `refs/`"))?;
        let given = |text: Option<String>, default: &str| {
            text.filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned())
        };
        Ok(github::Job {
            id: given(self.github_job, &sha),
            correlator: given(self.github_correlator, "lazaret"),
            sha,
            branch,
        })
    }
}

/// Reads a template and finds its mistakes.
fn read(path: Option<&Path>) -> Result<Template, UserError> {
    let usage = |message: String| UserError::new(ExitCode::Usage, message);
    let path = path.ok_or_else(|| {
        usage("`--format template` needs `--template FILE`".to_owned())
            .hint(Some("docs/templates.md tells how to write one"))
    })?;
    let failed = |error: std::io::Error| {
        usage(format!("cannot read template `{}`: {error}", path.display()))
    };
    let mut source = String::new();
    let limit = u64::try_from(template::SOURCE_BYTES_MAX).unwrap_or(u64::MAX);
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit.saturating_add(1)).read_to_string(&mut source).map_err(failed)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Template::parse(&name, &source).map_err(|error| usage(error.to_string()))
}

impl Form {
    /// Whether the form says by itself what is incomplete, at a place where it is seen at once.
    pub(super) fn is_table(&self) -> bool {
        matches!(self, Self::Table)
    }

    /// What of the report this form cannot say.
    pub(super) fn unwritten(&self, report: &Report) -> Option<String> {
        let count = match self {
            Self::Machine(Format::OpenVexJson) => vex::openvex::left_out(report),
            _ => 0,
        };
        let note = || {
            format!(
                "{count} silenced findings are not written: a statement is about an image by its digest, \
             which `{}` does not have",
                report.artifact.name
            )
        };
        (count > 0).then(note)
    }

    /// To a file, or stdout without one.
    pub(super) fn write(
        &self,
        report: &Report,
        output: Option<&Path>,
        global: &Global,
        stop: &Stop,
    ) -> Result<(), UserError> {
        let text = match self {
            Self::Table => table::render(report, global.look(output)),
            Self::Machine(format) => {
                return output::write_by(output, &mut |out| format.write(report, out));
            }
            Self::Github(job) => github::render(report, job),
            Self::Template(template) => fill(template, report, stop)?,
        };
        output::write(output, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_in_the_table_of_the_docs() {
        let docs = include_str!("../../../../../docs/reports.md");
        let rows: Vec<&str> = docs.lines().filter(|line| line.starts_with("| `")).collect();
        for form in ScanFormat::value_variants() {
            let value = form.to_possible_value().unwrap();
            let name = format!("`{}`", value.get_name());
            assert!(rows.iter().any(|row| row.contains(&name)), "{name} is not in docs/reports.md");
        }
    }
}
