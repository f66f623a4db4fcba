//! What a file is beside its content. The time of its last change cannot be set, by anybody.

use std::ffi::CString;
use std::fs::File;

use rustix::buffer::spare_capacity;
use rustix::fs::{
    Gid, Mode, Timespec, Timestamps, Uid, XattrFlags, fchmod, fchown, fgetxattr, flistxattr,
    fsetxattr, fstat, futimens,
};
use serde::{Deserialize, Serialize};

/// The kernel's own limits for the list of names and for one value.
const NAMES_BYTES_MAX: usize = 64 << 10;
const VALUE_BYTES_MAX: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    mode: u32,
    owner: u32,
    group: u32,
    accessed: (i64, i64),
    modified: (i64, i64),
    extended: Vec<(CString, Vec<u8>)>,
}

impl Attributes {
    pub(crate) fn read(file: &File) -> std::io::Result<Self> {
        let stat = fstat(file)?;
        let nanoseconds = |number: u64| i64::try_from(number).unwrap_or(0);
        Ok(Self {
            mode: stat.st_mode & 0o7777,
            owner: stat.st_uid,
            group: stat.st_gid,
            accessed: (stat.st_atime, nanoseconds(stat.st_atime_nsec)),
            modified: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
            extended: extended(file)?,
        })
    }

    /// Whether a file has them; when it was read last does not count.
    pub(crate) fn are_those_of(&self, file: &File) -> std::io::Result<bool> {
        Ok(Self { accessed: self.accessed, ..Self::read(file)? } == *self)
    }

    /// To a file that is ours. The owner goes first: a change of it takes privileges away.
    pub(crate) fn write(&self, file: &File) -> std::io::Result<()> {
        fchown(file, Some(Uid::from_raw(self.owner)), Some(Gid::from_raw(self.group)))?;
        fchmod(file, Mode::from_raw_mode(self.mode))?;
        for (name, value) in &self.extended {
            fsetxattr(file, name, value, XattrFlags::empty())?;
        }
        let time = |(tv_sec, tv_nsec)| Timespec { tv_sec, tv_nsec };
        let times =
            Timestamps { last_access: time(self.accessed), last_modification: time(self.modified) };
        Ok(futimens(file, &times)?)
    }
}

fn extended(file: &File) -> std::io::Result<Vec<(CString, Vec<u8>)>> {
    let mut names = Vec::with_capacity(NAMES_BYTES_MAX);
    match flistxattr(file, spare_capacity(&mut names)) {
        Err(rustix::io::Errno::OPNOTSUPP) => return Ok(Vec::new()),
        listed => listed?,
    };
    let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let mut found = Vec::new();
    for name in names {
        let name = CString::new(name).map_err(std::io::Error::other)?;
        let mut value = Vec::with_capacity(VALUE_BYTES_MAX);
        fgetxattr(file, &name, spare_capacity(&mut value))?;
        found.push((name, value));
    }
    Ok(found)
}
