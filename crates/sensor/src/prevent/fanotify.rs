//! Refusing by fanotify: the kernel asks before it starts a program or opens a file, and waits.
//!
//! ```text
//! kernel → responder: who (control group), what (path, place, inode, layer) → yes or no
//! mounts → surveyor:  marks on the file systems of containers, before their first program runs
//!          watchdog:  lets everything through if an answer takes too long
//! ```
//!
//! For kernels without BPF-LSM. A process that waits is one of a container, never one of the host; it
//! waits until the deadline at most, and if this process dies the kernel lets everything through.
//! What an event does not tell cannot be held, and is refused at the start ([`cannot_hold`]); what
//! can be gone around is told as a [`Gap`] where it is found, and by docs/guard.md where it always is.

pub(crate) mod caller;
pub(crate) mod facts;
pub(crate) mod host;
mod hosts;
mod inquiry;
pub(crate) mod layers;
pub(crate) mod lookup;
pub(crate) mod marks;
pub(crate) mod mount;
mod responder;
mod rules;
mod state;
mod surveyor;
mod watchdog;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use model::event::Text;
use model::{Denial, Prevention, Refused};
use nix::errno::Errno;
use nix::sys::fanotify::{EventFFlags, Fanotify as Queue, InitFlags, MarkFlags, MaskFlags};

use crate::kernel::Hierarchy;

pub use self::inquiry::Counts;
use self::inquiry::Inquiry;
use self::responder::Responder;
use self::rules::Rules;
use self::surveyor::Surveyor;

/// Denials that nobody took yet: a flood of them is counted beyond.
const DENIALS_MAX: usize = 8_192;

/// What is chosen before the kernel is asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a process may wait for an answer. Then everything is let through, for good.
    pub deadline: Duration,
    pub hierarchy: Hierarchy,
    /// For tests of the deadline: how long an answer is held back.
    #[doc(hidden)]
    pub delay: Duration,
}

impl Settings {
    /// For this machine. An answer takes microseconds, and looking at the mounts of a new container
    /// milliseconds: two seconds are a fault, and yet no timeout of a service.
    pub fn new() -> Self {
        let hierarchy = Hierarchy::find();
        Self { deadline: Duration::from_secs(2), hierarchy, delay: Duration::ZERO }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// Why nothing is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error(
        "asking the kernel for permission events: {0}\nhint: root (CAP_SYS_ADMIN), and a kernel \
         with CONFIG_FANOTIFY_ACCESS_PERMISSIONS"
    )]
    Kernel(#[source] std::io::Error),
    #[error("prevention `{prevention}`: {why}")]
    Unsupported { prevention: String, why: &'static str },
    #[error("prevention `{prevention}`: `{place}` is no whole path, or ends with a slash")]
    Place { prevention: String, place: Text },
    #[error("{0} preventions: at most {max} can be held", max = rules::PREVENTIONS_MAX)]
    TooMany(usize),
    #[error("no hierarchy of control groups is mounted: containers cannot be told apart")]
    Groups,
    #[error("starting a thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// Why fanotify cannot hold what it should refuse; None if it can.
pub fn cannot_hold(act: &Refused) -> Option<&'static str> {
    match act {
        Refused::Execute(_)
        | Refused::ExecuteForeign
        | Refused::ExecuteExcept(_)
        | Refused::Read(_) => None,
        Refused::Write(_) => Some(
            "an event does not tell whether a file is opened for writing, and there is none before \
             one is renamed, linked, removed or changed in mode: this needs BPF-LSM",
        ),
        Refused::Connect(_) => {
            Some("connections are not files: this needs programs at control groups")
        }
        Refused::Mount => Some("mounts are not asked about: this needs BPF-LSM"),
        Refused::Trace => Some("tracing is not asked about: this needs BPF-LSM"),
        Refused::LoadModule => Some("loading modules is not asked about: this needs BPF-LSM"),
        Refused::LoadBpf => Some("loading BPF programs is not asked about: this needs BPF-LSM"),
    }
}

/// Whether fanotify holds acts of this kind, where the kernel has it: the same, without saying what.
pub fn can_hold(act: super::Act) -> bool {
    use super::Act::{Execute, ExecuteExcept, ExecuteForeign, Read};
    matches!(act, Execute | ExecuteForeign | ExecuteExcept | Read)
}

/// A part of a container in which preventions do not hold as they should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The container's.
    pub control_group: u64,
    pub why: String,
}

/// Preventions that hold until this is dropped.
pub struct Fanotify {
    inquiry: Arc<Inquiry>,
    surveyor: Surveyor,
    denials: Receiver<Denial>,
    threads: Vec<JoinHandle<()>>,
}

