//! The kernel watched: records → events, and what got lost on the way.
//!
//! It must never wait for anybody but the kernel: runtimes and files of containers have threads of
//! their own.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use detect::Rule;
use model::event::{Audience, Call, Event, Loss};
use sensor::containers::Whose;
use sensor::contents::{Begun, Program};
use sensor::kernel::{Kernel, Refusal, Settings, groups_are_of_host, processes_are_of_host};
use sensor::record::{Deed, Record};
use sensor::{Extent, Host, Wanted};

use super::loss::Losses;
use super::{attempts, places, tier};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// How long the kernel may be silent before Ctrl-C and the counts of losses are looked at.
const SILENCE: Duration = Duration::from_millis(200);
/// The same while events wait for the description of their container.
const SHORT_SILENCE: Duration = Duration::from_millis(10);

/// Losses that wait for their control group to be told of: it is not for floods of groups.
const EARLY_MAX: usize = 1_024;

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

/// What the kernel tells, and what is known of this host.
pub(crate) struct Live {
    kernel: Kernel,
    host: Host,
    losses: Losses,
    /// Those of groups of which nobody was told, each with when it was counted: that a group was made may
    /// still be in the buffer.
    early: VecDeque<(u64, Loss)>,
    damaged: u64,
    /// What was done before was told, in nanoseconds since the epoch.
    reached: u64,
    /// Calls that somebody beside the rules asks for.
    also: BTreeSet<Call>,
    /// Who is told of each program as soon as it began.
    watcher: Option<Box<dyn FnMut(Begun)>>,
}

impl Live {
    /// The kernel first, then what runs already: whatever begins meanwhile waits in a buffer.
    pub(crate) fn start(
        rules: &[&Arc<Rule>],
        also: BTreeSet<Call>,
        settings: Settings,
    ) -> Result<Self, UserError> {
        see_host()?;
        let mut kernel = Kernel::start(&settings).map_err(refused)?;
        kernel.exclude(std::process::id()).map_err(refused)?;
        let host = Host::new(settings.hierarchy, places::of_environment());
        kernel.watch_extents(wanted(rules, &also)).map_err(refused)?;
        Ok(Self {
            kernel,
            host,
            losses: Losses::default(),
            early: VecDeque::new(),
            damaged: 0,
            reached: 0,
            also,
            watcher: None,
        })
    }

    /// From now on what these rules ask for is told, without a gap in what others asked for before.
    pub(super) fn watch(&mut self, rules: &[&Arc<Rule>]) -> Result<(), UserError> {
        self.kernel.watch_extents(wanted(rules, &self.also)).map_err(refused)
    }

    /// From now on this one is told of programs, if anybody. An event of a new container waits until its
    /// runtime has described it, and whoever is gone then can show nothing.
    pub(super) fn tell_programs(&mut self, watcher: Option<Box<dyn FnMut(Begun)>>) {
        self.watcher = watcher;
    }

    /// How calls are seen, and which are not.
    pub(crate) fn tier(&self) -> Vec<String> {
        let seen = format!("calls are seen by {}", tier::sentence(&self.kernel));
        [seen].into_iter().chain(tier::unseen(&self.kernel)).collect()
    }

    /// What is known of the host.
    pub(super) fn host(&mut self) -> &mut Host {
        &mut self.host
    }

    /// How long `receive` may wait.
    pub(crate) fn silence(&self) -> Duration {
        if self.host.is_waiting() { SHORT_SILENCE } else { SILENCE }
    }

    /// What happened, and how many records told it.
    pub(crate) fn receive(&mut self, silence: Duration, pass: &mut dyn FnMut(Event)) -> usize {
        let Self { kernel, host, damaged, reached, watcher, .. } = self;
        let begun = host.now();
        let count = kernel.receive(silence, &mut |record| match record {
            Ok(record) => {
                *reached = host.time(&record);
                let events = host.take(&record);
                if let Some(watcher) = watcher {
                    begun_by(host, &record, *reached).into_iter().for_each(watcher);
                }
                events.into_iter().for_each(&mut *pass);
            }
            Err(_) => *damaged += 1,
        });
        if count == 0 {
            *reached = begun;
        }
        host.settle().into_iter().for_each(pass);
        count
    }

    /// Up to when all that was done is told: in nanoseconds since the epoch, as events have it.
    pub(super) fn reached(&self) -> u64 {
        self.reached
    }

