//! `lazaret rules`: what is looked for in what runs, without looking.

mod check;
mod list;
mod lists;
mod load;
mod replay;
mod show;
mod suite;
mod test;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use detect::{Rule, Ruleset, Source};
use policy::guard::GuardPolicy;

pub(crate) use self::lists::{ListArguments, Loaded};
pub(crate) use self::replay::object;

use crate::cmd::global::Global;
use crate::cmd::guard::Judge;
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
        Verb::Check(arguments) => check::run(&arguments, global),
        Verb::Test(arguments) => test::run(&arguments, global),
        Verb::Replay(arguments) => replay::run(&arguments, global),
        Verb::Suite(arguments) => suite::run(&arguments),
    }
}

/// Rules for who watches a host with them.
pub(crate) struct Watching {
    pub(crate) ruleset: Ruleset,
    pub(crate) judge: Judge,
    /// Of rules that can never fire here: which, and why.
    pub(crate) never: Vec<String>,
    pub(crate) code: ExitCode,
}

/// The rules about one source of the paths, or our own, and what the policy makes of them.
pub(crate) fn to_use(
    paths: &[PathBuf],
    source: Source,
    policy: Option<(&Path, GuardPolicy)>,
) -> Result<Watching, UserError> {
    let load::Usable { mut ruleset, doubts, code } = load::rules(paths)?;
    let judge = match policy {
        Some((path, policy)) => Judge::new(path, policy, &mut ruleset)?,
        None => Judge::default(),
    };
    // Nothing on a host is an audit record.
    ruleset.retain(|rule| rule.source == source);
    if ruleset.rules().is_empty() {
        let message = match source {
            Source::Syscall => "no rule is about what runs on a host",
            Source::K8sAudit => "no rule is about what Kubernetes audits",
        };
        let hint = "name rule files with --rules PATH, Falco's among them";
        return Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)));
    }
    let is_dead =
        |rule: &&Arc<Rule>| source == Source::Syscall && rule.enabled && rule.calls().is_empty();
    let dead = ruleset.rules().iter().filter(is_dead);
    let said = |name: &str| {
        let of_it = doubts.iter().filter(|doubt| doubt.subject == name);
        of_it.map(|doubt| doubt.message.as_str()).collect::<Vec<_>>().join("; ")
    };
    let never = dead.map(|rule| format!("`{}`: {}", rule.name, said(&rule.name))).collect();
    Ok(Watching { ruleset, judge, never, code })
}
