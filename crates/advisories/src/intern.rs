//! Byte strings kept once and called by number while a segment is collected.
//!
//! All of them lie in one run of bytes: a string of its own would take more for itself than its text
//! does.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use hashbrown::HashTable;

/// Distinct byte strings, numbered from 0 in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: Texts,
    numbers: HashTable<u32>,
    state: RandomState,
}

/// What a byte string takes beside itself: its end, and its place in a table that may be half empty.
const OVERHEAD: usize = 20;

impl Interner {
    /// The number of these bytes.
    pub(crate) fn number(&mut self, bytes: &[u8]) -> u32 {
        let Self { texts, numbers, state } = self;
        let hash = state.hash_one(bytes);
        if let Some(number) = numbers.find(hash, |number| texts.get(*number) == bytes) {
            return *number;
        }
        let number = texts.push(bytes);
        numbers.insert_unique(hash, number, |number| state.hash_one(texts.get(*number)));
        number
    }

    /// About how many bytes of memory they take.
    pub(crate) fn bytes(&self) -> usize {
        let Texts { bytes, ends } = &self.texts;
        bytes.len().saturating_add(ends.len().saturating_mul(OVERHEAD))
    }

    /// They can only be read any more, which takes less memory.
    pub(crate) fn into_texts(self) -> Texts {
        self.texts
    }
}

/// Byte strings, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// Nothing, if there is no such number.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let end_of = |number: usize| self.ends.get(number).copied();
        let start = number.checked_sub(1).map_or(Some(0), end_of);
        let range = start.zip(end_of(number)).map(|(start, end)| start..end);
        range.and_then(|range| self.bytes.get(range)).unwrap_or_default()
    }

    /// For each number, its place in the order of bytes.
    pub(crate) fn places(&self) -> Vec<u32> {
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let mut numbers: Vec<u32> = (0..count).collect();
        numbers.sort_unstable_by_key(|number| self.get(*number));
        let mut places = vec![0; numbers.len()];
        for (place, number) in (0..count).zip(&numbers) {
            if let Some(slot) = places.get_mut(*number as usize) {
                *slot = place;
            }
        }
        places
    }

    fn push(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
        // The limit of a segment's memory allows some ten million.
        u32::try_from(self.ends.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_have_one_number_and_places_are_in_order() {
        let mut interner = Interner::default();
        let words: [&[u8]; 6] = [b"pear", b"", b"apple", b"pear", b"fig", b""];
        assert_eq!(words.map(|word| interner.number(word)), [0, 1, 2, 0, 3, 1]);
        let many: Vec<u32> = (0..1000_u32).map(|it| interner.number(&it.to_le_bytes())).collect();
        assert_eq!(many, (4..1004).collect::<Vec<_>>());
        let texts = interner.into_texts();
        assert_eq!(
            [0, 1, 2, 3, 9999].map(|it| texts.get(it)),
            [b"pear", &b""[..], b"apple", b"fig", b""]
        );
        let places = texts.places();
        let mut sorted: Vec<u32> = (0..1004).collect();
        sorted.sort_by_key(|number| places[*number as usize]);
        assert!(sorted.is_sorted_by_key(|number| texts.get(*number)));
    }
}
