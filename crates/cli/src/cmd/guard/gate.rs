//! `lazaret gate`: judges what is about to start, before its first program runs.
//!
//! The entrances are in `gate`, the crate; here are their options, the sinks, and what becomes of a
//! gate that cannot judge. It stands beside the guard, whose alerts it tells.

mod docker;
mod hook;
mod scanner;
mod told;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::gate::{Judge, Verdicts};
use clap::{Args, Subcommand, ValueEnum};
use policy::guard::start::StartPolicy;

use super::judge::list;
use super::sink::SinkArguments;
use crate::cmd::global::Global;
use crate::cmd::judgement;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  lazaret scan --policy policy.yaml --keep-verdict /var/lib/lazaret/verdicts IMAGE
  lazaret gate docker --policy gate.yaml --verdicts /var/lib/lazaret/verdicts --enforce
  dockerd --authorization-plugin lazaret

docs/gate.md tells how to put it in front of Docker and Podman, and what leads around it.";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct GateArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Answer a Docker daemon, as its authorisation plugin, whether it may start what it is asked for.
    Docker(docker::DockerArguments),
    /// Judge one container for its runtime, as its `createRuntime` hook: exit code 0 lets it start.
    OciHook(hook::HookArguments),
    /// Read a policy of the gate and say every mistake in it.
    Check {
        /// The policy (docs/gate.md)
        policy: PathBuf,
    },
}

#[derive(Args, Debug)]
struct JudgeArguments {
    /// Which images and which settings may start: a policy of the gate (docs/gate.md)
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Where `lazaret scan --keep-verdict` keeps its verdicts
    #[arg(long, value_name = "DIR")]
    verdicts: PathBuf,
    /// Refuse what the policy denies; without, it is only told
    #[arg(long)]
    enforce: bool,
    /// With --enforce, what becomes of a start that cannot be judged
    #[arg(long, value_enum, default_value_t = WhenBroken::Deny, value_name = "WHAT")]
    when_broken: WhenBroken,
    /// When a start counts as one that cannot be judged, because nothing has answered
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=60))]
    deadline: u64,
    #[command(flatten)]
    sinks: SinkArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhenBroken {
    Deny,
    Allow,
}

pub(crate) fn run(arguments: GateArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        Verb::Docker(arguments) => docker::run(&arguments, global),
        Verb::OciHook(arguments) => Ok(hook::run(&arguments, global)),
        Verb::Check { policy } => {
            let read = load(&policy)?;
            let (images, starts, allowed) = read.counts();
            output::note(&format!(
                "`{}`: {images} about images, {starts} about starts, {allowed} that allow",
                read.name()
            ));
            read.notes(global.today).iter().for_each(|note| output::note(note));
            Ok(ExitCode::Done)
        }
    }
}

impl JudgeArguments {
    fn judge(&self) -> Result<Judge, UserError> {
        let judge = Judge {
            policy: load(&self.policy)?,
            verdicts: Verdicts::at(&self.verdicts),
            enforce: self.enforce,
            closed: self.when_broken == WhenBroken::Deny,
        };
        let usable = judge.verdicts.check();
        usable.map_err(|why| UserError::new(ExitCode::Failed, why.to_string()))?;
        Ok(judge)
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline)
    }
}

fn load(path: &Path) -> Result<StartPolicy, UserError> {
    let text = judgement::text(path)?;
    let mut list = |name: &str| list(&path.with_file_name(name));
    let read = StartPolicy::parse(&text, &path.display().to_string(), &mut list);
    let read = read.map_err(|errors| judgement::mistakes(path, &errors))?;
    match read.misspelt(&sensor::containers::CAPABILITIES) {
        mistakes if mistakes.is_empty() => Ok(read),
        mistakes => Err(judgement::mistakes(path, &mistakes)),
    }
}
