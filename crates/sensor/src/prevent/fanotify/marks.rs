//! Marks: which file systems the kernel asks about.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::fanotify::{MarkFlags, MaskFlags};

use super::inquiry::Inquiry;
use super::mount::Mount;

/// File systems whose files can be executed and which answer by themselves. The kernel opens a file
/// for us before it asks, so one that waits for a process or a network is never marked.
const LOCAL: [&str; 14] = [
    "overlay", "tmpfs", "ramfs", "devtmpfs", "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs",
    "bcachefs", "erofs", "squashfs",
];
/// Of the kernel, without programs.
const WITHOUT_PROGRAMS: [&str; 17] = [
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "devpts",
    "mqueue",
    "securityfs",
    "debugfs",
    "tracefs",
    "bpf",
    "nsfs",
    "hugetlbfs",
    "binfmt_misc",
    "configfs",
    "pstore",
    "efivarfs",
    "fusectl",
];

/// Whether it can be marked, or does not have to be; else why not.
pub(crate) fn kind_of(mount: &Mount) -> Kind {
    let is_of = |kinds: &[&str]| kinds.iter().any(|kind| mount.kind == *kind);
    match () {
        () if is_of(&LOCAL) => Kind::Local,
        () if is_of(&WITHOUT_PROGRAMS) => Kind::WithoutPrograms,
        () => Kind::MayNotAnswer,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    WithoutPrograms,
    /// Of a process or a network.
    MayNotAnswer,
}

/// How much of a file system is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// This mount of it alone.
    Mount,
}

/// Marks the file system of what was opened. No path of a container is walked, so nothing can make
/// this wait.
pub(super) fn mark(
    inquiry: &Inquiry,
    opened: &OwnedFd,
    extent: Extent,
    mask: MaskFlags,
) -> nix::Result<()> {
    let Some(queue) = inquiry.queue() else { return Ok(()) };
    let extent = match extent {
        Extent::Whole => MarkFlags::FAN_MARK_FILESYSTEM,
        Extent::Mount => MarkFlags::FAN_MARK_MOUNT,
    };
    let link = format!("/proc/self/fd/{}", opened.as_raw_fd());
    queue.mark(MarkFlags::FAN_MARK_ADD | extent, mask, rustix::fs::CWD, Some(link.as_str()))
}
