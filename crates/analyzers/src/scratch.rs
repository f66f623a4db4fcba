//! Where what is unpacked of a file stands while it is looked at: in memory what is small, and in space that
//! whoever scans lends what is not. How many layers are read at a time decides how many threads unpack, and
//! must not decide how much memory is taken.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Cursor, Read};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// What is unpacked of one file and stands in memory at a time, however deep it nests.
const MEMORY_BYTES_MAX: usize = 8 << 20;

/// Space outside of memory, lent by whoever may touch a file system.
#[derive(Clone, Default)]
pub struct Scratch(Option<Arc<Lend>>);

/// Takes what is read, at most so many bytes, and gives it back in one piece. Fails where there is no room.
type Lend = dyn Fn(&mut dyn Read, u64) -> io::Result<Lent> + Send + Sync;

/// A piece, and why it ends before its source does, if that failed.
pub struct Lent {
    pub bytes: Box<dyn Deref<Target = [u8]>>,
    pub failed: Option<io::Error>,
}

impl Scratch {
    pub fn new(
        lend: impl Fn(&mut dyn Read, u64) -> io::Result<Lent> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(lend)))
    }
}

/// For whoever lends none: what is unpacked is small, or is not looked at.
pub(crate) static NO_SCRATCH: Scratch = Scratch(None);

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scratch").field(&self.0.is_some()).finish()
    }
}

/// The room for what is unpacked of one file.
#[derive(Debug)]
pub(crate) struct Room {
    scratch: Scratch,
    /// Bytes that stand in memory.
    held: Rc<Cell<usize>>,
}

/// Something that was unpacked, until this is dropped.
pub(crate) enum Piece<'a> {
    /// A part of what it was packed in.
    Part(&'a [u8]),
    Held(Held),
    Lent(Box<dyn Deref<Target = [u8]>>),
}

/// In memory, and counted.
pub(crate) struct Held {
    bytes: Vec<u8>,
    all: Rc<Cell<usize>>,
}

/// Why a piece ends before its source does.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The source cannot be read further.
    Source(io::Error),
    /// There is no room for more.
    Room(io::Error),
}

impl Room {
    pub(crate) fn new(scratch: &Scratch) -> Self {
        Self { scratch: scratch.clone(), held: Rc::default() }
    }

    /// All that `from` gives behind what was read of it before, but no more than `most` bytes. What could be
    /// read before a failure is there.
    pub(crate) fn read(
        &self,
        mut before: Vec<u8>,
        mut from: impl Read,
        most: u64,
    ) -> (Piece<'static>, Option<Failure>) {
        let free = MEMORY_BYTES_MAX.saturating_sub(self.held.get());
        let small = most.min(u64::try_from(free).unwrap_or(u64::MAX));
        if let Err(error) = read_to(&mut before, &mut from, small.saturating_add(1).min(most)) {
            return (self.held(before), Some(Failure::Source(error)));
        }
        if before.len() <= free {
            return (self.held(before), None);
        }
        let Some(lend) = &self.scratch.0 else {
            let error = io::Error::other("no space is lent for it");
            return (self.held(before), Some(Failure::Room(error)));
        };
        match lend(&mut Cursor::new(before).chain(from), most) {
            Ok(Lent { bytes, failed }) => (Piece::Lent(bytes), failed.map(Failure::Source)),
            Err(error) => (Piece::Part(&[]), Some(Failure::Room(error))),
        }
    }

    fn held(&self, bytes: Vec<u8>) -> Piece<'static> {
        let all = Rc::clone(&self.held);
        all.set(all.get().saturating_add(bytes.len()));
        Piece::Held(Held { bytes, all })
    }
}

/// Reads on until there are `most` bytes, or no more.
fn read_to(bytes: &mut Vec<u8>, from: impl Read, most: u64) -> io::Result<()> {
    let there = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    from.take(most.saturating_sub(there)).read_to_end(bytes).map(drop)
}

impl Deref for Piece<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Part(bytes) => bytes,
            Self::Held(held) => &held.bytes,
            Self::Lent(bytes) => bytes,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.set(self.all.get().saturating_sub(self.bytes.len()));
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => write!(f, "cannot be unpacked: {error}"),
            Self::Room(error) => write!(f, "no room for a temporary copy: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: u64 = 1 << 20;

    fn zeros(length: u64) -> impl Read {
        io::repeat(0).take(length)
    }

    /// Space in memory that says when it was asked for.
    fn lending() -> Scratch {
        Scratch::new(|from, most| {
            let mut bytes = Vec::new();
            let failed = from.take(most).read_to_end(&mut bytes).err();
            Ok(Lent { bytes: Box::new(bytes), failed })
        })
    }

    #[test]
    fn what_is_small_stays_in_memory_and_all_of_it_has_one_bound() {
        let room = Room::new(&lending());
        let large = MEMORY_BYTES_MAX as u64;
        let (one, failure) = room.read(Vec::new(), zeros(large), u64::MAX);
        assert!(matches!(one, Piece::Held(_)) && failure.is_none());
        let (two, failure) = room.read(Vec::new(), zeros(SOME), u64::MAX);
        assert!(matches!(two, Piece::Lent(_)) && failure.is_none());
        assert_eq!((one.len() as u64, two.len() as u64), (large, SOME));
        drop(one);
        let (three, _) = room.read(b"begun".to_vec(), zeros(SOME), u64::MAX);
        assert!(matches!(three, Piece::Held(_)));
        assert_eq!(three.len() as u64, SOME + 5);
        let (four, _) = room.read(Vec::new(), zeros(2 * large), u64::MAX);
        assert!(matches!(four, Piece::Lent(_)));
        assert_eq!(four.len() as u64, 2 * large);
    }

    #[test]
    fn no_more_is_read_than_is_wanted() {
        let room = Room::new(&lending());
        for most in [0, 1, SOME, 20 << 20] {
            let (piece, failure) = room.read(Vec::new(), io::repeat(0), most);
            assert_eq!((piece.len() as u64, failure.is_none()), (most, true));
        }
    }

    #[test]
    fn without_space_the_beginning_is_there_and_the_reason() {
        let (piece, failure) = Room::new(&NO_SCRATCH).read(Vec::new(), io::repeat(0), 20 << 20);
        assert!(matches!(failure, Some(Failure::Room(_))), "{failure:?}");
        assert_eq!(piece.len(), MEMORY_BYTES_MAX + 1);
        let full = Scratch::new(|_, _| Err(io::ErrorKind::StorageFull.into()));
        let (_, failure) = Room::new(&full).read(Vec::new(), io::repeat(0), 20 << 20);
        assert!(matches!(failure, Some(Failure::Room(_))), "{failure:?}");
    }
}
