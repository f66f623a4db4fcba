//! The index of a table: where its blocks are, and with which key each begins.

use std::ops::Range;

use crate::bytes::{Cursor, Malformed};
use crate::table::build::put_key;
use crate::table::{DICTIONARY_LIMIT, RAW_LIMIT, checksum};

/// One stored run of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockRef {
    pub(super) stored_length: usize,
    pub(super) raw_length: usize,
    pub(super) checksum: u64,
}

/// A parsed index.
#[derive(Debug)]
pub(super) struct Index {
    /// How many keys the table holds, as it says.
    pub(super) keys: u64,
    pub(super) dictionary: Option<BlockRef>,
    pub(super) blocks: Vec<IndexedBlock>,
}

/// One block and its place.
#[derive(Debug)]
pub(super) struct IndexedBlock {
    pub(super) first_key: Box<[u8]>,
    /// Within the region.
    pub(super) range: Range<u64>,
    pub(super) block: BlockRef,
}

pub(super) fn put_dictionary(out: &mut Vec<u8>, stored: &[u8], raw_length: usize) {
    BlockRef { stored_length: stored.len(), raw_length, checksum: checksum(stored) }.put(out);
}

pub(super) fn put_block(out: &mut Vec<u8>, previous: &str, first: &str, block: &BlockRef) {
    put_key(out, previous, first);
    block.put(out);
}

impl Index {
    /// Reads the index of a region whose dictionary and blocks take `space` bytes, which they
    /// must fill exactly.
    pub(super) fn parse(bytes: &[u8], space: u64) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let keys = cursor.varint()?;
        let dictionary = block_ref(&mut cursor, DICTIONARY_LIMIT)?;
        let mut end = dictionary.stored_length as u64;
        let mut first_key = Vec::new();
        let mut blocks: Vec<IndexedBlock> = Vec::new();
        for _ in 0..cursor.length()? {
            cursor.charge(size_of::<IndexedBlock>())?;
            let shared = cursor.size()?;
            if shared > first_key.len() {
                return Err(Malformed("a key shares more than the key before has"));
            }
            first_key.truncate(shared);
            let length = cursor.length()?;
            first_key.extend_from_slice(cursor.take(length)?);
            cursor.charge(first_key.len())?;
            let block = block_ref(&mut cursor, RAW_LIMIT)?;
            let start = end;
            end = start.saturating_add(block.stored_length as u64);
            if blocks.last().is_some_and(|last| *last.first_key >= *first_key) {
                return Err(Malformed("the first keys of blocks are not in order"));
            }
            let first_key = first_key.clone().into_boxed_slice();
            blocks.push(IndexedBlock { first_key, range: start..end, block });
        }
        if end != space || !cursor.is_empty() {
            return Err(Malformed("the lengths of blocks do not add up"));
        }
        let dictionary = (dictionary.stored_length > 0).then_some(dictionary);
        Ok(Self { keys, dictionary, blocks })
    }

    /// The number of the only block that may hold the key.
    pub(super) fn block_of(&self, key: &[u8]) -> Option<usize> {
        self.blocks.partition_point(|block| *block.first_key <= *key).checked_sub(1)
    }
}

fn block_ref(cursor: &mut Cursor<'_>, limit: usize) -> Result<BlockRef, Malformed> {
    let (stored_length, raw_length) = (cursor.size()?, cursor.size()?);
    if raw_length > limit || stored_length > zstd::zstd_safe::compress_bound(limit) {
        return Err(Malformed("a block is larger than any may be"));
    }
    Ok(BlockRef { stored_length, raw_length, checksum: u64::from_le_bytes(cursor.eight()?) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::put_length;

    fn index(first_keys: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        put_length(&mut out, first_keys.len());
        put_dictionary(&mut out, &[], 0);
        put_length(&mut out, first_keys.len());
        let mut previous = "";
        for key in first_keys {
            let block = BlockRef { stored_length: 10, raw_length: 20, checksum: 7 };
            put_block(&mut out, previous, key, &block);
            previous = key;
        }
        out
    }

    #[test]
    fn a_key_belongs_to_the_block_before_the_next() {
        let index = Index::parse(&index(&["b", "bb", "d"]), 30).unwrap();
        let cases = [("a", None), ("b", Some(0)), ("ba", Some(0)), ("bb", Some(1)), ("z", Some(2))];
        for (key, block) in cases {
            assert_eq!(index.block_of(key.as_bytes()), block, "{key}");
        }
    }

    #[test]
    fn an_index_that_lies_is_refused() {
        assert!(Index::parse(&index(&["a", "b"]), 20).is_ok());
        assert!(Index::parse(&index(&["a", "b"]), 21).is_err());
        assert!(Index::parse(&index(&["b", "a"]), 20).is_err());
        assert!(Index::parse(&index(&["a", "a"]), 20).is_err());
        let bytes = index(&["a", "b"]);
        for length in 0..bytes.len() {
            assert!(Index::parse(&bytes[..length], 20).is_err(), "{length}");
        }
    }
}
