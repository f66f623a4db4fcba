//! Reading a table: its index once, then one block a lookup.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use zstd::zstd_safe::{DCtx, DDict};

use crate::bytes::Malformed;
use crate::error::Fault;
use crate::file::{SegmentFile, Span};
use crate::table::block::{Block, Entry};
use crate::table::checksum;
use crate::table::index::{BlockRef, Index};

/// Bytes of decompressed blocks that a table keeps: the whole match table of most streams, so that
/// the order of lookups hardly matters; little enough that ten open segments stay small.
const CACHE_BYTES: usize = 4 << 20;

/// The first four bytes of a zstd frame (RFC 8878, section 3.1.1). Older formats that the decoder
/// also knows are not ours.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// One table of an open segment.
pub(crate) struct Table {
    /// For messages: `match`.
    name: &'static str,
    /// Dictionary and blocks.
    space: Span,
    index: Span,
    index_checksum: u64,
    opened: OnceLock<Opened>,
    blocks: Mutex<Blocks>,
}

struct Opened {
    index: Index,
    dictionary: Option<DDict<'static>>,
}

/// Decompressed blocks, the most recently used last, and what decompresses them.
#[derive(Default)]
struct Blocks {
    kept: Vec<(usize, Arc<Block>)>,
    context: Option<DCtx<'static>>,
}

impl Table {
    pub(crate) fn new(name: &'static str, space: Span, index: Span, index_checksum: u64) -> Self {
        let (opened, blocks) = (OnceLock::new(), Mutex::default());
        Self { name, space, index, index_checksum, opened, blocks }
    }

    /// Calls `found` with the key's value, if the table holds it.
    pub(crate) fn find<T>(
        &self,
        file: &SegmentFile,
        key: &str,
        found: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Fault> {
        let opened = self.open(file)?;
        let Some(number) = opened.index.block_of(key.as_bytes()) else { return Ok(None) };
        let block = self.block(file, opened, number)?;
        let value = block.find(key.as_bytes()).and_then(|value| value.map(found).transpose());
        value.map_err(|why| self.damaged(number, why.0))
    }

    /// How many blocks there are.
    pub(crate) fn block_count(&self, file: &SegmentFile) -> Result<usize, Fault> {
        Ok(self.open(file)?.index.blocks.len())
    }

    /// How many keys the table says that it holds.
    pub(crate) fn key_count(&self, file: &SegmentFile) -> Result<u64, Fault> {
        Ok(self.open(file)?.index.keys)
    }

    /// Calls `each` with every entry of a block, up to the first that it cannot read.
    pub(crate) fn walk(
        &self,
        file: &SegmentFile,
        number: usize,
        each: &mut dyn FnMut(Entry<'_>) -> Result<(), Malformed>,
    ) -> Result<(), Fault> {
        let opened = self.open(file)?;
        let block = self.block(file, opened, number)?;
        block.walk(each).map_err(|why| self.damaged(number, why.0))
    }

    fn open(&self, file: &SegmentFile) -> Result<&Opened, Fault> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let bytes = file.read(self.index)?;
        if checksum(&bytes) != self.index_checksum {
            return Err(self.damaged_index("its checksum is wrong"));
        }
        let index = Index::parse(&bytes, self.space.length);
        let index = index.map_err(|why| self.damaged_index(why.0))?;
        let dictionary =
            index.dictionary.map(|stored| self.dictionary(file, stored)).transpose()?;
        Ok(self.opened.get_or_init(|| Opened { index, dictionary }))
    }

    fn dictionary(&self, file: &SegmentFile, stored: BlockRef) -> Result<DDict<'static>, Fault> {
        let bytes = file.read(self.space.first(stored.stored_length as u64))?;
        let raw = decompress(&bytes, stored, None, &mut DCtx::create());
        let raw = raw.map_err(|why| {
            Fault::Damaged(format!("dictionary of the {} table: {}", self.name, why.0))
        })?;
        Ok(DDict::create(&raw))
    }

    fn block(
        &self,
        file: &SegmentFile,
        opened: &Opened,
        number: usize,
    ) -> Result<Arc<Block>, Fault> {
        let mut blocks = self.lock();
        if let Some(block) = blocks.kept(number) {
            return Ok(block);
        }
        let Some(indexed) = opened.index.blocks.get(number) else {
            return Err(self.damaged(number, "there is no such block"));
        };
        let bytes = file.read(self.space.within(&indexed.range))?;
        let context = blocks.context.get_or_insert_with(DCtx::create);
        let raw = decompress(&bytes, indexed.block, opened.dictionary.as_ref(), context)
            .map_err(|why| self.damaged(number, why.0))?;
        let next = number.checked_add(1).and_then(|next| opened.index.blocks.get(next));
        let end = next.map(|next| &*next.first_key);
        let block = Block::parse(raw, &indexed.first_key, end)
            .map_err(|why| self.damaged(number, why.0))?;
        Ok(blocks.keep(number, Arc::new(block)))
    }

