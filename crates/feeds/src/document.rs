//! One document of a feed: a name for people and the unpacked bytes.
//!
//! A document of ordinary length lies in memory, where records can borrow from it. A longer one lies
//! in an unlinked file and is read as a stream, as often as its form needs: a list of records has no
//! need to stand in memory as a whole. The longest kind stays packed (see `packed`). Readers of single
//! records ask for all bytes, which have a limit then.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use crate::FeedError;
use crate::packed::{FromStart, Packed};

/// Longest document that is one record and is read whole. The longest that publishers serve are CSAF
/// files about what is in every product: Red Hat's of CVE-2026-33186 has more than 100 MiB with its
/// indentation. CSAF 2.1 advises publishers to stay within 150 MiB for files as they are met.
const RECORD_LIMIT: u64 = 160 << 20;

/// A document as found at the end of a path, after all unpacking.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Where it lies: `dir/feed.tar.zst!2024/CVE-2024-1.json`; a `!` leads into an archive.
    pub path: &'a str,
    content: Content<'a>,
    /// False if its end is known to be missing. Forms that do not show where they end (YAML) say
    /// something else when cut, so that they are not read then.
    pub whole: bool,
}

#[derive(Clone, Copy, Debug)]
enum Content<'a> {
    Memory(&'a [u8]),
    File { head: &'a [u8], file: &'a File, length: u64 },
    Packed { head: &'a [u8], packed: &'a Packed },
}

impl<'a> Document<'a> {
    pub fn new(path: &'a str, bytes: &'a [u8]) -> Self {
        Self { path, content: Content::Memory(bytes), whole: true }
    }

    /// A document in a file, whose first bytes are at hand.
    pub(crate) fn in_file(path: &'a str, head: &'a [u8], file: &'a File, length: u64) -> Self {
        Self { path, content: Content::File { head, file, length }, whole: true }
    }

    /// A document that stays packed, whose first bytes are at hand.
    pub(crate) fn packed(path: &'a str, head: &'a [u8], packed: &'a Packed) -> Self {
        Self { path, content: Content::Packed { head, packed }, whole: true }
    }

    /// The part behind the last `/` or `!`.
    pub fn file_name(&self) -> &'a str {
        self.path.rsplit(['/', '!']).next().unwrap_or(self.path)
    }

    /// The bytes at hand: all of an ordinary document, the first of a long one.
    pub fn head(&self) -> &'a [u8] {
        match self.content {
            Content::Memory(bytes) => bytes,
            Content::File { head, .. } | Content::Packed { head, .. } => head,
        }
    }

    /// All bytes, for what is one record.
    pub(crate) fn bytes(&self) -> Result<Cow<'a, [u8]>, FeedError> {
        let (file, length) = match self.content {
            Content::Memory(bytes) => return Ok(Cow::Borrowed(bytes)),
            Content::File { file, length, .. } => (file, length),
            Content::Packed { .. } => {
                return Err(FeedError::content("one record of unknown length is not read"));
            }
        };
        if length > RECORD_LIMIT {
            let message = format!("one record of more than {RECORD_LIMIT} bytes is not read");
            return Err(FeedError::content(message));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0).map_err(|error| FeedError::unreadable(&error))?;
        Ok(Cow::Owned(bytes))
    }

    /// All bytes where they lie in memory.
    pub(crate) fn in_memory(&self) -> Option<&'a [u8]> {
        match self.content {
            Content::Memory(bytes) => Some(bytes),
            Content::File { .. } | Content::Packed { .. } => None,
        }
    }

    /// The bytes as a stream from their beginning; each call makes one of its own.
    pub(crate) fn reader(&self) -> Box<dyn Read + 'a> {
        match self.content {
            Content::Memory(bytes) => Box::new(bytes),
            Content::File { file, .. } => Box::new(FromStart::new(file)),
            Content::Packed { packed, .. } => packed.reader(),
        }
    }
}
