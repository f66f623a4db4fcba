//! The marks that overlayfs leaves in a layer: attributes that say what of a file or directory is
//! not here (Linux, Documentation/filesystems/overlayfs.rst).
//!
//! A file of which only owner or mode were changed has the mark `metacopy`, the size of its content
//! and none of its bytes: those are in a layer beneath. `redirect` says under which name, and for a
//! directory, from where its other content comes. What a mark leads to is looked for in the
//! layers' own directories, name by name: it must never lead out of them, and bytes that were not
//! found must never pass for zeros.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Dir, FileType, Mode, Stat};
use rustix::io::Errno;

use super::{DIRECTORY, Tree, open_regular, open_root};
use crate::limits::{DIRECTORY_DEPTH_MAX, ENTRIES_MAX, PATH_BYTES_MAX};
use crate::path::split;
use crate::{OpenError, Stop};

/// Whose attributes count in a layer.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    /// Those under `user.` too, which the overlay file systems of users without rights have. In a
    /// store of root they are what a container made there, and mean nothing.
    users: bool,
}

impl Marks {
    /// Of the layer at `root`. Whoever runs the engine owns the directory around it, which no
    /// container reaches.
    pub(super) fn of(root: &Path) -> Self {
        let owner = root.parent().and_then(|above| above.metadata().ok());
        Self { users: owner.is_some_and(|it| it.uid() != 0) }
    }

    fn spaces(self) -> impl Iterator<Item = &'static str> {
        ["trusted", "user"].into_iter().take(if self.users { 2 } else { 1 })
    }

    /// The value of a mark, if there is one. One that cannot be read is one.
    pub(super) fn read(self, file: impl AsFd, name: &str) -> Option<Vec<u8>> {
        for space in self.spaces() {
            let mut value = vec![0; PATH_BYTES_MAX];
            match rustix::fs::fgetxattr(&file, format!("{space}.overlay.{name}"), &mut value) {
                Ok(length) => {
                    value.truncate(length);
                    return Some(value);
                }
                Err(Errno::NODATA | Errno::NOTSUP | Errno::PERM) => {}
                Err(_) => return Some(Vec::new()),
            }
        }
        None
    }

    /// Whether overlayfs hides what lower layers have in this directory.
    pub(super) fn is_opaque(self, directory: &OwnedFd) -> bool {
        self.read(directory, "opaque").is_some_and(|it| it == b"y")
    }

    /// Whether the file's content is in a layer beneath.
    pub(super) fn is_bare(self, file: &File) -> bool {
        // Asked of every file that is read, so that no value is wanted.
        let ask = |space| {
            rustix::fs::fgetxattr(file, format!("{space}.overlay.metacopy"), &mut [0_u8; 0])
        };
        let is_none = |it| matches!(it, Err(Errno::NODATA | Errno::NOTSUP | Errno::PERM));
        !self.spaces().map(ask).all(is_none)
    }

    /// From where what is in the directory comes besides, in words.
    pub(super) fn moved_from(self, directory: &OwnedFd) -> Option<String> {
        let from = self.read(directory, "redirect")?;
        Some(String::from_utf8_lossy(&from).into_owned())
    }

    /// Where the layers beneath have what is at `path` here, by the mark of a file.
    fn below(self, file: &File, path: &str) -> Result<String, &'static str> {
        let Some(to) = self.read(file, "redirect") else { return Ok(path.to_owned()) };
        let to = String::from_utf8(to)
            .ok()
            .ok_or("has another name in a layer beneath, which is no text")?;
        Ok(match to.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => match split(path).0 {
                "" => to,
                directory => format!("{directory}/{to}"),
            },
        })
    }
}

/// What a layer has at a path.
enum Found {
    Content(File, Box<Stat>),
    /// Only its name for the layers beneath.
    Bare(String),
    /// Nothing, but the layers beneath may.
    Nothing,
}

