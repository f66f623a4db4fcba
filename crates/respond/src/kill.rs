//! Kill: a process with all that descends from it, or everything in a container.
//!
//! What is killed one by one could be forked faster. So nobody in the tree runs while it is
//! counted: it is stopped until a look finds nobody new, in a container by the freezer first. Each is
//! held by a descriptor, so that a number's next owner is never meant.
//!
//! A process that left the tree, because its parent ended before, is not found; in a container it is
//! when the whole of it is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::freezer::Freezer;
use crate::groups;
use crate::process::{Handle, Process, ProcessId};
use crate::protected;
use crate::refusal::Refusal;

/// How long a tree that goes on forking, or waits in the kernel, is run after before it is killed as
/// far as it is known.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(2);
/// After a kill, looks for whom a fork put into a group at the last moment.
const ROUNDS: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Killing {
    whom: Whom,
    /// Of the container that it is in.
    freezer: Option<Freezer>,
    was_frozen: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Whom {
    Tree(ProcessId),
    Group(PathBuf),
}

impl Killing {
    /// Of a process; `inside` is the container that it is in.
    pub(crate) fn of_tree(root: &Process, inside: Option<&Container>) -> Result<Self, Refusal> {
        let kin = protected::kin();
        let all = all()?;
        for process in std::iter::once(root).chain(tree(&all, root.id.pid)) {
            refuse_protected(root.id, process, &kin)?;
        }
        let freezer = inside.map(Container::freezer).transpose()?;
        Ok(Self::with(Whom::Tree(root.id), freezer))
    }

    pub(crate) fn of_container(container: &Container) -> Result<Self, Refusal> {
        let freezer = container.freezer()?;
        Ok(Self::with(Whom::Group(freezer.group.clone()), Some(freezer)))
    }

    fn with(whom: Whom, freezer: Option<Freezer>) -> Self {
        let was_frozen = freezer.as_ref().is_some_and(|it| it.is_frozen().unwrap_or(false));
        Self { whom, freezer, was_frozen }
    }

    pub(crate) fn perform(&self) -> Result<String, Refusal> {
        // One that cannot be frozen is still killed, without the certainty that a freezer gives.
        let frozen = self.freezer.as_ref().filter(|it| it.is_there() && it.freeze().is_ok());
        let killed = match &self.whom {
            Whom::Tree(root) => kill_tree(*root, frozen),
            Whom::Group(group) => kill_group(group.clone(), self.freezer.as_ref()),
        };
        // In version 1 the killed end once they are let go; of a whole container nobody is left.
        let must_thaw = !self.was_frozen || matches!(self.whom, Whom::Group(_));
        if let Some(freezer) = self.freezer.as_ref().filter(|it| must_thaw && it.is_there()) {
            // A runtime removes the group of whom nobody is left.
            if let Err(error) = freezer.thaw()
                && freezer.is_there()
            {
                return Err(Refusal::failed("thawing", "the container", &error));
            }
        }
        let killed = killed?;
        let since = Instant::now();
        let left = || PATIENCE.saturating_sub(since.elapsed());
        let late = killed.values().filter(|handle| !handle.ends_within(left())).count();
        Ok(match (killed.len(), late) {
            (0, _) => "it had ended".to_owned(),
            (count, 0) => format!("{count} killed"),
            (count, late) if self.was_frozen => {
                format!("{count} killed, of which {late} end once their container is resumed")
            }
            (count, late) => format!("{count} killed, of which {late} still wait in the kernel"),
        })
    }

    /// Lets go what was stopped to be killed.
    pub(crate) fn revert(&self) -> Result<String, Refusal> {
        if let Whom::Tree(root) = &self.whom
            && let Some(handle) = hold(*root)?
        {
            let all = all()?;
            let below = tree(&all, root.pid).map(|process| hold(process.id));
            let held = below.collect::<Result<Vec<_>, _>>()?;
            for handle in held.into_iter().flatten().chain([handle]) {
                signal(&handle, Signal::CONT)?;
            }
        }
        if let Some(freezer) = self.freezer.as_ref().filter(|it| !self.was_frozen && it.is_there())
        {
            freezer.thaw().map_err(|error| Refusal::failed("thawing", "the container", &error))?;
        }
        Ok("who was stopped runs again; who was killed stays so".to_owned())
    }
}

/// Stops all of a tree, then kills it.
fn kill_tree(root: ProcessId, frozen: Option<&Freezer>) -> Result<BTreeMap<u32, Handle>, Refusal> {
    let mut held = BTreeMap::new();
    let Some(handle) = hold(root)? else { return Ok(held) };
    let in_freezer = frozen.map(|it| groups::processes(&it.group).unwrap_or_default());
    let frozen: BTreeSet<u32> = in_freezer.unwrap_or_default().into_iter().collect();
    let stopped = stop_tree(handle, &frozen, &mut held);
    let signal_all =
        |sent: Signal| held.values().try_for_each(|handle| signal(handle, sent).map(drop));
    if let Err(refusal) = stopped {
        signal_all(Signal::CONT)?;
        return Err(refusal);
    }
    signal_all(Signal::KILL)?;
    Ok(held)
}

/// Until a look finds nobody new and nobody who runs. Who is in the freezer runs no more, and gets the
/// signal with the kill.
fn stop_tree(
    root: Handle,
    frozen: &BTreeSet<u32>,
    held: &mut BTreeMap<u32, Handle>,
) -> Result<(), Refusal> {
    let kin = protected::kin();
    let root_id = root.id;
    let take = |handle: Handle, held: &mut BTreeMap<u32, Handle>| {
        if !frozen.contains(&handle.id.pid) {
            signal(&handle, Signal::STOP)?;
        }
        held.insert(handle.id.pid, handle);
        Ok::<(), Refusal>(())
    };
    take(root, held)?;
    let since = Instant::now();
    loop {
        let is_still = held.keys().all(|pid| frozen.contains(pid) || Process::is_still(*pid));
        let all = all()?;
        let mut is_new = false;
        for process in tree(&all, root_id.pid) {
            if held.contains_key(&process.id.pid) {
                continue;
            }
            refuse_protected(root_id, process, &kin)?;
            if let Some(handle) = hold(process.id)? {
                take(handle, held)?;
                is_new = true;
            }
        }
        if is_still && !is_new || since.elapsed() > PATIENCE {
            return Ok(());
        }
        thread::sleep(LOOK);
    }
}

fn kill_group(group: PathBuf, freezer: Option<&Freezer>) -> Result<BTreeMap<u32, Handle>, Refusal> {
    let mut killed = BTreeMap::new();
    for _round in 0..ROUNDS {
        // A group that is gone has nobody in it.
        let pids = groups::processes(&group).unwrap_or_default();
        let fresh: Vec<u32> = pids.into_iter().filter(|pid| !killed.contains_key(pid)).collect();
        if fresh.is_empty() {
            break;
        }
        for process in fresh.into_iter().filter_map(Process::of) {
            if let Some(handle) = hold(process.id)? {
                signal(&handle, Signal::KILL)?;
                killed.insert(handle.id.pid, handle);
            }
        }
        // Where the freezer could not hold them, a fork may have been on its way.
        if freezer.is_none_or(|it| !it.is_frozen().unwrap_or(false)) {
            thread::sleep(LOOK);
        }
    }
    Ok(killed)
}

/// All below a process, nearest first.
fn tree(all: &[Process], root: u32) -> impl Iterator<Item = &Process> {
    let mut children: BTreeMap<u32, Vec<&Process>> = BTreeMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found: Vec<&Process> = Vec::new();
    let mut seen = BTreeSet::from([root]);
    let mut next = 0;
    let mut parent = Some(root);
    while let Some(pid) = parent {
        let of_it = children.get(&pid).into_iter().flatten();
        found.extend(of_it.copied().filter(|process| seen.insert(process.id.pid)));
        parent = found.get(next).map(|process| process.id.pid);
        next += 1;
    }
    found.into_iter()
}

fn refuse_protected(root: ProcessId, process: &Process, kin: &[u32]) -> Result<(), Refusal> {
    let Some(why) = protected::process(process, kin) else { return Ok(()) };
    let subject = format!("{} ({})", process.name, process.id.pid);
    let why =
        if process.id.is(root) { why } else { format!("{why}; it descends from {}", root.pid) };
    Err(Refusal::Protected { subject, why })
}

fn all() -> Result<Vec<Process>, Refusal> {
    Process::all().map_err(|error| Refusal::failed("reading", "/proc", &error))
}

fn hold(id: ProcessId) -> Result<Option<Handle>, Refusal> {
    Handle::take(id)
        .map_err(|error| Refusal::failed("holding", format!("process {}", id.pid), &error))
}

fn signal(handle: &Handle, signal: Signal) -> Result<bool, Refusal> {
    let sent = handle.signal(signal);
    sent.map_err(|error| {
        Refusal::failed("signalling", format!("process {}", handle.id.pid), &error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_all_that_descends() {
        let of = |pid, parent| Process {
            id: ProcessId { pid, started: 0 },
            name: String::new(),
            state: 'S',
            parent,
            is_of_kernel: false,
        };
        // A circle cannot be, but can be read while numbers are used again.
        let all = [of(1, 0), of(2, 1), of(3, 2), of(4, 2), of(5, 4), of(6, 1), of(8, 9), of(9, 8)];
        let pids = |root| tree(&all, root).map(|process| process.id.pid).collect::<Vec<_>>();
        assert_eq!(pids(2), [3, 4, 5]);
        assert_eq!(pids(6), [0; 0]);
        assert_eq!(pids(8), [9]);
        assert_eq!(pids(1), [2, 6, 3, 4, 5]);
    }
}
