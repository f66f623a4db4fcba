//! Programs that began, held against the files of which the kernel told that they are opened to execute.
//!
//! ```text
//! kernel (fanotify): opened to execute ─► Told ◄─ Program: record of a program that began
//!                                          └─► not told: the file through its process, or nothing
//! ```
//!
//! A mount that a container made is marked a moment after, so what is executed there first is not told
//! of by fanotify. That a program began is always told; one whose file was not is looked at all the same.
//! Nothing here opens what may not answer.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;

use model::event::Text;
use rustix::fs::{Mode, OFlags, open};

use super::{Deed, Touched};
use crate::prevent::fanotify::facts::{Facts, Print};
use crate::record::{self, Record, WalkEnd};

/// Files that were opened to execute and whose program did not begin yet: those of scripts and loaders
/// never do. In a flood a file is looked at twice.
const TOLD_MAX: usize = 4_096;
/// How long after it was read, in nanoseconds, an event may stand for one more program of its process.
const MERGED: u64 = 50_000_000;
/// File systems whose files are read without waiting for a process or a network: overlays, memory, and
/// those of disks.
const LOCAL: [u64; 11] = [
    OVERLAY,
    0x0102_1994,
    0x8584_58f6,
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    0x2fc1_2fc1,
    0xca45_1a4e,
    0xe0f5_e1e2,
    0x7371_7368,
];
const OVERLAY: u64 = 0x794c_7630;

/// A program that began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    pub pid: u32,
    pub parent: u32,
    /// It is a container's, or nobody knows whose.
    pub is_of_container: bool,
    /// When, in nanoseconds since the epoch.
    pub time: u64,
    /// As its process would write it; empty where it has no such path.
    pub path: Text,
    /// As the kernel has them: not each file system tells others the same.
    pub device: u64,
    pub inode: u64,
    /// Nanoseconds since the epoch.
    pub changed: u64,
    pub from_memory: bool,
    /// The magic number.
    pub filesystem: u64,
    /// The number of its mount namespace.
    pub space: u32,
}

/// What may be opened of a file to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answers {
    /// At once.
    Always,
    /// If what it is laid over does.
    AsItsLayers,
    /// If a process or a network does.
    Perhaps,
}

impl Program {
    /// None if the record tells of something else.
    pub fn of(record: &Record, time: u64, is_of_container: bool) -> Option<Self> {
        let record::Deed::Exec(exec) = &record.deed else { return None };
        let record::Inode { walk, device, inode, changed, from_memory, filesystem, .. } =
            &exec.executable;
        let path = if walk.end == WalkEnd::Root { walk.path.clone() } else { Text::default() };
        Some(Self {
            pid: record.process.pid,
            parent: record.parent.pid,
            is_of_container,
            time,
            path,
            device: *device,
            inode: *inode,
            changed: *changed,
            from_memory: *from_memory,
            filesystem: *filesystem,
            space: exec.identity.mount_namespace,
        })
    }

    pub(super) fn answers(&self) -> Answers {
        match self.filesystem {
            _ if self.from_memory => Answers::Always,
            OVERLAY => Answers::AsItsLayers,
            it if LOCAL.contains(&it) => Answers::Always,
            _ => Answers::Perhaps,
        }
    }

    /// The file that the process runs, which may have no name any more. None if the process is gone, or
    /// runs another program by now.
    pub(super) fn open(&self) -> Option<OwnedFd> {
        // Nothing waits: the link is the kernel's, and the file is not opened to read.
        let link = format!("/proc/{}/exe", self.pid);
        let file = open(link, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
        self.print_of(&file).is_some().then_some(file)
    }

    /// That of the file, if it is the program's.
    fn print_of(&self, file: &OwnedFd) -> Option<Print> {
        let facts = Facts::of(file).filter(|facts| facts.is_regular)?;
        (facts.print.inode == self.inode).then_some(facts.print)
    }

    /// Whether a file that was found at its path is the very one: nobody else's has its number and the
    /// time at which it changed.
    pub(super) fn is(&self, file: &OwnedFd) -> bool {
        let nanoseconds = |(seconds, rest): (i64, u32)| {
            let whole = u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000);
            whole.saturating_add(u64::from(rest))
        };
        self.print_of(file).is_some_and(|print| nanoseconds(print.changed) == self.changed)
    }

    /// It, to be handed over.
    pub(super) fn touched(&self, file: OwnedFd) -> Touched {
        let named = self.path.clone();
        Touched { file, deed: Deed::Executed, pid: self.pid, time: self.time, named }
    }
}

