//! The frame of a segment file: what stands before and behind its tables.
//!
//! ```text
//! header      magic `LZRSEG\r\n`, format version (u32)                              12 bytes
//! tables      the regions, one after the other
//! tail        directory (kind, region length, index length, index checksum of each table),
//!             then the description as JSON
//! footer      length of the directory (u32), length of the description (u32), checksum of the
//!             tail (u64), length of the file (u64), magic `LZREND\r\n`              32 bytes
//! ```
//!
//! Numbers of fixed size are little-endian. Regions, tail and footer follow without a gap, so
//! that every byte is under a checksum or compared; the header's line end catches a transfer that
//! rewrites text.

use crate::SegmentMeta;
use crate::bytes::{Cursor, Malformed, put_length, put_varint};
use crate::error::Fault;
use crate::file::{SegmentFile, Span};
use crate::table::{Built, INDEX_LIMIT, Table, checksum};

pub(crate) const MAGIC: [u8; 8] = *b"LZRSEG\r\n";
const END_MAGIC: [u8; 8] = *b"LZREND\r\n";

/// Raised whenever older readers would misread; an added kind of table does not raise it.
const VERSION: u32 = 1;

const HEADER_LENGTH: u64 = 12;
const FOOTER_LENGTH: u64 = 32;

/// Most bytes of directory and description together: a description with thousands of origins.
const TAIL_LIMIT: u64 = 4 << 20;

/// Bytes read at once from the end of a file: nearly always the whole tail.
const FIRST_READ: u64 = 4096;

/// The kinds of tables; the numbers are the format's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Package name → its advisories: all that matching reads.
    Match = 1,
    /// Vulnerability → texts, vectors, dates.
    Details = 2,
    /// CVE → EPSS score.
    Scores = 3,
    /// CVE → entry in CISA's catalog.
    KnownExploited = 4,
    /// SHA-1 of an archive → what Maven calls it.
    Coordinates = 5,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Match, Self::Details, Self::Scores, Self::KnownExploited, Self::Coordinates];

    fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Details => "details",
            Self::Scores => "scores",
            Self::KnownExploited => "known exploited",
            Self::Coordinates => "coordinates",
        }
    }
}

/// A frame that was read.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) meta: SegmentMeta,
    pub(crate) tables: Vec<(Kind, Table)>,
}

/// Puts a file together.
pub(crate) fn encode(tables: &[(Kind, Built)], meta: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let mut tail = Vec::new();
    put_length(&mut tail, tables.len());
    for (kind, built) in tables {
        out.extend_from_slice(&built.region);
        let index = built.region.len().saturating_sub(built.index_length);
        let index = built.region.get(index..).unwrap_or_default();
        put_varint(&mut tail, *kind as u64);
        put_length(&mut tail, built.region.len());
        put_length(&mut tail, built.index_length);
        tail.extend_from_slice(&checksum(index).to_le_bytes());
    }
    let directory_length = tail.len();
    tail.extend_from_slice(meta);
    out.extend_from_slice(&tail);
    let length = (out.len() as u64).saturating_add(FOOTER_LENGTH);
    for part in [directory_length, meta.len()] {
        out.extend_from_slice(&u32::try_from(part).unwrap_or(u32::MAX).to_le_bytes());
    }
    out.extend_from_slice(&checksum(&tail).to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&END_MAGIC);
    out
}

/// Whether a description is one that readers accept.
pub(crate) fn fits(meta: &[u8]) -> bool {
    // The directory of the five tables takes less than a kilobyte.
    (meta.len() as u64) < TAIL_LIMIT.saturating_sub(1024)
}

