//! `lazaret guard`: watches this host and tells what rules find.

mod alert;
mod audit;
mod doctor;
mod gate;
mod judge;
mod live;
mod loss;
mod merge;
mod places;
mod policy;
mod prevent;
mod react;
mod record;
mod reload;
mod sink;
mod tier;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use sensor::kernel::Settings;

pub(crate) use self::gate::{GateArguments, run as run_gate};
pub(crate) use self::judge::{
    Judge, lines as verdict_lines, load as load_policy, object as verdict_object,
};
pub(crate) use self::live::Live;
pub(crate) use self::places::of_environment as runtimes;
use crate::cmd::global::Global;
use crate::cmd::respond;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{environment, interrupt, output};

/// Long enough that what repeats every few seconds is told once a minute.
const MERGE_WINDOW: u32 = 60;
/// What sinks, the recording and responses are given at the end for all that they have.
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
    /// Work with policies of the guard: check one, or make entries that allow from alerts.
    Policy(policy::PolicyArguments),
}

#[derive(Debug, Args)]
struct WatchArguments {
    /// Rule files, or folders of them, Falco's among them (repeatable) [default: the rules that come
    /// with lazaret]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    sinks: sink::SinkArguments,
    /// What becomes of what rules find: a policy of the guard (docs/guard-policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Do what the policy says; without, it is only told
    #[arg(long)]
    enforce: bool,
    /// Where responses are written down, and quarantined files are
    #[arg(long, env = "LAZARET_STATE", value_name = "FOLDER", default_value = respond::STATE)]
    state: PathBuf,
    /// For how long equal alerts are counted instead of told; 0 tells every one
    #[arg(long, value_name = "SECONDS", default_value_t = MERGE_WINDOW)]
    merge_window: u32,
    /// Keep every event in this file, for `lazaret rules replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How system calls are seen
    #[arg(long, value_enum, default_value_t = tier::Choice::Auto)]
    tier: tier::Choice,
}

pub(crate) fn run(arguments: GuardArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        Some(Verb::Audit(arguments)) => audit::run(&arguments, global),
        Some(Verb::Doctor) => doctor::run(),
        Some(Verb::Policy(arguments)) => policy::run(&arguments, global),
        None => watch(arguments.watch, global),
    }
}

fn watch(arguments: WatchArguments, global: &Global) -> Result<ExitCode, UserError> {
    let WatchArguments { rules, sinks, policy, enforce, merge_window, record, tier, state } =
        arguments;
    if enforce && policy.is_none() {
        return Err(judge::needs_policy());
    }
    environment::have_many_descriptors();
    let are_ours = rules.is_empty();
    let sources = reload::Sources { rules, policy };
    let mut ready = sources.read()?;
    let (never, code) = (std::mem::take(&mut ready.never), ready.code);
    let count = ready.rules.len() - never.len();
    let (stop, asked) = interrupt::stop_or_reread()?;
    let mut places = watch::Places {
        sinks: sink::open(&sinks, global.look(None).color, &stop)?,
        recording: record.as_deref().map(record::Recording::create).transpose()?,
        react: react::React::start(enforce.then(|| react::responder(&state)).transpose()?)?,
        merge: merge::Merge::new(Duration::from_secs(merge_window.into())),
    };
    if enforce {
        places.react.keep_limits(&state)?;
    }
    let reload = reload::Reload::new(sources, asked);
    let settings = Settings { tier: tier.tier(), ..Settings::new() };
    let mut guard = watch::Guard::new(ready, reload, places, settings, global.calendar, enforce)?;
    guard.note_policy();
    if !global.is_quiet() {
        guard.tier().iter().for_each(|line| output::note(line));
        never.iter().for_each(|rule| output::note(rule));
        let of_ours = if are_ours { " that come with lazaret" } else { "" };
        output::note(&format!("{count} rules{of_ours}; Ctrl-C ends"));
    }
    let ran = guard.run(&stop);
    // Whatever happened, what was found is told.
    let (summary, recorded) = guard.finish();
    if !global.is_quiet() {
        output::note(&summary);
    }
    ran.and(recorded).map(|()| code)
}
