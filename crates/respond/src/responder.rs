//! The story of a response: found, planned, written down, done, written down.
//!
//! Kill, pause and isolate take milliseconds, and up to two seconds where a runtime hangs that is
//! asked for names or a process waits in the kernel. Stop waits for the runtime, twenty seconds at
//! most; quarantine copies a file, from a file system that may be a hostile one's own and never
//! answer. So whoever must not wait, as the guard's loop, gives them to a [`Worker`](crate::Worker).

use std::path::Path;

use jiff::Timestamp;
use model::Response;
use sensor::containers::Places;

use crate::container::{self, Container};
use crate::entry::{Entry, Id, Intent, State, Step, can_be_undone};
use crate::groups;
use crate::isolate::Isolation;
use crate::journal::Journal;
use crate::kill::Killing;
use crate::network::Network;
use crate::pause::Pausing;
use crate::plan::Plan;
use crate::process::{Process, ProcessId};
use crate::protected;
use crate::quarantine::Quarantine;
use crate::refusal::{self, Refusal};
use crate::root::Root;
use crate::stop::Stopping;
use crate::target::{Target, Told};

/// What goes with a response.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// For whoever reads the journal.
    pub why: String,
    /// A user, a rule.
    pub who: String,
    /// When it is to be undone.
    pub until: Option<Timestamp>,
    /// What an isolated container keeps.
    pub keep: Vec<Network>,
    /// Takes away one of several names of a file.
    pub linked: bool,
    /// The root of the process that a file was told of, held since then.
    pub root: Option<Root>,
}

/// All that is in a journal.
#[derive(Clone, Debug)]
pub struct Listing {
    pub entries: Vec<Entry>,
    /// Lines that could not be read.
    pub damaged: usize,
}

/// A response whose time was over, and what came of undoing it.
pub type Expired = (Id, Result<Entry, Refusal>);

/// Who responds, with the journal in a state folder. Several may be at one at the same time.
pub struct Responder {
    journal: Journal,
    places: Places,
}

impl Responder {
    /// Makes the folder if there is none.
    ///
    /// # Errors
    /// If it is not the caller's own, for nobody else.
    pub fn open(state: &Path, places: Places) -> Result<Self, Refusal> {
        Ok(Self { journal: Journal::at(state)?, places })
    }

    /// Does it, and returns when it is done.
    ///
    /// # Errors
    /// If it is not to be done, cannot be, or could not be written down.
    pub fn act(
        &self,
        response: Response,
        target: &Target,
        order: &Order,
    ) -> Result<Entry, Refusal> {
        if order.until.is_some() && !can_be_undone(response) {
            return Err(Refusal::NoLimit { response });
        }
        see_host()?;
        let Found { plan, target, subject } = self.plan(response, target, order)?;
        let id = self.intend(Intent {
            response,
            target,
            subject,
            why: order.why.clone(),
            who: order.who.clone(),
            until: order.until,
            actor: us()?,
            plan: plan.clone(),
        })?;
        self.conclude(id, plan.perform())
    }

    /// Takes back what can be.
    ///
    /// # Errors
    /// If there is nothing to take back, or it fails: then it still holds.
    pub fn undo(&self, id: Id, who: &str) -> Result<Entry, Refusal> {
        see_host()?;
        let mut open = self.journal.open()?;
        let entry = entry_of(&open.entries, id)?;
        let hint = match entry.state {
            State::Active | State::Unfinished | State::HalfUndone => None,
            State::Underway => Some("wait until whoever is at it has finished"),
            State::Done if entry.response == Response::Stop => {
                Some("a stop cannot be undone: start the container with its runtime")
            }
            State::Done => {
                Some("a kill cannot be undone: start it anew, a container with its runtime")
            }
            State::Failed | State::Undone => Some("there is nothing left of it to undo"),
        };
        if let Some(hint) = hint {
            return Err(Refusal::NotNow { id, state: entry.state.name(), hint });
        }
        let plan = entry.plan.clone();
        open.write(id, Step::Undo { who: who.to_owned(), actor: us()? })?;
        drop(open);
        let reverted = plan.revert();
        let mut open = self.journal.open()?;
        match reverted {
            Ok(note) => open.write(id, Step::Undone { note })?,
            Err(refusal) => {
                open.write(id, Step::UndoFailed { why: refusal.to_string() })?;
                return Err(refusal);
            }
        }
        entry_of(&open.entries, id).cloned()
    }