    fn lock(&self) -> MutexGuard<'_, Blocks> {
        // Blocks are kept whole or not at all, so that a panic elsewhere leaves them right.
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn damaged(&self, block: usize, why: &str) -> Fault {
        Fault::Damaged(format!("block {block} of the {} table: {why}", self.name))
    }

    fn damaged_index(&self, why: &str) -> Fault {
        Fault::Damaged(format!("index of the {} table: {why}", self.name))
    }
}

impl Blocks {
    fn kept(&mut self, number: usize) -> Option<Arc<Block>> {
        let place = self.kept.iter().rposition(|(kept, _)| *kept == number)?;
        let used = self.kept.remove(place);
        let block = Arc::clone(&used.1);
        self.kept.push(used);
        Some(block)
    }

    fn keep(&mut self, number: usize, block: Arc<Block>) -> Arc<Block> {
        let size = |kept: &[(usize, Arc<Block>)]| kept.iter().map(|(_, b)| b.size()).sum::<usize>();
        while !self.kept.is_empty() && size(&self.kept).saturating_add(block.size()) > CACHE_BYTES {
            self.kept.remove(0);
        }
        self.kept.push((number, Arc::clone(&block)));
        block
    }
}

/// Checks and decompresses a stored run of bytes, into exactly the memory it says.
fn decompress(
    bytes: &[u8],
    stored: BlockRef,
    dictionary: Option<&DDict<'static>>,
    context: &mut DCtx<'static>,
) -> Result<Vec<u8>, Malformed> {
    if checksum(bytes) != stored.checksum {
        return Err(Malformed("its checksum is wrong"));
    }
    if !bytes.starts_with(&ZSTD_MAGIC) {
        return Err(Malformed("it is not compressed with zstd"));
    }
    let mut raw = Vec::with_capacity(stored.raw_length);
    let length = match dictionary {
        Some(dictionary) => context.decompress_using_ddict(&mut raw, bytes, dictionary),
        None => context.decompress(&mut raw, bytes),
    };
    match length {
        Ok(length) if length == stored.raw_length => Ok(raw),
        Ok(_) => Err(Malformed("it has another length than its index says")),
        Err(_) => Err(Malformed("it cannot be decompressed")),
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("name", &self.name).field("space", &self.space).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::build::{Shape, build};

    /// Words with all manners of shared beginnings.
    fn words() -> Vec<String> {
        let mut words: Vec<String> = ["", "a", "aa", "ab", "b", "ba", "é", "ü", "lib", "zz"]
            .iter()
            .flat_map(|a| ["", "a", "b", "zz", "-dev", "é"].iter().map(move |b| format!("{a}{b}")))
            .collect();
        words.sort();
        words.dedup();
        words
    }

    #[test]
    fn finds_what_is_there_and_nothing_else() {
        let words = words();
        let (there, absent): (Vec<_>, Vec<_>) =
            words.iter().enumerate().partition(|(at, _)| at % 3 > 0);
        for block_bytes in [1, 10, 100, 10_000] {
            let entries: Vec<(&str, &[u8])> =
                there.iter().map(|(_, word)| (word.as_str(), word.as_bytes())).collect();
            let built =
                build(entries.into_iter(), Shape { block_bytes, dictionary_bytes: 0 }).unwrap();
            let length = built.region.len() as u64;
            let whole = Span { offset: 0, length };
            let (space, index) = whole.split_end(built.index_length as u64).unwrap();
            let file = SegmentFile::Memory(built.region);
            let sum = checksum(&file.read(index).unwrap());
            let table = Table::new("test", space, index, sum);
            let find = |word: &str| table.find(&file, word, |value| Ok(value.to_vec())).unwrap();
            for (_, word) in &there {
                assert_eq!(find(word).as_deref(), Some(word.as_bytes()), "{word} {block_bytes}");
            }
            for (_, word) in &absent {
                assert_eq!(find(word), None, "{word} {block_bytes}");
            }
            let mut walked = Vec::new();
            for number in 0..table.block_count(&file).unwrap() {
                table
                    .walk(&file, number, &mut |entry| {
                        walked.push(entry.key.to_owned());
                        Ok(())
                    })
                    .unwrap();
            }
            assert!(walked.iter().eq(there.iter().map(|(_, word)| *word)), "{block_bytes}");
        }
    }
}
