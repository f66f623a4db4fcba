//! `lazaret guard`: watches this host and tells what rules find.

mod alert;
mod attempts;
mod audit;
mod bounds;
mod cage;
mod carry;
mod changes;
mod doctor;
mod gate;
mod judge;
mod live;
mod loss;
mod malware;
mod merge;
mod places;
mod policy;
mod prevent;
mod profile;
mod profiles;
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
    Judge, lines as verdict_lines, load as load_policy, object as verdict_object, request,
};
pub(crate) use self::live::Live;
pub(crate) use self::places::of_environment as runtimes;
use crate::cmd::global::Global;
use crate::cmd::malware::SignatureArguments;
use crate::cmd::{respond, rules};
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
    /// Carry alerts to one sink: what the guard starts, with its line as standard input.
    #[command(name = carry::VERB, hide = true)]
    Carry(sink::SinkArguments),
    /// Look at the files that the guard hands over: started by it alone.
    #[command(hide = true)]
    Examine(SignatureArguments),
    /// Say what this kernel and this host let the guard see, and what not.
    Doctor,
    /// Work with policies of the guard: check one, or make entries that allow from alerts.
    Policy(policy::PolicyArguments),
    /// Work with profiles of workloads: list, show, compare, promote, export.
    Profile(profile::ProfileArguments),
}

#[derive(Debug, Args)]
struct WatchArguments {
    /// Rule files, or folders of them, Falco's among them (repeatable) [default: the rules that come
    /// with lazaret]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    lists: rules::ListArguments,
    #[command(flatten)]
    sinks: sink::SinkArguments,
    /// What becomes of what rules find: a policy of the guard (docs/guard-policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    profiles: profiles::LearnArguments,
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
    #[command(flatten)]
    look: malware::LookArguments,
}

pub(crate) fn run(arguments: GuardArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        Some(Verb::Audit(arguments)) => audit::run(&arguments, global),
        Some(Verb::Carry(arguments)) => carry::run(&arguments),
        Some(Verb::Examine(signatures)) => malware::examine(signatures),
        Some(Verb::Doctor) => doctor::run(),
        Some(Verb::Policy(arguments)) => policy::run(&arguments, global),
        Some(Verb::Profile(arguments)) => profile::run(&arguments, global),
        None => watch(arguments.watch, global),
    }
}

fn watch(arguments: WatchArguments, global: &Global) -> Result<ExitCode, UserError> {
    let WatchArguments {
        rules,
        lists,
        sinks,
        policy,
        profiles,
        enforce,
        merge_window,
        record,
        tier,
        state,
        look,
    } = arguments;
    if enforce && policy.is_none() && !profiles.is_asked() {
        return Err(judge::needs_policy());
    }
    environment::have_many_descriptors();
    let nursery = cage::close_guard(enforce)?;
    let are_ours = rules.is_empty();
    let sources = reload::Sources { rules, policy, lists, calendar: global.calendar };
    let attempts = attempts::Attempts::on(&own_places(&sources, &sinks, &state));
    let mut ready = sources.read()?;
    ready.lists.tell(global.is_quiet());
    let (never, code) = (std::mem::take(&mut ready.never), ready.code);
    let count = ready.rules.len() - never.len();
    let settings = Settings { tier: tier.tier(), ..Settings::new() };
    let (stop, reread) = interrupt::stop_or_reread()?;
    let wish = malware::Wish::new(look, &nursery);
    let places = watch::Places {
        malware: wish.start(ready.asks_for_malware())?,
        sinks: sink::open(&sinks, global.look(None).color, &stop, &nursery)?,
        recording: record.as_deref().map(record::Recording::create).transpose()?,
        react: enforce.then(|| react::React::start(&state)).transpose()?.unwrap_or_default(),
        merge: merge::Merge::new(Duration::from_secs(merge_window.into())),
        profiles: profiles.start((global.calendar.today(), enforce), &settings.hierarchy)?,
        attempts,
    };
    let reload = reload::Reload::new(sources, wish, reread);
    let mut guard = watch::Guard::new(ready, reload, places, settings, global.calendar, enforce)?;
    guard.note_policy();
    confine::give_memory_back();
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

/// What the guard lives by, beside its processes.
fn own_places(
    sources: &reload::Sources,
    sinks: &sink::SinkArguments,
    state: &std::path::Path,
) -> Vec<PathBuf> {
    let pins = sensor::prevent::Settings::new().pins;
    let program = std::fs::read_link("/proc/self/exe").ok();
    let read = sources.rules.iter().chain(&sources.policy).cloned();
    let kept = [state.to_owned()].into_iter().chain(sinks.spool().cloned());
    read.chain(kept).chain(pins).chain(program).collect()
}
