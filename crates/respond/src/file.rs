//! One file below a root that somebody hostile may live in: found without leaving the root, held by
//! descriptors, moved by name only within the folder that is held.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat, fstat, open, openat,
    openat2, renameat_with, statat, unlinkat,
};

use crate::groups;
use crate::process::{Process, ProcessId};

/// A name in a folder, which may stand for nothing.
pub(crate) struct Place {
    folder: OwnedFd,
    pub(crate) name: OsString,
}

/// Which file, however it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    pub(crate) size: u64,
    modified: (i64, i64),
}

impl Identity {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0)),
        }
    }
}

/// The root of a container as one of its processes has it; of the host without one.
pub(crate) fn root(inside: Option<(&str, ProcessId)>) -> std::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Some((container, process)) = inside else { return Ok(open("/", flags, Mode::empty())?) };
    let root = open(format!("/proc/{}/root", process.pid), flags, Mode::empty())?;
    // Whoever has the number now had it when the root was opened, if it is still the same.
    let is_it = Process::of(process.pid).is_some_and(|found| found.id.is(process));
    let is_inside = groups::container_of_process(process.pid).is_some_and(|it| it.id == container);
    if is_it && is_inside { Ok(root) } else { Err(std::io::ErrorKind::NotFound.into()) }
}

impl Place {
    /// Links on the way are followed as the root's own processes would, and never out of it.
    pub(crate) fn below(root: impl AsFd, path: &Path) -> std::io::Result<Self> {
        let invalid =
            || std::io::Error::new(std::io::ErrorKind::InvalidInput, "not the path of a file");
        let name = path.file_name().ok_or_else(invalid)?;
        let folder = path.parent().filter(|_| path.is_absolute()).ok_or_else(invalid)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let folder = openat2(root, folder, flags, Mode::empty(), resolve)?;
        Ok(Self { folder, name: name.to_owned() })
    }

    /// Holds what stands there under this name, without opening it: a device or a FIFO would notice.
    pub(crate) fn hold(&self, name: &OsStr) -> std::io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.folder, name, flags, Mode::empty())?)
    }

    /// What stands there under this name; a link is itself.
    pub(crate) fn stat(&self, name: &OsStr) -> std::io::Result<Option<Stat>> {
        match statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(rustix::io::Errno::NOENT) => Ok(None),
            stat => Ok(Some(stat?)),
        }
    }

    /// Makes a file for root alone, under a name that nothing has.
    pub(crate) fn create(&self, name: &OsStr) -> std::io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(openat(&self.folder, name, flags, mode)?.into())
    }

    /// Within the folder, onto a name that nothing has.
    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> std::io::Result<()> {
        Ok(renameat_with(&self.folder, from, &self.folder, to, RenameFlags::NOREPLACE)?)
    }

    pub(crate) fn remove(&self, name: &OsStr) -> std::io::Result<()> {
        Ok(unlinkat(&self.folder, name, AtFlags::empty())?)
    }
}

/// A file that is held, opened for reading: the very one, by its descriptor.
pub(crate) fn read(held: &OwnedFd) -> std::io::Result<File> {
    let path: PathBuf = format!("/proc/self/fd/{}", held.as_raw_fd()).into();
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?.into())
}

/// Why a file of this kind is not taken away.
pub(crate) fn unfit(held: &OwnedFd) -> std::io::Result<Option<&'static str>> {
    let kind = FileType::from_raw_mode(fstat(held)?.st_mode);
    Ok(match kind {
        FileType::RegularFile => None,
        FileType::Symlink => Some("it is a link: name what it leads to"),
        FileType::Directory => Some("it is a folder"),
        _ => Some("it is no file but a device, a socket or a FIFO"),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_path_leaves_its_root() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "outside").unwrap();
        let inside = tempfile::tempdir().unwrap();
        let at = |name: &str| inside.path().join(name);
        std::fs::create_dir_all(at("etc")).unwrap();
        std::fs::write(at("etc/file"), "inside").unwrap();
        symlink(outside.path(), at("away")).unwrap();
        symlink("../../../../../../etc", at("up")).unwrap();
        symlink("/etc", at("absolute")).unwrap();
        symlink("/proc/self/root", at("magic")).unwrap();
        symlink("/etc/file", at("link")).unwrap();
        let root = File::open(inside.path()).unwrap();
        let content = |path: &str| -> std::io::Result<String> {
            let place = Place::below(&root, Path::new(path))?;
            let held = place.hold(&place.name)?;
            if let Some(why) = unfit(&held)? {
                return Ok(why.to_owned());
            }
            std::io::read_to_string(read(&held)?)
        };
        for path in
            ["/etc/file", "/up/file", "/absolute/file", "/../../etc/file", "/etc/../etc/file"]
        {
            assert_eq!(content(path).unwrap(), "inside", "{path}");
        }
        for path in ["/away/secret", "/magic/etc/passwd", "/etc/none", "relative", "/", "/etc/.."] {
            assert!(content(path).is_err(), "{path}");
        }
        assert!(content("/link").unwrap().contains("link"));
        assert!(content("/etc").unwrap().contains("folder"));
    }
}
