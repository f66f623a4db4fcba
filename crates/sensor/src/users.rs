//! The names of users and groups, by the files of the process' own root.
//!
//! Those files belong to whoever the container belongs to, down to the file system that they lie on,
//! which may answer slowly or never. So they are read by a thread of its own; one that does not come
//! back is left behind, and its files are not read again. No path leads out of the process' root.
//! What was read from one root names the processes of that root alone: any process may go into
//! another, with files of its own making.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use model::event::{Credentials, Text, User};
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags, fstat, open,
    openat2, statx,
};

use crate::processes::Spaces;
use crate::record::Root;

/// Of a file; a directory of 10 000 users is 600 KiB.
const FILE_BYTES_MAX: u64 = 2 << 20;
/// Of a map between namespaces: 340 lines are all that the kernel takes.
const MAP_BYTES_MAX: usize = 64 << 10;
/// Roots that are remembered; a container has one.
const KNOWN_MAX: usize = 16_384;
const QUESTIONS_MAX: usize = 1_024;
/// After which time a thread is left behind.
const PATIENCE: Duration = Duration::from_secs(2);
/// Threads that may be left behind in all.
const HUNG_MAX: u32 = 8;
/// How often a file is read again because a number is not in it.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// The files that were read, by the namespaces that they were read in.
#[derive(Default)]
pub struct Users {
    known: HashMap<Spaces, Known>,
    reader: Option<Reader>,
    hung: u32,
}

struct Known {
    accounts: Option<Accounts>,
    /// A reader has it since then.
    asked: Option<Instant>,
    read: Instant,
    /// Its reader never came back.
    is_hung: bool,
}

/// What the files of one root say.
#[derive(Debug, Default)]
struct Accounts {
    users: HashMap<u32, User>,
    groups: HashMap<u32, Text>,
    user_map: Map,
    group_map: Map,
}

struct Reader {
    questions: SyncSender<(Spaces, u32)>,
    answers: Receiver<(Spaces, Option<Accounts>)>,
}

/// The spaces of the host, which are ours.
pub(crate) fn spaces_of_host() -> Spaces {
    let space = |name: &str| crate::processes::space(&Path::new("/proc/self/ns").join(name));
    let root = root_of(Path::new("/proc/self")).map(|(root, _)| root).unwrap_or_default();
    Spaces { mount: space("mnt").unwrap_or(0), user: space("user").unwrap_or(0), root }
}

impl Users {
    /// With the accounts of the host, which is whose root is ours: its files make nobody wait.
    pub fn of_host() -> Self {
        let spaces = spaces_of_host();
        let accounts = Accounts::of_process(std::process::id(), spaces);
        let known = Known { accounts, asked: None, read: Instant::now(), is_hung: false };
        Self { known: HashMap::from([(spaces, known)]), ..Self::default() }
    }

    /// Names that are to be told with these numbers of the process `pid`; whatever is not known stays
    /// as it is. False if an answer is on its way.
    pub fn name(&mut self, spaces: Spaces, pid: u32, credentials: &mut Credentials) -> bool {
        self.receive();
        let now = Instant::now();
        let Some(known) = self.known.get_mut(&spaces) else {
            return !self.ask(spaces, pid);
        };
        let may_ask = known.asked.is_none() && !known.is_hung;
        let is_old = now.duration_since(known.read) > READ_AGAIN;
        let Some(accounts) = &known.accounts else {
            let is_asked = known.asked.is_some() || (may_ask && is_old && self.ask(spaces, pid));
            return !is_asked;
        };
        credentials.user = accounts.user(credentials.uid);
        credentials.group = accounts.group(credentials.gid);
        credentials.login_user = credentials.login_uid.and_then(|uid| accounts.user(uid));
        let misses = credentials.user.is_none() || credentials.group.is_none();
        if misses && may_ask && is_old {
            // A number that still has no name is none to wait for.
            let _asked = self.ask(spaces, pid);
        }
        true
    }

    /// Whether it is worth waiting for.
    pub fn awaits(&mut self, spaces: Spaces) -> bool {
        self.receive();
        self.known.get(&spaces).is_some_and(|it| it.asked.is_some() && it.accounts.is_none())
    }

    fn ask(&mut self, spaces: Spaces, pid: u32) -> bool {
        if self.known.len() >= KNOWN_MAX {
            let mut times: Vec<Instant> = self.known.values().map(|known| known.read).collect();
            let (_, eldest, _) = times.select_nth_unstable(KNOWN_MAX / 8);
            let eldest = *eldest;
            self.known.retain(|_, known| known.read > eldest || known.is_hung);
        }
        if self.reader.is_none() && self.hung < HUNG_MAX {
            self.reader = Reader::start();
        }
        let question = (spaces, pid);
        let is_asked =
            self.reader.as_ref().is_some_and(|reader| reader.questions.try_send(question).is_ok());
        let now = Instant::now();
        let known = self.known.entry(spaces).or_insert(Known {
            accounts: None,
            asked: None,
            read: now,
            is_hung: false,
        });
        known.read = now;
        known.asked = is_asked.then_some(now);
        is_asked
    }