impl Fanotify {
    /// Begins to ask about every program that containers start. Nothing is refused before `set` or
    /// `default` says for whom: the first prevention is bit 0.
    ///
    /// # Errors
    /// If the kernel does not allow it, or a prevention cannot be held ([`cannot_hold`]).
    pub fn start(preventions: &[Prevention], settings: Settings) -> Result<Self, Refusal> {
        let rules = Rules::new(preventions)?;
        if settings.hierarchy.mounted.is_none() {
            return Err(Refusal::Groups);
        }
        let queue = Queue::init(
            InitFlags::FAN_CLASS_CONTENT
                | InitFlags::FAN_CLOEXEC
                | InitFlags::FAN_REPORT_TID
                | InitFlags::FAN_NONBLOCK
                // A waiting thread has one event, so their number is bounded by that of threads.
                | InitFlags::FAN_UNLIMITED_QUEUE
                | InitFlags::FAN_UNLIMITED_MARKS,
            // A pipe without a writer would hold us up; a file is never read by this.
            EventFFlags::O_RDONLY | EventFFlags::O_NONBLOCK | EventFFlags::O_CLOEXEC,
        );
        let inquiry = Arc::new(Inquiry::new(rules, settings, queue.map_err(kernel)?));
        let (sender, denials) = sync_channel(DENIALS_MAX);
        let (surveyor, surveying) = Surveyor::start(&inquiry)?;
        let mut this = Self { inquiry, surveyor, denials, threads: vec![surveying] };
        let responding = Responder::start(&this.inquiry, this.surveyor.clone(), sender)?;
        let watching = watchdog::start(&this.inquiry, responding)?;
        this.threads.push(watching);
        Ok(this)
    }

    /// From now on these preventions hold for a control group: `refuse` is false where they are
    /// observed only. What was held for it the other way and is not named stays as it was. The processes of groups below a container's have what the container has.
    pub fn set(&mut self, control_group: u64, bits: u64, refuse: bool) {
        let is_known = self.inquiry.state().set(control_group, bits, refuse);
        if !is_known {
            let why = "more control groups than can be known: the default holds".to_owned();
            self.inquiry.state().tell(control_group, why);
        } else if bits != 0 {
            self.surveyor.ask_of_group(control_group);
        }
    }

    /// The group is gone, or is none of ours any more: the default holds for it.
    pub fn forget(&mut self, control_group: u64) {
        self.inquiry.state().forget(control_group);
    }

    /// What holds for containers that nobody named yet.
    pub fn default(&mut self, bits: u64, refuse: bool) {
        self.inquiry.state().set_default(bits, refuse);
        if bits != 0 {
            self.surveyor.ask_of_every_container();
        }
    }

    /// What was refused, or observed, since the last time.
    pub fn denials(&mut self, pass: &mut dyn FnMut(Denial)) {
        self.denials.try_iter().for_each(pass);
    }

    /// Told once all that was asked for until now is marked, or nothing will be any more.
    pub fn settling(&self) -> Receiver<()> {
        self.surveyor.settling()
    }

    /// Refuses nothing any more, and hands over what nobody was told of yet.
    pub fn end(mut self, pass: &mut dyn FnMut(Denial)) {
        self.stop();
        self.denials(pass);
    }

    /// What was found not to hold since the last time.
    pub fn gaps(&mut self, pass: &mut dyn FnMut(Gap)) {
        let gaps = self.inquiry.state().take_gaps();
        gaps.into_iter().for_each(pass);
    }

    /// Why nothing is refused any more, if so. It has to be started anew.
    pub fn ended(&self) -> Option<&'static str> {
        self.inquiry.ended()
    }

    pub fn counts(&self) -> Counts {
        self.inquiry.counts()
    }

    fn stop(&mut self) {
        self.inquiry.stop();
        self.surveyor.wake();
        for thread in self.threads.drain(..) {
            // Its panic is its own; nothing is left to do for it.
            drop(thread.join());
        }
    }
}

impl Drop for Fanotify {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether this kernel asks at all; nothing is marked that a program could be.
pub(crate) fn is_possible() -> Result<(), Refusal> {
    let queue =
        Queue::init(InitFlags::FAN_CLASS_CONTENT | InitFlags::FAN_CLOEXEC, EventFFlags::O_RDONLY);
    let queue = queue.map_err(kernel)?;
    let (flags, mask) = (MarkFlags::FAN_MARK_ADD, MaskFlags::FAN_OPEN_EXEC_PERM);
    queue.mark(flags, mask, rustix::fs::CWD, Some("/")).map_err(kernel)
}

fn kernel(error: Errno) -> Refusal {
    Refusal::Kernel(error.into())
}
