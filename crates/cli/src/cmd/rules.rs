//! `lazaret rules`: what is looked for in what runs, without looking.

mod check;
mod list;
mod load;
mod replay;
mod show;
mod test;

use clap::{Args, Subcommand};

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct RulesArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List rules: how urgent, of which source, whether they are enabled, their tags.
    List(list::ListArguments),
    /// Show a rule: what it finds and why, ATT&CK, its whole condition, what it is asked of.
    Show(show::ShowArguments),
    /// Check rule files: every mistake with its line and column, and rules that can never fire.
    Check(check::CheckArguments),
    /// Hold rules against the recordings that stand beside them.
    Test(test::TestArguments),
    /// Hold rules against a recording, or against audit records of Kubernetes.
    Replay(replay::ReplayArguments),
}

pub(crate) fn run(arguments: RulesArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        Verb::List(arguments) => list::run(&arguments),
        Verb::Show(arguments) => show::run(&arguments),
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Replay(arguments) => replay::run(&arguments, global),
    }
}
