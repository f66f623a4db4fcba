//! What archives of Maven repositories are called, by the SHA-1 of their bytes: the noun and its
//! encoding.
//!
//! The same bytes may be published under several names: moved to another group, or an empty archive
//! that stands for a thousand artifacts. All names are kept up to a few; beyond that the digest tells
//! nothing, and that is what is kept.

use crate::bytes::{Cursor, Malformed, put_length, put_str};

/// Names of one digest. An artifact that moved has two or three.
pub(crate) const NAMES_MAX: usize = 8;

/// What Maven calls an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coordinates {
    pub group: String,
    pub artifact: String,
    pub version: String,
}

/// Adds names to those of one digest, which stay sorted and distinct. No names are too many of them,
/// before and after.
pub(crate) fn add(names: &mut Vec<Coordinates>, others: &[Coordinates]) {
    if names.is_empty() || others.is_empty() {
        return names.clear();
    }
    for other in others {
        if let Err(place) = names.binary_search(other) {
            if names.len() >= NAMES_MAX {
                return names.clear();
            }
            names.insert(place, other.clone());
        }
    }
}

/// How many, then the three parts of each.
pub(crate) fn encode(names: &[Coordinates], out: &mut Vec<u8>) {
    put_length(out, names.len());
    for Coordinates { group, artifact, version } in names {
        [group, artifact, version].into_iter().for_each(|part| put_str(out, part));
    }
}

pub(crate) fn decode(value: &[u8]) -> Result<Vec<Coordinates>, Malformed> {
    let mut cursor = Cursor::new(value);
    let count = cursor.length()?;
    if count > NAMES_MAX {
        return Err(Malformed("a digest has more names than any may"));
    }
    let mut names: Vec<Coordinates> = Vec::with_capacity(count);
    for _ in 0..count {
        let (group, artifact, version) = (cursor.string()?, cursor.string()?, cursor.string()?);
        let name = Coordinates { group, artifact, version };
        if names.last().is_some_and(|last| *last >= name) {
            return Err(Malformed("the names of a digest are not in order"));
        }
        names.push(name);
    }
    if cursor.is_empty() {
        Ok(names)
    } else {
        Err(Malformed("the names of a digest are followed by something else"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> Coordinates {
        let part = |text: &str| format!("{text}{number}");
        Coordinates { group: part("g"), artifact: part("a"), version: part("v") }
    }

    #[test]
    fn many_names_are_none_whatever_their_order() {
        for reversed in [false, true] {
            let mut order: Vec<usize> = (0..NAMES_MAX).collect();
            if reversed {
                order.reverse();
            }
            let mut names = vec![name(order[0])];
            order.iter().for_each(|number| add(&mut names, &[name(*number)]));
            assert_eq!(names, (0..NAMES_MAX).map(name).collect::<Vec<_>>());
            add(&mut names, &[name(NAMES_MAX)]);
            assert_eq!(names, []);
            add(&mut names, &[name(0)]);
            assert_eq!(names, [], "what told nothing tells nothing later");
        }
        let mut names = vec![name(1)];
        add(&mut names, &[]);
        assert_eq!(names, []);
    }

    #[test]
    fn what_is_written_is_read_and_lies_are_not() {
        for count in 0..=NAMES_MAX {
            let names: Vec<Coordinates> = (0..count).map(name).collect();
            let mut value = Vec::new();
            encode(&names, &mut value);
            assert_eq!(decode(&value).as_ref(), Ok(&names));
            for cut in 0..value.len() {
                assert!(decode(&value[..cut]).is_err(), "{count} names cut at {cut}");
            }
            value.push(0);
            assert!(decode(&value).is_err());
        }
        let mut twice = Vec::new();
        encode(&[name(1), name(1)], &mut twice);
        assert!(decode(&twice).is_err());
        let mut many = Vec::new();
        encode(&(0..=NAMES_MAX).map(name).collect::<Vec<_>>(), &mut many);
        assert!(decode(&many).is_err());
    }
}
