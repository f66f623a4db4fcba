//! Who waits: its container's control group, and its mount namespace.
//!
//! Everything is asked of the kernel's own tables, never of the process' memory or its file systems,
//! which may not answer.

use std::path::{Path, PathBuf};

use model::event::Text;

use crate::containers::{group_of_container, group_path};
use crate::kernel::Hierarchy;
use crate::processes;

/// A thread's name has 15 bytes and a line end.
const NAME_BYTES_MAX: usize = 64;
/// What stands in the first lines of `status` is looked for.
const STATUS_BYTES_MAX: usize = 4 << 10;

/// A thread that waits for an answer, which is why it still is that thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// Its own number: the first thread of its process may have ended, and then nothing can be learnt
    /// by that one's.
    pub(super) pid: u32,
    /// The group of the container that it is in; that of the process, where its name is none of a
    /// container's.
    pub(super) container: u64,
    pub(super) in_container: bool,
    pub(super) control_group: u64,
    /// The number of its mount namespace.
    pub(super) space: u32,
}

impl Caller {
    /// None if it was killed meanwhile.
    pub(super) fn find(hierarchy: &Hierarchy, pid: u32) -> Option<Self> {
        let path = group_path(hierarchy, pid)?;
        let control_group = hierarchy.number_of(&path)?;
        let outermost = group_of_container(&path);
        let container = match outermost {
            Some(outer) if outer != path => hierarchy.number_of(outer)?,
            _ => control_group,
        };
        let in_container = outermost.is_some();
        let space = space_of(pid)?;
        Some(Self { pid, container, in_container, control_group, space })
    }

    /// The process that the thread is of, when that was born in nanoseconds since boot, and the
    /// thread's name.
    pub(super) fn identity(&self) -> (u32, u64, Text) {
        let name = crate::file::read(&folder(self.pid).join("comm"), NAME_BYTES_MAX);
        let mut name = name.unwrap_or_default();
        if name.ends_with(b"\n") {
            name.pop();
        }
        let process = process_of(self.pid).unwrap_or(self.pid);
        (process, processes::birth(process).unwrap_or(0), name.into())
    }
}

/// The number of a thread's process.
fn process_of(thread: u32) -> Option<u32> {
    let status = crate::file::read(&folder(thread).join("status"), STATUS_BYTES_MAX)?;
    let status = String::from_utf8_lossy(&status);
    status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok())
}

/// Whether a thread is one of ours.
pub(super) fn is_own(thread: u32) -> bool {
    Path::new("/proc/self/task").join(thread.to_string()).exists()
}

pub(crate) fn folder(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

/// The mount namespace of a process that runs.
pub(crate) fn space_of(pid: u32) -> Option<u32> {
    processes::space(&folder(pid).join("ns/mnt"))
}
