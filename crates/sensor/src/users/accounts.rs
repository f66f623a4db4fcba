//! The accounts of one root: its `passwd` and `group`, and how numbers are called in its namespace.
//!
//! Whoever owns the container writes these files: they may be anything, and take no more memory than
//! is said here. No path leads out of the root.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use model::event::{Text, User};
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
/// What the users, or the groups, of one root may take in memory: some 20 000, and those that come
/// later have no names. A file of the shortest lines takes ten times as much as it is long.
const TABLE_BYTES_MAX: usize = 4 << 20;
/// What an entry takes besides its texts' bytes.
const ENTRY_BYTES: usize = size_of::<(u32, User)>() + 3 * 16;

/// What the files of one root say.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    users: HashMap<u32, User>,
    groups: HashMap<u32, Text>,
    user_map: Map,
    group_map: Map,
}

/// What a process shows of its root.
pub(super) enum Found {
    Accounts(Accounts),
    /// There are no files, which may be there later.
    None,
    /// The process is gone, or elsewhere, or its number is another's by now.
    Gone,
}

impl Accounts {
    /// Of the first of the processes that is there.
    pub(super) fn of_any(pids: &[u32], spaces: Spaces) -> Found {
        let mut found = pids.iter().map(|pid| Self::of_process(*pid, spaces));
        found.find(|found| !matches!(found, Found::Gone)).unwrap_or(Found::Gone)
    }

    pub(super) fn of_process(pid: u32, spaces: Spaces) -> Found {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let space = |name: &str| crate::processes::space(&folder.join("ns").join(name));
        let is_same = || space("mnt") == Some(spaces.mount) && space("user") == Some(spaces.user);
        let root = root_of(&folder).filter(|(root, _)| *root == spaces.root);
        let Some((_, root)) = root else { return Found::Gone };
        let map = |name| {
            let text = crate::file::read(&folder.join(name), MAP_BYTES_MAX).unwrap_or_default();
            Map::parse(&String::from_utf8_lossy(&text))
        };
        let (passwd, group) = (read(&root, "etc/passwd"), read(&root, "etc/group"));
        let has_none = passwd.is_none() && group.is_none();
        let accounts = Self {
            users: users(&passwd.unwrap_or_default()),
            groups: groups(&group.unwrap_or_default()),
            user_map: map("uid_map"),
            group_map: map("gid_map"),
        };
        match is_same() {
            false => Found::Gone,
            true if has_none => Found::None,
            true => Found::Accounts(accounts),
        }
    }

    /// For tests: so much, about.
    #[cfg(test)]
    pub(super) fn of_size(bytes: usize) -> Self {
        let user = User { name: vec![b'x'; bytes].into(), ..User::default() };
        Self { users: HashMap::from([(0, user)]), ..Self::default() }
    }

    /// What they take in memory.
    pub(super) fn bytes(&self) -> usize {
        let texts = |user: &User| user.name.len() + user.home.len() + user.shell.len();
        let texts = self.users.values().map(texts).chain(self.groups.values().map(|it| it.len()));
        let maps = self.user_map.ranges.len() + self.group_map.ranges.len();
        texts.sum::<usize>()
            + (self.users.capacity() + self.groups.capacity()) * ENTRY_BYTES
            + maps * size_of::<[u32; 3]>()
    }

    pub(super) fn user(&self, uid: u32) -> Option<User> {
        self.users.get(&self.user_map.inside(uid)?).cloned()
    }

    pub(super) fn group(&self, gid: u32) -> Option<Text> {
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
    let mut bytes = 0;
    for line in passwd.split(|b| *b == b'\n') {
        let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        if let [name, _, uid, _, _, home, shell] = fields.as_slice()
            && let Some(uid) = number(uid)
        {
            bytes += ENTRY_BYTES + line.len();
            if bytes > TABLE_BYTES_MAX {
                break;
            }
            let user = User { name: (*name).into(), home: (*home).into(), shell: (*shell).into() };
            users.entry(uid).or_insert(user);
        }
    }
    users
}

/// `name:password:gid:members`
fn groups(group: &[u8]) -> HashMap<u32, Text> {
    let mut groups = HashMap::new();
    let mut bytes = 0;
    for line in group.split(|b| *b == b'\n') {
        let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
        if let [name, _, gid, ..] = fields.as_slice()
            && let Some(gid) = number(gid)
        {
            bytes += ENTRY_BYTES + name.len();
            if bytes > TABLE_BYTES_MAX {
                break;
            }
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
    use std::path::Path;

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
    fn a_file_of_many_short_lines_takes_no_more_than_is_said() {
        let lines = |after: &str| -> Vec<u8> {
            (0..200_000).flat_map(|number| format!("::{number}{after}\n").into_bytes()).collect()
        };
        let accounts = Accounts {
            users: users(&lines("::::")),
            groups: groups(&lines(":")),
            ..Accounts::default()
        };
        assert!(accounts.users.len() > 10_000 && accounts.groups.len() > 10_000);
        // A map has up to twice as many places as entries.
        assert!(accounts.bytes() <= 4 * TABLE_BYTES_MAX, "{}", accounts.bytes());
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
}
