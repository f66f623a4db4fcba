//! A read-only reader of bbolt files: the databases in which containerd keeps its images.
//!
//! [`view`] hands the root bucket of one consistent state to a closure; [`Bucket`] looks keys up
//! and walks. Nothing is ever written or locked, and the whole file is never in memory. It must
//! never trust a number in the file: every offset, depth and count is checked.
//!
//! **Why no lock is needed.** bbolt is copy-on-write. Transaction N+1 writes its pages into free
//! space, then its meta page; it may reuse pages that transaction N stopped using, but none that
//! the state N still reaches. Those become reusable to N+2 only, which cannot begin before the
//! meta page of N+1 stands. So if the newest valid meta page is still the one of N after we have
//! read, no page of N can have changed meanwhile; if it moved, we read again.
//!
//! The layout (little-endian) is that of go.etcd.io/bbolt, `internal/common`: a page is
//! `id u64, flags u16, count u16, overflow u32`, then elements. A leaf element is
//! `flags u32, pos u32, ksize u32, vsize u32`, a branch element `pos u32, ksize u32, pgid u64`;
//! `pos` counts from the element itself.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
const PAGE_HEADER: usize = 16;
const ELEMENT: usize = 16;
const BUCKET_HEADER: usize = 16;
/// Page header and meta with its checksum.
const META_BYTES: usize = PAGE_HEADER + META_SUMMED + 8;
/// The bytes of a meta page that its checksum covers.
const META_SUMMED: usize = 56;

const BRANCH_PAGE: u16 = 0x01;
const LEAF_PAGE: u16 = 0x02;
const META_PAGE: u16 = 0x04;
const BUCKET_ELEMENT: u32 = 0x01;

/// bbolt takes the page size of the machine: 4 KiB to 64 KiB; anything near that is believed.
const PAGE_SIZES: std::ops::RangeInclusive<usize> = 1024..=64 * 1024;
/// The largest run of overflow pages read as one; containerd's values are a few hundred bytes.
const MAX_PAGE_BYTES: usize = 16 << 20;
/// A tree of 4 KiB pages with two keys a branch would need 2^32 pages to get this deep.
const MAX_DEPTH: usize = 32;
/// Pages read in one view, so that a tree that contains itself ends; 1 GiB of 4 KiB pages.
const MAX_PAGES: u32 = 1 << 18;
/// How often a view is repeated because containerd committed twice or more meanwhile.
const ATTEMPTS: u32 = 10;
/// A commit costs containerd two fsyncs, so this is about one commit long.
const PAUSE: Duration = Duration::from_millis(20);

