//! Files that were written in memory before it was marked: found by going through it once.
//!
//! Of memory alone (`tmpfs`), which a container has for itself, begins empty, and answers at once. Nothing
//! leads out of it: no link is followed, no other mount entered. Volumes are not gone through, since they
//! may hold anything from before.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, openat2};

use crate::prevent::fanotify::facts::Facts;
use crate::prevent::fanotify::mount::Mount;

/// Names that are looked at: what a container can have written in the moment before it was met.
const NAMES_MAX: usize = 1_024;
/// Folders within one another.
const DEPTH_MAX: usize = 16;

/// What was there.
#[derive(Debug, Default)]
pub(super) struct Former {
    /// Not opened to read.
    pub(super) files: Vec<OwnedFd>,
    /// There was more.
    pub(super) is_cut: bool,
    names: usize,
}

/// Whether a mount is memory that can be gone through.
pub(super) fn is_memory(mount: &Mount) -> bool {
    (mount.kind == "tmpfs" || mount.kind == "ramfs") && !mount.read_only
}

/// Regular files below the mount point that changed since, in seconds since the epoch.
pub(super) fn look(point: &OwnedFd, since: i64) -> Former {
    let mut former = Former::default();
    former.walk(point, since, DEPTH_MAX);
    former
}

impl Former {
    fn walk(&mut self, folder: impl AsFd, since: i64, depth: usize) {
        let Some(opened) = within(&folder, c".", OFlags::RDONLY | OFlags::DIRECTORY) else {
            return;
        };
        let Ok(names) = Dir::read_from(&opened) else { return };
        for entry in names.flatten() {
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if self.names >= NAMES_MAX {
                self.is_cut = true;
                return;
            }
            self.names += 1;
            match entry.file_type() {
                FileType::Directory if depth == 0 => self.is_cut = true,
                FileType::Directory => {
                    if let Some(folder) = within(&opened, name, OFlags::PATH) {
                        self.walk(folder, since, depth - 1);
                    }
                }
                FileType::RegularFile => {
                    let file = within(&opened, name, OFlags::PATH);
                    let is_later = |file: &OwnedFd| {
                        Facts::of(file)
                            .is_some_and(|it| it.is_regular && it.print.changed.0 >= since)
                    };
                    self.files.extend(file.filter(is_later));
                }
                _ => {}
            }
        }
    }
}

fn within(folder: impl AsFd, name: &std::ffi::CStr, flags: OFlags) -> Option<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
    openat2(folder, name, flags, Mode::empty(), resolve).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rustix::fs::open;

    use super::*;

    fn of(folder: &Path, since: i64) -> (Vec<u64>, bool) {
        let point = open(folder, OFlags::PATH, Mode::empty()).unwrap();
        let Former { files, is_cut, .. } = look(&point, since);
        let mut sizes: Vec<u64> =
            files.iter().map(|file| Facts::of(file).unwrap().print.size).collect();
        sizes.sort_unstable();
        (sizes, is_cut)
    }

    #[test]
    fn files_are_found_and_nothing_is_followed() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = folder.path();
        fs::create_dir_all(path.join("a/b")).unwrap();
        fs::write(path.join("one"), "1").unwrap();
        fs::write(path.join("a/b/two"), "22").unwrap();
        fs::write(other.path().join("three"), "333").unwrap();
        std::os::unix::fs::symlink(other.path(), path.join("folder")).unwrap();
        std::os::unix::fs::symlink(other.path().join("three"), path.join("file")).unwrap();
        assert_eq!(of(path, 0), (vec![1, 2], false));
        assert_eq!(of(path, i64::MAX), (vec![], false), "none changed since");
    }

    #[test]
    fn it_is_bounded_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..=NAMES_MAX {
            fs::write(folder.path().join(number.to_string()), "x").unwrap();
        }
        let (files, is_cut) = of(folder.path(), 0);
        assert_eq!((files.len(), is_cut), (NAMES_MAX, true));
        let deep = tempfile::tempdir().unwrap();
        fs::create_dir_all(deep.path().join("d/".repeat(DEPTH_MAX + 1))).unwrap();
        assert!(of(deep.path(), 0).1, "too deep");
    }
}
