//! Writing a table: entries in, region out.

use zstd::bulk::Compressor;

use crate::bytes::{put_length, put_varint};
use crate::table::index::BlockRef;
use crate::table::{DICTIONARY_LIMIT, INDEX_LIMIT, RAW_LIMIT, checksum, index};

/// The zstd level of blocks. Level 19 saves 5 % of bytes on the match tables for 30 times the
/// time, level 3 costs 11 %: see docs/segments.md.
const LEVEL: i32 = 9;

/// The part of a sampled record that goes into a dictionary: its head, where records are alike.
const SAMPLE_BYTES: usize = 4096;

/// How a table is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Raw bytes after which a block ends.
    pub(crate) block_bytes: usize,
    /// Bytes of dictionary, for tables of at least eight times as much.
    pub(crate) dictionary_bytes: usize,
}

/// A table as bytes.
#[derive(Debug)]
pub(crate) struct Built {
    /// Dictionary, blocks, index.
    pub(crate) region: Vec<u8>,
    /// The length of the index at the region's end.
    pub(crate) index_length: usize,
}

/// What is too large for the format, in words.
#[derive(Debug)]
pub(crate) struct Overflow(pub(crate) String);

/// Writes entries that are sorted by key, each key once.
pub(crate) fn build<'e>(
    entries: impl Iterator<Item = (&'e str, &'e [u8])> + Clone,
    shape: Shape,
) -> Result<Built, Overflow> {
    let dictionary = sample(entries.clone(), shape.dictionary_bytes);
    let mut builder = Builder::new(shape, &dictionary)?;
    for (key, value) in entries {
        builder.push(key, value)?;
    }
    builder.finish()
}

/// A table that is being written. It holds one block, and what is finished in its final form.
pub(crate) struct Builder {
    block_bytes: usize,
    compressor: Compressor<'static>,
    /// Dictionary and blocks.
    region: Vec<u8>,
    dictionary: Vec<u8>,
    blocks: Vec<u8>,
    block_count: usize,
    count: usize,
    /// The first key of the block that was written last.
    previous: String,
    block: Block,
}

/// Entries that make a block.
#[derive(Default)]
struct Block {
    first: String,
    last: String,
    raw: Vec<u8>,
    /// Bytes of its entries behind the first.
    filled: usize,
}

impl Builder {
    pub(crate) fn new(shape: Shape, dictionary: &[u8]) -> Result<Self, Overflow> {
        let stored = store_dictionary(dictionary)?;
        let mut of_index = Vec::new();
        index::put_dictionary(&mut of_index, &stored, dictionary.len());
        Ok(Self {
            block_bytes: shape.block_bytes,
            compressor: Compressor::with_dictionary(LEVEL, dictionary).map_err(overflow)?,
            region: stored,
            dictionary: of_index,
            blocks: Vec::new(),
            block_count: 0,
            count: 0,
            previous: String::new(),
            block: Block::default(),
        })
    }

    /// The next entry, in the order of keys.
    pub(crate) fn push(&mut self, key: &str, value: &[u8]) -> Result<(), Overflow> {
        let filled = self.block.filled.saturating_add(key.len()).saturating_add(value.len());
        if !self.block.raw.is_empty() && filled > self.block_bytes {
            self.write_block()?;
        }
        self.count = self.count.saturating_add(1);
        let block = &mut self.block;
        if block.raw.is_empty() {
            key.clone_into(&mut block.first);
        } else {
            block.filled = filled;
        }
        put_key(&mut block.raw, &block.last, key);
        put_length(&mut block.raw, value.len());
        block.raw.extend_from_slice(value);
        key.clone_into(&mut block.last);
        Ok(())
    }

    fn write_block(&mut self) -> Result<(), Overflow> {
        let Block { first, last, raw, .. } = std::mem::take(&mut self.block);
        if raw.len() > RAW_LIMIT {
            return Err(Overflow(format!("the record of `{last}` has {} bytes", raw.len())));
        }
        let compressed = self.compressor.compress(&raw).map_err(overflow)?;
        let block = BlockRef::of(&compressed, raw.len());
        index::put_block(&mut self.blocks, &self.previous, &first, &block);
        self.region.extend_from_slice(&compressed);
        self.block_count = self.block_count.saturating_add(1);
        self.previous = first;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Built, Overflow> {
        if !self.block.raw.is_empty() {
            self.write_block()?;
        }
        let Self { mut region, dictionary, blocks, block_count, count, .. } = self;
        let mut index = Vec::new();
        put_length(&mut index, count);
        index.extend_from_slice(&dictionary);
        put_length(&mut index, block_count);
        index.extend_from_slice(&blocks);
        if index.len() as u64 > INDEX_LIMIT {
            return Err(Overflow(format!("{count} records are too many for one table")));
        }
        region.extend_from_slice(&index);
        Ok(Built { region, index_length: index.len() })
    }
}

fn overflow(error: std::io::Error) -> Overflow {
    Overflow(error.to_string())
}

/// The heads of every n-th record, so that the whole table is represented; empty where the table
/// is too small to gain from a dictionary.
fn sample<'e>(
    entries: impl Iterator<Item = (&'e str, &'e [u8])> + Clone,
    wanted: usize,
) -> Vec<u8> {
    let wanted = wanted.min(DICTIONARY_LIMIT);
    let heads = || entries.clone().map(|(_, value)| value.get(..SAMPLE_BYTES).unwrap_or(value));
    let total: usize = heads().map(<[u8]>::len).sum();
    if wanted == 0 || total.checked_div(wanted).unwrap_or(0) < 8 {
        return Vec::new();
    }
    let step = total.div_ceil(wanted);
    let mut dictionary = heads().step_by(step).collect::<Vec<_>>().concat();
    dictionary.truncate(wanted);
    dictionary
}

fn store_dictionary(dictionary: &[u8]) -> Result<Vec<u8>, Overflow> {
    if dictionary.is_empty() {
        return Ok(Vec::new());
    }
    zstd::bulk::compress(dictionary, LEVEL).map_err(overflow)
}

/// How many bytes a key shares with the one before, then the others.
pub(super) fn put_key(out: &mut Vec<u8>, previous: &str, key: &str) {
    let shared = previous.bytes().zip(key.bytes()).take_while(|(a, b)| a == b).count();
    let (_, rest) = key.as_bytes().split_at(shared);
    put_length(out, shared);
    put_length(out, rest.len());
    out.extend_from_slice(rest);
}

impl BlockRef {
    fn of(stored: &[u8], raw_length: usize) -> Self {
        Self { stored_length: stored.len(), raw_length, checksum: checksum(stored) }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.stored_length as u64);
        put_varint(out, self.raw_length as u64);
        out.extend_from_slice(&self.checksum.to_le_bytes());
    }
}