/// Why a database could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BoltError {
    #[error("cannot read the database")]
    Read(#[from] io::Error),
    #[error("not a bbolt database of version {VERSION}")]
    NotBolt,
    #[error("damaged database: {0}")]
    Damaged(&'static str),
    #[error("the database is still being written after {ATTEMPTS} attempts")]
    Busy,
}

/// Reads one consistent state of the database at `path`. `read` may run several times.
pub(crate) fn view<T>(
    path: &Path,
    read: impl Fn(&Bucket<'_>) -> Result<T, BoltError>,
) -> Result<T, BoltError> {
    let file = File::open(path)?;
    for _ in 0..ATTEMPTS {
        let state = State::newest(Pages::File(&file))?;
        let result = read(&state.root());
        // An error counts only if the state stood still; otherwise it may be our own haste.
        if newest_meta(&state.pages)?.transaction == state.meta.transaction {
            return result;
        }
        thread::sleep(PAUSE);
    }
    Err(BoltError::Busy)
}

/// Walks through every bucket of a database in memory and counts the values (for fuzzing).
pub(crate) fn walk(bytes: &[u8]) -> Result<u64, BoltError> {
    let state = State::newest(Pages::Memory(bytes))?;
    let (mut values, mut buckets) = (0, vec![(state.root(), 0)]);
    while let Some((bucket, depth)) = buckets.pop() {
        bucket.each(|_, item| match item {
            Item::Value(_) => {
                values += 1;
                Ok(())
            }
            Item::Bucket(_) if depth == MAX_DEPTH => {
                Err(BoltError::Damaged("buckets are nested too deep"))
            }
            Item::Bucket(inner) => {
                buckets.push((inner, depth + 1));
                Ok(())
            }
        })?;
    }
    Ok(values)
}

/// A bucket: keys in byte order, each with a value or another bucket.
pub(crate) struct Bucket<'a> {
    state: &'a State<'a>,
    root: Root,
}

enum Root {
    Page(u64),
    /// A small bucket lives inside the value of its parent: one leaf page without siblings.
    Inline(Vec<u8>),
}

/// What stands under a key.
pub(crate) enum Item<'a, 'v> {
    Value(&'v [u8]),
    Bucket(Bucket<'a>),
}

impl<'a> Bucket<'a> {
    /// The value under `key`; None where there is nothing, or a bucket.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, BoltError> {
        self.find(key, |item| match item {
            Item::Value(value) => Some(value.to_vec()),
            Item::Bucket(_) => None,
        })
    }

    /// The bucket under `key`; None where there is nothing, or a value.
    pub(crate) fn bucket(&self, key: &[u8]) -> Result<Option<Self>, BoltError> {
        self.find(key, |item| match item {
            Item::Bucket(bucket) => Some(bucket),
            Item::Value(_) => None,
        })
    }

    /// The bucket at the end of `path`.
    pub(crate) fn descend(&self, path: &[&str]) -> Result<Option<Self>, BoltError> {
        let Some((first, rest)) = path.split_first() else { return Ok(None) };
        let mut bucket = self.bucket(first.as_bytes())?;
        for key in rest {
            let Some(current) = bucket else { return Ok(None) };
            bucket = current.bucket(key.as_bytes())?;
        }
        Ok(bucket)
    }

    fn find<T>(
        &self,
        key: &[u8],
        take: impl FnOnce(Item<'a, '_>) -> Option<T>,
    ) -> Result<Option<T>, BoltError> {
        let mut page = self.root_page()?;
        for _ in 0..MAX_DEPTH {
            if page.is_leaf()? {
                let index = page.first_not_below(key)?;
                if index == page.count || page.key(index)? != key {
                    return Ok(None);
                }
                return Ok(take(page.item(index, self.state)?));
            }
            // The child whose first key is the last one that is not above ours.
            let index = page.first_not_below(key)?;
            let exact = index < page.count && page.key(index)? == key;
            let child = if exact { index } else { index.saturating_sub(1) };
            page = self.state.page(page.child(child)?)?;
        }
        Err(BoltError::Damaged("the tree is too deep"))
    }

    /// Calls `visit` for each key, in order.
    pub(crate) fn each(
        &self,
        mut visit: impl FnMut(&[u8], Item<'a, '_>) -> Result<(), BoltError>,
    ) -> Result<(), BoltError> {
        let mut stack = vec![(self.root_page()?, 0)];
        while let Some((page, index)) = stack.pop() {
            if index == page.count {
                continue;
            }
            if page.is_leaf()? {
                for index in 0..page.count {
                    visit(page.key(index)?, page.item(index, self.state)?)?;
                }
                continue;
            }
            if stack.len() == MAX_DEPTH {
                return Err(BoltError::Damaged("the tree is too deep"));
            }
            let child = self.state.page(page.child(index)?)?;
            stack.push((page, index + 1));
            stack.push((child, 0));
        }
        Ok(())
    }

    fn root_page(&self) -> Result<Page, BoltError> {
        match &self.root {
            Root::Page(id) => self.state.page(*id),
            Root::Inline(bytes) => Page::parse(bytes.clone()),
        }
    }
}

/// One committed state of a database.
struct State<'a> {
    pages: Pages<'a>,
    meta: Meta,
    /// Pages read so far in this view.
    read: Cell<u32>,
}

struct Meta {
    page_size: usize,
    root: u64,
    /// The first page number that is not in use.
    end: u64,
    transaction: u64,
}

enum Pages<'a> {
    File(&'a File),
    Memory(&'a [u8]),
}

impl Pages<'_> {
    fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, BoltError> {
        match self {
            Self::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, offset).map_err(end_is_damage)?;
                Ok(bytes)
            }
            Self::Memory(memory) => usize::try_from(offset)
                .ok()
                .and_then(|start| memory.get(start..)?.get(..length))
                .map(<[u8]>::to_vec)
                .ok_or(BoltError::Damaged("a page lies beyond the end of the file")),
        }
    }
}

fn end_is_damage(error: io::Error) -> BoltError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            BoltError::Damaged("a page lies beyond the end of the file")
        }
        _ => BoltError::Read(error),
    }
}

impl<'a> State<'a> {
    fn newest(pages: Pages<'a>) -> Result<Self, BoltError> {
        let meta = newest_meta(&pages)?;
        Ok(Self { pages, meta, read: Cell::new(0) })
    }

