//! `rpmdb.sqlite`: the table `Packages` of an SQLite database, read without SQLite.
//!
//! The format is SQLite's ("Database File Format"). Only what a walk through one table needs is
//! here: table b-trees (interior pages 5, leaves 13), records, and chains of overflow pages. Each
//! page is visited once at most, and records that share bytes end the walk, so that the work is bounded by
//! the size of the file whatever it says.

use crate::binary::{Order, Seen, page, slice};
use crate::os::rpm::{DATABASE_BYTES_MAX, DatabaseError, Effort, Sink, packages};
use crate::{Analyzer, File, FileFacts, Select};

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Bytes of the file header, which the first page begins with.
const FILE_HEADER: usize = 100;

/// What the smallest cell takes of a page beside its record: a pointer to it and two numbers.
const CELL: usize = 4;

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// The analyzer `rpm-sqlite`.
pub(crate) struct Sqlite;

impl Analyzer for Sqlite {
    fn name(&self) -> &'static str {
        "rpm-sqlite"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Path("var/lib/rpm/rpmdb.sqlite"),
                Select::Path("usr/lib/sysimage/rpm/rpmdb.sqlite"),
                Select::Path("usr/share/rpm/rpmdb.sqlite"),
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        DATABASE_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        packages(headers, file, facts);
    }
}

/// Hands every row's blob of the table `Packages` to `sink`.
pub(crate) fn headers(bytes: &[u8], sink: &mut Sink<'_>) {
    let mut database = match Database::open(bytes) {
        Ok(database) => database,
        Err(error) => return sink(Err(error)),
    };
    // The schema is itself a table, which begins at page 1: type, name, table, root page, text.
    let mut root = None;
    database.walk(1, &mut |row| match row {
        Ok(row) => {
            let is_packages =
                column(row, 0) == Some(b"table") && column(row, 1) == Some(b"Packages");
            if is_packages && root.is_none() {
                root = column(row, 3).and_then(number);
            }
        }
        Err(error) => sink(Err(error)),
    });
    let Some(root) = root else { return sink(Err(DatabaseError::NoTable)) };
    // Columns: the header's number, which is the row's, and the header.
    database.walk(root, &mut |row| match row {
        Ok(row) => sink(column(row, 1).ok_or(DatabaseError::Bounds("columns of a row"))),
        Err(error) => sink(Err(error)),
    });
}

struct Database<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// Bytes of a page that hold content.
    usable: usize,
    /// Pages that are part of something.
    seen: Seen,
    effort: Effort,
}

impl<'a> Database<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, DatabaseError> {
        if !bytes.starts_with(MAGIC) {
            return Err(DatabaseError::Magic("an SQLite database"));
        }
        let page_size = match Order::Big.u16(bytes, 16) {
            Some(1) => 65_536,
            Some(size) if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err(DatabaseError::Bounds("pages of that size")),
        };
        let reserved = usize::from(bytes.get(20).copied().unwrap_or_default());
        // SQLite refuses less than 480 usable bytes, on which the sums below rely.
        let usable = page_size.checked_sub(reserved).filter(|&usable| usable >= 480);
        let usable = usable.ok_or(DatabaseError::Bounds("reserved bytes"))?;
        let seen = Seen::new(bytes.len(), page_size);
        Ok(Self { bytes, page_size, usable, seen, effort: Effort::of(bytes) })
    }

    /// Calls `each` with the record of every row of the table that begins at `root`.
    fn walk(&mut self, root: u32, each: &mut Sink<'_>) {
        let mut ahead = Vec::new();
        self.queue(root, &mut ahead, each);
        let mut record = Vec::new();
        while let Some(number) = ahead.pop() {
            let page = page(self.bytes, number, 1, self.page_size);
            let Some(node) = page.and_then(|page| Node::of(page, number)) else {
                each(Err(DatabaseError::Page { what: "page header", page: number }));
                continue;
            };
            for index in 0..node.cells {
                if !self.effort.takes(CELL) {
                    return each(Err(DatabaseError::Shared));
                }
                let Some(cell) = node.cell(index) else {
                    each(Err(DatabaseError::Page { what: "cell", page: number }));
                    continue;
                };
                if node.kind == INTERIOR {
                    if let Some(child) = Order::Big.u32(cell, 0) {
                        self.queue(child, &mut ahead, each);
                    }
                    continue;
                }
                let read = self.record(cell, number, &mut record);
                each(read.map(|()| record.as_slice()));
            }
            if let Some(rightmost) = node.rightmost {
                self.queue(rightmost, &mut ahead, each);
            }
        }
    }

    /// Puts a page among those ahead, once: so there are never more than the file has.
    fn queue(&mut self, number: u32, ahead: &mut Vec<u32>, each: &mut Sink<'_>) {
        if page(self.bytes, number, 1, self.page_size).is_none() {
            each(Err(DatabaseError::Page { what: "table", page: number }));
        } else if self.seen.mark(number) {
            ahead.push(number);
        } else {
            each(Err(DatabaseError::Loop(number)));
        }
    }

    /// Collects a record from its cell and the overflow pages that continue it.
    fn record(
        &mut self,
        cell: &[u8],
        page_number: u32,
        record: &mut Vec<u8>,
    ) -> Result<(), DatabaseError> {
        record.clear();
        let damaged = DatabaseError::Page { what: "record", page: page_number };
        let Some((length, rest)) = varint(cell) else { return Err(damaged) };
        let Some((_row_number, rest)) = varint(rest) else { return Err(damaged) };
        let length = usize::try_from(length).ok().filter(|&length| length <= self.bytes.len());
        let Some(length) = length else { return Err(damaged) };
        if !self.effort.takes(length) {
            return Err(DatabaseError::Shared);
        }
        let local = self.local_length(length);
        let Some((content, rest)) = rest.split_at_checked(local) else { return Err(damaged) };
        record.extend_from_slice(content);
        let mut next = if local < length { Order::Big.u32(rest, 0).unwrap_or(0) } else { 0 };
        while record.len() < length {
            let Some(page) = page(self.bytes, next, 1, self.page_size) else {
                return Err(DatabaseError::Page { what: "overflow of a record", page: next });
            };
            if !self.seen.mark(next) {
                return Err(DatabaseError::Loop(next));
            }
            let missing = length.saturating_sub(record.len());
            let content = page.get(4..self.usable).unwrap_or_default();
            record.extend_from_slice(content.get(..missing).unwrap_or(content));
            next = Order::Big.u32(page, 0).unwrap_or(0);
        }
        Ok(())
    }

    /// How much of a record stands in its cell (section 1.6, "B-tree Pages": P, U, X, M, K).
    fn local_length(&self, length: usize) -> usize {
        let usable = self.usable;
        let whole = usable.saturating_sub(35);
        if length <= whole {
            return length;
        }
        let least = (usable.saturating_sub(12).saturating_mul(32) / 255).saturating_sub(23);
        let overflow = usable.saturating_sub(4).max(1);
        let rest = length.saturating_sub(least).checked_rem(overflow).unwrap_or(0);
        let local = least.saturating_add(rest);
        if local <= whole { local } else { least }
    }
}

