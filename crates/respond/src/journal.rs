//! The journal: what is going to be done, then what came of it. It only grows; a line is on disk
//! before [`Open::write`] returns.
//!
//! Several processes write to one: each holds the lock while it reads and appends, never while it
//! acts. A line that was cut off by a crash or a full disk is no line: what it would have said did
//! not begin.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};

use crate::entry::{Entry, Id, Line, Step};
use crate::refusal::Refusal;
use crate::time;

const NAME: &str = "journal.jsonl";
/// A year of responses on a busy host. A longer one is put away, so that reading stays quick.
const BYTES_MAX: u64 = 4 << 20;
/// Written past that by whoever was at it; a file beyond is not ours.
const BYTES_READ_MAX: u64 = 64 << 20;
/// Room on disk that is taken in advance: some thousand lines after everything else is full.
const RESERVE: u64 = 1 << 20;

/// A state folder with its journal.
pub(crate) struct Journal {
    folder: PathBuf,
}

/// The journal, held: nobody else writes.
pub(crate) struct Open {
    folder: PathBuf,
    file: File,
    length: u64,
    pub(crate) entries: BTreeMap<Id, Entry>,
    /// Lines that could not be read.
    pub(crate) damaged: usize,
    last: u32,
    _lock: File,
}

impl Journal {
    /// Makes the folder if there is none.
    pub(crate) fn at(folder: &Path) -> Result<Self, Refusal> {
        let refused = |why: String| Refusal::State { path: folder.to_owned(), why };
        if !folder.exists() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|error| refused(error.to_string()))?;
        }
        let found = fs::symlink_metadata(folder).map_err(|error| refused(error.to_string()))?;
        let why = if !found.is_dir() {
            "not a folder"
        } else if found.uid() != rustix::process::geteuid().as_raw() {
            "it belongs to somebody else"
        } else if found.permissions().mode() & 0o077 != 0 {
            "others may look into it"
        } else {
            return Ok(Self { folder: folder.to_owned() });
        };
        Err(refused(why.to_owned()))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes the lock and reads.
    pub(crate) fn open(&self) -> Result<Open, Refusal> {
        let path = self.folder.join(NAME);
        let failed = |error| Refusal::Journal { path: path.clone(), error };
        let private = || OpenOptions::new().mode(0o600).clone();
        let lock =
            private().write(true).create(true).truncate(false).open(self.folder.join("lock"));
        let lock = lock.map_err(failed)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let is_new = !path.exists();
        let file = private().read(true).append(true).create(true).open(&path).map_err(failed)?;
        if is_new {
            // The name has to outlive a crash as well.
            File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        let mut bytes = Vec::new();
        (&file).take(BYTES_READ_MAX).read_to_end(&mut bytes).map_err(failed)?;
        let (entries, last, damaged) = read(&bytes);
        let length = bytes.len().try_into().unwrap_or(u64::MAX);
        let folder = self.folder.clone();
        let mut open = Open { folder, file, length, entries, damaged, last, _lock: lock };
        open.entries.values_mut().for_each(Entry::settle);
        if length > BYTES_MAX {
            open.turn(&bytes).map_err(failed)?;
        }
        Ok(open)
    }
}

/// The entries that lines tell of, the last id, and how many are no lines.
pub(crate) fn read(bytes: &[u8]) -> (BTreeMap<Id, Entry>, u32, usize) {
    let (mut entries, mut last, mut damaged) = (BTreeMap::<Id, Entry>::new(), 0, 0);
    for text in bytes.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
        let Ok(line) = serde_json::from_slice::<Line>(text) else {
            damaged += 1;
            continue;
        };
        last = last.max(line.id.0);
        match Entry::begin(&line) {
            Some(entry) => {
                entries.insert(line.id, entry);
            }
            None => {
                if let Some(entry) = entries.get_mut(&line.id) {
                    entry.follow(&line.step);
                }
            }
        }
    }
    (entries, last, damaged)
}

impl Open {
    pub(crate) fn next_id(&self) -> Id {
        Id(self.last.saturating_add(1))
    }

    /// Appends a line and waits until it is on disk. What could not be written whole is taken back.
    pub(crate) fn write(&mut self, id: Id, step: Step) -> Result<(), Refusal> {
        let line = Line { id, time: time::now(), step };
        self.append(&line)
            .map_err(|error| Refusal::Journal { path: self.folder.join(NAME), error })?;
        self.last = self.last.max(id.0);
        match Entry::begin(&line) {
            Some(entry) => drop(self.entries.insert(id, entry)),
            None => {
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.follow(&line.step);
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        // Behind a line that was cut off, so that this one stands alone.
        text.insert(0, '\n');
        text.push('\n');
        let result = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = result {
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += u64::try_from(text.len()).unwrap_or(u64::MAX);
        // A disk that is full, or cannot do that, is no reason not to go on now.
        let _best_effort = fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.length, RESERVE);
        Ok(())
    }

    /// Puts the journal away under another name, and goes on with what is still open. Whatever
    /// happens in between, one whole journal has the name.
    fn turn(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let (path, fresh) = (self.folder.join(NAME), self.folder.join("journal.new"));
        let kept = self.folder.join(format!("journal-{}.jsonl", self.last));
        let mut file = File::create(&fresh)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        let turned = Line { id: Id(self.last), time: time::now(), step: Step::Turned };
        file.write_all(format!("{}\n", serde_json::to_string(&turned)?).as_bytes())?;
        self.entries.retain(|_, entry| entry.state.is_open());
        for text in bytes.split(|byte| *byte == b'\n') {
            let line = serde_json::from_slice::<Line>(text);
            if line.is_ok_and(|line| self.entries.contains_key(&line.id)) {
                file.write_all(text)?;
                file.write_all(b"\n")?;
            }
        }
        file.sync_all()?;
        match fs::hard_link(&path, &kept) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        fs::rename(&fresh, &path)?;
        File::open(&self.folder)?.sync_all()?;
        self.file = OpenOptions::new().read(true).append(true).open(&path)?;
        self.length = self.file.metadata()?.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
