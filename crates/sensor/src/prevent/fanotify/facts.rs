//! What the kernel says of an open file, without asking a file system that could make us wait.

use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStringExt;

use bstr::BString;
use rustix::fs::{AtFlags, FileType, StatxFlags, StatxTimestamp, statx};

use super::mount::{Device, device};

const DELETED: &[u8] = b" (deleted)";

/// What tells one content from another: to change a file sets the time of its change, which nobody
/// but the machine's clock decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Print {
    pub device: Device,
    pub inode: u64,
    pub size: u64,
    pub changed: (i64, u32),
    pub modified: (i64, u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) print: Print,
    /// When it was made: a number that was given to another file since has another time. None on file
    /// systems that do not keep it.
    pub(crate) born: Option<(i64, u32)>,
    pub(crate) links: u32,
    pub(crate) mount: u64,
    pub(crate) is_regular: bool,
}

impl Facts {
    pub(crate) fn of(file: impl AsFd) -> Option<Self> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME | StatxFlags::MNT_ID;
        let found = statx(file, c"", flags, wanted).ok()?;
        let time = |time: StatxTimestamp| (time.tv_sec, time.tv_nsec);
        let print = Print {
            device: device(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            size: found.stx_size,
            changed: time(found.stx_ctime),
            modified: time(found.stx_mtime),
        };
        let is_regular = FileType::from_raw_mode(found.stx_mode.into()) == FileType::RegularFile;
        let has_born = found.stx_mask & StatxFlags::BTIME.bits() != 0;
        let born = has_born.then(|| time(found.stx_btime));
        let (links, mount) = (found.stx_nlink, found.stx_mnt_id);
        Some(Self { print, born, links, mount, is_regular })
    }
}

/// Its path in the mount namespace that it was opened in, and whether it still has that.
pub(crate) fn path_of(file: impl AsFd, facts: &Facts) -> Option<(BString, bool)> {
    let link = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    let mut path = std::fs::read_link(link).ok()?.into_os_string().into_vec();
    // A name may end with that word; a file that has no name left has it added.
    let is_gone = facts.links == 0 && path.ends_with(DELETED);
    if is_gone {
        path.truncate(path.len() - DELETED.len());
    }
    Some((path.into(), !is_gone))
}
