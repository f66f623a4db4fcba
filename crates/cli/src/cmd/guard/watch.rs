//! The loop: records of the kernel → events → detections → sinks.
//!
//! It must never wait for anybody but the kernel: runtimes, files of containers, sinks and the
//! recording have threads of their own.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use artifact::Stop;
use detect::{Engine, Rule};
use model::event::{Call, Event};
use sensor::Host;
use sensor::kernel::{Kernel, Refusal, Settings, groups_are_of_host};
use sensor::record::Record;

use super::alert::Alert;
use super::loss::Losses;
use super::places;
use super::record::Recording;
use super::sink::Sinks;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// How long the kernel may be silent before Ctrl-C and the counts of losses are looked at.
const SILENCE: Duration = Duration::from_millis(200);
/// The same while events wait for the description of their container.
const SHORT_SILENCE: Duration = Duration::from_millis(10);
const LOSSES_PAUSE: Duration = Duration::from_secs(1);
/// What may be taken at the end for what the kernel has still: a host that never rests has always
/// more.
const REST: Duration = Duration::from_secs(2);

/// Calls that change what the table of processes holds. They are told where any call is: alone,
/// they are not worth what it costs to look at every call of the machine.
const OF_STATE: [Call; 13] = [
    Call::Capset,
    Call::Chdir,
    Call::Chroot,
    Call::Fchdir,
    Call::PivotRoot,
    Call::Setgid,
    Call::Setns,
    Call::Setregid,
    Call::Setresgid,
    Call::Setresuid,
    Call::Setreuid,
    Call::Setuid,
    Call::Unshare,
];

pub(super) struct Guard {
    kernel: Kernel,
    told: Told,
    losses: Losses,
    rules: usize,
    losses_read: Instant,
}

/// Everything that an event passes.
struct Told {
    host: Host,
    engine: Engine,
    sinks: Sinks,
    recording: Option<Recording>,
    events: u64,
    alerts: u64,
    damaged: u64,
}

impl Guard {
    /// The kernel first, then what runs already: whatever begins meanwhile waits in a buffer.
    pub(super) fn new(
        engine: Engine,
        rules: &[Arc<Rule>],
        sinks: Sinks,
        recording: Option<Recording>,
    ) -> Result<Self, UserError> {
        see_groups()?;
        let settings = Settings::new();
        let mut kernel = Kernel::start(&settings).map_err(refused)?;
        kernel.exclude(std::process::id()).map_err(refused)?;
        let host = Host::new(settings.hierarchy, places::of_environment());
        let enabled: Vec<&Arc<Rule>> = rules.iter().filter(|rule| rule.enabled).collect();
        kernel.watch(&wanted(&enabled)).map_err(refused)?;
        let told = Told { host, engine, sinks, recording, events: 0, alerts: 0, damaged: 0 };
        let losses = Losses::default();
        Ok(Self { kernel, told, losses, rules: enabled.len(), losses_read: Instant::now() })
    }

    pub(super) fn rules(&self) -> usize {
        self.rules
    }

    /// Until the user says stop.
    pub(super) fn run(&mut self, stop: &Stop) -> Result<(), UserError> {
        while !stop.is_stopped() {
            let silence = if self.told.host.is_waiting() { SHORT_SILENCE } else { SILENCE };
            self.receive(silence);
            if self.losses_read.elapsed() > LOSSES_PAUSE {
                self.count_losses()?;
            }
        }
        // What the kernel has still.
        let stopped = Instant::now();
        while self.receive(Duration::ZERO) > 0 && stopped.elapsed() < REST {}
        self.count_losses()
    }

    fn receive(&mut self, silence: Duration) -> usize {
        let Self { kernel, told, .. } = self;
        let count = kernel.receive(silence, &mut |record| match record {
            Ok(record) => told.take(&record),
            Err(_) => told.damaged += 1,
        });
        for event in told.host.settle() {
            told.pass(event);
        }
        count
    }

    fn count_losses(&mut self) -> Result<(), UserError> {
        self.losses_read = Instant::now();
        for (name, count) in self.told.sinks.news() {
            output::note(&format!("{count} alerts did not get to {name}"));
        }
        let lost = self.kernel.losses().map_err(refused)?;
        for loss in self.losses.news(&lost, self.told.damaged) {
            output::note(&format!("lost: {} {} ({})", loss.count, loss.class, loss.cause));
            let event = self.told.host.lost(loss);
            self.told.pass(event);
        }
        Ok(())
    }

    /// What it came to, and whether the recording is whole. Sinks are given time for what they have.
    pub(super) fn finish(self) -> (String, Result<(), UserError>) {
        let Told { host, sinks, recording, events, alerts, .. } = self.told;
        drop(host);
        let mut summary = format!("{events} events, {alerts} alerts; {}", self.losses.summary());
        for (name, count) in sinks.finish() {
            write!(summary, "; {count} alerts did not get to {name}")
                .expect("a String takes anything");
        }
        (summary, recording.map_or(Ok(()), Recording::finish))
    }
}

impl Told {
    fn take(&mut self, record: &Record) {
        for event in self.host.take(record) {
            self.pass(event);
        }
    }

    fn pass(&mut self, event: Event) {
        self.events += 1;
        for detection in self.engine.judge(&event) {
            self.alerts += 1;
            self.sinks.tell(&Alert { event: &event, detection: &detection });
        }
        if let Some(recording) = &self.recording {
            recording.event(event);
        }
    }
}

/// The calls that rules ask for, and those that go with them.
fn wanted(rules: &[&Arc<Rule>]) -> BTreeSet<Call> {
    let mut calls: BTreeSet<Call> = rules.iter().flat_map(|rule| rule.calls()).collect();
    // These are told without looking at calls. Programs are too, unless they cannot be started: who
    // asks for them asks for that.
    let always = [
        Call::Clone,
        Call::Clone3,
        Call::Container,
        Call::Fork,
        Call::Lost,
        Call::Procexit,
        Call::Vfork,
    ];
    if calls.iter().any(|call| !always.contains(call)) {
        calls.extend(OF_STATE);
    } else {
        calls.clear();
    }
    calls
}

/// Who cannot tell containers apart is not to say that all is well.
pub(super) fn see_groups() -> Result<(), UserError> {
    if groups_are_of_host() {
        return Ok(());
    }
    let message = "the guard is in a namespace of control groups that is not the host's: it cannot tell containers apart";
    let hint = "in a container, run it with `--cgroupns=host` (and `--pid=host`)";
    Err(UserError::new(ExitCode::Failed, message).hint(Some(hint)))
}

/// The kernel does not let us.
pub(super) fn refused(refusal: Refusal) -> UserError {
    let text = refusal.to_string();
    let (message, hint) = match text.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text, None),
    };
    let code = ExitCode::Failed;
    if rustix::process::geteuid().is_root() {
        return UserError::new(code, message).hint(hint);
    }
    let message = format!("the guard may not look into the kernel: {message}");
    UserError::new(code, message).hint(Some("run it as root"))
}