/// One page of a table.
struct Node<'a> {
    page: &'a [u8],
    kind: u8,
    cells: usize,
    /// Where the pointers to the cells begin.
    pointers: usize,
    /// The page after all cells of an interior page.
    rightmost: Option<u32>,
}

impl<'a> Node<'a> {
    fn of(page: &'a [u8], number: u32) -> Option<Self> {
        let start = if number == 1 { FILE_HEADER } else { 0 };
        let header = page.get(start..)?;
        let kind = *header.first()?;
        let (length, rightmost) = match kind {
            LEAF => (8, None),
            INTERIOR => (12, Some(Order::Big.u32(header, 8)?)),
            _ => return None,
        };
        let cells = usize::from(Order::Big.u16(header, 3)?);
        Some(Self { page, kind, cells, pointers: start.checked_add(length)?, rightmost })
    }

    fn cell(&self, index: usize) -> Option<&'a [u8]> {
        let pointer = self.pointers.checked_add(index.checked_mul(2)?)?;
        self.page.get(usize::from(Order::Big.u16(self.page, pointer)?)..)
    }
}

/// The bytes of a column of a record; None where there are none (section 2.1, "Record Format").
fn column(record: &[u8], wanted: usize) -> Option<&[u8]> {
    let (header_length, _) = varint(record)?;
    let header_length = usize::try_from(header_length).ok()?;
    let mut types = record.get(..header_length)?;
    (_, types) = varint(types)?;
    let mut at = header_length;
    for index in 0.. {
        let serial_type;
        (serial_type, types) = varint(types)?;
        let length = value_length(serial_type)?;
        if index == wanted {
            return slice(record, at, length);
        }
        at = at.checked_add(length)?;
    }
    None
}

fn value_length(serial_type: u64) -> Option<usize> {
    Some(match serial_type {
        0 | 8 | 9 => 0,
        1 => 1,
        2 => 2,
        3 => 3,
        4 => 4,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => usize::try_from(serial_type.saturating_sub(12) / 2).ok()?,
    })
}

/// A page number stored as an integer of up to four bytes.
fn number(column: &[u8]) -> Option<u32> {
    if column.len() > 4 {
        return None;
    }
    Some(column.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

/// A variable-length integer and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(9) {
        let rest = bytes.get(index.checked_add(1)?..)?;
        if index == 8 {
            return Some((value << 8 | u64::from(byte), rest));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_of_one_to_nine_bytes() {
        assert_eq!(varint(&[0x05, 9]), Some((5, &[9][..])));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, &[][..])));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, &[][..])));
        assert_eq!(varint(&[0xff; 8]), None);
        assert_eq!(varint(&[]), None);
    }
}
