//! Letters on disk, in the order in which they came: what a sink that is down will get later.
//!
//! A folder of files of letters, numbered. A file is written to its end before it is read, and
//! removed when its last letter was taken; how far the one that is being read was taken, `taken`
//! says. No file is written to again after a restart, so that a letter that was cut off by the end
//! of the process is the last of its file. What finds no room costs the oldest.
//!
//! Whoever may write to the folder may write alerts; it is made for its owner alone, and no link in
//! it is followed.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

use crate::letter::{LETTER_BYTES_MAX, Letter, Step};

/// What one sink's letters may take on disk: 20 000 alerts in JSON.
pub const SPOOL_BYTES_MAX: u64 = 64 << 20;

const MAGIC: &[u8; 8] = b"LZSPOOL\x01";
const ENDING: &str = "spool";
/// Where a file ends and another begins: it is read as a whole.
const FILE_BYTES: u64 = 1 << 20;
/// A file is not much longer than that, whatever is in the folder.
const READ_BYTES_MAX: u64 = FILE_BYTES + (LETTER_BYTES_MAX as u64) + 64;
/// Files of a folder that are looked at. One that is not full is left by each start of the guard.
const FILES_MAX: usize = 10_000;

/// Which letter: the file, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    file: u64,
    at: usize,
}

/// A folder of letters.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    /// Held while this is in use, so that nobody else writes here.
    _lock: File,
    /// From the oldest to the newest.
    files: VecDeque<Numbered>,
    pen: Option<Pen>,
    reader: Option<Reader>,
    next: u64,
    bytes_max: u64,
    pub(crate) lost: u64,
    pub(crate) damaged: u64,
}

/// A file of letters.
#[derive(Debug)]
struct Numbered {
    number: u64,
    bytes: u64,
    /// That were not taken.
    letters: u64,
}

/// The newest file.
#[derive(Debug)]
struct Pen {
    file: File,
    bytes: u64,
}

/// The oldest file.
#[derive(Debug)]
struct Reader {
    number: u64,
    bytes: Vec<u8>,
    at: usize,
}

