//! `dir:` — an unpacked root file system, and the unpacked layers that containerd keeps.
//!
//! The walk never follows a symlink, the root's own apart: every directory is opened by its name
//! in the directory above, so nothing outside the root is reached whatever changes meanwhile.
//! Devices, sockets and FIFOs are never opened, kernel file systems (`/proc`, `/sys`) never
//! entered. What a layer has only as a mark is looked for in the layers beneath (`overlay`).

mod overlay;
mod same;

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use model::{ArtifactKind, Entry, EntryKind, Layer, ProblemKind, Visitor};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::archive::unreadable;
use crate::delivery::{Delivery, Shape, Turn};
use crate::error::OpenErrorKind;
use crate::fs_archive::file_system;
use crate::image::Backend;
use crate::layer::{Begun, Outcome, Reading, Role};
use crate::limits::{DIRECTORY_DEPTH_MAX, ENTRIES_MAX, RATIO_MAX};
use crate::tar::Fault;
use crate::{Image, OpenError, Options, ReadError};
use overlay::Marks;
pub(crate) use overlay::has_moved;
use same::Same;

/// A directory that is walked.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Whether it is a layer of overlayfs, in which a character device 0:0 is a whiteout and an
    /// attribute makes a directory opaque (Linux, Documentation/filesystems/overlayfs.rst).
    pub(crate) overlay: bool,
    /// Of such a layer: the directories of the layers beneath, the highest first, as far as they
    /// are known.
    pub(crate) lowers: Vec<PathBuf>,
}

impl Tree {
    /// A layer of overlayfs.
    pub(crate) fn layer(root: PathBuf, lowers: Vec<PathBuf>) -> Self {
        Self { root, overlay: true, lowers }
    }

    /// The layers in these directories, the lowest first, each with those beneath.
    pub(crate) fn layers(roots: &[PathBuf]) -> Vec<Self> {
        let beneath = |index: usize| roots.iter().take(index).rev().cloned().collect();
        let layers = roots.iter().enumerate();
        layers.map(|(index, root)| Self::layer(root.clone(), beneath(index))).collect()
    }
}

/// File systems that hold no files anybody installed (`f_type` of statfs(2)).
const KERNEL_FILE_SYSTEMS: [i64; 13] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x6265_6570, // configfs
    0xcafe_4a11, // bpf
    0x6165_676c, // pstore
    0x1980_0202, // mqueue
    0x1cd1,      // devpts
    0x0187,      // autofs, which mounts what is looked for
];

/// Opens the directory at `path`, which the user calls `name`.
pub(crate) fn open(path: &Path, name: &str, options: &Options) -> Result<Image, OpenError> {
    let metadata = path.metadata().map_err(|error| unreadable(name, error))?;
    if !metadata.is_dir() {
        let message = format!("`{name}` is not a directory");
        return Err(OpenError::new(OpenErrorKind::NotAnImage, message));
    }
    let artifact = file_system(name, ArtifactKind::Dir, None);
    let backend = Backend::Dir(Tree { root: path.to_owned(), overlay: false, lowers: Vec::new() });
    Ok(Image::new(artifact, None, Vec::new(), backend, options))
}

/// Walks through a directory tree, in the order of the names.
pub(crate) fn read_tree(
    tree: &Tree,
    layer: &Layer,
    role: Role<'_>,
    visitor: &mut dyn Visitor,
    reading: &Reading<'_>,
) -> Result<Outcome, ReadError> {
    let progress = Begun::new(layer, role, reading);
    let mut delivery = Delivery::new(visitor, reading, role.layer(layer));
    let marks = tree.overlay.then(|| Marks::of(&tree.root));
    let same = Same::default();
    let mut walk = Walk { tree, marks, same, levels: Vec::new(), listed: 0, bytes: 0 };
    let name = tree.root.display().to_string();
    match open_root(&tree.root) {
        Ok(root) => walk.enter(root, String::new(), false, &mut delivery),
        Err(error) => delivery.problem(ProblemKind::Unreadable, &name, error.to_string()),
    }
    let (mut told, mut ended) = (0, true);
    while let Some(next) = walk.next() {
        reading.options.stop.check()?;
        if walk.present(&next, &mut delivery) == Turn::Full {
            ended = false;
            break;
        }
        progress.passed(walk.bytes - told);
        told = walk.bytes;
    }
    let (entries, bytes, growth) = (delivery.entries(), walk.bytes, delivery.growth().of_layer());
    let problems = delivery.finish(&name);
    let (verified, diff_id, failure) = (false, None, None);
    Ok(Outcome { ended, verified, diff_id, entries, bytes, growth, problems, failure })
}

