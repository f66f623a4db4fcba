//! What is known of the host, and with it: records → events.
//!
//! ```text
//! Record → Processes, Containers, Users → Event
//! ```
//!
//! An event of a container that was never seen before is held until its runtime has said what it is,
//! for two seconds at most, so that the first thing that a container does is told with its name.
//! Others go by; the events of one container stay in their order. The process in an event is as it
//! was at that moment.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Denial;
use model::event::{Act, Audience, Call, Event, Layering, Loss, Object, Process, Suspicion};

use crate::act;
use crate::clock::Clock;
use crate::containers::{Containers, Met, Place, Places, Settled, Whose};
use crate::kernel::Hierarchy;
use crate::processes::{Processes, Spaces};
use crate::record::{CallRecord, Deed, ProcessId, Record};
use crate::users::Users;

/// Events of new containers that wait; beyond, they are told as they are.
const HELD_MAX: usize = 8_192;
/// How often, while records come, it is looked whether what waits is due.
const SETTLE_PAUSE: Duration = Duration::from_millis(1);
/// How often the machine's clock is looked at: whoever sets it is noticed.
const CLOCK_PAUSE: Duration = Duration::from_secs(1);
/// How often processes are looked for whose exit was not told.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);

/// Processes, containers and users.
pub struct Host {
    clock: Clock,
    clock_read: Instant,
    swept: Instant,
    processes: Processes,
    containers: Containers,
    users: Users,
    /// By their container, in the order in which they happened.
    held: BTreeMap<Arc<Place>, VecDeque<Held>>,
    held_count: usize,
    settled: Instant,
    /// That of the last event.
    number: u64,
}

/// An event whose container is not described yet.
struct Held {
    event: Event,
    /// Where its process was then.
    spaces: Spaces,
}

impl Host {
    /// Reads what runs now. `hierarchy` is the one that the records' control groups are of.
    pub fn new(hierarchy: Hierarchy, places: Places) -> Self {
        let clock = Clock::now();
        let mut processes = Processes::of_host(clock);
        let mut containers = Containers::new(hierarchy, places);
        for id in processes.ids() {
            if let Some(group) = containers.meet_process(id) {
                processes.change(id, |process| process.control_group = group);
                if matches!(containers.whose(group), Whose::Container(_)) {
                    processes.seen_in(id, group);
                }
            }
        }
        processes.inherit_groups();
        let now = Instant::now();
        Self {
            clock,
            clock_read: now,
            swept: now,
            processes,
            containers,
            users: Users::of_host(),
            held: BTreeMap::new(),
            held_count: 0,
            settled: now,
            number: 0,
        }
    }

    /// When a record was made, in nanoseconds since the epoch.
    pub fn time(&self, record: &Record) -> u64 {
        self.clock.epoch(record.time)
    }

    /// Now, as records would tell it.
    pub fn now(&self) -> u64 {
        self.clock.now_epoch()
    }

    /// The events that can be told after this record: its own, and those that waited.
    pub fn take(&mut self, record: &Record) -> Vec<Event> {
        let is_due = self.is_waiting() && self.settled.elapsed() > SETTLE_PAUSE;
        let mut events = if is_due { self.settle() } else { Vec::new() };
        let Some((event, place)) = self.event(record) else { return events };
        let spaces = self.processes.spaces(record.process);
        events.extend(self.told_or_held(event, place, spaces));
        events
    }

    /// An event that waits for its container is held; if too many wait, all are told.
    fn told_or_held(&mut self, event: Event, of: Option<Arc<Place>>, spaces: Spaces) -> Vec<Event> {
        let Some(place) = of.filter(|place| self.must_wait(place, spaces)) else {
            return vec![self.numbered(event)];
        };
        if self.held_count < HELD_MAX {
            self.held_count += 1;
            self.held.entry(place).or_default().push_back(Held { event, spaces });
            return Vec::new();
        }
        let mut events = self.release(|_, _, _| true);
        events.push(self.numbered(event));
        events
    }

    /// Whether an event of the container has to.
    fn must_wait(&mut self, place: &Arc<Place>, spaces: Spaces) -> bool {
        self.held.contains_key(place) || self.containers.awaits(place) || self.users.awaits(spaces)
    }

    /// What waited and need not any more, and what was learnt of containers. To be called every now
    /// and then when no record comes.
    pub fn settle(&mut self) -> Vec<Event> {
        self.settled = Instant::now();
        if self.clock_read.elapsed() > CLOCK_PAUSE {
            self.clock = Clock::now();
            self.clock_read = Instant::now();
            self.processes.set_clock(self.clock);
        }
        if self.swept.elapsed() > SWEEP_PAUSE {
            self.swept = Instant::now();
            self.processes.sweep();
        }
        let mut events = Vec::new();
        for settled in self.containers.news() {
            events.extend(self.met(&settled));
        }
        let is_due = |host: &mut Self, place: &Place, held: &Held| {
            !host.containers.awaits(place) && !host.users.awaits(held.spaces)
        };
        events.extend(self.release(is_due));
        events
    }

