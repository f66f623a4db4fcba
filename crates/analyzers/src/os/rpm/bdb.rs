//! `Packages`: a Berkeley DB hash, as rpm wrote it until 2020.
//!
//! The file is a row of pages of one size, in the byte order of the machine that wrote it (Berkeley
//! DB 4 to 5, `dbinc/db_page.h`). Hash pages hold pairs of key and value; a value that is too large
//! stands in a chain of overflow pages. Where a key hashes to does not matter here, so the pages
//! are read in file order and the buckets ignored. Each overflow page is read once at most, and items that
//! share bytes end the reading.

use crate::binary::{Order, Seen, page, slice};
use crate::os::rpm::{DATABASE_BYTES_MAX, DatabaseError, Effort, Sink, packages};
use crate::{Analyzer, File, FileFacts, Select};

const HASH_MAGIC: u32 = 0x0006_1561;
const BTREE_MAGIC: u32 = 0x0005_3162;

/// Bytes at the beginning of a page: log position, number, previous, next, entries, offset, level,
/// kind.
const PAGE_HEADER: usize = 26;

/// What the offsets of a pair take of a page.
const OFFSETS: usize = 4;

/// Kinds of pages.
mod kind {
    /// Free, or never used.
    pub(super) const INVALID: u8 = 0;
    pub(super) const DUPLICATES_OLD: u8 = 1;
    pub(super) const HASH_UNSORTED: u8 = 2;
    pub(super) const OVERFLOW: u8 = 7;
    pub(super) const HASH_META: u8 = 8;
    pub(super) const DUPLICATES: u8 = 12;
    pub(super) const HASH: u8 = 13;
}

/// Kinds of items on a hash page.
mod item {
    pub(super) const ON_PAGE: u8 = 1;
    pub(super) const OFF_PAGE: u8 = 3;
}

/// The analyzer `rpm-bdb`.
pub(crate) struct Bdb;

impl Analyzer for Bdb {
    fn name(&self) -> &'static str {
        "rpm-bdb"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Path("var/lib/rpm/Packages"),
                Select::Path("usr/lib/sysimage/rpm/Packages"),
                Select::Path("usr/share/rpm/Packages"),
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

/// Hands every package's header to `sink`.
pub(crate) fn headers(bytes: &[u8], sink: &mut Sink<'_>) {
    let mut database = match Database::open(bytes) {
        Ok(database) => database,
        Err(error) => return sink(Err(error)),
    };
    let mut value = Vec::new();
    for number in 1..=database.last_page {
        let Some(page) = page(bytes, number, 0, database.page_size) else {
            return sink(Err(DatabaseError::Page { what: "hash", page: number }));
        };
        match page.get(25).copied().unwrap_or_default() {
            kind::HASH | kind::HASH_UNSORTED => {
                database.read_pairs(page, number, &mut value, sink);
                if database.effort.is_spent {
                    return sink(Err(DatabaseError::Shared));
                }
            }
            kind::INVALID | kind::OVERFLOW | kind::HASH_META => {}
            kind::DUPLICATES_OLD | kind::DUPLICATES => {
                sink(Err(DatabaseError::Unsupported("a hash with several values to a key")));
            }
            _ => sink(Err(DatabaseError::Page { what: "page of unknown kind", page: number })),
        }
    }
}

struct Database<'a> {
    bytes: &'a [u8],
    order: Order,
    page_size: usize,
    last_page: u32,
    seen: Seen,
    effort: Effort,
}

