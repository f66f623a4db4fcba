//! One file below a root that somebody hostile may live in: found without leaving the root, held by
//! descriptors, moved by name only within the folder that is held.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat, StatxAttributes,
    StatxFlags, fstat, major, minor, openat, openat2, renameat_with, statat, statx, unlinkat,
};

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

/// What becomes of links on the way to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Followed,
    Refused,
}

impl Place {
    /// Links on the way are followed as the root's own processes would, and never out of it.
    pub(crate) fn below(root: impl AsFd, path: &Path, links: Links) -> std::io::Result<Self> {
        let invalid =
            || std::io::Error::new(std::io::ErrorKind::InvalidInput, "not the path of a file");
        let name = path.file_name().ok_or_else(invalid)?;
        let folder = path.parent().filter(|_| path.is_absolute()).ok_or_else(invalid)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        resolve.set(ResolveFlags::NO_SYMLINKS, links == Links::Refused);
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

/// A file that is mounted by itself, as runtimes mount `/etc/hosts` and parts of volumes, cannot be taken
/// away by its name: that is the mount's, and what lies there stays.
pub(crate) fn refuse_mount(held: &OwnedFd) -> std::io::Result<()> {
    let found = statx(held, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
    if !found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) {
        return Ok(());
    }
    let why = "it is a mount of its own, and its file is elsewhere: quarantine that, by its path on the host";
    Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why))
}

/// Whether it is the one that was told of, by device and inode as the kernel numbers them.
pub(crate) fn is_told(held: &OwnedFd, told: (u64, u64)) -> std::io::Result<bool> {
    let stat = fstat(held)?;
    let (device, inode) = told;
    let told_major = u32::try_from(device >> 32).unwrap_or(u32::MAX);
    // File systems without a device of their own (overlays, Btrfs) tell `stat` another number than
    // the kernel has for them: then the inode decides.
    let is_device = device == number(stat.st_dev) || major(stat.st_dev) == 0 && told_major == 0;
    let kernels = || std::fs::read_to_string(format!("/proc/self/fdinfo/{}", held.as_raw_fd()));
    let is_inode =
        inode == stat.st_ino || kernels().is_ok_and(|text| inode_in(&text) == Some(inode));
    Ok(is_device && is_inode)
}

/// As events tell a device: major in the upper, minor in the lower 32 bits.
fn number(device: u64) -> u64 {
    u64::from(major(device)) << 32 | u64::from(minor(device))
}

/// The kernel's own number of an inode, which an overlay may show as another one.
fn inode_in(description: &str) -> Option<u64> {
    description.lines().find_map(|line| line.strip_prefix("ino:")?.trim().parse().ok())
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
            let place = Place::below(&root, Path::new(path), Links::Followed)?;
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
