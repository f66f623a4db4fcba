//! Contents brought together in one piece: in memory up to a budget, beyond it in an unlinked
//! temporary file that is mapped.

mod mapping;
mod scratch;

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use model::HEAD_BYTES;

use self::mapping::Mapping;
pub use self::scratch::{Scratch, Scratched};
use crate::tar::{Fault, Segment};

/// The place where contents are brought together, one after the other.
pub(crate) struct Spill {
    memory: Vec<u8>,
    budget: usize,
    directory: Option<PathBuf>,
}

/// One content, in one piece.
pub(crate) enum Gathered<'a> {
    Memory(&'a [u8]),
    Mapped(Mapping),
}

/// Why a content could not be brought together.
#[derive(Debug)]
pub(crate) enum GatherError {
    /// Its bytes could not be read; what follows them cannot be either.
    Read(Fault),
    /// There is no place for it.
    Store(io::Error),
}

/// Reads on in a content: fills the buffer, or says how many bytes there were.
pub(crate) type ReadContent<'a> = dyn FnMut(&mut [u8]) -> Result<usize, Fault> + 'a;

/// The beginning of a content, read before the rest and kept for it.
#[derive(Default)]
pub(crate) struct Head {
    /// With holes filled in.
    pub(crate) bytes: Vec<u8>,
    /// What of that the source has given.
    stored: Vec<u8>,
    /// How much of it was read again.
    taken: usize,
}

impl Head {
    /// Reads the first [`HEAD_BYTES`] of a content that consists of `segments`.
    pub(crate) fn read(
        size: u64,
        segments: &[Segment],
        read: &mut ReadContent<'_>,
    ) -> Result<Self, Fault> {
        let length = usize::try_from(size).unwrap_or(usize::MAX).min(HEAD_BYTES);
        let mut head = Self { bytes: vec![0; length], ..Self::default() };
        for segment in segments {
            let range = range(segment).unwrap_or(length..length);
            let range = range.start.min(length)..range.end.min(length);
            let room = head.bytes.get_mut(range).unwrap_or_default();
            if read(room)? < room.len() {
                return Err(ended_early());
            }
            head.stored.extend_from_slice(room);
        }
        Ok(head)
    }

    /// Reads the content from its beginning on.
    pub(crate) fn read_again(
        &mut self,
        into: &mut [u8],
        read: &mut ReadContent<'_>,
    ) -> Result<usize, Fault> {
        let left = self.stored.get(self.taken..).unwrap_or_default();
        let now = left.len().min(into.len());
        let (again, rest) = into.split_at_mut(now);
        again.copy_from_slice(left.get(..now).unwrap_or_default());
        self.taken += now;
        if rest.is_empty() { Ok(now) } else { Ok(now + read(rest)?) }
    }
}

/// How much is copied into a file at once.
const COPY_BUFFER: usize = 256 << 10;

impl Spill {
    /// `directory` is where files go; None means the system's place for temporary files.
    pub(crate) fn new(budget: usize, directory: Option<PathBuf>) -> Self {
        Self { memory: Vec::new(), budget, directory }
    }

    /// Gathers a content of `size` bytes, of which `read` gives the `segments` one after the
    /// other; all else is zeros. The segments must lie in order within `size`.
    pub(crate) fn gather(
        &mut self,
        size: u64,
        segments: &[Segment],
        read: &mut ReadContent<'_>,
    ) -> Result<Gathered<'_>, GatherError> {
        match usize::try_from(size) {
            Ok(size) if size <= self.budget => self.in_memory(size, segments, read),
            _ => self.in_file(size, segments, read),
        }
    }

    fn in_memory(
        &mut self,
        size: usize,
        segments: &[Segment],
        read: &mut ReadContent<'_>,
    ) -> Result<Gathered<'_>, GatherError> {
        self.memory.clear();
        self.memory.resize(size, 0);
        for segment in segments {
            let range = range(segment).and_then(|range| self.memory.get_mut(range));
            let room = range.ok_or_else(|| GatherError::Read(ended_early()))?;
            if read(room).map_err(GatherError::Read)? < room.len() {
                return Err(GatherError::Read(ended_early()));
            }
        }
        Ok(Gathered::Memory(&self.memory))
    }

    fn in_file(
        &mut self,
        size: u64,
        segments: &[Segment],
        read: &mut ReadContent<'_>,
    ) -> Result<Gathered<'_>, GatherError> {
        let file = create(self.directory.as_deref()).map_err(GatherError::Store)?;
        file.set_len(size).map_err(GatherError::Store)?;
        self.memory.resize(COPY_BUFFER, 0);
        for segment in segments {
            let mut done = 0;
            while done < segment.length {
                let left = usize::try_from(segment.length - done).unwrap_or(usize::MAX);
                let room = self.memory.get_mut(..COPY_BUFFER.min(left)).unwrap_or_default();
                if read(room).map_err(GatherError::Read)? < room.len() {
                    return Err(GatherError::Read(ended_early()));
                }
                file.write_all_at(room, segment.offset + done).map_err(GatherError::Store)?;
                done += room.len() as u64;
            }
        }
        Mapping::of_unlinked(&file).map(Gathered::Mapped).map_err(GatherError::Store)
    }
}