    /// Does what somebody began who is gone.
    ///
    /// # Errors
    /// If it is not unfinished, or fails.
    pub fn finish(&self, id: Id, who: &str) -> Result<Entry, Refusal> {
        see_host()?;
        let mut open = self.journal.open()?;
        let entry = entry_of(&open.entries, id)?;
        if entry.state != State::Unfinished {
            let hint = "only what is unfinished can be finished; `undo` takes back the rest";
            return Err(Refusal::NotNow { id, state: entry.state.name(), hint });
        }
        let plan = entry.plan.clone();
        open.write(id, Step::Finish { who: who.to_owned(), actor: us()? })?;
        drop(open);
        self.conclude(id, plan.perform())
    }

    /// Undoes what should hold no longer. Nothing does so by itself: whoever sets limits calls this
    /// every now and then. What `waits` is left for another time.
    ///
    /// # Errors
    /// If the journal cannot be read; what cannot be undone is told a response.
    pub fn expire(
        &self,
        now: Timestamp,
        waits: &dyn Fn(Id) -> bool,
    ) -> Result<Vec<Expired>, Refusal> {
        let due = self.due(now, waits)?.into_iter();
        Ok(due.map(|(id, _)| (id, self.undo(id, "its time limit"))).collect())
    }

    /// What is past its time limit.
    pub(crate) fn due(
        &self,
        now: Timestamp,
        waits: &dyn Fn(Id) -> bool,
    ) -> Result<Vec<(Id, Response)>, Refusal> {
        let open = self.journal.open()?;
        let due = open.entries.values().filter(|entry| entry.is_overdue(now) && !waits(entry.id));
        Ok(due.map(|entry| (entry.id, entry.response)).collect())
    }

    /// # Errors
    /// If the journal cannot be read.
    pub fn list(&self) -> Result<Listing, Refusal> {
        let open = self.journal.open()?;
        Ok(Listing { entries: open.entries.into_values().collect(), damaged: open.damaged })
    }

    /// The response of this kind that a container is under, by its name, its id or a part of that.
    /// The container may be gone.
    ///
    /// # Errors
    /// If there is none, or more than one may be meant.
    pub fn holding(&self, response: Response, container: &str) -> Result<Id, Refusal> {
        let open = self.journal.open()?;
        let is_it = |entry: &&Entry| {
            let id = matches!(&entry.target, Target::Container(id) if id.starts_with(container));
            let name = entry.subject.split(" (").next();
            entry.response == response && entry.state.is_open() && (id || name == Some(container))
        };
        let found: Vec<&Entry> = open.entries.values().filter(is_it).collect();
        match found.as_slice() {
            [entry] => Ok(entry.id),
            [] => {
                let what = match response {
                    Response::Isolate => "isolated container",
                    _ => "container paused by us",
                };
                Err(Refusal::NotFound { what, name: container.to_owned() })
            }
            many => {
                let found = many.iter().map(|entry| format!("{} {}", entry.id, entry.subject));
                Err(Refusal::Ambiguous { name: container.to_owned(), found: found.collect() })
            }
        }
    }

    /// Writes what is quarantined into a new file, for whoever wants to look at it. It stays where
    /// it is.
    ///
    /// # Errors
    /// If there is no such copy, or the file cannot be written.
    pub fn write_to(&self, id: Id, path: &Path) -> Result<(), Refusal> {
        let open = self.journal.open()?;
        match &entry_of(&open.entries, id)?.plan {
            Plan::Quarantine(quarantine) if quarantine.holds() => quarantine.write_to(path),
            _ => Err(Refusal::NotFound { what: "quarantined file under", name: id.to_string() }),
        }
    }

    /// Writes down what is going to be done, unless something else is in the way.
    fn intend(&self, intent: Intent) -> Result<Id, Refusal> {
        let mut open = self.journal.open()?;
        let in_the_way = open
            .entries
            .values()
            .find(|entry| entry.state.is_open() && entry.plan.contends(&intent.plan));
        if let Some(Entry { id, response, subject, .. }) = in_the_way.filter(|it| !it.is_lapsed()) {
            let target = subject.clone();
            return Err(Refusal::Already { response: *response, target, id: *id });
        }
        if let Some((id, plan)) = in_the_way.map(|entry| (entry.id, entry.plan.clone())) {
            plan.revert()?;
            open.write(id, Step::Undone { note: "had lapsed, and was done anew".to_owned() })?;
        }
        let id = open.next_id();
        open.write(id, Step::Intent(Box::new(intent)))?;
        Ok(id)
    }

    fn conclude(&self, id: Id, performed: Result<String, Refusal>) -> Result<Entry, Refusal> {
        let mut open = self.journal.open()?;
        match performed {
            Ok(note) => open.write(id, Step::Done { note })?,
            Err(refusal) => {
                open.write(id, Step::Failed { why: refusal.to_string() })?;
                return Err(refusal);
            }
        }
        entry_of(&open.entries, id).cloned()
    }