    /// Whether events wait: `settle` should not.
    pub fn is_waiting(&self) -> bool {
        self.held_count > 0
    }

    /// Whose a control group is, as far as it was met.
    pub fn whose(&self, control_group: u64) -> Whose {
        self.containers.whose(control_group)
    }

    /// The container of a process that is in the group: that of the group, or, where the group is the
    /// host's or nobody's, the one that the process came from.
    fn container_of(&mut self, group: u64, id: ProcessId) -> Option<Met> {
        let met = self.containers.of_group(group, id);
        match &met {
            Some(met) if !met.container.id.is_empty() => {
                self.processes.seen_in(id, group);
            }
            _ => {
                let came_from = self.processes.came_from(id);
                if came_from != 0 {
                    return self.containers.of_group(came_from, id);
                }
            }
        }
        met
    }

    /// Whether what made the record is of the host, as far as that is known.
    pub fn is_of_host(&self, record: &Record) -> bool {
        matches!(self.whose(record.control_group), Whose::Host)
            && self.processes.came_from(record.process) == 0
    }

    /// Events that never arrived.
    pub fn lost(&mut self, loss: Loss) -> Event {
        // Whatever was lost, exits may have been among it.
        self.swept = Instant::now().checked_sub(SWEEP_PAUSE).unwrap_or(self.swept);
        let time = self.clock.now_epoch();
        let container = match loss.of {
            Audience::ControlGroup(group) => self.containers.of_known_group(group),
            Audience::Anyone => None,
        };
        self.numbered(Event {
            number: 0,
            time,
            call: Call::Lost,
            thread: 0,
            processor: 0,
            process: Arc::default(),
            ancestors: Arc::default(),
            container,
            act: Act::Lost(loss),
            result: None,
            denied: false,
        })
    }

    /// What was refused, or let through because it is only observed, with what is known of who wanted
    /// it.
    pub fn denied(&mut self, denial: &Denial, call: Call, act: Act) -> Event {
        let id = self.processes.find(denial.pid, denial.started).unwrap_or_default();
        let mut process = self.process(id);
        if id.pid == 0 {
            // It was over before anybody heard of it.
            let process = Arc::make_mut(&mut process);
            (process.pid, process.name) = (denial.pid, denial.name.clone());
        }
        let ancestors = self.processes.ancestors(id);
        let container = self.containers.of_known_group(denial.control_group);
        let came_from = self.processes.came_from(id);
        let container = container.or_else(|| self.containers.of_known_group(came_from));
        self.numbered(Event {
            number: 0,
            time: denial.time,
            call,
            thread: denial.pid,
            processor: 0,
            process,
            ancestors,
            container,
            act,
            result: None,
            denied: denial.refused,
        })
    }

    /// What was found in a file that a process wrote or executed; with it what waited before it. `time`
    /// is when it did.
    pub fn suspected(&mut self, pid: u32, time: u64, mut suspicion: Suspicion) -> Vec<Event> {
        let id = self.processes.at(pid, time).unwrap_or_default();
        let mut process = self.process(id);
        if id.pid == 0 {
            // It was over before anybody heard of it.
            Arc::make_mut(&mut process).pid = pid;
        }
        let met = self.container_of(process.control_group, id);
        let met = met.filter(|_| process.control_group != 0);
        let (place, container) = met.map(|met| (met.place, met.container)).unzip();
        if container.is_none() {
            not_of_host(&mut suspicion);
        }
        self.name(id);
        let event = Event {
            number: 0,
            time,
            call: Call::Malware,
            thread: pid,
            processor: 0,
            process: if id.pid == 0 { process } else { self.process(id) },
            ancestors: self.processes.ancestors(id),
            container,
            act: Act::Malware(suspicion),
            result: None,
            denied: false,
        };
        self.told_or_held(event, place, self.processes.spaces(id))
    }

