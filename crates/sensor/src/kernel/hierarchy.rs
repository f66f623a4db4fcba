//! Which hierarchy of control groups tells containers apart on this machine.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

/// A hierarchy by its controller, with the folder that it is mounted at: there a group's inode is
/// the number that records carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// None for the unified one.
    pub controller: Option<&'static str>,
    /// None where it is not mounted.
    pub mounted: Option<PathBuf>,
}

/// In the order of preference, as the programs number them from 1.
const CONTROLLERS: [&str; 5] = ["memory", "pids", "cpu", "devices", "freezer"];

/// The kernel's own namespaces have these numbers, in every kernel.
const GROUPS_OF_HOST: u32 = 0xeffffffb;
const PROCESSES_OF_HOST: u32 = 0xeffffffc;

/// Whether `/proc` and the mounts tell us the paths of the host's groups. In a namespace of our own
/// every process that runs already would be in a container that nobody knows.
pub fn groups_are_of_host() -> bool {
    is_of_host("cgroup", GROUPS_OF_HOST)
}

/// Whether processes have the numbers for us that the programs know them by: with others the guard
/// would watch itself, and leave out somebody else.
pub fn processes_are_of_host() -> bool {
    is_of_host("pid", PROCESSES_OF_HOST)
}

fn is_of_host(kind: &str, of_host: u32) -> bool {
    is_number(crate::processes::space(&Path::new("/proc/self/ns").join(kind)), of_host)
}

/// Kernels that do not have these namespaces have no other one.
fn is_number(namespace: Option<u32>, of_host: u32) -> bool {
    namespace.is_none_or(|number| number == of_host)
}

impl Hierarchy {
    /// The one of this machine.
    pub fn find() -> Self {
        let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        Self::choose(&mounts)
    }

    /// Where the unified one is mounted, be it this or beside it.
    pub(crate) fn unified() -> Option<PathBuf> {
        let mounts = std::fs::read("/proc/self/mountinfo").ok()?;
        let mut mounts = mounts.lines().filter_map(Mount::read);
        mounts.find(|mount| mount.kind == b"cgroup2").map(|mount| mount.folder)
    }

    /// Runtimes put containers into every hierarchy of version 1 that is mounted; into the unified
    /// one beside them only some do. So a controller of version 1 wins where there is one.
    fn choose(mounts: &[u8]) -> Self {
        let mounts: Vec<Mount<'_>> = mounts.lines().filter_map(Mount::read).collect();
        let of = |controller: &&'static str| {
            let found = mounts.iter().find(|mount| {
                mount.kind == b"cgroup"
                    && mount
                        .options
                        .split(|byte| *byte == b',')
                        .any(|option| option == controller.as_bytes())
            })?;
            Some(Self { controller: Some(*controller), mounted: Some(found.folder.clone()) })
        };
        CONTROLLERS.iter().find_map(of).unwrap_or_else(|| {
            let unified = mounts.iter().find(|mount| mount.kind == b"cgroup2");
            Self { controller: None, mounted: unified.map(|mount| mount.folder.clone()) }
        })
    }

    /// The number of the group at `path`. What is above our own root is not reached.
    pub(crate) fn number_of(&self, path: &str) -> Option<u64> {
        let path = self.mounted.as_ref()?.join(path.trim_start_matches('/'));
        std::fs::symlink_metadata(path).ok().map(|folder| folder.ino())
    }

    /// The kernel's number of it: 0 is the unified one, those of version 1 are numbered as they are
    /// mounted.
    pub(crate) fn kernel_number(&self) -> u32 {
        let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let of = |line: &str| {
            let (number, rest) = line.split_once(':')?;
            let (controllers, _) = rest.split_once(':')?;
            let is_ours = controllers.split(',').any(|it| Some(it) == self.controller);
            is_ours.then(|| number.parse().ok())?
        };
        text.lines().find_map(of).unwrap_or(0)
    }

    /// As the programs number them.
    pub(crate) fn number(&self) -> u32 {
        let index = CONTROLLERS.iter().position(|name| Some(*name) == self.controller);
        index.and_then(|index| u32::try_from(index + 1).ok()).unwrap_or(0)
    }
}

/// A line of `mountinfo`.
struct Mount<'a> {
    folder: PathBuf,
    kind: &'a [u8],
    /// Of the filesystem.
    options: &'a [u8],
}

impl<'a> Mount<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let (own, filesystem) = line.split_once_str(" - ")?;
        let folder = own.split_str(" ").nth(4)?;
        let mut filesystem = filesystem.split_str(" ");
        let (kind, options) = (filesystem.next()?, filesystem.nth(1)?);
        Some(Self { folder: folder.to_path_lossy().into_owned(), kind, options })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIFIED: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
    const HYBRID: &str = "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        32 30 0:28 / /sys/fs/cgroup/memory rw shared:3 - cgroup cgroup rw,memory\n\
        33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
        34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    /// Mounts, the controller, the folder, the programs' number.
    const CASES: &[(&str, Option<&str>, Option<&str>, u32)] = &[
        (UNIFIED, None, Some("/sys/fs/cgroup"), 0),
        (HYBRID, Some("memory"), Some("/sys/fs/cgroup/memory"), 1),
        ("31 30 0:27 / /c rw - cgroup cgroup rw,cpu,cpuacct\n", Some("cpu"), Some("/c"), 3),
        ("", None, None, 0),
        ("broken - line\n31 30 0:27 /\n", None, None, 0),
    ];

    #[test]
    fn a_namespace_of_our_own_is_not_the_hosts() {
        for (number, expected) in
            [(None, true), (Some(4_026_531_835), true), (Some(4_026_532_610), false)]
        {
            assert_eq!(is_number(number, GROUPS_OF_HOST), expected, "{number:?}");
        }
    }

    #[test]
    fn version_one_wins_where_it_is() {
        for (mounts, controller, folder, number) in CASES {
            let found = Hierarchy::choose(mounts.as_bytes());
            assert_eq!(found.controller, *controller, "{mounts}");
            assert_eq!(found.mounted, folder.map(PathBuf::from), "{mounts}");
            assert_eq!(found.number(), *number, "{mounts}");
        }
    }
}