/// Reads header, footer and tail; no table.
pub(crate) fn read(file: &SegmentFile) -> Result<Frame, Fault> {
    let length = file.length()?;
    if length < HEADER_LENGTH.saturating_add(FOOTER_LENGTH) {
        return Err(Fault::NotASegment("it is too short"));
    }
    check_header(&file.read(Span { offset: 0, length: HEADER_LENGTH })?)?;
    let whole = Span { offset: 0, length };
    let end = whole.from(length.saturating_sub(FIRST_READ));
    let last = file.read(end)?;
    let footer = Footer::parse(&last, length)?;
    let (space, tail) = whole
        .first(length.saturating_sub(FOOTER_LENGTH))
        .split_end(footer.tail_length)
        .ok_or_else(|| cut("its tail is longer than the file"))?;
    let tail = match usize::try_from(footer.tail_length.saturating_add(FOOTER_LENGTH)) {
        Ok(wanted) if wanted <= last.len() => {
            let start = last.len().saturating_sub(wanted);
            last.get(start..).unwrap_or_default().to_vec()
        }
        _ => file.read(tail)?,
    };
    let tail = tail.get(..footer.directory_length.saturating_add(footer.meta_length));
    let tail = tail.ok_or_else(|| cut("its tail is cut off"))?;
    if checksum(tail) != footer.checksum {
        return Err(cut("the checksum of its description is wrong"));
    }
    let (directory, meta) =
        tail.split_at_checked(footer.directory_length).ok_or_else(|| cut("its tail is cut off"))?;
    let space = space.from(HEADER_LENGTH);
    let tables = tables(directory, space).map_err(|why| cut(why.0))?;
    let meta = serde_json::from_slice(meta)
        .map_err(|error| cut(&format!("its description cannot be read: {error}")))?;
    Ok(Frame { meta, tables })
}

fn check_header(header: &[u8]) -> Result<(), Fault> {
    let Some((magic, version)) = header.split_first_chunk::<8>() else {
        return Err(Fault::NotASegment("it is too short"));
    };
    if *magic != MAGIC {
        return Err(Fault::NotASegment("it begins otherwise"));
    }
    match version.try_into().map(u32::from_le_bytes) {
        Ok(VERSION) => Ok(()),
        Ok(other) => Err(Fault::UnknownVersion(other)),
        Err(_) => Err(Fault::NotASegment("it is too short")),
    }
}

fn cut(why: &str) -> Fault {
    Fault::Damaged(why.to_owned())
}

struct Footer {
    directory_length: usize,
    meta_length: usize,
    tail_length: u64,
    checksum: u64,
}

impl Footer {
    /// Reads the footer at the end of the last bytes of a file of this length.
    fn parse(last: &[u8], length: u64) -> Result<Self, Fault> {
        let footer = last.last_chunk::<32>().ok_or(Fault::NotASegment("it is too short"))?;
        let (numbers, magic) = footer.split_at(24);
        if magic != END_MAGIC {
            return Err(cut("it does not end as a segment does, so it is cut off"));
        }
        let mut numbers = Cursor::new(numbers);
        let mut number = || numbers.eight().map(u64::from_le_bytes).map_err(|why| cut(why.0));
        let (lengths, checksum, said) = (number()?, number()?, number()?);
        let (directory_length, meta_length) = (lengths & u64::from(u32::MAX), lengths >> 32);
        let tail_length = directory_length.saturating_add(meta_length);
        if said != length {
            return Err(cut(&format!("it has {length} bytes and says that it has {said}")));
        }
        if tail_length > TAIL_LIMIT {
            return Err(cut("its description is longer than any may be"));
        }
        let size = |length: u64| usize::try_from(length).unwrap_or(usize::MAX);
        Ok(Self {
            directory_length: size(directory_length),
            meta_length: size(meta_length),
            tail_length,
            checksum,
        })
    }
}

/// The tables that the directory lists, which must fill the space exactly. Kinds that this build
/// does not know are passed over.
fn tables(directory: &[u8], space: Span) -> Result<Vec<(Kind, Table)>, Malformed> {
    let mut cursor = Cursor::new(directory);
    let mut rest = space;
    let mut tables: Vec<(Kind, Table)> = Vec::new();
    for _ in 0..cursor.length()? {
        let (code, length, index_length) = (cursor.varint()?, cursor.varint()?, cursor.varint()?);
        let index_checksum = u64::from_le_bytes(cursor.eight()?);
        let left = rest.length.checked_sub(length);
        let (blocks, index) =
            rest.first(length).split_end(index_length).ok_or(Malformed("an index has no room"))?;
        if left.is_none() || index_length > INDEX_LIMIT {
            return Err(Malformed("a table is longer than the file"));
        }
        rest = rest.from(length);
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| *kind as u64 == code) {
            if tables.iter().any(|(other, _)| *other == kind) {
                return Err(Malformed("it has two tables of one kind"));
            }
            tables.push((kind, Table::new(kind.name(), blocks, index, index_checksum)));
        }
    }
    if rest.length > 0 || !cursor.is_empty() {
        return Err(Malformed("its tables do not fill the file"));
    }
    Ok(tables)
}
