//! `lazaret guard`: watches this host and tells what rules find.

mod alert;
mod behind;
mod doctor;
mod live;
mod loss;
mod places;
mod record;
mod sink;
mod tier;
mod watch;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use detect::Engine;
use sensor::kernel::Settings;

pub(crate) use self::live::Live;
pub(crate) use self::places::of_environment as runtimes;
use crate::cmd::global::Global;
use crate::cmd::rules;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{interrupt, output};

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
    /// Say what this kernel and this host let the guard see, and what not.
    Doctor,
}

#[derive(Debug, Args)]
struct WatchArguments {
    /// Rule files, or folders of them, Falco's among them (repeatable) [default: the rules that come
    /// with lazaret]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    // In an attribute, because a documentation comment takes its brackets for a link.
    #[arg(
        long,
        value_name = "FORMAT@SINK",
        help = "Where alerts go and in which form (repeatable): human, json or falco-json at stdout, \
                file:PATH or an http:// URL, which each alert is posted to [default: human@stdout]"
    )]
    to: Vec<sink::Wanted>,
    /// Keep every event in this file, for `lazaret rules replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How system calls are seen
    #[arg(long, value_enum, default_value_t = tier::Choice::Auto)]
    tier: tier::Choice,
}

pub(crate) fn run(arguments: GuardArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        Some(Verb::Doctor) => doctor::run(),
        None => watch(arguments.watch, global),
    }
}

fn watch(arguments: WatchArguments, global: &Global) -> Result<ExitCode, UserError> {
    let rules::Watching { ruleset, never, code } = rules::to_use(&arguments.rules)?;
    let engine = Engine::new(&ruleset);
    let stop = interrupt::stop_on_signals(None)?;
    let look = global.look(None);
    let sinks = sink::open(&arguments.to, look.color, &stop)?;
    let recording = arguments.record.as_deref().map(record::Recording::create).transpose()?;
    let settings = Settings { tier: arguments.tier.tier(), ..Settings::new() };
    let mut guard = watch::Guard::new(engine, ruleset.rules(), settings, sinks, recording)?;
    if !global.is_quiet() {
        for line in guard.tier() {
            output::note(&line);
        }
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