    /// With the container that it is of; None for what is noted alone.
    fn event(&mut self, record: &Record) -> Option<(Event, Option<Arc<Place>>)> {
        let id = record.process;
        self.processes.meet(record);
        let before = self.process(id);
        let (call, act, result) = match &record.deed {
            Deed::Exec(exec) => {
                self.processes.exec(record, exec);
                let file = act::path_in(&exec.named, &exec.directory.path);
                let streams = exec.standard.iter().map(act::descriptor_of).collect();
                (Call::Execve, Act::Exec { file, streams }, Some(0))
            }
            Deed::Fork(fork) => {
                self.processes.fork(record, fork);
                let child = fork.child.pid;
                (Call::Clone, Act::Fork { child }, Some(i64::from(fork.virtual_child)))
            }
            Deed::Exit(exit) => (Call::Procexit, Act::Exit { status: exit.status }, None),
            Deed::Call(call) => {
                self.follow(id, call);
                let after = self.process(id);
                (act::told_as(call), act::of_call(call, &before, &after), Some(call.result))
            }
            Deed::Group(group) => {
                self.containers.learn_group(group);
                return None;
            }
        };
        let met = self.container_of(record.control_group, id);
        let (place, container) = met.map(|met| (met.place, met.container)).unzip();
        self.name(id);
        let event = Event {
            number: 0,
            time: self.clock.epoch(record.time),
            call,
            thread: record.thread,
            processor: record.processor,
            process: self.process(id),
            ancestors: self.processes.ancestors(id),
            container,
            act,
            result,
            denied: false,
        };
        if matches!(record.deed, Deed::Exit(_)) {
            self.processes.exit(id);
        }
        Some((event, place))
    }

    /// What a call changed in its process.
    fn follow(&mut self, id: ProcessId, call: &CallRecord) {
        if let Some(identity) = act::identity(call) {
            self.processes.identify(id, identity);
        }
        if let Some(directory) = act::directory(call) {
            self.processes.change(id, |process| process.directory.clone_from(directory));
        }
    }

    fn process(&self, id: ProcessId) -> Arc<Process> {
        self.processes.get(id).cloned().unwrap_or_default()
    }

    /// Names for the numbers of a process, if they are known by now and were not before.
    fn name(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get(id) else { return };
        let had = &process.credentials;
        if had.user.is_some() && had.group.is_some() {
            return;
        }
        let (had, mut credentials) = (had.clone(), had.clone());
        let pids = who_may_show(id.pid, &self.processes.ancestors(id));
        self.users.name(self.processes.spaces(id), &pids, &mut credentials);
        if credentials != had {
            self.processes.change(id, |process| process.credentials = credentials);
        }
    }

    /// Those of the held events that are due. Once one of a container stays, all after it do.
    fn release(&mut self, is_due: impl Fn(&mut Self, &Place, &Held) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        for (place, mut waiting) in std::mem::take(&mut self.held) {
            while let Some(held) = waiting.pop_front_if(|held| is_due(self, &place, held)) {
                self.held_count -= 1;
                let event = self.completed(&place, held);
                events.push(self.numbered(event));
            }
            if !waiting.is_empty() {
                self.held.insert(place, waiting);
            }
        }
        events
    }

    /// With what was learnt while it waited.
    fn completed(&mut self, place: &Place, Held { mut event, spaces }: Held) -> Event {
        event.container = self.containers.latest(place).or(event.container);
        let had = &event.process.credentials;
        if had.user.is_none() {
            let mut credentials = had.clone();
            let pids = who_may_show(event.process.pid, &event.ancestors);
            self.users.name(spaces, &pids, &mut credentials);
            Arc::make_mut(&mut event.process).credentials = credentials;
        }
        event
    }

    /// A container was described, or is given up: told once.
    fn met(&mut self, settled: &Settled) -> Option<Event> {
        let Settled { container, first_seen: Some(id), .. } = settled else { return None };
        let process = self.process(*id);
        let event = Event {
            number: 0,
            time: self.clock.now_epoch(),
            call: Call::Container,
            thread: id.pid,
            processor: 0,
            ancestors: self.processes.ancestors(*id),
            process,
            container: Some(Arc::clone(container)),
            act: Act::Container,
            result: None,
            denied: false,
        };
        Some(self.numbered(event))
    }

    fn numbered(&mut self, event: Event) -> Event {
        self.number += 1;
        Event { number: self.number, ..event }
    }
}

/// A process of the host that wrote into a container, as `docker cp` does: the path is the container's,
/// and must not be taken for the host's.
fn not_of_host(suspicion: &mut Suspicion) {
    if let Object::File(file) = &mut suspicion.descriptor.object
        && file.layering != Layering::None
    {
        file.path = [b"container:", file.path.as_slice()].concat().into();
    }
}

#[cfg(test)]
mod tests;

/// Processes that may show the root of one: itself, which may be gone soon, and its ancestors.
fn who_may_show(pid: u32, ancestors: &[Arc<Process>]) -> Vec<u32> {
    [pid].into_iter().chain(ancestors.iter().map(|ancestor| ancestor.pid)).collect()
}