    fn root(&'a self) -> Bucket<'a> {
        Bucket { state: self, root: Root::Page(self.meta.root) }
    }

    fn page(&self, id: u64) -> Result<Page, BoltError> {
        let size = self.meta.page_size;
        // Pages 0 and 1 are the meta pages; a tree never leads there.
        if id < 2 || id >= self.meta.end {
            return Err(BoltError::Damaged("a page number is out of range"));
        }
        let offset = id
            .checked_mul(size as u64)
            .ok_or(BoltError::Damaged("a page number is out of range"))?;
        let bytes = self.pages.read(offset, size)?;
        let overflow = field_u32(&bytes, 12)? as usize;
        let length = overflow.saturating_add(1).saturating_mul(size);
        let read = self.read.get().saturating_add(1);
        self.read.set(read);
        if length > MAX_PAGE_BYTES || read > MAX_PAGES {
            return Err(BoltError::Damaged("more pages than any containerd database has"));
        }
        Page::parse(if overflow == 0 { bytes } else { self.pages.read(offset, length)? })
    }
}

/// The valid meta page with the highest transaction number.
fn newest_meta(pages: &Pages<'_>) -> Result<Meta, BoltError> {
    let first = meta_at(pages, 0);
    // If the first meta page is torn, the page size is not known yet: bbolt tries all, so do we.
    let seconds = match &first {
        Some(meta) => vec![meta.page_size],
        None => (10..=16).map(|bits| 1 << bits).collect(),
    };
    let second = seconds
        .into_iter()
        .find_map(|size| meta_at(pages, size as u64).filter(|meta| meta.page_size == size));
    first.into_iter().chain(second).max_by_key(|meta| meta.transaction).ok_or(BoltError::NotBolt)
}

fn meta_at(pages: &Pages<'_>, offset: u64) -> Option<Meta> {
    let bytes = pages.read(offset, META_BYTES).ok()?;
    let meta = bytes.get(PAGE_HEADER..)?;
    let summed = meta.get(..META_SUMMED)?;
    let page_size = usize::try_from(field_u32(meta, 8).ok()?).ok()?;
    let valid = field_u16(&bytes, 8).ok()? & META_PAGE != 0
        && field_u32(meta, 0).ok()? == MAGIC
        && field_u32(meta, 4).ok()? == VERSION
        && field_u64(meta, META_SUMMED).ok()? == fnv1a(summed)
        && PAGE_SIZES.contains(&page_size)
        && page_size.is_power_of_two();
    if !valid {
        return None;
    }
    Some(Meta {
        page_size,
        root: field_u64(meta, 16).ok()?,
        end: field_u64(meta, 40).ok()?,
        transaction: field_u64(meta, 48).ok()?,
    })
}

/// The 64-bit FNV-1a hash, which guards a meta page.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A branch or leaf page with its overflow.
struct Page {
    bytes: Vec<u8>,
    flags: u16,
    count: usize,
}

impl Page {
    fn parse(bytes: Vec<u8>) -> Result<Self, BoltError> {
        let flags = field_u16(&bytes, 8)?;
        let count = usize::from(field_u16(&bytes, 10)?);
        if PAGE_HEADER + count * ELEMENT > bytes.len() {
            return Err(BoltError::Damaged("a page holds more elements than fit"));
        }
        Ok(Self { bytes, flags, count })
    }

    fn is_leaf(&self) -> Result<bool, BoltError> {
        match self.flags & (BRANCH_PAGE | LEAF_PAGE) {
            LEAF_PAGE => Ok(true),
            BRANCH_PAGE if self.count > 0 => Ok(false),
            BRANCH_PAGE => Err(BoltError::Damaged("a branch page is empty")),
            _ => Err(BoltError::Damaged("a page in the tree is neither branch nor leaf")),
        }
    }

    /// The index of the first key that is `key` or above it; `count` if all are below.
    fn first_not_below(&self, key: &[u8]) -> Result<usize, BoltError> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.key(middle)? < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn key(&self, index: usize) -> Result<&[u8], BoltError> {
        let (start, size) = self.key_range(index)?;
        self.slice(start, size)
    }

    fn child(&self, index: usize) -> Result<u64, BoltError> {
        field_u64(&self.bytes, PAGE_HEADER + index * ELEMENT + 8)
    }

    fn item<'a>(&self, index: usize, state: &'a State<'a>) -> Result<Item<'a, '_>, BoltError> {
        let element = PAGE_HEADER + index * ELEMENT;
        let (key, key_size) = self.key_range(index)?;
        let value = self.slice(key + key_size, field_u32(&self.bytes, element + 12)? as usize)?;
        if field_u32(&self.bytes, element)? & BUCKET_ELEMENT == 0 {
            return Ok(Item::Value(value));
        }
        let root = match field_u64(value, 0)? {
            0 => Root::Inline(value.get(BUCKET_HEADER..).unwrap_or_default().to_vec()),
            id => Root::Page(id),
        };
        Ok(Item::Bucket(Bucket { state, root }))
    }

    fn key_range(&self, index: usize) -> Result<(usize, usize), BoltError> {
        let element = PAGE_HEADER + index * ELEMENT;
        // A leaf element begins with its flags, a branch element with its position.
        let at = if self.flags & LEAF_PAGE == 0 { element } else { element + 4 };
        let position = field_u32(&self.bytes, at)? as usize;
        Ok((element + position, field_u32(&self.bytes, at + 4)? as usize))
    }

    fn slice(&self, start: usize, size: usize) -> Result<&[u8], BoltError> {
        self.bytes
            .get(start..)
            .and_then(|rest| rest.get(..size))
            .ok_or(BoltError::Damaged("a key or value lies outside its page"))
    }
}

fn field<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], BoltError> {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .ok_or(BoltError::Damaged("a structure ends too early"))
}

fn field_u16(bytes: &[u8], offset: usize) -> Result<u16, BoltError> {
    field(bytes, offset).map(u16::from_le_bytes)
}

fn field_u32(bytes: &[u8], offset: usize) -> Result<u32, BoltError> {
    field(bytes, offset).map(u32::from_le_bytes)
}

fn field_u64(bytes: &[u8], offset: usize) -> Result<u64, BoltError> {
    field(bytes, offset).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
