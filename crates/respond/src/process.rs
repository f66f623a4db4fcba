//! Processes as `/proc` shows them, and a hold on one that its number's next owner cannot inherit.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use sensor::processes::{Stat, TICK};
use serde::{Deserialize, Serialize};

/// A process for ever: the number is used again, with its birth it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) pid: u32,
    /// Nanoseconds since boot.
    pub(crate) started: u64,
}

impl ProcessId {
    /// Whether both mean one process: what `/proc` told is rounded, and who has it from a time of day
    /// a little beside it. No number is used again so soon.
    pub(crate) fn is(self, other: Self) -> bool {
        self.pid == other.pid && self.started.abs_diff(other.started) < 2 * TICK
    }
}

/// What `/proc/PID/stat` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) name: String,
    /// A letter of proc(5).
    pub(crate) state: char,
    pub(crate) parent: u32,
    pub(crate) is_of_kernel: bool,
}

impl Process {
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Self::read(Path::new(&format!("/proc/{pid}/stat")))
    }

    fn read(path: &Path) -> Option<Self> {
        let Stat { pid, name, state, parent, is_of_kernel, started, .. } = Stat::read(path)?;
        let id = ProcessId { pid, started };
        Some(Self { id, name: name.to_string(), state, parent, is_of_kernel })
    }

    /// All that run. Who ends meanwhile is left out.
    pub(crate) fn all() -> std::io::Result<Vec<Self>> {
        let entries = fs::read_dir("/proc")?.flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Ok(pids.filter_map(Self::of).collect())
    }

    /// We.
    pub(crate) fn ours() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether no thread of it can do anything before somebody lets it: stopped, or over.
    pub(crate) fn is_still(pid: u32) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return true };
        threads.flatten().all(|thread| {
            let stat = Self::read(&thread.path().join("stat"));
            stat.is_none_or(|stat| matches!(stat.state, 'T' | 't' | 'Z' | 'X'))
        })
    }
}

/// A hold on one process.
pub(crate) struct Handle {
    pub(crate) id: ProcessId,
    descriptor: OwnedFd,
}

impl Handle {
    /// None if it is over; another process under its number is not it. The descriptor is taken
    /// before the birth is compared, so both are of one process.
    pub(crate) fn take(id: ProcessId) -> std::io::Result<Option<Self>> {
        let pid = i32::try_from(id.pid).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(None) };
        let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            opened => opened?,
        };
        let is_it = Process::of(id.pid).is_some_and(|process| process.id.is(id));
        Ok(is_it.then_some(Self { id, descriptor }))
    }

    /// True if there was somebody to get it.
    pub(crate) fn signal(&self, signal: Signal) -> std::io::Result<bool> {
        match pidfd_send_signal(&self.descriptor, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for its end, at most so long.
    pub(crate) fn ends_within(&self, time: Duration) -> bool {
        let mut wanted = [PollFd::from_borrowed_fd(self.descriptor.as_fd(), PollFlags::IN)];
        let time = Timespec::try_from(time).ok();
        poll(&mut wanted, time.as_ref()).is_ok_and(|count| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn whoever_has_the_number_later_is_not_it() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let id = Process::of(child.id()).unwrap().id;
        let later = ProcessId { started: id.started + 2 * TICK, ..id };
        assert!(Handle::take(later).unwrap().is_none());
        let handle = Handle::take(id).unwrap().expect("it runs");
        assert!(!handle.ends_within(Duration::ZERO));
        assert!(handle.signal(Signal::KILL).unwrap());
        assert!(handle.ends_within(Duration::from_secs(10)));
        child.wait().unwrap();
        assert!(!handle.signal(Signal::KILL).unwrap(), "nobody is there");
        assert!(Handle::take(id).unwrap().is_none());
    }
}
