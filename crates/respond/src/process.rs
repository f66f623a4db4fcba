//! Processes as `/proc` shows them, and a hold on one that its number's next owner cannot inherit.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// `/proc` tells times of birth in ticks of a hundredth of a second, rounded down.
pub(crate) const TICK: u64 = 10_000_000;
/// A flag of `stat`'s ninth field: a thread of the kernel.
const KERNEL_THREAD: u64 = 0x0020_0000;
/// A line of some 300 bytes, and a name of at most 64.
const STAT_BYTES_MAX: u64 = 4 << 10;

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
        Self::read(format!("/proc/{pid}/stat").into())
    }

    fn read(path: PathBuf) -> Option<Self> {
        let mut text = Vec::new();
        File::open(path).ok()?.take(STAT_BYTES_MAX).read_to_end(&mut text).ok()?;
        Self::parse(&text)
    }

    /// The name may hold anything, closing brackets and spaces included, so the last bracket counts.
    fn parse(text: &[u8]) -> Option<Self> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')')?;
        let pid = std::str::from_utf8(text.get(..open)?).ok()?.trim().parse().ok()?;
        let name = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
        let mut fields = std::str::from_utf8(text.get(close + 1..)?).ok()?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let flags: u64 = fields.nth(4)?.parse().ok()?;
        let ticks: u64 = fields.nth(12)?.parse().ok()?;
        let id = ProcessId { pid, started: ticks.saturating_mul(TICK) };
        Some(Self { id, name, state, parent, is_of_kernel: flags & KERNEL_THREAD != 0 })
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
            let stat = Self::read(thread.path().join("stat"));
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
    fn names_may_be_hostile() {
        let text = b"7 (a) R 1 (b) S 1 7 7 34816 7 2129984 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n";
        let process = Process::parse(text).unwrap();
        assert_eq!((&*process.name, process.state, process.parent), ("a) R 1 (b", 'S', 1));
        assert_eq!(process.id, ProcessId { pid: 7, started: 4711 * TICK });
        assert!(process.is_of_kernel, "2129984 is 0x208040");
        for broken in [&b""[..], b"7", b"7 (a", b"7 (a) R", b")7 (", b"x (a) R 1 1 1 1 1 0"] {
            assert_eq!(Process::parse(broken), None);
        }
    }

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
