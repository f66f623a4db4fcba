//! A visitor that writes down what it is shown, so that a test can compare it as text.

use std::collections::BTreeMap;

use model::{Entry, EntryKind, Visitor, Want};

/// What was shown, in the order in which it was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorder {
    /// One line an entry: kind, mode, owner, size, path, and where a link leads.
    pub lines: Vec<String>,
    /// The contents handed over; all that come are wanted.
    pub contents: BTreeMap<String, Vec<u8>>,
}

impl Recorder {
    /// The paths alone.
    pub fn paths(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.split(' ').nth(4)).collect()
    }
}

impl Visitor for Recorder {
    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        let (kind, link) = match entry.kind {
            EntryKind::File => ("file", String::new()),
            EntryKind::Directory => ("directory", String::new()),
            EntryKind::Symlink(target) => ("symlink", format!(" -> {target}")),
            EntryKind::HardLink(target) => ("hardlink", format!(" => {target}")),
            EntryKind::Special => ("special", String::new()),
            EntryKind::Whiteout => ("whiteout", String::new()),
            EntryKind::Opaque => ("opaque", String::new()),
        };
        let Entry { path, mode, uid, gid, size, .. } = entry;
        self.lines.push(format!("{kind} {mode:04o} {uid}:{gid} {size} {path}{link}"));
        Want::Content
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.contents.insert(entry.path.to_owned(), bytes.to_vec());
    }
}