/// Files of which the kernel told, and the programs that began of them.
#[derive(Default)]
pub(super) struct Told {
    /// By process and number.
    files: HashMap<(u32, u64), Vec<ToldFile>>,
    order: VecDeque<(u32, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct ToldFile {
    device: u64,
    /// When it was read, in nanoseconds since the epoch.
    when: u64,
    /// Its program began.
    has_begun: bool,
}

impl ToldFile {
    /// What a process executes twice in a moment, the kernel may tell once.
    fn is_of(self, time: u64) -> bool {
        !self.has_begun || time <= self.when.saturating_add(MERGED)
    }
}

impl Told {
    pub(super) fn note(&mut self, pid: u32, print: &Print, when: u64) {
        if self.order.len() >= TOLD_MAX
            && let Some(eldest) = self.order.pop_front()
            && let Entry::Occupied(mut files) = self.files.entry(eldest)
        {
            files.get_mut().remove(0);
            if files.get().is_empty() {
                files.remove();
            }
        }
        let key = (pid, print.inode);
        self.order.push_back(key);
        let file = ToldFile { device: print.device, when, has_begun: false };
        self.files.entry(key).or_default().push(file);
    }

    /// Whether its file was told of, with the device by which the kernel knows it.
    pub(super) fn takes(&mut self, program: &Program) -> bool {
        self.take(program, Some(program.device))
    }

    /// The same with the device that the file tells others, which is another one on some file systems. Of
    /// a file that is not there nobody knows which.
    pub(super) fn takes_by(&mut self, program: &Program, file: Option<&OwnedFd>) -> bool {
        let device = file.and_then(|file| program.print_of(file)).map(|print| print.device);
        self.takes(program) || self.take(program, device)
    }

    /// Any device, if none is named.
    fn take(&mut self, program: &Program, device: Option<u64>) -> bool {
        let Some(files) = self.files.get_mut(&(program.pid, program.inode)) else { return false };
        let is_it = |file: &&mut ToldFile| {
            device.is_none_or(|device| file.device == device) && file.is_of(program.time)
        };
        // One whose program has begun is the last resort.
        let found = files.iter_mut().filter(is_it).min_by_key(|file| file.has_begun);
        found.map(|file| file.has_begun = true).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(device: u64, inode: u64) -> Print {
        Print { device, inode, ..Print::default() }
    }

    fn program(pid: u32, device: u64, inode: u64) -> Program {
        Program { pid, device, inode, ..Program::default() }
    }

    /// Process, device, inode.
    type Key = (u32, u64, u64);

    /// What was told, and a program; whether that was told of.
    const CASES: &[(&[Key], Key, bool)] = &[
        (&[], (1, 5, 7), false),
        (&[(1, 5, 7)], (1, 5, 7), true),
        (&[(2, 5, 7)], (1, 5, 7), false),
        (&[(1, 5, 8)], (1, 5, 7), false),
        (&[(1, 5, 8), (1, 5, 7), (1, 5, 9)], (1, 5, 7), true),
        // One that is gone, on a file system that tells another device.
        (&[(1, 6, 7)], (1, 5, 7), true),
    ];

    #[test]
    fn a_program_is_told_of_once() {
        for (files, (pid, device, inode), expected) in CASES {
            let mut told = Told::default();
            files
                .iter()
                .for_each(|(pid, device, inode)| told.note(*pid, &print(*device, *inode), 0));
            let program = program(*pid, *device, *inode);
            assert_eq!(told.takes_by(&program, None), *expected, "{files:?}");
            let later = Program { time: MERGED + 1, ..program.clone() };
            assert!(!told.takes_by(&later, None), "{files:?}: once");
            assert_eq!(told.takes_by(&program, None), *expected, "{files:?}: in the same moment");
        }
    }

    #[test]
    fn one_that_is_there_is_told_apart_by_its_device() {
        let file = open("/proc/self/exe", OFlags::PATH, Mode::empty()).unwrap();
        let of_file = Facts::of(&file).unwrap().print;
        let program = program(1, of_file.device + 1, of_file.inode);
        let mut told = Told::default();
        told.note(1, &print(of_file.device + 2, of_file.inode), 0);
        assert!(!told.takes_by(&program, Some(&file)), "another file with its number");
        told.note(1, &of_file, 0);
        assert!(told.takes_by(&program, Some(&file)));
    }

    #[test]
    fn what_is_told_is_bounded() {
        let mut told = Told::default();
        let first = print(5, 1);
        told.note(0, &first, 0);
        for pid in 1..=u32::try_from(TOLD_MAX).unwrap() {
            told.note(pid, &first, 0);
        }
        assert_eq!((told.order.len(), told.files.len()), (TOLD_MAX, TOLD_MAX));
        assert!(!told.takes_by(&program(0, 5, 1), None), "the eldest gave way");
        assert!(told.takes_by(&program(1, 5, 1), None));
    }

    #[test]
    fn what_runs_is_opened_if_it_is_the_program() {
        let own = std::process::id();
        let file = open("/proc/self/exe", OFlags::PATH, Mode::empty()).unwrap();
        let print = Facts::of(&file).unwrap().print;
        let of = |pid, inode| Program { pid, inode, ..Program::default() }.open();
        assert!(of(own, print.inode).is_some());
        assert!(of(own, print.inode + 1).is_none(), "another file");
        assert!(of(u32::MAX >> 2, print.inode).is_none(), "no process");
        let seconds = u64::try_from(print.changed.0).unwrap();
        let changed = seconds * 1_000_000_000 + u64::from(print.changed.1);
        let same = Program { inode: print.inode, changed, ..Program::default() };
        assert!(same.is(&file));
        assert!(!Program { changed: changed + 1, ..same }.is(&file), "it was changed since");
    }

    /// File systems of a process or a network are not read.
    #[test]
    fn what_may_not_answer_is_known() {
        let of = |filesystem| Program { filesystem, ..Program::default() }.answers();
        assert_eq!(of(0x0102_1994), Answers::Always, "tmpfs");
        assert_eq!(of(OVERLAY), Answers::AsItsLayers);
        for filesystem in [0x6573_5546, 0x6969, 0x0102_1997, 0] {
            assert_eq!(of(filesystem), Answers::Perhaps, "{filesystem:x}");
        }
    }
}
