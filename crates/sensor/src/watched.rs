//! Files that decide who may do what, as a root has them: read before they are changed, and after.
//!
//! ```text
//! a container began → all of them, in its root      somebody wrote one → that one
//! ```
//!
//! The root belongs to whoever the container belongs to, down to the file system, which may never answer. So
//! a thread of its own reads, and one that does not come back is left behind with its root: that root is not
//! read again. No path leads out of a root, what is no regular file is not opened for long, and what is kept
//! of a file has an end. Tells what is there, and never who wrote it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::event::Text;
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use sha2::{Digest, Sha256};

use crate::reader::Reader;
use crate::users::root_of;

/// Accounts and rights, what the loader and shells read, and what is executed at starts, logins and times.
const FILES: &[&str] = &[
    "etc/passwd",
    "etc/group",
    "etc/shadow",
    "etc/gshadow",
    "etc/sudoers",
    "etc/doas.conf",
    "etc/ssh/sshd_config",
    "etc/ld.so.preload",
    "etc/ld.so.conf",
    "etc/environment",
    "etc/crontab",
    "etc/anacrontab",
    "etc/profile",
    "etc/bash.bashrc",
    "etc/bashrc",
    "etc/rc.local",
];
/// All files in them, not those of folders within.
const FOLDERS: &[&str] = &[
    "etc/sudoers.d",
    "etc/pam.d",
    "etc/ssh/sshd_config.d",
    "etc/ld.so.conf.d",
    "etc/cron.d",
    "etc/cron.hourly",
    "etc/cron.daily",
    "etc/cron.weekly",
    "etc/cron.monthly",
    "var/spool/cron",
    "var/spool/cron/crontabs",
    "etc/profile.d",
    "etc/update-motd.d",
    "etc/systemd/system",
    "etc/systemd/user",
    "etc/init.d",
    "etc/udev/rules.d",
];
/// Below the homes of users.
const OWN: &[&str] =
    &[".ssh/authorized_keys", ".bashrc", ".profile", ".bash_profile", ".bash_login", ".zshrc"];

/// Entries of a folder, and homes, that are looked at.
const ENTRIES_MAX: usize = 256;
/// Of one root: a machine with many services has some hundred.
const FILES_MAX: usize = 1_024;
/// A longer file is known by its size and digest alone.
pub const CONTENT_BYTES_MAX: usize = 64 << 10;
/// What the contents of one root take.
const ROOT_BYTES_MAX: usize = 2 << 20;
/// A longer file has no digest.
const DIGEST_BYTES_MAX: u64 = 64 << 20;
const QUESTIONS_MAX: usize = 1_024;
/// What an answer is waited for, by whoever waits behind that question.
const PATIENCE: Duration = Duration::from_secs(2);
/// Roots that did not answer which are known; older ones may be tried again.
const HUNG_MAX: usize = 1_024;

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    pub size: u64,
    /// None of a file that is too long.
    pub sha256: Option<[u8; 32]>,
    /// None of a file that is longer than [`CONTENT_BYTES_MAX`].
    pub content: Option<Arc<[u8]>>,
}

/// Instead of a process: the root of the host. That is the first process' also where the guard is in a
/// container, and our own where the first process lets nobody look.
pub const HOST: u32 = 0;

/// Whose root is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub pid: u32,
    /// The mount namespace in which it was found first. None: it is looked for now.
    pub mount: Option<u32>,
}

/// What is wanted of a root. `number` is whoever asks' own.
#[derive(Clone, Debug)]
pub struct Question {
    pub number: u64,
    pub place: Place,
    /// One file, absolute in the root; or all that decide much.
    pub path: Option<Text>,
}

#[derive(Debug)]
pub struct Answer {
    pub number: u64,
    /// Where it was found.
    pub place: Result<Place, Unread>,
    /// By absolute path. One that was asked for and is not there is missing.
    pub files: BTreeMap<Text, Watched>,
}

/// Why nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The process is gone, or is no more where it was.
    Gone,
    /// A file system did not answer: that of the root, or of one that was asked for before it.
    Late,
}

/// Reads them beside whoever asks.
#[derive(Debug)]
pub struct Roots {
    reader: Reader<Question, Answer>,
    /// What was asked and not answered yet, in its order.
    asked: VecDeque<(u64, Place)>,
    /// Since when it is the turn of the first of them.
    since: Instant,
    hung: HashSet<u32>,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            reader: Reader::new("read roots", QUESTIONS_MAX, read),
            asked: VecDeque::new(),
            since: Instant::now(),
            hung: HashSet::new(),
        }
    }
}

impl Roots {
    /// False if nobody takes the question.
    pub fn ask(&mut self, question: Question) -> bool {
        let (number, place) = (question.number, question.place);
        if self.hung.contains(&place.pid) || !self.reader.ask(question) {
            return false;
        }
        if self.asked.is_empty() {
            self.since = Instant::now();
        }
        self.asked.push_back((number, place));
        true
    }

