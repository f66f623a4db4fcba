//! Sets of texts that are looked up at every event.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// FNV-1a. The set is fixed by the rules, so nobody can fill it with collisions by way of events.
#[derive(Clone, Copy)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = (self.0 ^ number as u64).wrapping_mul(0x0100_0000_01b3);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A set of texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextSet {
    texts: HashSet<Vec<u8>, BuildHasherDefault<Fnv>>,
    shortest: usize,
    longest: usize,
}

impl TextSet {
    pub(crate) fn contains(&self, text: &[u8]) -> bool {
        (self.shortest..=self.longest).contains(&text.len()) && self.texts.contains(text)
    }
}

impl FromIterator<Vec<u8>> for TextSet {
    fn from_iter<I: IntoIterator<Item = Vec<u8>>>(texts: I) -> Self {
        let texts: HashSet<_, _> = texts.into_iter().collect();
        let lengths = || texts.iter().map(Vec::len);
        // Of no texts, none is long enough.
        let (shortest, longest) = (lengths().min().unwrap_or(1), lengths().max().unwrap_or(0));
        Self { texts, shortest, longest }
    }
}