/// The content of the file at `path`, which `tree` has without it, in the layers beneath: the
/// first that has it. The error is why not.
pub(super) fn content_beneath(
    tree: &Tree,
    file: &File,
    path: &str,
) -> Result<(File, Stat), &'static str> {
    let mut path = Marks::of(&tree.root).below(file, path)?;
    for lower in &tree.lowers {
        let marks = Marks::of(lower);
        match look(lower, marks, &path)? {
            Found::Content(file, stat) => return Ok((file, *stat)),
            Found::Bare(name) => path = name,
            Found::Nothing => {}
        }
    }
    Err("is in a layer beneath, and was not found there")
}

fn look(root: &Path, marks: Marks, path: &str) -> Result<Found, &'static str> {
    const HIDDEN: &str = "is in a layer beneath, and hidden by what stands above it";
    let mut directory = open_root(root).ok().ok_or("is in a layer beneath that cannot be read")?;
    let mut is_last = false;
    let (above, name) = split(path);
    let fits = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
    let names: Vec<&str> = above.split('/').filter(|_| !above.is_empty()).collect();
    if !names.iter().chain([&name]).all(|name| fits(name)) || names.len() > DIRECTORY_DEPTH_MAX {
        return Err("is in a layer beneath, under a name that is none");
    }
    let nothing = |is_last: bool| if is_last { Err(HIDDEN) } else { Ok(Found::Nothing) };
    for name in names {
        directory = match rustix::fs::openat(&directory, name, DIRECTORY, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return nothing(is_last),
            Err(_) => return Err(HIDDEN),
        };
        if marks.moved_from(&directory).is_some() {
            return Err("is in a layer beneath, in a directory that was moved");
        }
        is_last |= marks.is_opaque(&directory);
    }
    let name = CString::new(name).ok().ok_or(HIDDEN)?;
    let (file, stat) = match open_regular(&directory, &name) {
        Ok(found) => found,
        Err(Errno::NOENT) => return nothing(is_last),
        Err(_) => return Err(HIDDEN),
    };
    match marks.is_bare(&file) {
        false => Ok(Found::Content(file, Box::new(stat))),
        true if is_last => Err(HIDDEN),
        true => marks.below(&file, path).map(Found::Bare),
    }
}

/// Whether a directory in the layer at `root` was moved there with what layers beneath have in it.
/// What cannot be looked at here is told by whoever reads the layer.
pub(crate) fn has_moved(root: &Path, stop: &Stop) -> Result<bool, OpenError> {
    let marks = Marks::of(root);
    let Ok(root) = open_root(root) else { return Ok(false) };
    let mut listed = 0_u64;
    let mut levels = vec![(directories(&root, &mut listed), root)];
    while let Some((names, directory)) = levels.last_mut() {
        stop.check()?;
        let Some(name) = names.pop() else {
            levels.pop();
            continue;
        };
        let opened = rustix::fs::openat(&*directory, &*name, DIRECTORY, Mode::empty());
        let Ok(inner) = opened else { continue };
        if marks.moved_from(&inner).is_some() {
            return Ok(true);
        }
        if levels.len() < DIRECTORY_DEPTH_MAX && listed < ENTRIES_MAX {
            levels.push((directories(&inner, &mut listed), inner));
        }
    }
    Ok(false)
}

/// The names of the directories in a directory, as many as may be.
fn directories(directory: &OwnedFd, listed: &mut u64) -> Vec<CString> {
    let Ok(entries) = Dir::read_from(directory) else { return Vec::new() };
    let mut names = Vec::new();
    for entry in entries.flatten() {
        *listed += 1;
        if *listed > ENTRIES_MAX {
            break;
        }
        let name: &CStr = entry.file_name();
        let may_be = matches!(entry.file_type(), FileType::Directory | FileType::Unknown);
        if may_be && name != c"." && name != c".." {
            names.push(name.to_owned());
        }
    }
    names
}
