//! Processes as `/proc` shows them: those that run before the sensor does, and those whose birth it
//! missed. Any of them may vanish at any moment; what was read by then counts.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::event::{Capabilities, Credentials, Executable, Process, Text};
use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, StatxTimestamp, open, statx};

use super::stat::{Stat, texts, words};
use super::{Birth, Spaces};
use crate::file;
use crate::reader::Reader;
use crate::record::{Record, TEXTS_MAX};
use crate::users::root_of;

/// Arguments, and environment: as much as a record of an exec holds of them.
const TEXTS_BYTES_MAX: usize = 4096;
/// `status` is a page at most.
const PAGE_BYTES_MAX: usize = 16 << 10;
/// After which time a thread is left behind: whoever waits is the loop of records.
const PATIENCE: Duration = Duration::from_millis(200);
/// No kernel has more numbers for processes.
const PROCESSES_MAX: usize = 1 << 22;

/// A process, but for its times.
#[derive(Debug)]
pub(super) struct Found {
    /// Nanoseconds since boot.
    pub(super) born: u64,
    pub(super) exact: bool,
    pub(super) process: Process,
    pub(super) spaces: Spaces,
}

impl Found {
    /// As much as a record knows.
    pub(super) fn bare(record: &Record) -> Self {
        let process = Process {
            pid: record.process.pid,
            parent: record.parent.pid,
            virtual_pid: record.virtual_process,
            name: record.name.clone(),
            control_group: record.control_group,
            ..Process::default()
        };
        Self { born: record.process.started, exact: true, process, spaces: Spaces::default() }
    }

    pub(crate) fn birth(&self) -> Birth {
        Birth { time: self.born, is_exact: self.exact }
    }
}

/// Reads what processes have in their memory and on their file systems, which may answer slowly or
/// never: by a thread that is left behind if it does not come back.
#[derive(Debug)]
pub(super) struct Files(Reader<u32, Option<Found>>);

impl Files {
    pub(super) fn new() -> Self {
        Self(Reader::new("read processes", 1, |pid| of_kernel(pid).map(with_files)))
    }

    /// All that can be seen.
    pub(super) fn all(&mut self) -> Vec<Found> {
        let entries = fs::read_dir("/proc").into_iter().flatten().take(PROCESSES_MAX).flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid| self.one(pid)).collect()
    }

    /// The process that has this number now. Of one that makes us wait, what the kernel itself says.
    pub(super) fn one(&mut self, pid: u32) -> Option<Found> {
        // What comes late is of a process as it was.
        drop(self.0.late());
        if self.0.ask(pid) {
            if let Some(found) = self.0.wait(PATIENCE) {
                return found;
            }
            self.0.leave();
        }
        let mut found = of_kernel(pid)?;
        found.process.cut = true;
        Some(found)
    }
}

/// What the kernel says out of its own tables.
fn of_kernel(pid: u32) -> Option<Found> {
    let folder = folder(pid);
    let stat = Stat::read(&folder.join("stat"))?;
    let status = file::read(&folder.join("status"), PAGE_BYTES_MAX)?;
    let status = String::from_utf8_lossy(&status);
    let inner = |key| words(&status, key).last().and_then(|word| word.parse().ok());
    let process = Process {
        pid,
        parent: stat.parent,
        virtual_pid: inner("NSpid").unwrap_or(pid),
        session: stat.session,
        virtual_session: inner("NSsid").unwrap_or(stat.session),
        group: stat.group,
        virtual_group: inner("NSpgid").unwrap_or(stat.group),
        name: stat.name,
        directory: link(&folder.join("cwd")).unwrap_or_default(),
        terminal: stat.terminal,
        credentials: credentials(&folder, &status),
        ..Process::default()
    };
    let space = |name| space(&folder.join("ns").join(name)).unwrap_or(0);
    let spaces = Spaces { mount: space("mnt"), user: space("user"), ..Spaces::default() };
    Some(Found { born: stat.started, exact: false, process, spaces })
}

