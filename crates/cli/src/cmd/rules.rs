//! `lazaret rules`: what is looked for in what runs, without looking.

mod check;
mod list;
mod load;
mod replay;
mod show;
mod suite;
mod test;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use detect::Ruleset;

pub(crate) use self::replay::object;

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
    /// Do what suites say on this machine, and see that rules fire: for machines that are for tests.
    Suite(suite::SuiteArguments),
}

pub(crate) fn run(arguments: RulesArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        Verb::List(arguments) => list::run(&arguments),
        Verb::Show(arguments) => show::run(&arguments),
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Test(arguments) => test::run(&arguments),
        Verb::Replay(arguments) => replay::run(&arguments, global),
        Verb::Suite(arguments) => suite::run(&arguments),
    }
}

/// The rules of the paths, or our own, for who watches with them.
pub(crate) fn to_use(paths: &[PathBuf]) -> Result<(Ruleset, ExitCode), UserError> {
    let rules = load::rules(paths)?;
    let watches = rules.ruleset.rules().iter().any(|rule| rule.source == detect::Source::Syscall);
    if watches {
        return Ok((rules.ruleset, rules.code));
    }
    let message = "no rule is about what runs on a host";
    let hint = "name rule files with --rules PATH, Falco's among them";
    Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)))
}
