//! Writing a table: entries in, region out.

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
pub(crate) fn build(entries: &[(&str, &[u8])], shape: Shape) -> Result<Built, Overflow> {
    let dictionary = sample(entries, shape.dictionary_bytes);
    let mut region = Vec::new();
    let mut index = Vec::new();
    put_length(&mut index, entries.len());
    let stored = store_dictionary(&dictionary)?;
    index::put_dictionary(&mut index, &stored, dictionary.len());
    region.extend_from_slice(&stored);
    let mut compressor = zstd::bulk::Compressor::with_dictionary(LEVEL, &dictionary)
        .map_err(|error| Overflow(error.to_string()))?;
    let blocks = cut(entries, shape.block_bytes);
    put_length(&mut index, blocks.len());
    let mut previous: &str = "";
    for block in blocks {
        let raw = encode(block)?;
        let compressed = compressor.compress(&raw).map_err(|e| Overflow(e.to_string()))?;
        let first = block.first().map_or("", |(key, _)| key);
        let block = BlockRef::of(&compressed, raw.len());
        index::put_block(&mut index, previous, first, &block);
        region.extend_from_slice(&compressed);
        previous = first;
    }
    if index.len() as u64 > INDEX_LIMIT {
        return Err(Overflow(format!("{} records are too many for one table", entries.len())));
    }
    region.extend_from_slice(&index);
    Ok(Built { region, index_length: index.len() })
}

/// The heads of every n-th record, so that the whole table is represented; empty where the table
/// is too small to gain from a dictionary.
fn sample(entries: &[(&str, &[u8])], wanted: usize) -> Vec<u8> {
    let wanted = wanted.min(DICTIONARY_LIMIT);
    let heads = || entries.iter().map(|(_, value)| value.get(..SAMPLE_BYTES).unwrap_or(value));
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
    zstd::bulk::compress(dictionary, LEVEL).map_err(|error| Overflow(error.to_string()))
}

/// Runs of entries that make a block each.
fn cut<'a, 'e>(entries: &'a [(&'e str, &'e [u8])], size: usize) -> Vec<&'a [(&'e str, &'e [u8])]> {
    let mut filled = 0_usize;
    entries
        .chunk_by(|_, (key, value)| {
            filled = filled.saturating_add(key.len()).saturating_add(value.len());
            let fits = filled <= size;
            if !fits {
                filled = 0;
            }
            fits
        })
        .collect()
}

fn encode(block: &[(&str, &[u8])]) -> Result<Vec<u8>, Overflow> {
    let mut raw = Vec::new();
    let mut previous: &str = "";
    for (key, value) in block {
        put_key(&mut raw, previous, key);
        put_length(&mut raw, value.len());
        raw.extend_from_slice(value);
        previous = key;
    }
    match raw.len() {
        0..=RAW_LIMIT => Ok(raw),
        length => Err(Overflow(format!("the record of `{previous}` has {length} bytes"))),
    }
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