    /// Looks, and touches nothing.
    fn plan(&self, response: Response, target: &Target, order: &Order) -> Result<Found, Refusal> {
        match (response, target) {
            (Response::Kill, Target::Process { pid, started }) => self.plan_kill(*pid, *started),
            (Response::Quarantine, Target::File { container, path, told }) => {
                let inside = container.as_deref().map(|name| self.container(name)).transpose()?;
                let inside = inside.as_ref();
                let state = self.journal.folder();
                let process = told.map(Told::process);
                let root = Root::find(inside, process, order.root.as_ref()).map_err(|error| {
                    Refusal::failed("quarantining", format!("`{}`", path.display()), &error)
                })?;
                let plan = Quarantine::plan(root, path, *told, state, order.linked)?;
                let title = inside.map(|it| format!("{}:", it.title())).unwrap_or_default();
                Ok(Found {
                    plan: Plan::Quarantine(plan),
                    target: Target::File {
                        container: inside.map(|it| it.id.clone()),
                        path: path.clone(),
                        told: *told,
                    },
                    subject: format!("{title}{}", path.display()),
                })
            }
            (Response::Quarantine, _) | (_, Target::File { .. }) => {
                Err(Refusal::Senseless { response, target: target.to_string() })
            }
            (_, Target::Container(name)) => {
                let container = self.container(name)?;
                self.plan_container(response, &container, order)
            }
            // The one that it is in.
            (_, Target::Process { pid, started }) => {
                process(*pid, *started)?;
                let Some(named) = groups::container_of_process(*pid) else {
                    return Err(Refusal::Senseless { response, target: target.to_string() });
                };
                let container = self.container(&named.id)?;
                self.plan_container(response, &container, order)
            }
        }
    }

    fn plan_kill(&self, pid: u32, started: Option<u64>) -> Result<Found, Refusal> {
        let root = process(pid, started)?;
        let inside = groups::container_of_process(pid);
        let inside = inside.map(|named| self.container(&named.id)).transpose()?;
        let plan = Killing::of_tree(&root, inside.as_ref())?;
        let title = inside.map(|it| format!(" in {}", it.title())).unwrap_or_default();
        Ok(Found {
            plan: Plan::Kill(plan),
            target: Target::Process { pid, started: Some(root.id.started) },
            subject: format!("{} {pid}{title}", root.name),
        })
    }

    fn plan_container(
        &self,
        response: Response,
        container: &Container,
        order: &Order,
    ) -> Result<Found, Refusal> {
        let plan = match response {
            Response::Kill => Plan::Kill(Killing::of_container(container)?),
            Response::Pause => Plan::Pause(Pausing::plan(container)?),
            Response::Stop => Plan::Stop(Stopping::plan(container, &self.places)?),
            Response::Isolate => Plan::Isolate(Isolation::plan(container, &order.keep)?),
            Response::Quarantine => {
                let target = container.title();
                return Err(Refusal::Senseless { response, target });
            }
        };
        let target = Target::Container(container.id.clone());
        Ok(Found { plan, target, subject: container.title() })
    }

    fn container(&self, name: &str) -> Result<Container, Refusal> {
        let container = container::find(name, &self.places)?;
        match protected::container(&container) {
            None => Ok(container),
            Some(why) => {
                Err(Refusal::Protected { subject: container.title(), why: why.to_owned() })
            }
        }
    }
}

/// A target as it was found, with what is going to be done to it.
struct Found {
    plan: Plan,
    target: Target,
    subject: String,
}

fn entry_of(entries: &std::collections::BTreeMap<Id, Entry>, id: Id) -> Result<&Entry, Refusal> {
    entries.get(&id).ok_or_else(|| Refusal::NotFound { what: "response", name: id.to_string() })
}

/// The process that has the number, if it is the one that is meant.
fn process(pid: u32, started: Option<u64>) -> Result<Process, Refusal> {
    let meant =
        |process: &Process| started.is_none_or(|started| process.id.is(ProcessId { pid, started }));
    let found = Process::of(pid).filter(meant);
    found.ok_or_else(|| Refusal::NotFound { what: "process", name: pid.to_string() })
}

fn us() -> Result<ProcessId, Refusal> {
    let ours = Process::ours().map(|process| process.id);
    ours.ok_or_else(|| Refusal::failed("reading", "/proc", &"it does not show ourselves"))
}

/// From inside of a container, numbers and groups are of others than they seem.
fn see_host() -> Result<(), Refusal> {
    if sensor::kernel::groups_are_of_host() && sensor::kernel::processes_are_of_host() {
        return Ok(());
    }
    Err(Refusal::NotOfHost { what: "responding" })
}

impl Entry {
    /// The word for it, as users type it.
    pub fn verb(&self) -> &'static str {
        refusal::name(self.response)
    }
}
