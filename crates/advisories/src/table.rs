//! A sorted table of keys and values in compressed blocks: what a segment is made of.
//!
//! ```text
//! region:  dictionary | block 0 | block 1 | … | index
//! block:   zstd of entries   key (the part that differs from the key before), value
//! index:   for each block    first key, stored length, raw length, xxh3 of the stored bytes
//! ```
//!
//! A lookup reads the index once and then the one block whose keys embrace the wanted one.
//! Tables whose values are texts have a dictionary, a sample of their own records, so that small
//! blocks compress as well as large ones.

mod block;
mod build;
mod index;
mod read;

pub(crate) use block::Entry;
pub(crate) use build::{Builder, Built, Overflow, Shape, build};
pub(crate) use read::Table;

/// Most bytes of a block once decompressed. Blocks are far smaller unless a single value is large.
pub(crate) const RAW_LIMIT: usize = 16 << 20;

/// Most bytes of an index: 250 000 blocks, which is 8 GB of records.
pub(crate) const INDEX_LIMIT: u64 = 8 << 20;

/// Most bytes of a dictionary once decompressed.
pub(crate) const DICTIONARY_LIMIT: usize = 1 << 20;

/// The checksum of everything in a segment: XXH3, 64 bits. It detects accidents; against forgery
/// stand the digests and signatures of an index of segments.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}
