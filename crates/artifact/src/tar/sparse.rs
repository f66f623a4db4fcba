//! Sparse files: which bytes of the file the archive holds, and which are holes.

use super::header;
use super::pax::decimal;
use crate::limits::SPARSE_SEGMENTS_MAX;

/// A run of bytes that the archive holds; between runs are zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// The segments of an old GNU header or of one of its continuation blocks: pairs of 12-byte
/// numbers, ended by one whose offset is left empty. False if they are no numbers.
pub(super) fn parse_old(fields: &[u8], into: &mut Vec<Segment>) -> bool {
    for pair in fields.chunks_exact(24) {
        let (offset, length) = pair.split_at(12);
        if offset.first() == Some(&0) {
            break;
        }
        match (header::number(offset), header::number(length)) {
            (Some(offset), Some(length)) => into.push(Segment { offset, length }),
            _ => return false,
        }
    }
    true
}

/// `OFFSET,LENGTH,OFFSET,LENGTH` of PAX version 0.1.
pub(super) fn parse_list(list: &[u8]) -> Option<Vec<Segment>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    pairs(list.split(|&byte| byte == b','))
}

/// How many lines a map of PAX version 1.0 has that begins with `block`: one for the number of
/// segments and two a segment.
pub(super) fn map_lines(block: &[u8]) -> Option<u64> {
    let first = block.split(|&byte| byte == b'\n').next()?;
    decimal(first)?.checked_mul(2)?.checked_add(1)
}

/// A whole map of PAX version 1.0, with what fills its last block up.
pub(super) fn parse_map(map: &[u8]) -> Option<Vec<Segment>> {
    let lines = usize::try_from(map_lines(map)?).ok()?;
    pairs(map.split(|&byte| byte == b'\n').take(lines).skip(1))
}

/// Offsets, each followed by its length.
pub(super) fn pairs<'a>(numbers: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Segment>> {
    let numbers: Vec<u64> = numbers.map(decimal).collect::<Option<_>>()?;
    let (pairs, rest) = numbers.as_chunks();
    let segment = |&[offset, length]: &[u64; 2]| Segment { offset, length };
    rest.is_empty().then(|| pairs.iter().map(segment).collect())
}

/// Whether the segments are in order, apart, within a file of `size` bytes, not too many, and
/// hold no more than the `stored` bytes that the archive has of the file.
pub(super) fn plausible(segments: &[Segment], size: u64, stored: u64) -> bool {
    let mut end = 0_u64;
    let mut held = 0_u64;
    for segment in segments {
        let Some(next) = segment.offset.checked_add(segment.length) else { return false };
        if segment.offset < end || next > size {
            return false;
        }
        end = next;
        // Segments apart within `size` cannot add up to more than `size`.
        held += segment.length;
    }
    held <= stored && segments.len() <= SPARSE_SEGMENTS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_must_be_in_order_and_within_the_file() {
        let list = |text: &str| parse_list(text.as_bytes());
        let cases = [
            ("0,5,10,5", 15, 10, true),
            ("", 0, 0, true),
            ("", 99, 0, true),
            ("15,0", 15, 0, true),
            ("0,5,4,5", 15, 10, false),
            ("10,5,0,5", 15, 10, false),
            ("0,16", 15, 16, false),
            ("0,10", 15, 9, false),
            ("1,18446744073709551615", 15, 15, false),
        ];
        for (text, size, stored, good) in cases {
            assert_eq!(plausible(&list(text).unwrap(), size, stored), good, "{text}");
        }
        assert!(list("1").is_none() && list("1,").is_none() && list("a,b").is_none());
    }
}
