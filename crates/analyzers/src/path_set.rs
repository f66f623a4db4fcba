//! Which paths a layer holds, at eight bytes a path.
//!
//! Laying layers over each other asks one question of the upper ones again and again: does it hold
//! anything at this path or above it? A yes or no is enough, so a layer keeps the first 64 bits of
//! the BLAKE3 hash of each path, sorted, and no names.
//!
//! A wrong yes needs two paths with the same 64 bits. By chance: a scan asks some 2^13 questions of
//! sets of some 2^17 paths, so about one scan in 2^34 gives a wrong answer. On purpose: whoever
//! wants to hide a package database behind an innocent path has to find a second preimage for one
//! of the dozen directories above it, about 2^60 computations of BLAKE3. A hash that is not built
//! against forgery is twenty times faster and would give that away for free; SHA-256 without the
//! processor's help is four times slower.
//!
//! The sets are stored as differences of neighbours: about six bytes a path in a layer of 100 000.

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// The 64 bits that stand for a path.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct PathHash(u64);

impl PathHash {
    pub(crate) fn of(path: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(path.as_bytes()).as_bytes();
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// A set of paths that can only be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathSet {
    sorted: Vec<PathHash>,
}

impl PathSet {
    pub(crate) fn new(mut hashes: Vec<PathHash>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        hashes.shrink_to_fit();
        Self { sorted: hashes }
    }

    pub(crate) fn holds(&self, path: PathHash) -> bool {
        self.sorted.binary_search(&path).is_ok()
    }

    /// The paths that both hold.
    pub(crate) fn shared(&self, other: &Self) -> Self {
        let mut others = other.sorted.iter().peekable();
        let mut is_shared = |hash: &PathHash| {
            while others.next_if(|other| *other < hash).is_some() {}
            others.peek() == Some(&hash)
        };
        Self { sorted: self.sorted.iter().filter(|it| is_shared(it)).copied().collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

impl Serialize for PathSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut previous = 0;
        serializer.collect_seq(self.sorted.iter().map(|&PathHash(hash)| {
            let difference = hash.wrapping_sub(previous);
            previous = hash;
            difference
        }))
    }
}

impl<'de> Deserialize<'de> for PathSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let differences = Vec::<u64>::deserialize(deserializer)?;
        let mut hash = 0_u64;
        let hashes = differences.into_iter().map(|difference| {
            hash = hash.wrapping_add(difference);
            PathHash(hash)
        });
        // A damaged store may hold differences that wrap around; `new` puts them in order.
        Ok(Self::new(hashes.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_put_in_also_after_storing() {
        let hashes = ["etc", "usr/lib", "etc"].map(PathHash::of).to_vec();
        let set = PathSet::new(hashes);
        let stored = postcard::to_stdvec(&set).unwrap();
        let read: PathSet = postcard::from_bytes(&stored).unwrap();
        assert_eq!(read, set);
        assert!(read.holds(PathHash::of("etc")) && read.holds(PathHash::of("usr/lib")));
        assert!(!read.holds(PathHash::of("usr")) && !read.holds(PathHash::of("")));
        let other = PathSet::new(["a", "usr/lib", "b"].map(PathHash::of).to_vec());
        assert_eq!(set.shared(&other), PathSet::new(vec![PathHash::of("usr/lib")]));
        assert!(set.shared(&PathSet::default()).is_empty());
        // The hash must never change: it is stored. BLAKE3's test vector for no input.
        assert_eq!(PathHash::of(""), PathHash(0xaf13_49b9_f5f9_a1a6));
    }
}
