//! `lazaret policy check`: whether a policy is well-formed.

use std::path::PathBuf;

use clap::Args;

use crate::cmd::judgement;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::count;

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The policy
    file: PathBuf,
}

pub(crate) fn run(arguments: &CheckArguments) -> Result<ExitCode, UserError> {
    let policy = judgement::load(&arguments.file)?;
    let (rules, exceptions) = (policy.describe().len(), policy.describe_exceptions().len());
    let (rules, exceptions) = (count(rules, "rule"), count(exceptions, "exception"));
    output::write(None, &format!("well-formed: {rules}, {exceptions}\n"))?;
    Ok(ExitCode::Done)
}
