//! Bytes that the tar reader takes, front to back, some of them passed over.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Where an archive's bytes come from.
pub(crate) trait Input: Send {
    /// Fills `into` as far as there are bytes; fewer than it holds are the last.
    fn read_full(&mut self, into: &mut [u8]) -> io::Result<usize>;

    /// Passes over `count` bytes, or over as many as there are, and says how many.
    fn skip(&mut self, count: u64) -> io::Result<u64>;
}

/// A part of a file, of which only what is asked for is read.
#[derive(Clone, Debug)]
pub(crate) struct FileRange {
    file: Arc<File>,
    /// Where in the file to go on.
    offset: u64,
    end: u64,
    /// Bytes of the file from `window_at` on.
    window: Vec<u8>,
    window_at: u64,
}

/// How much is read at once. A header is 512 bytes; most files are small, so that one read often
/// has the next header too, and copying this much costs about as much as the system call.
const WINDOW: usize = 8 << 10;

impl FileRange {
    /// The `length` bytes from `offset` on, as far as the file has them.
    pub(crate) fn new(file: Arc<File>, offset: u64, length: u64) -> io::Result<Self> {
        let end = offset.saturating_add(length).min(file.metadata()?.len());
        let offset = offset.min(end);
        Ok(Self { file, offset, end, window: Vec::new(), window_at: offset })
    }

    /// What the window holds from `offset` on.
    fn at_hand(&self) -> &[u8] {
        let start = self.offset.checked_sub(self.window_at).and_then(|it| usize::try_from(it).ok());
        start.and_then(|start| self.window.get(start..)).unwrap_or_default()
    }

    /// Bytes still to come.
    pub(crate) fn left(&self) -> u64 {
        self.end - self.offset
    }

    /// The same, as far as memory could hold them.
    fn room(&self) -> usize {
        usize::try_from(self.left()).unwrap_or(usize::MAX)
    }

    fn refill(&mut self) -> io::Result<()> {
        let length = WINDOW.min(self.room());
        self.window.resize(length, 0);
        let read = read_at(&self.file, &mut self.window, self.offset)?;
        self.window.truncate(read);
        self.window_at = self.offset;
        Ok(())
    }
}

impl Input for FileRange {
    fn read_full(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = into.len().min(self.room());
        let into = into.get_mut(..wanted).unwrap_or_default();
        let read = if wanted > WINDOW {
            read_at(&self.file, into, self.offset)?
        } else {
            if self.at_hand().len() < wanted {
                self.refill()?;
            }
            let now = self.at_hand();
            let now = now.get(..wanted).unwrap_or(now);
            into.get_mut(..now.len()).unwrap_or_default().copy_from_slice(now);
            now.len()
        };
        self.offset += read as u64;
        Ok(read)
    }

    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let skipped = count.min(self.left());
        self.offset += skipped;
        Ok(skipped)
    }
}

impl Read for FileRange {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.read_full(into)
    }
}

fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Bytes in memory.
impl Input for &[u8] {
    fn read_full(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (now, rest) = self.split_at(self.len().min(into.len()));
        into.get_mut(..now.len()).unwrap_or_default().copy_from_slice(now);
        *self = rest;
        Ok(now.len())
    }

    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.len());
        *self = self.get(count..).unwrap_or_default();
        Ok(count as u64)
    }
}

/// Any other stream; what is passed over is read and forgotten.
pub(crate) struct Stream<R>(pub(crate) R);

impl<R: Read + Send> Input for Stream<R> {
    fn read_full(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(room) = into.get_mut(done..).filter(|room| !room.is_empty()) {
            match self.0.read(room)? {
                0 => break,
                read => done += read,
            }
        }
        Ok(done)
    }

    fn skip(&mut self, count: u64) -> io::Result<u64> {
        io::copy(&mut (&mut self.0).take(count), &mut io::sink())
    }
}