/// An unlinked file in this directory, or in the system's for temporary files.
fn create(directory: Option<&Path>) -> io::Result<File> {
    match directory {
        Some(directory) => tempfile::tempfile_in(directory),
        None => tempfile::tempfile(),
    }
}

fn range(segment: &Segment) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(segment.offset).ok()?;
    Some(start..start.checked_add(usize::try_from(segment.length).ok()?)?)
}

fn ended_early() -> Fault {
    Fault::Input(io::Error::from(io::ErrorKind::UnexpectedEof))
}

impl Deref for Gathered<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Gathered::Memory(bytes) => bytes,
            Gathered::Mapped(mapping) => mapping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_the_same_in_memory_and_in_a_file() {
        let segments = [Segment { offset: 3, length: 4 }, Segment { offset: 10, length: 2 }];
        let size = 1 << 20;
        for budget in [2 << 20, 16] {
            let mut next = 1..;
            let mut read = |into: &mut [u8]| {
                into.fill_with(|| next.next().unwrap());
                Ok(into.len())
            };
            let mut spill = Spill::new(budget, None);
            let content = spill.gather(size, &segments, &mut read).unwrap();
            assert_eq!(content.len() as u64, size, "{budget}");
            assert_eq!(content[..13], [0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 5, 6, 0], "{budget}");
            assert_eq!(matches!(content, Gathered::Mapped(_)), budget == 16);
        }
    }

    #[test]
    fn a_head_is_read_once_and_given_twice() {
        for (segments, size) in [
            (vec![Segment { offset: 0, length: 20_000 }], 20_000),
            (vec![Segment { offset: 3, length: 4 }, Segment { offset: 8190, length: 9 }], 9000),
            (vec![Segment { offset: 0, length: 5 }], 5),
            (vec![Segment { offset: 8192, length: 5 }], 9000),
            (vec![], 0),
        ] {
            let source = || {
                let mut next = (1..=255).cycle();
                move |into: &mut [u8]| {
                    into.fill_with(|| next.next().unwrap());
                    Ok(into.len())
                }
            };
            let mut spill = Spill::new(1 << 20, None);
            let expected = spill.gather(size, &segments, &mut source()).unwrap().to_vec();
            let mut read = source();
            let mut head = Head::read(size, &segments, &mut read).unwrap();
            assert_eq!(head.bytes, expected[..expected.len().min(HEAD_BYTES)], "{size}");
            let mut again = |into: &mut [u8]| head.read_again(into, &mut read);
            let content = spill.gather(size, &segments, &mut again).unwrap();
            assert!(*content == expected, "{size}");
        }
    }

    #[test]
    fn no_place_for_a_file_is_told_apart_from_bad_bytes() {
        let mut spill = Spill::new(1, Some("/nonexistent".into()));
        let mut read = |_: &mut [u8]| Ok(0);
        let whole = [Segment { offset: 0, length: 9 }];
        assert!(matches!(spill.gather(9, &whole, &mut read), Err(GatherError::Store(_))));
        let mut spill = Spill::new(9, None);
        assert!(matches!(spill.gather(9, &whole, &mut read), Err(GatherError::Read(_))));
    }
}
