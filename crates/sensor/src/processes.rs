//! Which processes there are, and who made them.
//!
//! What ran before is read from `/proc` (`start`); from then on records keep the table true. A
//! process is known by number and time of birth, so one that takes over the number of another is
//! another. What exits is kept for a while: its children and its last records still find it. Parents
//! are those who forked, not those who inherit: an orphan keeps its lineage.

mod environments;
mod identity;
mod past;
mod start;
mod stat;

pub(crate) use self::start::{birth, space};
pub use self::stat::Stat;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use model::event::{Event, Layering, Process, Text};

use self::environments::Environments;
use self::identity::{executable, identify, spaces};
use crate::clock::Clock;
use crate::record::{Exec, Fork, Identity, ProcessId, Record, Root};

/// Processes that exited, the oldest of which goes first. A busy build makes a thousand a second.
const ENDED_MAX: usize = 8_192;
/// What these may hold: 8 KiB each, where a record brings 12 at most. Whoever starts many programs
/// with many words shortens our memory and does not fill it.
const ENDED_BYTES_MAX: usize = 64 << 20;
/// `/proc` tells times of birth in ticks of a hundredth of a second, which are rounded down.
pub const TICK: u64 = 10_000_000;

/// The processes of the host.
#[derive(Debug)]
pub struct Processes {
    clock: Clock,
    /// Who has a number now, or had it last.
    of_pid: HashMap<u32, Serial>,
    entries: HashMap<Serial, Entry>,
    /// With what they hold.
    ended: VecDeque<(Serial, usize)>,
    ended_bytes: usize,
    last: Serial,
    /// Counts changes that can be seen by descendants.
    changes: u64,
    environments: Environments,
    files: start::Files,
}

/// A process in this table for ever: pids and times of birth come in two precisions.
type Serial = u64;

/// What decides what a process' names and numbers mean: its namespaces, and where its root is in
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spaces {
    pub mount: u32,
    pub user: u32,
    pub root: Root,
}

#[derive(Debug)]
struct Entry {
    birth: Birth,
    process: Arc<Process>,
    parent: Option<Serial>,
    /// As it was at the change `lineage_of`.
    lineage: Arc<[Arc<Process>]>,
    lineage_of: u64,
    spaces: Spaces,
    /// The control group of the container that it, or who made it, was last seen in; 0 for none.
    came_from: u64,
    has_ended: bool,
    /// When its program began, in nanoseconds since boot: records of before come out of another
    /// buffer, and may come after.
    program_of: u64,
}

/// Nanoseconds since boot.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Birth {
    time: u64,
    /// Else it is a tick, and the birth was within it.
    is_exact: bool,
}

impl Birth {
    fn is(self, exact: u64) -> bool {
        match self.is_exact {
            true => self.time == exact,
            false => exact.checked_sub(self.time).is_some_and(|after| after <= TICK),
        }
    }
}