/// Where the walk is: the directories from the root down, each with the names still to come.
struct Walk<'t> {
    tree: &'t Tree,
    /// What counts as a mark of overlayfs; None where nothing does.
    marks: Option<Marks>,
    /// Files that have more than one name.
    same: Same,
    levels: Vec<Level>,
    /// Names listed so far: a bound on what the levels hold in memory.
    listed: u64,
    /// Bytes of contents read.
    bytes: u64,
}

struct Level {
    directory: OwnedFd,
    /// Of the directory; empty for the root.
    path: String,
    names: std::vec::IntoIter<CString>,
    /// Device and inode.
    identity: (u64, u64),
    /// Whether it has another name in the layers beneath.
    is_moved: bool,
}

/// A name to be looked at.
struct Next {
    name: CString,
    path: String,
}

impl Walk<'_> {
    fn next(&mut self) -> Option<Next> {
        loop {
            let level = self.levels.last_mut()?;
            match level.names.next() {
                Some(name) => {
                    let text = name.to_string_lossy();
                    let slash = if level.path.is_empty() { "" } else { "/" };
                    let path = format!("{}{slash}{text}", level.path);
                    return Some(Next { path, name });
                }
                None => self.levels.pop(),
            };
        }
    }

    fn present(&mut self, next: &Next, delivery: &mut Delivery<'_>) -> Turn {
        let Next { name, path } = next;
        let Some(Level { directory, .. }) = self.levels.last() else { return Turn::Pass };
        let stat = match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // Gone since it was listed.
            Err(Errno::NOENT) => return Turn::Pass,
            Err(error) => return unreadable_entry(delivery, path, error),
        };
        let entry = |kind, size| Entry {
            path,
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size,
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => match delivery.entry(&entry(EntryKind::Directory, 0)) {
                Turn::Full => Turn::Full,
                _ => self.descend(name, path, &stat, &entry(EntryKind::Opaque, 0), delivery),
            },
            FileType::RegularFile if let Some(first) = self.same.first_name(&stat, path) => {
                delivery.entry(&entry(EntryKind::HardLink(&first), 0))
            }
            FileType::RegularFile => {
                let entry = entry(EntryKind::File, u64::try_from(stat.st_size).unwrap_or(0));
                self.file(name, &entry, delivery)
            }
            FileType::Symlink => match rustix::fs::readlinkat(directory, name, Vec::new()) {
                Ok(target) => {
                    delivery.entry(&entry(EntryKind::Symlink(&target.to_string_lossy()), 0))
                }
                Err(error) => unreadable_entry(delivery, path, error),
            },
            FileType::CharacterDevice if self.tree.overlay && stat.st_rdev == 0 => {
                delivery.entry(&entry(EntryKind::Whiteout, 0))
            }
            _ => delivery.entry(&entry(EntryKind::Special, 0)),
        }
    }

    fn descend(
        &mut self,
        name: &CStr,
        path: &str,
        stat: &Stat,
        opaque: &Entry<'_>,
        delivery: &mut Delivery<'_>,
    ) -> Turn {
        let Some(level) = self.levels.last() else { return Turn::Pass };
        if self.levels.len() >= DIRECTORY_DEPTH_MAX {
            let message = format!("directories deeper than {DIRECTORY_DEPTH_MAX} are not read");
            delivery.problem(ProblemKind::LimitReached, path, message);
            return Turn::Pass;
        }
        if self.levels.iter().any(|above| above.identity == (stat.st_dev, stat.st_ino)) {
            let message = "a mount leads back to a directory above";
            delivery.problem(ProblemKind::Notice, path, message);
            return Turn::Pass;
        }
        let directory = match rustix::fs::openat(&level.directory, name, DIRECTORY, Mode::empty()) {
            Ok(directory) => directory,
            Err(error) => return unreadable_entry(delivery, path, error),
        };
        if stat.st_dev != level.identity.0 && is_kernel(&directory) {
            return Turn::Pass;
        }
        let is_opaque = self.marks.is_some_and(|it| it.is_opaque(&directory));
        if is_opaque && delivery.entry(opaque) == Turn::Full {
            return Turn::Full;
        }
        let from = self.marks.and_then(|it| it.moved_from(&directory));
        let is_moved = level.is_moved || from.is_some();
        if let Some(from) = from {
            let message = format!(
                "moved here from `{from}` of the layers beneath, which is not read with it"
            );
            delivery.problem(ProblemKind::Unsupported, path, message);
        }
        self.enter(directory, path.to_owned(), is_moved, delivery);
        Turn::Pass
    }

    /// Lists a directory and goes into it.
    fn enter(
        &mut self,
        directory: OwnedFd,
        path: String,
        is_moved: bool,
        delivery: &mut Delivery<'_>,
    ) {
        match list(&directory, ENTRIES_MAX.saturating_sub(self.listed) + 1) {
            Ok((names, identity)) => {
                self.listed += names.len() as u64;
                let names = names.into_iter();
                self.levels.push(Level { directory, path, names, identity, is_moved });
            }
            Err(error) => {
                unreadable_entry(delivery, &path, error);
            }
        }
    }

    fn file(&mut self, name: &CStr, entry: &Entry<'_>, delivery: &mut Delivery<'_>) -> Turn {
        let turn = delivery.entry(entry);
        let Some(level) = self.levels.last().filter(|_| turn == Turn::Content) else {
            return turn;
        };
        let (file, stat) = match open_regular(&level.directory, name) {
            Ok(opened) => opened,
            Err(error) => return unreadable_entry(delivery, entry.path, error),
        };
        let (file, stat) = match self.with_content(file, stat, entry, level.is_moved) {
            Ok(opened) => opened,
            Err(why) => {
                let message = format!("its content {why}");
                delivery.problem(ProblemKind::Unreadable, entry.path, message);
                return Turn::Pass;
            }
        };
        // Some file systems compress, and nobody tells that from holes.
        let blocks = u64::try_from(stat.st_blocks).unwrap_or(0);
        let stored = blocks.saturating_mul(512).saturating_mul(RATIO_MAX);
        let shape = Shape { segments: None, stored };
        let mut offset = 0;
        let mut read = |into: &mut [u8]| {
            file.read_exact_at(into, offset).map_err(Fault::Input)?;
            offset += into.len() as u64;
            Ok(into.len())
        };
        let delivered = delivery.content(entry, &shape, &mut read);
        self.bytes += offset;
        if let Err(fault) = delivered {
            delivery.problem(ProblemKind::Unreadable, entry.path, fault.to_string());
        }
        Turn::Pass
    }
}

