//! Which functions a program links, as a set that can only be asked: two bytes a function instead
//! of sixty.
//!
//! Advisories for Go name the vulnerable functions; a program that does not link them is not
//! affected. A name is kept as 28 bits of its FNV-1a hash. Of a module with 10 000 linked functions
//! one name in 27 000 is thought to be linked though it is not: the finding then stands, which is
//! the safe side. The reverse does not happen.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

const BITS: u32 = 28;

/// Linked functions of one module; empty if nothing is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbols {
    sorted: Vec<u32>,
}

/// Takes functions in any order, each as often as it comes.
#[derive(Default)]
pub struct SymbolsBuilder {
    hashes: Vec<u32>,
}

impl SymbolsBuilder {
    /// A function by the path of its package, the type it is a method of (empty if none) and its
    /// name.
    pub fn add(&mut self, package: &str, receiver: &str, name: &str) {
        let parts = [package, receiver, name].into_iter().filter(|part| !part.is_empty());
        self.hashes.push(hash(parts));
    }

    pub fn finish(self) -> Symbols {
        let mut sorted = self.hashes;
        sorted.sort_unstable();
        sorted.dedup();
        sorted.shrink_to_fit();
        Symbols { sorted }
    }
}

impl Symbols {
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether a function, `Fetch` or `Client.Get` as advisories write it, is linked.
    pub fn holds(&self, package: &str, name: &str) -> bool {
        self.sorted.binary_search(&hash([package, name].into_iter())).is_ok()
    }
}

/// FNV-1a (draft-eastlake-fnv) of the parts, each with a dot behind it, folded.
fn hash<'a>(parts: impl Iterator<Item = &'a str>) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([b'.']) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    let folded = (hash ^ (hash >> BITS) ^ (hash >> (2 * BITS))) & ((1 << BITS) - 1);
    u32::try_from(folded).unwrap_or_default()
}

impl Serialize for Symbols {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut previous = 0;
        serializer.collect_seq(self.sorted.iter().map(|&hash| {
            let difference = hash.wrapping_sub(previous);
            previous = hash;
            difference
        }))
    }
}

impl<'de> Deserialize<'de> for Symbols {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut sorted = Vec::<u32>::deserialize(deserializer)?;
        let mut previous = 0_u32;
        for hash in &mut sorted {
            previous = previous.wrapping_add(*hash);
            *hash = previous;
        }
        // A store may be damaged: what is asked must be in order.
        sorted.sort_unstable();
        Ok(Self { sorted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut builder = SymbolsBuilder::default();
        builder.add("example.org/tide", "", "Rise");
        builder.add("example.org/tide", "Moon", "Pull");
        builder.add("example.org/tide", "", "Rise");
        let symbols = builder.finish();
        assert!(symbols.holds("example.org/tide", "Moon.Pull"));
        assert!(!symbols.holds("example.org/tide", "Moon.Push"));
        assert_eq!(symbols.len(), 2);
        assert!(Symbols::default().is_empty());
    }
}
