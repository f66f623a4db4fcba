//! The files of a package, each written as what differs from the one before it.
//!
//! A package manager's file lists name the same directories over and over: written this way they
//! take a fifth of their size, and one allocation instead of one a file. For example `usr/bin/a`
//! followed by `usr/bin/b` is stored as `0 9 usr/bin/a 8 1 b`: bytes shared with the path before,
//! bytes of its own, and those bytes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// A list of paths in the order in which they were pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathList {
    encoded: Vec<u8>,
    /// The path pushed last.
    last: Vec<u8>,
}

impl PathList {
    pub fn push(&mut self, path: &str) {
        let path = path.as_bytes();
        let shared = self.last.iter().zip(path).take_while(|(a, b)| a == b).count();
        let (_, own) = path.split_at(shared);
        push_number(&mut self.encoded, shared);
        push_number(&mut self.encoded, own.len());
        self.encoded.extend_from_slice(own);
        self.last.truncate(shared);
        self.last.extend_from_slice(own);
    }

    /// Calls `each` with every path. What does not decode (a damaged store) ends the list.
    pub fn for_each(&self, mut each: impl FnMut(&str)) {
        let mut rest = self.encoded.as_slice();
        let mut path = Vec::new();
        while let Some(()) = next(&mut rest, &mut path) {
            match str::from_utf8(&path) {
                Ok(path) => each(path),
                Err(_) => return,
            }
        }
    }

    /// Bytes that the list occupies.
    pub(crate) fn size(&self) -> usize {
        self.encoded.len()
    }

    /// Forgets what only further pushes would need.
    pub(crate) fn finish(&mut self) {
        self.last = Vec::new();
        self.encoded.shrink_to_fit();
    }
}

/// Stored as one piece of bytes; element by element it would take ten times as long.
impl Serialize for PathList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.encoded)
    }
}

impl<'de> Deserialize<'de> for PathList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Encoded)
    }
}

struct Encoded;

impl Visitor<'_> for Encoded {
    type Value = PathList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<PathList, E> {
        Ok(PathList { encoded: bytes.to_vec(), last: Vec::new() })
    }
}

fn push_number(bytes: &mut Vec<u8>, number: usize) {
    let mut rest = number;
    while let Some(more) = rest.checked_shr(7).filter(|&more| more > 0) {
        bytes.push(0x80 | low_bits(rest));
        rest = more;
    }
    bytes.push(low_bits(rest));
}

fn low_bits(number: usize) -> u8 {
    u8::try_from(number & 0x7f).expect("seven bits fit in eight")
}

fn next(rest: &mut &[u8], path: &mut Vec<u8>) -> Option<()> {
    let shared = take_number(rest)?;
    let own = take_number(rest)?;
    let (own, remaining) = rest.split_at_checked(own)?;
    path.truncate(shared);
    path.extend_from_slice(own);
    *rest = remaining;
    Some(())
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, remaining) = rest.split_first()?;
        *rest = remaining;
        number |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(list: &PathList) -> Vec<String> {
        let mut paths = Vec::new();
        list.for_each(|path| paths.push(path.to_owned()));
        paths
    }

    #[test]
    fn gives_back_what_was_pushed_also_after_storing() {
        let long = "x/".repeat(5000);
        let pushed = ["usr/bin/a", "usr/bin/b", "usr", "", "é/ü", "é/û", &long, "usr/bin/a"];
        let mut list = PathList::default();
        pushed.iter().for_each(|path| list.push(path));
        assert_eq!(paths(&list), pushed);
        let read: PathList = postcard::from_bytes(&postcard::to_stdvec(&list).unwrap()).unwrap();
        assert_eq!(paths(&read), pushed);
    }

    #[test]
    fn damage_ends_the_list() {
        for encoded in [vec![0xff; 40], vec![9, 9, b'a'], vec![0, 1, b'a', 200], vec![7, 0, 0xff]] {
            let list = PathList { encoded, last: Vec::new() };
            assert!(paths(&list).len() <= 1);
        }
    }
}
