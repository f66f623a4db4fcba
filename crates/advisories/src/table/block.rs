//! One decompressed block: entries in order of their keys, and marks to find them by.

use std::cmp::Ordering;

use crate::bytes::{Cursor, Malformed};

/// Entries from one mark to the next. A lookup takes half as many steps; the marks of a block of
/// small entries take a tenth of its memory.
const ENTRIES_A_MARK: usize = 16;

/// One key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: &'a [u8],
}

/// A block whose keys are in order and lie within its bounds.
#[derive(Debug)]
pub(super) struct Block {
    raw: Vec<u8>,
    marks: Vec<Mark>,
}

/// The whole key of an entry, and where the bytes behind that key begin.
#[derive(Debug)]
struct Mark {
    key: Box<[u8]>,
    value_at: usize,
}

impl Block {
    /// Checks a block that begins with `first` and ends before `end`, and marks it.
    pub(super) fn parse(raw: Vec<u8>, first: &[u8], end: Option<&[u8]>) -> Result<Self, Malformed> {
        let mut marks = Vec::new();
        let mut cursor = Cursor::new(&raw);
        let mut key = Vec::new();
        let mut number = 0_usize;
        while !cursor.is_empty() {
            let (shared, rest) = key_part(&mut cursor)?;
            let in_order = match number {
                0 => shared == 0 && rest == first,
                _ => key.get(shared..).is_some_and(|before: &[u8]| before < rest),
            };
            key.truncate(shared);
            key.extend_from_slice(rest);
            if !in_order || end.is_some_and(|end| *key >= *end) {
                return Err(Malformed("its keys are not in order"));
            }
            if std::str::from_utf8(&key).is_err() {
                return Err(Malformed("a key is not UTF-8"));
            }
            if number.is_multiple_of(ENTRIES_A_MARK) {
                cursor.charge(size_of::<Mark>().saturating_add(key.len()))?;
                let value_at = raw.len().saturating_sub(cursor.left());
                marks.push(Mark { key: key.clone().into_boxed_slice(), value_at });
            }
            value(&mut cursor)?;
            number = number.saturating_add(1);
        }
        Ok(Self { raw, marks })
    }

    /// The memory it takes, nearly.
    pub(super) fn size(&self) -> usize {
        self.raw.len()
    }

    /// The value of a key. From the mark before it, the keys on the way are not built: `matched`
    /// is how many bytes the wanted key shares with the key before, which is smaller. A key that
    /// shares more with its predecessor is smaller too; one that shares less is larger; only
    /// equal sharing needs a comparison.
    pub(super) fn find(&self, wanted: &[u8]) -> Result<Option<&[u8]>, Malformed> {
        let after = self.marks.partition_point(|mark| *mark.key <= *wanted);
        let Some(mark) = after.checked_sub(1).and_then(|at| self.marks.get(at)) else {
            return Ok(None);
        };
        let mut cursor = Cursor::new(self.raw.get(mark.value_at..).unwrap_or_default());
        let skipped = value(&mut cursor)?;
        if *mark.key == *wanted {
            return Ok(Some(skipped));
        }
        let mut matched = common(&mark.key, wanted);
        while !cursor.is_empty() {
            let (shared, rest) = key_part(&mut cursor)?;
            let value = value(&mut cursor)?;
            if shared < matched {
                return Ok(None);
            }
            if shared > matched {
                continue;
            }
            let left = wanted.get(matched..).unwrap_or_default();
            match rest.cmp(left) {
                Ordering::Equal => return Ok(Some(value)),
                Ordering::Greater => return Ok(None),
                Ordering::Less => matched = matched.saturating_add(common(rest, left)),
            }
        }
        Ok(None)
    }

    /// Calls `each` with every entry, up to the first that it cannot read.
    pub(super) fn walk(
        &self,
        each: &mut dyn FnMut(Entry<'_>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut cursor = Cursor::new(&self.raw);
        let mut key = Vec::new();
        while !cursor.is_empty() {
            let (shared, rest) = key_part(&mut cursor)?;
            key.truncate(shared);
            key.extend_from_slice(rest);
            let key = std::str::from_utf8(&key).ok().ok_or(Malformed("a key is not UTF-8"))?;
            each(Entry { key, value: value(&mut cursor)? })?;
        }
        Ok(())
    }
}

/// How much a key shares with the one before, and the rest of it.
fn key_part<'a>(cursor: &mut Cursor<'a>) -> Result<(usize, &'a [u8]), Malformed> {
    let shared = cursor.size()?;
    let length = cursor.length()?;
    Ok((shared, cursor.take(length)?))
}

fn value<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Malformed> {
    let length = cursor.length()?;
    cursor.take(length)
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
