//! `lazaret guard`: watches this host and tells what rules find.

mod alert;
mod audit;
mod doctor;
mod live;
mod loss;
mod places;
mod record;
mod sink;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use detect::{Engine, Source};

pub(crate) use self::live::Live;
pub(crate) use self::places::of_environment as runtimes;
use crate::cmd::global::Global;
use crate::cmd::rules;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{interrupt, output};

/// What sinks and the recording are given at the end for all that they have.
const END: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct GuardArguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    watch: WatchArguments,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Judge what Kubernetes API servers audit: a webhook, logs that are followed. Needs no root.
    Audit(audit::AuditArguments),
    /// Say what this kernel and this host let the guard see, and what not.
    Doctor,
}

#[derive(Debug, Args)]
struct WatchArguments {
    /// Rule files, or folders of them, Falco's among them (repeatable) [default: the rules that come
    /// with lazaret]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    sinks: sink::SinkArguments,
    /// Keep every event in this file, for `lazaret rules replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

pub(crate) fn run(arguments: GuardArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        Some(Verb::Audit(arguments)) => audit::run(&arguments, global),
        Some(Verb::Doctor) => doctor::run(),
        None => watch(arguments.watch, global),
    }
}

fn watch(arguments: WatchArguments, global: &Global) -> Result<ExitCode, UserError> {
    let rules::Watching { ruleset, never, code } =
        rules::to_use(&arguments.rules, Source::Syscall)?;
    let engine = Engine::new(&ruleset);
    let stop = interrupt::stop_on_signals(None)?;
    let look = global.look(None);
    let sinks = sink::open(&arguments.sinks, look.color, &stop)?;
    let recording = arguments.record.as_deref().map(record::Recording::create).transpose()?;
    let mut guard = watch::Guard::new(engine, ruleset.rules(), sinks, recording)?;
    if !global.is_quiet() {
        for rule in &never {
            output::note(rule);
        }
        let of_ours = if arguments.rules.is_empty() { " that come with lazaret" } else { "" };
        output::note(&format!("{} rules{of_ours}; Ctrl-C ends", guard.rules() - never.len()));
    }
    let ran = guard.run(&stop);
    // Whatever happened, what was found is told.
    let (summary, recorded) = guard.finish();
    if !global.is_quiet() {
        output::note(&summary);
    }
    ran.and(recorded).map(|()| code)
}
