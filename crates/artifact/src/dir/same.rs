//! Files with more than one name: the first is the file, the others are hard links to it, as in an archive.
//!
//! So a directory and an archive of it say the same, and no content is read twice. An inode counts within its
//! file system, and for as long as a walk takes.

use std::collections::HashMap;
use std::rc::Rc;

use rustix::fs::Stat;

use crate::limits::LINK_TARGET_BYTES_MAX;

/// What a name takes in memory beside its bytes.
const NAME_OVERHEAD: usize = 64;

/// The files met so far that have more names.
#[derive(Default)]
pub(super) struct Same {
    /// The first name of each, by device and inode.
    names: HashMap<(u64, u64), Rc<str>>,
    bytes: usize,
}

impl Same {
    /// The name under which this file was met before. Beyond the limit files are met for the first time each
    /// time: they are read once a name.
    pub(super) fn first_name(&mut self, stat: &Stat, path: &str) -> Option<Rc<str>> {
        if stat.st_nlink < 2 {
            return None;
        }
        let inode = (stat.st_dev, stat.st_ino);
        if let Some(first) = self.names.get(&inode) {
            return Some(Rc::clone(first));
        }
        let held = self.bytes.saturating_add(path.len()).saturating_add(NAME_OVERHEAD);
        if held <= LINK_TARGET_BYTES_MAX {
            self.bytes = held;
            self.names.insert(inode, path.into());
        }
        None
    }
}