impl Spool {
    /// Opens the folder, made if it is not there. What is in it waits to be taken.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::with_room(folder, SPOOL_BYTES_MAX)
    }

    pub(crate) fn with_room(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let lock = opening().create(true).write(true).open(folder.join("lock"))?;
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(io::Error::other("another guard uses it"));
        }
        let taken = read_taken(&folder.join("taken"));
        let mut spool = Self {
            folder: folder.to_owned(),
            _lock: lock,
            files: VecDeque::new(),
            pen: None,
            reader: None,
            // `taken` outlives its file, and must never be of another with its number.
            next: taken.map_or(0, |it| it.file.saturating_add(1)),
            bytes_max,
            lost: 0,
            damaged: 0,
        };
        for number in numbers(folder)? {
            spool.next = spool.next.max(number + 1);
            let at = taken.filter(|it| it.file == number).map_or(MAGIC.len(), |it| it.at);
            let (bytes, letters) = spool.measured(number, at);
            spool.files.push_back(Numbered { number, bytes, letters });
        }
        // The first is read on from where it was left.
        if let (Some(taken), Some(first)) = (taken, spool.files.front().map(|it| it.number))
            && taken.file == first
        {
            spool.read_file(first, taken.at);
        }
        Ok(spool)
    }

    /// Letters that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.files.iter().map(|file| file.letters).sum()
    }

    /// Adds a letter; the oldest make room for it. On an error it is not in.
    pub(crate) fn push(&mut self, letter: &Letter) -> io::Result<()> {
        let framed = letter.framed().ok_or_else(|| io::Error::other("it is too long"))?;
        let bytes = framed.len() as u64;
        if self.pen.as_ref().is_some_and(|pen| pen.bytes + bytes > self.file_bytes()) {
            self.pen = None;
        }
        while self.bytes() + bytes > self.bytes_max && self.drop_oldest() {}
        let mut pen = match self.pen.take() {
            Some(pen) => pen,
            None => self.new_pen()?,
        };
        if let Err(error) = pen.file.write_all(&framed) {
            // Half of a letter must not come before the next: without it the file may go on.
            if pen.file.set_len(pen.bytes).is_ok() {
                self.pen = Some(pen);
            }
            return Err(error);
        }
        pen.bytes += bytes;
        self.pen = Some(pen);
        if let Some(file) = self.files.back_mut() {
            file.bytes += bytes;
            file.letters += 1;
        }
        Ok(())
    }

    /// The oldest letter. It stays until it is taken.
    pub(crate) fn front(&mut self) -> Option<(Position, Letter)> {
        loop {
            if self.reader.is_none() {
                let number = self.files.front()?.number;
                if self.files.len() == 1 {
                    self.pen = None;
                }
                self.read_file(number, MAGIC.len());
            }
            let Some(reader) = &mut self.reader else {
                self.drop_oldest();
                continue;
            };
            match Letter::step(&reader.bytes, reader.at) {
                Step::Letter(letter, _) => {
                    return Some((Position { file: reader.number, at: reader.at }, letter));
                }
                Step::Damage(next) => {
                    self.damaged += 1;
                    reader.at = next;
                }
                Step::End => self.drop_first(),
            }
        }
    }

    /// The letter is where it should be. Nothing happens if it was dropped meanwhile.
    pub(crate) fn take(&mut self, position: Position) {
        let Some(reader) = &mut self.reader else { return };
        if position != (Position { file: reader.number, at: reader.at }) {
            return;
        }
        let Step::Letter(_, next) = Letter::step(&reader.bytes, reader.at) else { return };
        reader.at = next;
        let taken = Position { file: reader.number, at: next };
        let is_last = reader.bytes.len() <= next;
        if let Some(file) = self.files.front_mut() {
            file.letters = file.letters.saturating_sub(1);
        }
        if is_last {
            self.drop_first();
        } else if let Err(_unsaid) = self.write_taken(taken) {
            // It will be told again: that is all.
        }
    }

    /// What holds the letters that wait, for [`sync`].
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let files = self.files.iter().map(|file| self.path(file.number));
        files.chain([self.folder.clone()]).collect()
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Several files, so that room is made by less than all.
    fn file_bytes(&self) -> u64 {
        FILE_BYTES.min(self.bytes_max / 8)
    }

    /// False when nothing is left to drop.
    fn drop_oldest(&mut self) -> bool {
        let Some(file) = self.files.front() else { return false };
        self.lost += file.letters;
        self.drop_first();
        true
    }

    /// Removes the first file, whatever is left in it.
    fn drop_first(&mut self) {
        self.reader = None;
        let Some(file) = self.files.pop_front() else { return };
        if self.files.is_empty() {
            self.pen = None;
        }
        if let Err(_unsaid) = fs::remove_file(self.path(file.number)) {
            // Its letters would be told again by the next guard: at least once is what is promised.
        }
    }

    fn new_pen(&mut self) -> io::Result<Pen> {
        let path = self.path(self.next);
        let mut file = opening().create_new(true).append(true).open(&path)?;
        if let Err(error) = file.write_all(MAGIC) {
            fs::remove_file(&path)?;
            return Err(error);
        }
        let bytes = MAGIC.len() as u64;
        self.files.push_back(Numbered { number: self.next, bytes, letters: 0 });
        self.next += 1;
        Ok(Pen { file, bytes })
    }

    /// Without a reader afterwards, the file is not one of ours, or cannot be read.
    fn read_file(&mut self, number: u64, at: usize) {
        self.reader = None;
        match self.content(number) {
            Some(bytes) => self.reader = Some(Reader { number, bytes, at }),
            None => self.damaged += 1,
        }
    }

    fn content(&self, number: u64) -> Option<Vec<u8>> {
        let file = opening().read(true).open(self.path(number)).ok()?;
        let mut bytes = Vec::new();
        file.take(READ_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        bytes.starts_with(MAGIC).then_some(bytes)
    }

    /// How long the file is, and how many letters are in it.
    fn measured(&self, number: u64, from: usize) -> (u64, u64) {
        let bytes = self.content(number).unwrap_or_default();
        let (mut at, mut letters) = (from, 0);
        loop {
            match Letter::step(&bytes, at) {
                Step::Letter(_, next) => (at, letters) = (next, letters + 1),
                Step::Damage(next) => at = next,
                Step::End => return (bytes.len() as u64, letters),
            }
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.{ENDING}"))
    }

    fn write_taken(&self, taken: Position) -> io::Result<()> {
        let mut bytes = [taken.file.to_le_bytes(), (taken.at as u64).to_le_bytes()].concat();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        let path = self.folder.join("taken");
        opening().create(true).truncate(false).write(true).open(path)?.write_all_at(&bytes, 0)
    }
}

/// Has the disk keep what waits, should the machine lose power. It may take long, and nothing of the
/// spool is held meanwhile.
pub(crate) fn sync(paths: &[PathBuf]) {
    for path in paths {
        // What was taken meanwhile is gone; what cannot be written back is damage when it is read.
        drop(opening().read(true).open(path).and_then(|file| file.sync_all()));
    }
}

/// Nobody else's, no links, and nobody waits for a pipe.
fn opening() -> OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

/// How far the first file was taken; None if nobody knows, and it is told again.
fn read_taken(path: &Path) -> Option<Position> {
    let mut bytes = Vec::new();
    opening().read(true).open(path).ok()?.take(64).read_to_end(&mut bytes).ok()?;
    let (file, rest) = bytes.split_first_chunk::<8>()?;
    let (at, sum) = rest.split_first_chunk::<8>()?;
    let is_sound = *sum == crc32fast::hash(bytes.get(..16)?).to_le_bytes();
    let at = usize::try_from(u64::from_le_bytes(*at)).ok()?;
    is_sound.then_some(Position { file: u64::from_le_bytes(*file), at })
}

/// The numbers of the files in the folder, in order.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(ENDING)?.strip_suffix('.'));
        let number =
            number.filter(|number| number.len() == 20).and_then(|it| it.parse::<u64>().ok());
        numbers.extend(number.filter(|number| *number < u64::MAX));
        if numbers.len() > FILES_MAX {
            return Err(io::Error::other(format!("it holds more than {FILES_MAX} files")));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests;