    fn receive(&mut self) {
        let Some(reader) = &self.reader else { return };
        for (spaces, accounts) in reader.answers.try_iter() {
            let Some(known) = self.known.get_mut(&spaces) else { continue };
            known.asked = None;
            known.accounts = accounts.or_else(|| known.accounts.take());
        }
        let late = |known: &Known| known.asked.is_some_and(|asked| asked.elapsed() > PATIENCE);
        if self.known.values().any(late) {
            // The first question is the one that it hangs on; whoever waits behind it is asked anew.
            let oldest = self.known.values().filter_map(|known| known.asked).min();
            for known in self.known.values_mut().filter(|known| known.asked.is_some()) {
                known.is_hung = known.asked == oldest;
                known.asked = None;
            }
            self.known.retain(|_, known| known.is_hung || known.accounts.is_some());
            self.reader = None;
            self.hung += 1;
        }
    }
}

impl Reader {
    fn start() -> Option<Self> {
        let (questions, asked) = mpsc::sync_channel(QUESTIONS_MAX);
        let (answer, answers) = mpsc::channel();
        let read = move || {
            for (spaces, pid) in asked {
                if answer.send((spaces, Accounts::of_process(pid, spaces))).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("read users".to_owned()).spawn(read).ok()?;
        Some(Self { questions, answers })
    }
}

impl Accounts {
    /// None if the process is gone, or elsewhere, or its number is another's by now; and if there
    /// are no files, which may be there later.
    fn of_process(pid: u32, spaces: Spaces) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let space = |name: &str| crate::processes::space(&folder.join("ns").join(name));
        let is_same = || space("mnt") == Some(spaces.mount) && space("user") == Some(spaces.user);
        let (_, root) = root_of(&folder).filter(|(root, _)| *root == spaces.root)?;
        let map = |name| {
            let text = crate::file::read(&folder.join(name), MAP_BYTES_MAX).unwrap_or_default();
            Map::parse(&String::from_utf8_lossy(&text))
        };
        let (passwd, group) = (read(&root, "etc/passwd"), read(&root, "etc/group"));
        if passwd.is_none() && group.is_none() {
            return None;
        }
        let accounts = Self {
            users: users(&passwd.unwrap_or_default()),
            groups: groups(&group.unwrap_or_default()),
            user_map: map("uid_map"),
            group_map: map("gid_map"),
        };
        is_same().then_some(accounts)
    }

    fn user(&self, uid: u32) -> Option<User> {
        self.users.get(&self.user_map.inside(uid)?).cloned()
    }

    fn group(&self, gid: u32) -> Option<Text> {
        self.groups.get(&self.group_map.inside(gid)?).cloned()
    }
}

/// The root of the process of a folder of `/proc`, and which one that is. Its file system is not
/// asked.
pub(crate) fn root_of(folder: &Path) -> Option<(Root, OwnedFd)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = open(folder.join("root"), flags, Mode::empty()).ok()?;
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let found = statx(&opened, c"", flags, StatxFlags::INO | StatxFlags::MNT_ID).ok()?;
    let is_of_mount = found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
    let mount = u32::try_from(found.stx_mnt_id).ok()?;
    Some((Root { mount, inode: if is_of_mount { 0 } else { found.stx_ino } }, opened))
}

/// A regular file below `root`, if it is not too long.
fn read(root: &OwnedFd, name: &str) -> Option<Vec<u8>> {
    // A FIFO must not wait for somebody to write.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(root, name, flags, Mode::empty(), within).ok()?;
    let kind = FileType::from_raw_mode(fstat(&file).ok()?.st_mode);
    if kind != FileType::RegularFile {
        return None;
    }
    let mut bytes = Vec::new();
    File::from(file).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= FILE_BYTES_MAX);
    fits.then_some(bytes)
}

/// `name:password:uid:gid:comment:home:shell`; the first line of a number counts.
fn users(passwd: &[u8]) -> HashMap<u32, User> {
    let mut users = HashMap::new();
    for line in passwd.split(|b| *b == b'\n') {
        let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        if let [name, _, uid, _, _, home, shell] = fields.as_slice()
            && let Some(uid) = number(uid)
        {
            let user = User { name: (*name).into(), home: (*home).into(), shell: (*shell).into() };
            users.entry(uid).or_insert(user);
        }
    }
    users
}

