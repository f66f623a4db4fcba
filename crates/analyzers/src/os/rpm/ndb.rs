//! `Packages.db`: rpm's own database format, NDB, which SUSE uses.
//!
//! All numbers are little-endian, all offsets count blocks of 16 bytes (rpm, `lib/backend/ndb`).
//! The file begins with a header of two blocks and slots of one block each, one a package: magic,
//! package number, first block, number of blocks. A package's blocks are a head (magic, package
//! number, generation, length), the rpm header, and a tail.

use crate::binary::{Order, slice};
use crate::os::rpm::{DATABASE_BYTES_MAX, DatabaseError, Sink, packages};
use crate::{Analyzer, File, FileFacts, Select};

const MAGIC: &[u8] = b"RpmP";
const SLOT_MAGIC: &[u8] = b"Slot";
const HEAD_MAGIC: &[u8] = b"BlbS";

const BLOCK: usize = 16;
const PAGE: usize = 4096;
/// Blocks that the file's header takes of the first slot page.
const HEADER_BLOCKS: usize = 2;
/// The only version there is.
const VERSION: u32 = 0;

/// The analyzer `rpm-ndb`.
pub(crate) struct Ndb;

impl Analyzer for Ndb {
    fn name(&self) -> &'static str {
        "rpm-ndb"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Path("var/lib/rpm/Packages.db"),
                Select::Path("usr/lib/sysimage/rpm/Packages.db"),
                Select::Path("usr/share/rpm/Packages.db"),
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
    if !bytes.starts_with(MAGIC) {
        return sink(Err(DatabaseError::Magic("an NDB package database")));
    }
    if Order::Little.u32(bytes, 4) != Some(VERSION) {
        return sink(Err(DatabaseError::Unsupported("an NDB database of another version")));
    }
    let slots = || {
        let pages = Order::Little.size(bytes, 12)?;
        slice(bytes, 0, pages.checked_mul(PAGE)?)
    };
    // A cut-off file still has the slots that are there.
    let slots = slots().unwrap_or_else(|| {
        sink(Err(DatabaseError::Bounds("slots")));
        bytes
    });
    // Slots that share blocks could name the same bytes any number of times.
    let mut left = bytes.len();
    for slot in slots.chunks_exact(BLOCK).skip(HEADER_BLOCKS) {
        if !slot.starts_with(SLOT_MAGIC) {
            return sink(Err(DatabaseError::Bounds("slots")));
        }
        // A slot that is free names no block.
        let Some(first @ 1..) = Order::Little.size(slot, 8) else { continue };
        let header = blob(bytes, slot, first);
        let rest = left.checked_sub(header.map_or(0, <[u8]>::len));
        let Some(rest) = rest else {
            return sink(Err(DatabaseError::Bounds("packages that share blocks")));
        };
        left = rest;
        sink(header.ok_or(DatabaseError::Bounds("blocks of a package")));
    }
}

/// The content of a package's blocks, if head and slot agree.
fn blob<'a>(bytes: &'a [u8], slot: &[u8], first: usize) -> Option<&'a [u8]> {
    let blocks = Order::Little.size(slot, 12)?;
    let blob = slice(bytes, first.checked_mul(BLOCK)?, blocks.checked_mul(BLOCK)?)?;
    let agree = blob.starts_with(HEAD_MAGIC) && slice(blob, 4, 4)? == slice(slot, 4, 4)?;
    let content = slice(blob, BLOCK, Order::Little.size(blob, 12)?)?;
    agree.then_some(content)
}
