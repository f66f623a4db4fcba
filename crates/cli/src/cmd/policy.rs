//! `lazaret policy`: read a policy without scanning anything.

mod check;
mod explain;
mod facts;
mod test;

use clap::{Args, Subcommand};

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct PolicyArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check a policy: every mistake with its line and column.
    Check(check::CheckArguments),
    /// Run the cases that stand under `tests` in a policy.
    Test(test::TestArguments),
    /// Say in words what each rule does and, given a report, why the verdict comes out as it does.
    Explain(explain::ExplainArguments),
    /// List the facts that conditions can ask.
    Facts(facts::FactsArguments),
}

pub(crate) fn run(arguments: PolicyArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Explain(arguments) => explain::run(&arguments, global),
        Verb::Facts(arguments) => facts::run(&arguments),
    }
}