impl<'a> Database<'a> {
    /// Reads the first page, which describes the others.
    fn open(bytes: &'a [u8]) -> Result<Self, DatabaseError> {
        let not_a_hash = DatabaseError::Magic("a Berkeley DB hash");
        let order = match Order::Little.u32(bytes, 12).zip(Order::Big.u32(bytes, 12)) {
            Some((HASH_MAGIC, _)) => Order::Little,
            Some((_, HASH_MAGIC)) => Order::Big,
            Some((BTREE_MAGIC, _) | (_, BTREE_MAGIC)) => {
                return Err(DatabaseError::Unsupported("a Berkeley DB b-tree"));
            }
            _ => return Err(not_a_hash),
        };
        let page_size = order.size(bytes, 20).unwrap_or_default();
        if !page_size.is_power_of_two() || !(512..=65_536).contains(&page_size) {
            return Err(DatabaseError::Bounds("pages of that size"));
        }
        let [encryption, kind, flags] = *slice(bytes, 24, 3).unwrap_or_default() else {
            return Err(not_a_hash);
        };
        if encryption != 0 {
            return Err(DatabaseError::Unsupported("an encrypted Berkeley DB"));
        }
        if flags != 0 {
            // Checksums widen the header of every page; partitions are other files.
            return Err(DatabaseError::Unsupported("a Berkeley DB with checksums or partitions"));
        }
        if kind != kind::HASH_META {
            return Err(not_a_hash);
        }
        let last_page = order.u32(bytes, 32).unwrap_or_default();
        let seen = Seen::new(bytes.len(), page_size);
        Ok(Self { bytes, order, page_size, last_page, seen, effort: Effort::of(bytes) })
    }

    /// The items of a hash page: key, value, key, value. Their offsets stand behind the page's
    /// header; the items themselves fill the page from its end.
    fn read_pairs(&mut self, page: &[u8], number: u32, value: &mut Vec<u8>, sink: &mut Sink<'_>) {
        let damaged = || DatabaseError::Page { what: "item", page: number };
        let entries = usize::from(self.order.u16(page, 20).unwrap_or_default());
        let offset = |index: usize| {
            let at = PAGE_HEADER.checked_add(index.checked_mul(2)?)?;
            Some(usize::from(self.order.u16(page, at)?))
        };
        let mut items = Vec::with_capacity(entries.min(page.len()));
        let mut end = Some(page.len());
        for index in 0..entries {
            let begin = offset(index);
            items.push(begin.zip(end).and_then(|(begin, end)| page.get(begin..end)));
            end = begin;
        }
        for pair in items.chunks(2) {
            let length =
                pair.iter().flatten().fold(OFFSETS, |sum, it| sum.saturating_add(it.len()));
            if !self.effort.takes(length) {
                return;
            }
            match *pair {
                [Some(key), Some(item)] if !is_counter(key) => {
                    let read = self.value(item, number, value);
                    sink(read.map(|()| value.as_slice()));
                }
                [Some(_), Some(_)] => {}
                _ => sink(Err(damaged())),
            }
        }
    }

    /// Copies the value that an item holds or points to.
    fn value(
        &mut self,
        item: &[u8],
        number: u32,
        value: &mut Vec<u8>,
    ) -> Result<(), DatabaseError> {
        value.clear();
        let damaged = DatabaseError::Page { what: "item", page: number };
        match item.split_first() {
            Some((&item::ON_PAGE, content)) => {
                value.extend_from_slice(content);
                Ok(())
            }
            Some((&item::OFF_PAGE, _)) => {
                let chain = self.order.u32(item, 4).zip(self.order.size(item, 8));
                let (first, length) = chain.ok_or(damaged)?;
                self.overflow(first, length, value)
            }
            Some(_) => Err(DatabaseError::Unsupported("a hash with several values to a key")),
            None => Err(damaged),
        }
    }

    fn overflow(
        &mut self,
        first: u32,
        length: usize,
        value: &mut Vec<u8>,
    ) -> Result<(), DatabaseError> {
        let mut next = first;
        while value.len() < length {
            let lost = DatabaseError::Page { what: "overflow of a value", page: next };
            let Some(page) = page(self.bytes, next, 0, self.page_size) else { return Err(lost) };
            if !self.seen.mark(next) {
                return Err(DatabaseError::Loop(next));
            }
            if page.get(25) != Some(&kind::OVERFLOW) {
                return Err(lost);
            }
            let used = usize::from(self.order.u16(page, 22).unwrap_or_default());
            let Some(content) = slice(page, PAGE_HEADER, used) else { return Err(lost) };
            value.extend_from_slice(content);
            next = self.order.u32(page, 16).unwrap_or_default();
        }
        value.truncate(length);
        Ok(())
    }
}

/// rpm keeps the highest package number in use under the key 0.
fn is_counter(key: &[u8]) -> bool {
    matches!(key, [item::ON_PAGE, 0, 0, 0, 0])
}