    pub fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// What came since the last call, in the order of the questions: one to each. Of what a root says after
    /// all nobody hears, but that it may be asked again.
    pub fn answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some(answer) = self.reader.answer() {
            self.asked.pop_front();
            self.since = Instant::now();
            answers.push(answer);
        }
        for answer in self.reader.late() {
            if let Ok(place) = answer.place {
                self.hung.remove(&place.pid);
            }
        }
        if !self.asked.is_empty() && self.since.elapsed() > PATIENCE {
            answers.extend(self.leave());
        }
        answers
    }

    /// The first does not answer: those behind it are not answered either, and may be asked again.
    fn leave(&mut self) -> Vec<Answer> {
        self.reader.leave();
        if self.hung.len() >= HUNG_MAX {
            self.hung.clear();
        }
        self.hung.extend(self.asked.front().map(|(_, place)| place.pid));
        let late =
            |(number, _)| Answer { number, place: Err(Unread::Late), files: BTreeMap::new() };
        self.asked.drain(..).map(late).collect()
    }
}

/// Whether [all](Question::path) that is read of a root would have this file, if it were there.
pub fn is_watched(path: &[u8]) -> bool {
    let Some(path) = path.strip_prefix(b"/") else { return false };
    let is_own = |rest: &[u8]| OWN.iter().any(|name| rest == name.as_bytes());
    let home = |path: &[u8]| {
        let rest = path.strip_prefix(b"home/")?;
        let at = rest.iter().position(|byte| *byte == b'/')?;
        rest.get(at + 1..).map(is_own)
    };
    let folder = path.iter().rposition(|byte| *byte == b'/').and_then(|at| path.get(..at));
    FILES.iter().any(|name| path == name.as_bytes())
        || folder.is_some_and(|folder| FOLDERS.iter().any(|name| folder == name.as_bytes()))
        || path.strip_prefix(b"root/").is_some_and(is_own)
        || home(path).unwrap_or(false)
}

fn read(Question { number, place, path }: Question) -> Answer {
    let gone = Answer { number, place: Err(Unread::Gone), files: BTreeMap::new() };
    let is_host = place.pid == HOST;
    let folder = match is_host {
        true if root_of(Path::new("/proc/1")).is_some() => PathBuf::from("/proc/1"),
        true => PathBuf::from("/proc/self"),
        false => PathBuf::from(format!("/proc/{}", place.pid)),
    };
    let mount = || crate::processes::space(&folder.join("ns/mnt"));
    let Some(found) = mount().filter(|found| place.mount.is_none_or(|it| it == *found)) else {
        return gone;
    };
    let own = root_of(Path::new("/proc/self")).map(|(root, _)| root);
    // Whoever makes a container is in its namespaces before it is in its root.
    let root = root_of(&folder).filter(|(root, _)| is_host || own != Some(*root));
    let Some((_, root)) = root else { return gone };
    let files = match path {
        Some(path) => {
            let file = one(&root, path.strip_prefix(b"/").unwrap_or(&path));
            file.map(|file| (path, file)).into_iter().collect()
        }
        None => all(&root),
    };
    // Its number may be another's by now.
    if mount() != Some(found) {
        return gone;
    }
    Answer { number, place: Ok(Place { mount: Some(found), ..place }), files }
}

fn all(root: &OwnedFd) -> BTreeMap<Text, Watched> {
    let mut files = BTreeMap::new();
    let mut left = ROOT_BYTES_MAX;
    let mut take = |name: &[u8]| {
        if files.len() >= FILES_MAX {
            return;
        }
        let Some(mut file) = one(root, name) else { return };
        let bytes = file.content.as_ref().map_or(0, |content| content.len());
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => file.content = None,
        }
        files.insert(Text::from([b"/", name].concat()), file);
    };
    FILES.iter().for_each(|name| take(name.as_bytes()));
    for folder in FOLDERS {
        for name in entries(root, folder) {
            take(&[folder.as_bytes(), b"/", &*name].concat());
        }
    }
    let homes = entries(root, "home").into_iter().map(|name| [b"home/", &*name].concat());
    for home in std::iter::once(b"root".to_vec()).chain(homes) {
        for name in OWN {
            take(&[&*home, b"/", name.as_bytes()].concat());
        }
    }
    files
}

const WITHIN: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);

/// Names in a folder, in no order.
fn entries(root: &OwnedFd, folder: &str) -> Vec<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat2(root, folder, flags, Mode::empty(), WITHIN);
    let Ok(entries) = opened.and_then(Dir::new) else { return Vec::new() };
    let names = entries.map_while(Result::ok).map(|entry| entry.file_name().to_bytes().to_vec());
    names.filter(|name| name != b"." && name != b"..").take(ENTRIES_MAX).collect()
}

/// A regular file below `root`; links in it lead to what they would inside.
fn one(root: &OwnedFd, name: &[u8]) -> Option<Watched> {
    // A FIFO must not wait for somebody to write.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = openat2(root, name, flags, Mode::empty(), WITHIN).ok()?;
    let found = fstat(file.as_fd()).ok()?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return None;
    }
    let size = u64::try_from(found.st_size).ok()?;
    if size > DIGEST_BYTES_MAX {
        return Some(Watched { size, sha256: None, content: None });
    }
    let (mut digest, mut content, mut read) = (Sha256::new(), Vec::new(), 0_u64);
    let mut file = File::from(file).take(DIGEST_BYTES_MAX);
    let mut buffer = [0; 16 << 10];
    loop {
        let count = file.read(&mut buffer).ok()?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        digest.update(bytes);
        read = read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if content.len() <= CONTENT_BYTES_MAX {
            content.extend_from_slice(bytes);
        }
    }
    let content = (content.len() <= CONTENT_BYTES_MAX).then(|| content.into());
    Some(Watched { size: read, sha256: Some(digest.finalize().into()), content })
}

#[cfg(test)]
mod tests;
