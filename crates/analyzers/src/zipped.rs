//! Entries of a zip archive in memory, read within a budget that all archives nested in one file
//! share: an archive may hold itself, or a terabyte of zeros.

use std::io::Cursor;

use memchr::memmem;
use model::ProblemKind;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::Scratch;
use crate::scratch::{Failure, Piece, Room};

/// What may be unpacked of one file, all its nested archives together. Wars of application servers
/// hold some 300 MiB of libraries.
const UNPACKED_MAX: u64 = 512 << 20;

/// What may be looked at in place, where nested archives are stored as they are. Entries may lie
/// over each other, so that a small file seems to hold much; hashing this takes some five seconds.
const STORED_MAX: u64 = 2 << 30;

/// Entries of all archives nested in one file together; each costs about 300 bytes while its
/// archive is open. The largest known applications have some 400 000.
const ENTRIES_MAX: usize = 1 << 20;

/// What each entry's header begins with (APPNOTE, 4.3.12).
const ENTRY: &[u8] = b"PK\x01\x02";

/// What may still be read of one file.
pub(crate) struct Budget {
    unpacked: u64,
    stored: u64,
    entries: usize,
    room: Room,
}

/// Why something of an archive was not read.
pub(crate) type Refusal = (ProblemKind, String);

/// An archive in memory.
pub(crate) struct Archive<'a> {
    bytes: &'a [u8],
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl Budget {
    pub(crate) fn new(scratch: &Scratch) -> Self {
        let room = Room::new(scratch);
        Self { unpacked: UNPACKED_MAX, stored: STORED_MAX, entries: ENTRIES_MAX, room }
    }
}

impl<'a> Archive<'a> {
    /// Entries are counted before any of them takes memory.
    pub(crate) fn open(bytes: &'a [u8], budget: &mut Budget) -> Result<Self, Refusal> {
        if memmem::find_iter(bytes, ENTRY).nth(budget.entries).is_some() {
            let message = format!("more than {ENTRIES_MAX} entries in nested archives");
            return Err((ProblemKind::LimitReached, message));
        }
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| refusal(&error))?;
        budget.entries = budget.entries.saturating_sub(zip.len());
        Ok(Self { bytes, zip })
    }

    /// The entries that `wanted` picks by name, with their numbers, in the order of the archive.
    /// Names that are not UTF-8 are left out.
    pub(crate) fn names(&self, wanted: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
        let names = self.zip.file_names_raw().enumerate();
        let texts = names.filter_map(|(number, name)| Some((number, str::from_utf8(name).ok()?)));
        let picked = texts.filter(|(_, name)| wanted(name));
        picked.map(|(number, name)| (number, name.to_owned())).collect()
    }

    /// The content of an entry, of at most `limit` bytes.
    pub(crate) fn read(
        &mut self,
        number: usize,
        limit: u64,
        budget: &mut Budget,
    ) -> Result<Piece<'a>, Refusal> {
        let mut entry = self.zip.by_index(number).map_err(|error| refusal(&error))?;
        let in_place = match entry.compression() {
            CompressionMethod::Stored => entry.data_start(),
            _ => None,
        };
        let left = if in_place.is_some() { &mut budget.stored } else { &mut budget.unpacked };
        let most = limit.min(*left);
        let (content, failed) = match in_place {
            Some(start) => (Piece::Part(part(self.bytes, start, entry.size())?), None),
            None => budget.room.read(Vec::new(), &mut entry, most.saturating_add(1)),
        };
        // What was unpacked before an error is paid for too.
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        *left = left.saturating_sub(length);
        match failed {
            Some(Failure::Source(error)) => return Err((ProblemKind::Damaged, error.to_string())),
            Some(failure @ Failure::Room(_)) => {
                return Err((ProblemKind::Unreadable, failure.to_string()));
            }
            None => {}
        }
        if length <= most {
            return Ok(content);
        }
        let message = if most < limit {
            "too much in nested archives".to_owned()
        } else {
            format!("larger than the {limit} bytes that are read")
        };
        Err((ProblemKind::LimitReached, message))
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

fn part(bytes: &[u8], start: u64, length: u64) -> Result<&[u8], Refusal> {
    let range = || {
        let start = usize::try_from(start).ok()?;
        bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
    };
    range().ok_or_else(|| (ProblemKind::Damaged, "an entry ends beyond the archive".to_owned()))
}

fn refusal(error: &ZipError) -> Refusal {
    let kind = match error {
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            ProblemKind::Unsupported
        }
        _ => ProblemKind::Damaged,
    };
    (kind, error.to_string())
}