    /// Says what was lost since the last look; it is an event too, of a container where that is known.
    pub(crate) fn count_losses(&mut self, pass: &mut dyn FnMut(Event)) -> Result<(), UserError> {
        let lost = self.kernel.losses().map_err(refused)?;
        let now = self.host.now();
        for loss in self.losses.news(&lost, self.damaged) {
            output::note(&format!("lost: {} {} ({})", loss.count, loss.class, loss.cause));
            if is_known(&self.host, &loss) {
                pass(self.host.lost(loss));
            } else {
                self.early.push_back((now, loss));
            }
        }
        while let Some((counted, _)) = self.early.front()
            && (*counted <= self.reached || self.early.len() > EARLY_MAX)
        {
            let loss = self.early.pop_front().map(|(_, loss)| self.host.lost(loss));
            loss.into_iter().for_each(&mut *pass);
        }
        Ok(())
    }

    /// Nothing more is told: losses wait no longer.
    pub(super) fn close(&mut self) {
        self.reached = u64::MAX;
    }

    /// What was lost in all.
    pub(crate) fn summary(&self) -> String {
        self.losses.summary()
    }
}

/// Whether it is known who lost it.
fn is_known(host: &Host, loss: &Loss) -> bool {
    match loss.of {
        Audience::ControlGroup(group) => !matches!(host.whose(group), Whose::Unknown),
        Audience::Anyone => true,
    }
}

/// What a record tells of a program, or of a control group that was made.
fn begun_by(host: &Host, record: &Record, time: u64) -> Option<Begun> {
    match &record.deed {
        Deed::Exec(_) => Program::of(record, time, !host.is_of_host(record)).map(Begun::Program),
        Deed::Group(group) => Some(Begun::Group(group.path.to_string())),
        _ => None,
    }
}

/// The calls that rules and others ask for, and those that go with them.
fn wanted(rules: &[&Arc<Rule>], also: &BTreeSet<Call>) -> Wanted {
    let mut calls: Wanted =
        rules.iter().flat_map(|rule| rule.calls()).map(|call| (*call, Extent::Names)).collect();
    let whole = rules.iter().flat_map(|rule| rule.calls_unasked()).chain(also);
    calls.extend(whole.map(|call| (*call, Extent::All)));
    // These are told without looking at calls. Programs are too, unless they cannot be started: who
    // asks for them asks for that.
    let always = [
        Call::Clone,
        Call::Clone3,
        Call::Container,
        Call::Fork,
        Call::Lost,
        Call::Malware,
        Call::Procexit,
        Call::Relay,
        Call::Vfork,
    ];
    // A relay is told by who connects, and by programs.
    if calls.contains_key(&Call::Relay) {
        calls.insert(Call::Connect, Extent::All);
    }
    if calls.keys().any(|call| !always.contains(call)) {
        calls.extend(OF_STATE.iter().chain(&attempts::CALLS).map(|call| (*call, Extent::All)));
    } else {
        calls.clear();
    }
    calls
}

/// Who cannot tell containers apart, or itself from others, is not to say that all is well.
pub(super) fn see_host() -> Result<(), UserError> {
    let message = match (groups_are_of_host(), processes_are_of_host()) {
        (false, _) => {
            "the guard is in a namespace of control groups that is not the host's: it cannot tell containers apart"
        }
        (_, false) => {
            "the guard is in a namespace of processes that is not the host's: it cannot tell itself from others"
        }
        _ => return Ok(()),
    };
    let hint = "in a container, run it with `--cgroupns=host --pid=host`";
    Err(UserError::new(ExitCode::Failed, message).hint(Some(hint)))
}

/// The kernel does not let us.
pub(super) fn refused(refusal: Refusal) -> UserError {
    let error = of_refusal(&refusal);
    if rustix::process::geteuid().is_root() {
        return error;
    }
    let message = format!("the guard may not look into the kernel: {}", message_of(&refusal).0);
    UserError::new(ExitCode::Failed, message).hint(Some("run it as root"))
}

/// A refusal of the sensor as users meet it.
pub(super) fn of_refusal(refusal: &dyn Display) -> UserError {
    let (message, hint) = message_of(refusal);
    UserError::new(ExitCode::Failed, message).hint(hint)
}

/// The sensor's refusals end with a line that is a hint, where there is one.
fn message_of(refusal: &dyn Display) -> (String, Option<String>) {
    let text = refusal.to_string();
    match text.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text, None),
    }
}