/// And the rest.
fn with_files(mut found: Found) -> Found {
    let folder = folder(found.process.pid);
    let list = |name| {
        let bytes = file::read(&folder.join(name), TEXTS_BYTES_MAX).unwrap_or_default();
        let texts = texts(&bytes);
        let is_cut = bytes.len() == TEXTS_BYTES_MAX || texts.len() == TEXTS_MAX;
        (texts, is_cut)
    };
    let (arguments, arguments_cut) = list("cmdline");
    let (environment, environment_cut) = list("environ");
    found.process = Process {
        cut: arguments_cut || environment_cut,
        arguments,
        environment,
        executable: executable(&folder.join("exe")).unwrap_or_default(),
        ..found.process
    };
    found.spaces.root = root_of(&folder).map(|(root, _)| root).unwrap_or_default();
    found
}

/// When the process that has this number now was born, in ticks told as nanoseconds since boot.
pub(crate) fn birth(pid: u32) -> Option<u64> {
    Some(Stat::read(&folder(pid).join("stat"))?.started)
}

fn folder(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

fn link(path: &Path) -> Option<Text> {
    Some(fs::read_link(path).ok()?.into_os_string().into_vec().into())
}

/// The inode of a namespace: links read `mnt:[4026531841]`.
pub(crate) fn space(path: &Path) -> Option<u32> {
    let link = fs::read_link(path).ok()?;
    let (_, number) = link.to_str()?.split_once(":[")?;
    number.strip_suffix(']')?.parse().ok()
}

/// The program; kernel threads have none. Its file system is not asked: what the kernel has of it
/// will do.
fn executable(path: &Path) -> Option<Executable> {
    let target = link(path)?;
    // A file that lost its name is followed all the same: the link is one of the kernel's.
    let opened = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let found = statx(&opened, c"", flags, StatxFlags::BASIC_STATS).ok()?;
    let unlinked = found.stx_nlink == 0;
    let shown = target.strip_suffix(b" (deleted)").filter(|_| unlinked).unwrap_or(&target);
    let memory = shown.strip_prefix(b"/memfd:").filter(|_| unlinked);
    let time = |time: StatxTimestamp| {
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(time.tv_nsec))
    };
    Some(Executable {
        path: memory.map_or_else(|| shown.into(), |name| [b"memfd:", name].concat().into()),
        device: u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor),
        inode: found.stx_ino,
        changed: time(found.stx_ctime),
        modified: time(found.stx_mtime),
        from_memory: memory.is_some(),
        unlinked,
        sets_user: found.stx_mode & 0o4000 != 0,
        sets_group: found.stx_mode & 0o2000 != 0,
        ..Executable::default()
    })
}

fn credentials(folder: &Path, status: &str) -> Credentials {
    let ids = |key| -> Vec<u32> {
        let numbers = words(status, key).map(|word| word.parse().unwrap_or(0));
        numbers.chain(std::iter::repeat(0)).take(3).collect()
    };
    let set = |key| {
        words(status, key).next().and_then(|word| u64::from_str_radix(word, 16).ok()).unwrap_or(0)
    };
    let login = file::read(&folder.join("loginuid"), PAGE_BYTES_MAX).unwrap_or_default();
    let login = std::str::from_utf8(&login).ok().and_then(|text| text.trim().parse().ok());
    let (uids, gids) = (ids("Uid"), ids("Gid"));
    let id = |list: &[u32], index: usize| list.get(index).copied().unwrap_or(0);
    Credentials {
        uid: id(&uids, 0),
        gid: id(&gids, 0),
        effective_uid: id(&uids, 1),
        effective_gid: id(&gids, 1),
        saved_uid: id(&uids, 2),
        saved_gid: id(&gids, 2),
        capabilities: Capabilities {
            effective: set("CapEff"),
            permitted: set("CapPrm"),
            inheritable: set("CapInh"),
        },
        // The kernel writes "nobody" as all ones.
        login_uid: login.filter(|uid| *uid != u32::MAX),
        ..Credentials::default()
    }
}