impl Walk<'_> {
    /// The file that has the content: this one, unless it is marked as having none.
    fn with_content(
        &self,
        file: File,
        stat: Stat,
        entry: &Entry<'_>,
        is_moved: bool,
    ) -> Result<(File, Stat), &'static str> {
        if !self.marks.is_some_and(|it| it.is_bare(&file)) {
            return Ok((file, stat));
        }
        if is_moved {
            return Err("is in a layer beneath, where its directory has another name");
        }
        let (file, stat) = overlay::content_beneath(self.tree, &file, entry.path)?;
        match u64::try_from(stat.st_size) == Ok(entry.size) {
            true => Ok((file, stat)),
            false => Err("is in a layer beneath, and has another size there"),
        }
    }
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn open_root(root: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::open(root, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty())
}

/// At most `limit` names in a directory, sorted, and the directory's device and inode.
fn list(directory: &OwnedFd, limit: u64) -> Result<(Vec<CString>, (u64, u64)), Errno> {
    let stat = rustix::fs::fstat(directory)?;
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if names.len() as u64 >= limit {
            break;
        }
        if name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok((names, (stat.st_dev, stat.st_ino)))
}

/// Opens what was a regular file a moment ago, and still is.
fn open_regular(directory: &OwnedFd, name: &CStr) -> Result<(File, Stat), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((File::from(file), stat)),
        _ => Err(Errno::NXIO),
    }
}

fn is_kernel(directory: &OwnedFd) -> bool {
    rustix::fs::fstatfs(directory).is_ok_and(|it| KERNEL_FILE_SYSTEMS.contains(&it.f_type))
}

fn unreadable_entry(delivery: &mut Delivery<'_>, path: &str, error: Errno) -> Turn {
    let subject = if path.is_empty() { "/" } else { path };
    delivery.problem(ProblemKind::Unreadable, subject, io::Error::from(error).to_string());
    Turn::Pass
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_kernel_is_no_part_of_a_root_file_system() {
        for (path, kernel) in [("/proc", true), ("/sys", true), ("/", false)] {
            let path = Path::new(path);
            if path.exists() {
                assert_eq!(is_kernel(&open_root(path).unwrap()), kernel, "{}", path.display());
            }
        }
    }
}
