//! The journal: what is going to be done, then what came of it. It only grows; a line is on disk
//! before [`Open::write`] returns.
//!
//! Several processes write to one: each holds the lock while it reads and appends, never while it
//! acts. A line that was cut off by a crash or a full disk is no line: what it would have said did
//! not begin.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock};

use crate::entry::{Entry, Id, Line, Step};
use crate::refusal::Refusal;
use crate::time;

const NAME: &str = "journal.jsonl";
/// The next one, while it is written.
const FRESH: &str = "journal.new";
/// A year of responses on a busy host. A longer one is put away, so that reading stays quick, unless
/// most of it is open still: then little would be won, and it is read as long as it is.
const BYTES_MAX: u64 = 4 << 20;
/// A line has a few paths, of 4 096 bytes at most, and networks that are kept. A longer one is none,
/// and is not held in memory.
const LINE_BYTES_MAX: u64 = 1 << 20;
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
        let Told { entries, bytes, last, damaged } = read(&file).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let folder = self.folder.clone();
        let mut open = Open { folder, file, length, entries, damaged, last, _lock: lock };
        open.entries.values_mut().for_each(Entry::settle);
        let is_open = |id: &Id| open.entries.get(id).is_some_and(|entry| entry.state.is_open());
        let bytes_open: u64 = bytes.iter().filter(|(id, _)| is_open(id)).map(|(_, it)| it).sum();
        if length > BYTES_MAX && bytes_open < length / 2 {
            // A full disk has no room for another one, and is no reason to do nothing: this one is
            // whole.
            let _best_effort = open.turn();
        }
        Ok(open)
    }
}

/// What lines tell.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) entries: BTreeMap<Id, Entry>,
    /// Of the lines of each.
    bytes: BTreeMap<Id, u64>,
    last: u32,
    /// How many are no lines.
    damaged: usize,
}

pub(crate) fn read(text: impl Read) -> std::io::Result<Told> {
    let mut told = Told::default();
    each_line(text, &mut |text| {
        let Some(line) = text.and_then(|text| serde_json::from_slice::<Line>(text).ok()) else {
            told.damaged += 1;
            return Ok(());
        };
        told.last = told.last.max(line.id.0);
        let length = u64::try_from(text.map_or(0, <[u8]>::len)).unwrap_or(u64::MAX);
        let bytes = told.bytes.entry(line.id).or_default();
        *bytes = bytes.saturating_add(length);
        match Entry::begin(&line) {
            Some(entry) => {
                told.entries.insert(line.id, entry);
            }
            None => {
                if let Some(entry) = told.entries.get_mut(&line.id) {
                    entry.follow(&line.step);
                }
            }
        }
        Ok(())
    })?;
    Ok(told)
}

/// Lines that are not empty; none for one that is too long.
fn each_line(
    text: impl Read,
    each: &mut dyn FnMut(Option<&[u8]>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut text = BufReader::new(text);
    let mut line = Vec::new();
    loop {
        line.clear();
        if text.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let is_cut = line.len() as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n");
        if is_cut {
            text.skip_until(b'\n')?;
        }
        match line.strip_suffix(b"\n").unwrap_or(&line) {
            [] => {}
            line => each(Some(line).filter(|_| !is_cut))?,
        }
    }
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
        if text.len() as u64 > LINE_BYTES_MAX {
            let why = "more would be written down of it than is read again";
            return Err(std::io::Error::new(ErrorKind::InvalidInput, why));
        }
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
    fn turn(&mut self) -> std::io::Result<()> {
        let written = self.write_fresh().and_then(|()| self.keep_old());
        if written.is_err() {
            // On a full disk its room is of use.
            fs::remove_file(self.folder.join(FRESH))?;
        }
        written.and_then(|()| self.replace())
    }

    /// A journal of what is open.
    fn write_fresh(&self) -> std::io::Result<()> {
        let path = self.folder.join(FRESH);
        // What somebody left who was killed at this.
        let fresh =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let mut fresh = BufWriter::new(fresh);
        let turned = Line { id: Id(self.last), time: time::now(), step: Step::Turned };
        fresh.write_all(format!("{}\n", serde_json::to_string(&turned)?).as_bytes())?;
        let is_open = |id: &Id| self.entries.get(id).is_some_and(|entry| entry.state.is_open());
        each_line(File::open(self.folder.join(NAME))?, &mut |text| {
            let Some(text) = text else { return Ok(()) };
            if serde_json::from_slice::<Line>(text).is_ok_and(|line| is_open(&line.id)) {
                fresh.write_all(text)?;
                fresh.write_all(b"\n")?;
            }
            Ok(())
        })?;
        fresh.into_inner()?.sync_all()
    }

    /// Gives the old one a name beside its own, that no other one has.
    fn keep_old(&self) -> std::io::Result<()> {
        let path = self.folder.join(NAME);
        let ours = fs::metadata(&path)?.ino();
        let names = (1_u32..).map(|number| match number {
            1 => format!("journal-{}.jsonl", self.last),
            more => format!("journal-{}-{more}.jsonl", self.last),
        });
        for name in names {
            let kept = self.folder.join(name);
            match fs::hard_link(&path, &kept) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    // By somebody who was killed then.
                    if fs::metadata(&kept)?.ino() == ours {
                        break;
                    }
                }
                linked => return linked,
            }
        }
        Ok(())
    }

    fn replace(&mut self) -> std::io::Result<()> {
        let path = self.folder.join(NAME);
        let file = OpenOptions::new().read(true).append(true).open(self.folder.join(FRESH))?;
        let length = file.metadata()?.len();
        fs::rename(self.folder.join(FRESH), &path)?;
        (self.file, self.length) = (file, length);
        self.entries.retain(|_, entry| entry.state.is_open());
        File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests;
