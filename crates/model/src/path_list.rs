//! The files of a package, each written as what differs from the one before it.
//!
//! A package manager's file lists name the same directories over and over: written this way they
//! take a fifth of their size, and one allocation instead of one a file. For example `usr/bin/a`
//! followed by `usr/bin/b` is stored as `0 9 usr/bin/a 8 1 b`: bytes shared with the path before,
//! bytes of its own, and those bytes.
//!
//! Whoever makes a list to do harm gets the reverse: some kilobytes that are gigabytes when they are
//! spelled out. So nobody spells one out as a whole, a list has an end, and what it is counted as
//! ([`PathList::size`]) has the work in it that it makes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// Bytes of one path: Linux opens none that is longer (`PATH_MAX`).
pub const PATH_BYTES_MAX: usize = 4096;

/// Bytes of all paths of one list, spelled out. The largest package of a development machine with
/// 913 of them has 45 378 paths, which come to 5 MB by this count; together they have 121 187.
pub const SPELLED_BYTES_MAX: usize = 32 << 20;

/// What a path costs beside its bytes for whoever looks at it: as much as a short one.
const PATH_OVERHEAD: usize = 32;

/// A list counts as one byte more for so many that it has when it is spelled out: those of that machine
/// get larger by two fifths, and one made to do harm as large as its work.
const SPELLED_SHARE: usize = 16;

/// A list of paths in the order in which they were pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathList {
    encoded: Vec<u8>,
    /// Bytes of the paths when they are spelled out, with [`PATH_OVERHEAD`].
    spelled: usize,
}

/// Takes paths one by one, as many as fit.
#[derive(Debug)]
pub struct PathListBuilder {
    list: PathList,
    /// The path pushed last.
    last: Vec<u8>,
    is_sorted: bool,
    /// What the list may be counted as.
    room: usize,
    left_out: usize,
}

impl PathListBuilder {
    /// For a list that may be counted as `room` ([`PathList::size`]).
    pub fn within(room: usize) -> Self {
        let list = PathList::default();
        Self { list, last: Vec::new(), is_sorted: true, room, left_out: 0 }
    }

    /// Whether a path of `length` bytes is still taken; if not, it counts as left out. To be asked
    /// before a path is put together from parts.
    pub fn takes(&mut self, length: usize) -> bool {
        let cost = length.saturating_add(PATH_OVERHEAD);
        let spelled = self.list.spelled.saturating_add(cost);
        let fits = length <= PATH_BYTES_MAX
            && spelled <= SPELLED_BYTES_MAX
            && size(self.list.encoded.len().saturating_add(cost), spelled) <= self.room;
        self.left_out = self.left_out.saturating_add(usize::from(!fits));
        fits
    }

    /// Counts paths that were not even shown.
    pub fn leave_out(&mut self, count: usize) {
        self.left_out = self.left_out.saturating_add(count);
    }

    /// Adds a path if it is taken.
    pub fn push(&mut self, path: &str) {
        if !self.takes(path.len()) {
            return;
        }
        let path = path.as_bytes();
        self.is_sorted &= self.list.is_empty() || self.last.as_slice() < path;
        let shared = self.last.iter().zip(path).take_while(|(a, b)| a == b).count();
        let (_, own) = path.split_at(shared);
        push_number(&mut self.list.encoded, shared);
        push_number(&mut self.list.encoded, own.len());
        self.list.encoded.extend_from_slice(own);
        self.list.spelled = spelled(self.list.spelled, path.len());
        self.last.truncate(shared);
        self.last.extend_from_slice(own);
    }

    /// Whether each path so far comes behind the one before it.
    pub fn is_sorted(&self) -> bool {
        self.is_sorted
    }

    /// The list, and how many paths are not in it.
    pub fn finish(mut self) -> (PathList, usize) {
        self.list.encoded.shrink_to_fit();
        (self.list, self.left_out)
    }
}

impl PathList {
    pub fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// Calls `each` with every path. What does not decode (a damaged store) ends the list.
    pub fn for_each(&self, mut each: impl FnMut(&str)) {
        let mut rest = self.encoded.as_slice();
        let mut path = Vec::new();
        while let Some((shared, own)) = next(&mut rest) {
            path.truncate(shared);
            path.extend_from_slice(own);
            match str::from_utf8(&path) {
                Ok(path) => each(path),
                Err(_) => return,
            }
        }
    }

    /// All paths, each on its own: for tests, which know how many there are.
    pub fn to_vec(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.for_each(|path| paths.push(path.to_owned()));
        paths
    }

    /// What the list is counted as: the bytes that it occupies, and for the time that it takes some
    /// of those that it has when it is spelled out.
    pub fn size(&self) -> usize {
        size(self.encoded.len(), self.spelled)
    }