impl Processes {
    /// An empty table.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            of_pid: HashMap::new(),
            entries: HashMap::new(),
            ended: VecDeque::new(),
            ended_bytes: 0,
            last: 0,
            changes: 0,
            environments: Environments::default(),
            files: start::Files::new(),
        }
    }

    /// The processes that run now. Those that vanish while they are looked at are left out.
    pub fn of_host(clock: Clock) -> Self {
        let mut table = Self::new(clock);
        let mut found = table.files.all();
        // A parent was born before its children, but for inherited ones.
        found.sort_by_key(|found| (found.born, found.process.pid));
        for found in found {
            table.adopt(found);
        }
        for serial in 1..=table.last {
            let parent = table.entries.get(&serial).map(|entry| entry.process.parent);
            let parent = parent.and_then(|pid| table.of_pid.get(&pid).copied());
            if let Some(entry) = table.entries.get_mut(&serial) {
                entry.parent = parent.filter(|parent| *parent != serial);
            }
        }
        table
    }

    /// The clock may have been set; births are told by the new one, since responses compare them.
    pub fn set_clock(&mut self, clock: Clock) {
        let (former, boot) = (self.clock.epoch(0), clock.epoch(0));
        if former.abs_diff(boot) < TICK / 2 {
            return;
        }
        for process in self.entries.values_mut().map(|entry| Arc::make_mut(&mut entry.process)) {
            for time in [&mut process.started, &mut process.executed] {
                *time = time.saturating_sub(former).saturating_add(boot);
            }
        }
        (self.clock, self.changes) = (clock, self.changes + 1);
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All that are known.
    pub fn ids(&self) -> Vec<ProcessId> {
        let id = |entry: &Entry| ProcessId { pid: entry.process.pid, started: entry.birth.time };
        self.entries.values().map(id).collect()
    }

    /// As the process is now; None if it was never met.
    pub fn get(&self, id: ProcessId) -> Option<&Arc<Process>> {
        self.entry(id).map(|entry| &entry.process)
    }

    /// The process of which only the tick of its birth may be known.
    pub fn find(&self, pid: u32, started: u64) -> Option<ProcessId> {
        let id = |entry: &Entry| ProcessId { pid: entry.process.pid, started: entry.birth.time };
        let mut ids = self.entries.values().map(id).filter(|id| id.pid == pid);
        ids.find(|id| id.started / TICK == started / TICK)
    }

    pub fn spaces(&self, id: ProcessId) -> Spaces {
        self.entry(id).map(|entry| entry.spaces).unwrap_or_default()
    }

    /// The control group of the container that the process, or who made it, was last seen in: whoever may
    /// write to the host's groups can leave its own, and is still what it was. 0 for none.
    pub(crate) fn came_from(&self, id: ProcessId) -> u64 {
        self.entry(id).map_or(0, |entry| entry.came_from)
    }

    /// It was seen in the group of a container.
    pub(crate) fn seen_in(&mut self, id: ProcessId, group: u64) {
        let entry = self.serial(id).and_then(|serial| self.entries.get_mut(&serial));
        entry.into_iter().for_each(|entry| entry.came_from = group);
    }

    /// For processes of which nobody saw where they came from: that of the nearest ancestor.
    pub(crate) fn inherit_groups(&mut self) {
        // A parent was mostly met before its children; of the others the second look knows.
        for serial in (1..=self.last).chain(1..=self.last) {
            let Some(entry) = self.entries.get(&serial).filter(|it| it.came_from == 0) else {
                continue;
            };
            let parent = entry.parent.and_then(|parent| self.entries.get(&parent));
            let came_from = parent.map_or(0, |parent| parent.came_from);
            let entry = self.entries.get_mut(&serial);
            entry.into_iter().for_each(|entry| entry.came_from = came_from);
        }
    }

    /// Parent first, at most [`Event::MAX_ANCESTORS`].
    pub fn ancestors(&mut self, id: ProcessId) -> Arc<[Arc<Process>]> {
        let Some(serial) = self.serial(id) else { return Arc::default() };
        let Some(entry) = self.entries.get(&serial) else { return Arc::default() };
        if entry.lineage_of == self.changes {
            return Arc::clone(&entry.lineage);
        }
        let line = self.line(entry);
        let changes = self.changes;
        let Some(entry) = self.entries.get_mut(&serial) else { return Arc::default() };
        let is_same = line.len() == entry.lineage.len()
            && line.iter().zip(&*entry.lineage).all(|(new, old)| Arc::ptr_eq(new, old));
        if !is_same {
            entry.lineage = line.into();
        }
        entry.lineage_of = changes;
        Arc::clone(&entry.lineage)
    }

    /// What the table knows of a line of ancestors; where an ancestor is forgotten, what its child
    /// remembers.
    fn line(&self, entry: &Entry) -> Vec<Arc<Process>> {
        let mut line = Vec::new();
        let mut child = entry;
        while line.len() < Event::MAX_ANCESTORS {
            let Some(parent) = child.parent.and_then(|parent| self.entries.get(&parent)) else {
                let missing = Event::MAX_ANCESTORS - line.len();
                line.extend(child.lineage.iter().take(missing).cloned());
                break;
            };
            line.push(Arc::clone(&parent.process));
            child = parent;
        }
        line
    }

    /// Makes the table know the process of a record, whatever was missed before.
    pub fn meet(&mut self, record: &Record) {
        let id = record.process;
        match self.serial(id) {
            Some(serial) => self.note(serial, record),
            None => {
                let of_proc = self.files.one(id.pid).filter(|found| found.birth().is(id.started));
                let found = of_proc.unwrap_or_else(|| start::Found::bare(record));
                let serial = self.adopt(start::Found { born: id.started, exact: true, ..found });
                let parent = self.serial(record.parent);
                let came_from = self.came_from(record.parent);
                if let Some(entry) = self.entries.get_mut(&serial) {
                    (entry.parent, entry.came_from) = (parent, came_from);
                }
                self.note(serial, record);
            }
        }
    }

    /// What any record tells of its process.
    fn note(&mut self, serial: Serial, record: &Record) {
        let is_first_thread = record.thread == record.process.pid;
        let parent = self.new_parent(serial, record.parent);
        let Some(entry) = self.entries.get_mut(&serial) else { return };
        if record.time < entry.program_of {
            return;
        }
        let process = &entry.process;
        let has_new_name = is_first_thread && process.name != record.name;
        let has_new_group = process.control_group != record.control_group;
        if has_new_name || has_new_group || parent.is_some() {
            let process = Arc::make_mut(&mut entry.process);
            process.control_group = record.control_group;
            if has_new_name {
                process.name.clone_from(&record.name);
            }
            if parent.is_some() {
                process.parent = record.parent.pid;
            }
            entry.parent = parent.or(entry.parent);
            self.changes += 1;
        }
    }

    /// Another parent than the one that is known, while that lives: `CLONE_PARENT` gives the child of
    /// a process its own parent. One that exited is kept, though the kernel gives its children away.
    fn new_parent(&self, serial: Serial, told: ProcessId) -> Option<Serial> {
        let told = self.serial(told)?;
        let known = self.entries.get(&serial)?.parent;
        let has_ended = |parent: Serial| self.entries.get(&parent).is_none_or(|it| it.has_ended);
        match known {
            Some(known) if known == told || has_ended(known) => None,
            _ => Some(told),
        }
    }

    /// The process of `record` made another, which has all of it but its numbers.
    pub fn fork(&mut self, record: &Record, fork: &Fork) {
        let Some(maker) = self.entry(record.process) else { return };
        let started = self.clock.epoch(fork.child.started);
        let (made_in, came_from) = (maker.spaces, maker.came_from);
        let mut child = Process::clone(&maker.process);
        child.pid = fork.child.pid;
        child.started = started;
        child.born = fork.child.started;
        child.executed = started;
        child.parent = fork.parent.pid;
        child.virtual_pid = fork.virtual_child;
        child.control_group = fork.control_group;
        identify(&mut child, made_in, &fork.identity);
        // With CLONE_PARENT, the parent is that of the maker.
        let parent = self.serial(fork.parent);
        let mut line: Vec<_> = self.get(fork.parent).cloned().into_iter().collect();
        let lineage = self.ancestors(fork.parent);
        line.extend(lineage.iter().take(Event::MAX_ANCESTORS - 1).cloned());
        let entry = Entry {
            birth: Birth { time: fork.child.started, is_exact: true },
            process: Arc::new(child),
            parent,
            lineage: line.into(),
            lineage_of: self.changes,
            spaces: spaces(&fork.identity),
            came_from,
            has_ended: false,
            program_of: record.time,
        };
        self.insert(fork.child.pid, entry);
    }

    /// The process of `record` became another program.
    pub fn exec(&mut self, record: &Record, exec: &Exec) {
        let executed = self.clock.epoch(record.time);
        let Some(serial) = self.serial(record.process) else { return };
        let parent = self.entries.get(&serial).and_then(|entry| entry.parent);
        let of_parent = parent.and_then(|parent| Some(self.entries.get(&parent)?.spaces.mount));
        let of_parent = of_parent.filter(|mount| *mount > 0);
        let Some(entry) = self.entries.get_mut(&serial) else { return };
        let process = Arc::make_mut(&mut entry.process);
        process.executed = executed;
        process.name.clone_from(&record.name);
        process.virtual_pid = record.virtual_process;
        process.arguments.clone_from(&exec.arguments);
        process.environment = self.environments.share(&exec.environment);
        process.cut = exec.arguments_cut || exec.environment_cut;
        process.directory.clone_from(&exec.directory.path);
        identify(process, entry.spaces, &exec.identity);
        process.executable = executable(&exec.executable, &process.credentials);
        let is_inside = of_parent.is_some_and(|mount| mount != exec.identity.mount_namespace);
        if is_inside && process.executable.layering == Layering::None {
            process.executable.layering = Layering::Inside;
        }
        entry.spaces = spaces(&exec.identity);
        entry.program_of = record.time;
        self.changes += 1;
    }

    /// Credentials, session, group after a call that may change them.
    pub fn identify(&mut self, id: ProcessId, identity: &Identity) {
        let before = self.spaces(id);
        self.change(id, |process| identify(process, before, identity));
        if let Some(entry) = self.serial(id).and_then(|serial| self.entries.get_mut(&serial)) {
            entry.spaces = spaces(identity);
        }
    }

    /// Anything else that changed. Whoever holds the process as it was keeps that.
    pub fn change(&mut self, id: ProcessId, change: impl FnOnce(&mut Process)) {
        let Some(serial) = self.serial(id) else { return };
        let Some(entry) = self.entries.get_mut(&serial) else { return };
        change(Arc::make_mut(&mut entry.process));
        self.changes += 1;
    }

    /// The process is gone; it is kept until many others are.
    pub fn exit(&mut self, id: ProcessId) {
        let Some(serial) = self.serial(id) else { return };
        self.end(serial);
    }

    /// Ends those that are gone and whose exit was not told.
    pub fn sweep(&mut self) {
        let gone: Vec<Serial> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.has_ended)
            .filter(|(_, entry)| {
                let born = start::birth(entry.process.pid);
                born.is_none_or(|born| match entry.birth.is_exact {
                    true => !Birth { time: born, is_exact: false }.is(entry.birth.time),
                    false => born != entry.birth.time,
                })
            })
            .map(|(serial, _)| *serial)
            .collect();
        for serial in gone {
            self.end(serial);
        }
    }

    fn end(&mut self, serial: Serial) {
        let Some(entry) = self.entries.get_mut(&serial) else { return };
        if std::mem::replace(&mut entry.has_ended, true) {
            return;
        }
        let bytes = bytes(&entry.process);
        self.ended.push_back((serial, bytes));
        self.ended_bytes += bytes;
        while self.ended.len() > ENDED_MAX || self.ended_bytes > ENDED_BYTES_MAX {
            let Some((oldest, bytes)) = self.ended.pop_front() else { return };
            self.ended_bytes -= bytes;
            self.forget(oldest);
        }
    }

    fn forget(&mut self, serial: Serial) {
        let Some(entry) = self.entries.remove(&serial) else { return };
        let pid = entry.process.pid;
        if self.of_pid.get(&pid) == Some(&serial) {
            self.of_pid.remove(&pid);
        }
    }

    fn adopt(&mut self, found: start::Found) -> Serial {
        let mut process = found.process;
        process.started = self.clock.epoch(found.born);
        process.born = found.born;
        process.executed = process.started;
        let entry = Entry {
            birth: Birth { time: found.born, is_exact: found.exact },
            parent: None,
            lineage: Arc::default(),
            // Never the present one: the line is to be looked for.
            lineage_of: u64::MAX,
            spaces: found.spaces,
            came_from: 0,
            has_ended: false,
            program_of: 0,
            process: Arc::new(process),
        };
        let pid = entry.process.pid;
        self.insert(pid, entry)
    }

    /// Whoever had the number before is gone, whether that was told or not.
    fn insert(&mut self, pid: u32, entry: Entry) -> Serial {
        self.last += 1;
        let serial = self.last;
        if let Some(previous) = self.of_pid.insert(pid, serial) {
            self.end(previous);
        }
        self.entries.insert(serial, entry);
        serial
    }

    fn serial(&self, id: ProcessId) -> Option<Serial> {
        let serial = *self.of_pid.get(&id.pid)?;
        self.entries.get(&serial).filter(|entry| entry.birth.is(id.started)).map(|_| serial)
    }

    fn entry(&self, id: ProcessId) -> Option<&Entry> {
        self.serial(id).and_then(|serial| self.entries.get(&serial))
    }
}

/// What a process holds in memory, its lists as if nobody shared them.
fn bytes(process: &Process) -> usize {
    let lists = process.arguments.iter().chain(&*process.environment);
    let lists: usize = lists.map(|text| size_of::<Text>() + text.len()).sum();
    size_of::<Entry>() + size_of::<Process>() + lists
}

/// For the fuzzer.
pub(crate) mod fuzz {
    pub(crate) fn stat(bytes: &[u8]) {
        drop(super::stat::Stat::parse(bytes));
        drop(super::stat::texts(bytes));
    }
}

#[cfg(test)]
mod tests;
