//! The transfer format of an index, read record by record.
//!
//! ```text
//! version (1 byte, 1), time in milliseconds (i64), then records to the end
//! record: number of fields (i32), fields
//! field:  flags (1 byte), name (length u16, bytes), value (length i32, bytes)
//! ```
//!
//! Numbers are big-endian, texts Java's modified UTF-8. There is no mark between records: where a
//! length lies, what follows cannot be found again, and reading ends with an error. Only the values
//! that are wanted are held.

use std::io::{self, BufRead, BufReader, Read};

use crate::FeedError;

/// The one version there is.
const VERSION: u8 = 1;
/// A number up to which an unknown version is taken for one.
const VERSIONS_MAX: u8 = 8;
/// Fields of a record. There are some thirty kinds.
const FIELDS_MAX: i32 = 1024;
/// The longest value is the list of all groups: room for a million of them.
const VALUE_BYTES_MAX: i32 = 64 << 20;
/// A value that is held: coordinates, three names of 255 bytes and two short ones.
const HELD_BYTES_MAX: usize = 2048;
/// The longest name of a field that means something here.
const NAME_BYTES_MAX: usize = 16;
/// How much is read at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// Where the first record begins.
const HEADER_BYTES: usize = 9;

/// What a record says, as far as it is wanted.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// `u`
    pub(super) unique: Field,
    /// `i`
    pub(super) info: Field,
    /// `1`
    pub(super) sha1: Field,
    /// `del`
    pub(super) is_deletion: bool,
    /// `DESCRIPTOR`, `allGroups`, `rootGroups`
    pub(super) is_of_repository: bool,
}

/// The bytes of a value.
#[derive(Debug, Default)]
pub(super) enum Field {
    #[default]
    Absent,
    Text(Vec<u8>),
    TooLong,
}

/// Whether a document begins as an index does: a version, a time that is not thousands of years away
/// or none (-1), a small number of fields, and a field whose name is letters.
pub(crate) fn begins(head: &[u8]) -> bool {
    let Some(([version, time @ ..], rest)) = head.split_first_chunk::<HEADER_BYTES>() else {
        return false;
    };
    let Some(([count @ .., _flags], rest)) = rest.split_first_chunk::<5>() else { return false };
    let Some((length, rest)) = rest.split_first_chunk::<2>() else { return false };
    let length = usize::from(u16::from_be_bytes(*length));
    let name = rest.get(..length.min(rest.len()).min(NAME_BYTES_MAX)).unwrap_or_default();
    (1..=VERSIONS_MAX).contains(version)
        && (time.starts_with(&[0, 0]) || *time == [0xff; 8])
        && (1..=FIELDS_MAX).contains(&i32::from_be_bytes(*count))
        && (1..=NAME_BYTES_MAX).contains(&length)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// An index that is being read.
pub(super) struct Index<'a> {
    reader: BufReader<Box<dyn Read + 'a>>,
    modified: i64,
    /// How many records were begun.
    records: u64,
}

impl<'a> Index<'a> {
    pub(super) fn open(reader: Box<dyn Read + 'a>) -> Result<Self, FeedError> {
        let mut reader = BufReader::with_capacity(CHUNK_BYTES, reader);
        let mut header = [0; HEADER_BYTES];
        reader.read_exact(&mut header).map_err(|error| early(0, &error))?;
        let [version, time @ ..] = header;
        if version != VERSION {
            let message = format!("an index of version {version}, and {VERSION} is known");
            return Err(FeedError::content(message));
        }
        Ok(Self { reader, modified: i64::from_be_bytes(time), records: 0 })
    }

    /// When it was made, in milliseconds since 1970; None if it does not say.
    pub(super) fn modified(&self) -> Option<i64> {
        Some(self.modified).filter(|time| *time > 0)
    }

    /// The next record; None at the end.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, FeedError> {
        let is_over = self.reader.fill_buf().map(<[u8]>::is_empty);
        if is_over.map_err(|error| early(self.records, &error))? {
            return Ok(None);
        }
        self.records = self.records.saturating_add(1);
        let count = self.number()?;
        // A record of nothing is none: zeros without end would be billions of them.
        if !(1..=FIELDS_MAX).contains(&count) {
            return Err(self.lies(&format!("{count} fields")));
        }
        let mut entry = Entry::default();
        for _ in 0..count {
            self.field(&mut entry)?;
        }
        Ok(Some(entry))
    }

    fn field(&mut self, entry: &mut Entry) -> Result<(), FeedError> {
        let [_flags, high, low] = self.bytes()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let mut name = [0; NAME_BYTES_MAX];
        let name = match name.get_mut(..length) {
            Some(name) => {
                self.exact(name)?;
                &*name
            }
            None => {
                self.skip(length)?;
                &[][..]
            }
        };
        let length = self.number()?;
        if length > VALUE_BYTES_MAX {
            return Err(self.lies(&format!("a value of {length} bytes")));
        }
        let Ok(length) = usize::try_from(length) else {
            return Err(self.lies(&format!("a value of {length} bytes")));
        };
        let held = match name {
            b"u" => &mut entry.unique,
            b"i" => &mut entry.info,
            b"1" => &mut entry.sha1,
            other => {
                entry.is_deletion |= other == b"del";
                entry.is_of_repository |=
                    matches!(other, b"DESCRIPTOR" | b"allGroups" | b"rootGroups");
                return self.skip(length);
            }
        };
        if length > HELD_BYTES_MAX {
            *held = Field::TooLong;
            return self.skip(length);
        }
        let mut value = vec![0; length];
        self.exact(&mut value)?;
        *held = Field::Text(value);
        Ok(())
    }

    fn number(&mut self) -> Result<i32, FeedError> {
        self.bytes().map(i32::from_be_bytes)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], FeedError> {
        let mut bytes = [0; N];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), FeedError> {
        self.reader.read_exact(bytes).map_err(|error| early(self.records, &error))
    }

    fn skip(&mut self, mut length: usize) -> Result<(), FeedError> {
        while length > 0 {
            let buffered = self.reader.fill_buf().map_err(|error| early(self.records, &error))?;
            let passed = buffered.len().min(length);
            if passed == 0 {
                return Err(early(self.records, &io::ErrorKind::UnexpectedEof.into()));
            }
            self.reader.consume(passed);
            length = length.saturating_sub(passed);
        }
        Ok(())
    }

    fn lies(&self, what: &str) -> FeedError {
        FeedError::content(format!("record {} says that it has {what}", self.records))
    }
}

fn early(records: u64, error: &io::Error) -> FeedError {
    FeedError::content(format!("ends early, in record {records}: {error}"))
}