    fn of_encoded(encoded: Vec<u8>) -> Self {
        let mut rest = encoded.as_slice();
        let mut sum = 0;
        while let Some((shared, own)) = next(&mut rest) {
            sum = spelled(sum, shared.saturating_add(own.len()));
        }
        Self { encoded, spelled: sum }
    }
}

/// The paths that fit into a list.
impl<'a> FromIterator<&'a str> for PathList {
    fn from_iter<I: IntoIterator<Item = &'a str>>(paths: I) -> Self {
        let mut list = PathListBuilder::within(usize::MAX);
        paths.into_iter().for_each(|path| list.push(path));
        list.finish().0
    }
}

/// Stored as one piece of bytes; element by element it would take ten times as long. Where people
/// read it, as the paths.
impl Serialize for PathList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_seq(self.to_vec());
        }
        serializer.serialize_bytes(&self.encoded)
    }
}

impl<'de> Deserialize<'de> for PathList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let paths = Vec::<String>::deserialize(deserializer)?;
            return Ok(paths.iter().map(String::as_str).collect());
        }
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
        Ok(PathList::of_encoded(bytes.to_vec()))
    }
}

fn spelled(sum: usize, path: usize) -> usize {
    sum.saturating_add(path).saturating_add(PATH_OVERHEAD)
}

fn size(encoded: usize, spelled: usize) -> usize {
    encoded.saturating_add(spelled / SPELLED_SHARE)
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

/// How many bytes the next path shares with the one before it, and those of its own.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(usize, &'a [u8])> {
    let shared = take_number(rest)?;
    let own = take_number(rest)?;
    let (own, remaining) = rest.split_at_checked(own)?;
    *rest = remaining;
    Some((shared, own))
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

    #[test]
    fn gives_back_what_was_pushed_in_order() {
        let long = "x/".repeat(2000);
        let pushed = ["usr/bin/a", "usr/bin/b", "usr", "", "é/ü", "é/û", &long, "usr/bin/a"];
        let list: PathList = pushed.into_iter().collect();
        assert_eq!(list.to_vec(), pushed);
        let read = PathList::of_encoded(list.encoded.clone());
        assert_eq!(read, list, "what it is counted as follows from its bytes");
    }

    #[test]
    fn damage_ends_the_list() {
        for encoded in [vec![0xff; 40], vec![9, 9, b'a'], vec![0, 1, b'a', 200], vec![7, 0, 0xff]] {
            assert!(PathList::of_encoded(encoded).to_vec().len() <= 1);
        }
    }

    #[test]
    fn whether_paths_are_in_order_is_known() {
        let is_sorted = |paths: &[&str]| {
            let mut list = PathListBuilder::within(1 << 20);
            paths.iter().for_each(|path| list.push(path));
            list.is_sorted()
        };
        assert!(is_sorted(&[]) && is_sorted(&[""]) && is_sorted(&["", "a", "a/b", "b"]));
        assert!(!is_sorted(&["a", "a"]) && !is_sorted(&["a/b", "a"]) && !is_sorted(&["", ""]));
    }

    fn built(room: usize, paths: impl Iterator<Item = String>) -> (PathList, usize) {
        let mut list = PathListBuilder::within(room);
        paths.for_each(|path| list.push(&path));
        list.finish()
    }

    #[test]
    fn a_list_has_an_end_however_short_it_is_stored() {
        let longest = "d".repeat(PATH_BYTES_MAX);
        let (list, left_out) =
            built(usize::MAX, [longest.clone(), longest.clone() + "d", "a".to_owned()].into_iter());
        assert_eq!((list.to_vec(), left_out), (vec![longest.clone(), "a".to_owned()], 1));

        // Once all bytes, once all paths.
        let (long, left_out) = built(usize::MAX, std::iter::repeat_n(longest, 10_000));
        let fit = SPELLED_BYTES_MAX / (PATH_BYTES_MAX + PATH_OVERHEAD);
        assert_eq!((long.to_vec().len(), left_out), (fit, 10_000 - fit));
        let (short, left_out) = built(usize::MAX, std::iter::repeat_n(String::new(), 2_000_000));
        let fit = SPELLED_BYTES_MAX / PATH_OVERHEAD;
        assert_eq!((short.to_vec().len(), left_out), (fit, 2_000_000 - fit));
        assert!(
            long.size() < 3 << 20 && long.size() > 2 << 20,
            "mostly for its work: {}",
            long.size()
        );
    }

    #[test]
    fn a_list_keeps_to_its_room() {
        for room in [0, 100, 4000] {
            let (list, left_out) = built(room, (0..1000).map(|at| format!("usr/lib/{at}")));
            assert!(list.size() <= room && left_out > 0, "{room}: {} {left_out}", list.size());
        }
        let mut list = PathListBuilder::within(100);
        assert!(list.takes(20) && !list.takes(PATH_BYTES_MAX + 1));
        assert_eq!(list.finish().1, 1, "who asks first leaves out as well");
    }
}