/// `name:password:gid:members`
fn groups(group: &[u8]) -> HashMap<u32, Text> {
    let mut groups = HashMap::new();
    for line in group.split(|b| *b == b'\n') {
        let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        if let [name, _, gid, ..] = fields.as_slice()
            && let Some(gid) = number(gid)
        {
            groups.entry(gid).or_insert_with(|| (*name).into());
        }
    }
    groups
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// How numbers outside a user namespace are called inside.
#[derive(Debug, Default, PartialEq)]
struct Map {
    /// Inside, outside, how many.
    ranges: Vec<[u32; 3]>,
}

impl Map {
    fn parse(text: &str) -> Self {
        let range = |line: &str| -> Option<[u32; 3]> {
            let mut numbers = line.split_ascii_whitespace().map(|word| word.parse().ok());
            Some([numbers.next()??, numbers.next()??, numbers.next()??])
        };
        Self { ranges: text.lines().filter_map(range).collect() }
    }

    fn inside(&self, id: u32) -> Option<u32> {
        self.ranges.iter().find_map(|[inside, outside, count]| {
            let offset = id.checked_sub(*outside).filter(|offset| offset < count)?;
            inside.checked_add(offset)
        })
    }
}

/// For the fuzzer.
pub(crate) fn fuzz(bytes: &[u8]) {
    drop((users(bytes), groups(bytes)));
    drop(Map::parse(&String::from_utf8_lossy(bytes)));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_read_as_the_system_does() {
        let users = users(b"root:x:0:0:root:/root:/bin/sh\ntwin:x:0:0::/:\nbad:x:zero:0:::\n\xff:x:7:7::/h:/s\n+::::::");
        assert_eq!(users[&0].name, "root");
        assert_eq!((users[&7].name.as_slice(), users.len()), (&b"\xff"[..], 2));
        let groups = groups(b"root:x:0:\nwheel:x:10:a,b\nbad:x\n");
        assert_eq!((groups[&10].as_slice(), groups.len()), (&b"wheel"[..], 2));
    }

    #[test]
    fn numbers_are_those_of_the_namespace() {
        let map =
            Map::parse("         0     100000      65536\n     70000          5          1\n");
        assert_eq!(map.inside(100_000), Some(0));
        assert_eq!(map.inside(165_535), Some(65_535));
        assert_eq!(map.inside(165_536), None);
        assert_eq!(map.inside(5), Some(70_000));
        assert_eq!(map.inside(0), None);
        assert_eq!(Map::parse("0 0 4294967295").inside(1000), Some(1000));
    }

    #[test]
    fn nothing_leads_out_of_the_root_or_waits() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x:x:1:1:::").unwrap();
        let root = outside.path().join("root");
        std::fs::create_dir_all(root.join("etc")).unwrap();
        let read = |root: &Path, name| {
            let folder = open(root, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
            read(&folder, name)
        };
        let name = "etc/passwd";
        symlink("../../secret", root.join(name)).unwrap();
        assert_eq!(read(&root, name), None);
        std::fs::remove_file(root.join(name)).unwrap();
        // A link within is one, and an absolute one begins at the root.
        std::fs::write(root.join("real"), "here").unwrap();
        symlink("/real", root.join(name)).unwrap();
        assert_eq!(read(&root, name).as_deref(), Some(&b"here"[..]));
        std::fs::remove_file(root.join(name)).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join(name), FileType::Fifo, Mode::RUSR, 0)
            .unwrap();
        assert_eq!(read(&root, name), None);
        std::fs::remove_file(root.join(name)).unwrap();
        let long = File::create(root.join(name)).unwrap();
        long.set_len(FILE_BYTES_MAX + 1).unwrap();
        assert_eq!(read(&root, name), None);
    }

    #[test]
    fn our_own_user_has_a_name_soon_and_only_in_our_own_root() {
        let pid = std::process::id();
        let host = spaces_of_host();
        let mut credentials = Credentials::default();
        assert!(Users::of_host().name(host, pid, &mut credentials), "known at once");
        assert_eq!(credentials.user.unwrap().name, "root");
        let mut users = Users::default();
        let root = || Credentials { login_uid: Some(0), ..Credentials::default() };
        let begun = Instant::now();
        let mut told = |spaces| {
            assert!(!users.name(spaces, pid, &mut root()));
            while users.awaits(spaces) && begun.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(1));
            }
            let mut credentials = root();
            assert!(users.name(spaces, pid, &mut credentials));
            credentials
        };
        let credentials = told(host);
        assert_eq!(credentials.user.unwrap().name, "root");
        assert_eq!(credentials.login_user.unwrap().home, "/root");
        assert_eq!(credentials.group.unwrap(), "root");
        // Another namespace is another question, and the number of another process no answer; nor
        // is a process of the same namespace that went elsewhere.
        assert_eq!(told(Spaces { mount: 1, ..host }).user, None);
        assert_eq!(told(Spaces { user: 1, ..host }).user, None);
        let elsewhere = Root { inode: 7, ..host.root };
        assert_eq!(told(Spaces { root: elsewhere, ..host }).user, None);
    }
}
