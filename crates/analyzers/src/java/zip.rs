//! Entries of a zip archive in memory, read within a budget that all archives nested in one file
//! share: an archive may hold itself, or a terabyte of zeros.

use std::io::{Cursor, Read};

use model::ProblemKind;
use zip::ZipArchive;
use zip::result::ZipError;

/// What may be unpacked of one file, all its nested archives together. Wars of application servers
/// hold some 300 MiB of libraries.
const UNPACKED_MAX: u64 = 512 << 20;

/// Entries of all archives nested in one file together; each costs about 300 bytes while its
/// archive is open. The largest known applications have some 400 000.
const ENTRIES_MAX: usize = 4 << 20;

/// What may still be read of one file.
pub(super) struct Budget {
    bytes: u64,
    entries: usize,
}

/// Why something of an archive was not read.
pub(super) type Refusal = (ProblemKind, String);

/// An archive in memory.
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { bytes: UNPACKED_MAX, entries: ENTRIES_MAX }
    }
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8], budget: &mut Budget) -> Result<Self, Refusal> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| refusal(&error))?;
        let Some(left) = budget.entries.checked_sub(zip.len()) else {
            let message = format!("more than {ENTRIES_MAX} entries in nested archives");
            return Err((ProblemKind::LimitReached, message));
        };
        budget.entries = left;
        Ok(Self { bytes, zip })
    }

    /// The entries that `wanted` picks by name, with their numbers, in the order of the archive.
    /// Names that are not UTF-8 are none of Java's.
    pub(super) fn names(&self, wanted: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
        let names = self.zip.file_names_raw().enumerate();
        let texts = names.filter_map(|(number, name)| Some((number, str::from_utf8(name).ok()?)));
        let picked = texts.filter(|(_, name)| wanted(name));
        picked.map(|(number, name)| (number, name.to_owned())).collect()
    }

    /// The content of an entry, of at most `limit` bytes.
    pub(super) fn read(
        &mut self,
        number: usize,
        limit: u64,
        budget: &mut Budget,
    ) -> Result<Vec<u8>, Refusal> {
        let room = limit.min(budget.bytes);
        let mut entry = self.zip.by_index(number).map_err(|error| refusal(&error))?;
        let mut content = Vec::new();
        let read = entry.by_ref().take(room.saturating_add(1)).read_to_end(&mut content);
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        budget.bytes = budget.bytes.saturating_sub(length);
        read.map_err(|error| (ProblemKind::Damaged, error.to_string()))?;
        if length > room {
            let message = if room < limit {
                format!("more than {} MiB in nested archives", UNPACKED_MAX >> 20)
            } else {
                format!("larger than the {limit} bytes that are read")
            };
            return Err((ProblemKind::LimitReached, message));
        }
        Ok(content)
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
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
