//! Byte strings kept once and called by number while a segment is collected.

use std::collections::HashMap;
use std::sync::Arc;

/// Distinct byte strings, numbered from 0 in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    numbers: HashMap<Arc<[u8]>, usize>,
    all: Vec<Arc<[u8]>>,
    bytes: usize,
}

/// What a byte string takes beside itself: its counters, and its places in the map and the list.
const OVERHEAD: usize = 80;

impl Interner {
    /// The number of these bytes.
    pub(crate) fn number(&mut self, bytes: &[u8]) -> usize {
        if let Some(number) = self.numbers.get(bytes) {
            return *number;
        }
        let number = self.all.len();
        self.bytes = self.bytes.saturating_add(bytes.len()).saturating_add(OVERHEAD);
        let bytes: Arc<[u8]> = bytes.into();
        self.all.push(Arc::clone(&bytes));
        self.numbers.insert(bytes, number);
        number
    }

    /// About how many bytes of memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All, in order of their numbers.
    pub(crate) fn all(&self) -> &[Arc<[u8]>] {
        &self.all
    }
}

/// Sorts things and tells for the number that each had the place that it has now.
pub(crate) fn sort<T: Ord>(things: Vec<T>) -> (Vec<T>, Vec<usize>) {
    let mut numbered: Vec<(T, usize)> =
        things.into_iter().enumerate().map(|(number, thing)| (thing, number)).collect();
    numbered.sort_unstable();
    let mut places = vec![0; numbered.len()];
    for (place, (_, number)) in numbered.iter().enumerate() {
        if let Some(slot) = places.get_mut(*number) {
            *slot = place;
        }
    }
    (numbered.into_iter().map(|(thing, _)| thing).collect(), places)
}
