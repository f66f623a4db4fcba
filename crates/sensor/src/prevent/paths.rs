//! Places → the kernel's table of paths, which finds the longest key that begins a path.
//!
//! An exact path ends with its zero byte, one of a folder with its slash. What covers a longer key is
//! added to it here, so that the kernel looks once. Pure.

use std::collections::BTreeMap;

use bstr::ByteSlice;
use model::event::Text;
use model::{Place, Prevention};

use super::Refusal;

/// Bytes of a key in the kernel; the longest that its tries take.
pub(super) const KEY_BYTES: usize = 256;
/// Keys of all preventions: each place takes two, and one for each folder above it.
const KEYS_MAX: usize = 65_536;

/// What a path that has this key is met by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) bits: u64,
    /// Preventions with a place below: whoever moves this moves that.
    pub(super) above: u64,
}

/// # Errors
/// If a place is not a path that the kernel would have for a file, or too long, or there are too
/// many.
pub(super) fn compile(preventions: &[Prevention]) -> Result<BTreeMap<Vec<u8>, Rule>, Refusal> {
    let mut rules: BTreeMap<Vec<u8>, Rule> = BTreeMap::new();
    for (index, prevention) in preventions.iter().enumerate() {
        for place in prevention.act.places() {
            let key = key(place).map_err(|why| Refusal::Place {
                prevention: prevention.id.clone(),
                place: place.clone(),
                why,
            })?;
            add(&mut rules, &key, matches!(place, Place::Below(_)), 1 << index);
            if rules.len() > KEYS_MAX {
                return Err(Refusal::ManyPlaces(KEYS_MAX));
            }
        }
    }
    cover(&mut rules);
    Ok(rules)
}

/// The path without what ends it: nothing for the root.
fn key(place: &Place) -> Result<Vec<u8>, &'static str> {
    let (Place::Exactly(path) | Place::Below(path)) = place;
    let path: &Text = path;
    if path.as_bytes() == b"/" && matches!(place, Place::Below(_)) {
        return Ok(Vec::new());
    }
    let Some(relative) = path.strip_prefix(b"/") else { return Err("is not absolute") };
    if relative.split_str("/").any(|name| matches!(name, b"" | b"." | b"..")) {
        return Err("has an empty name, `.` or `..`");
    }
    if path.contains(&0) {
        return Err("has a zero byte");
    }
    if path.len() >= KEY_BYTES {
        return Err("is longer than 255 bytes");
    }
    Ok(path.to_vec())
}

fn add(rules: &mut BTreeMap<Vec<u8>, Rule>, path: &[u8], below: bool, bit: u64) {
    rules.entry(ended(path, 0)).or_default().bits |= bit;
    if below {
        rules.entry(ended(path, b'/')).or_default().bits |= bit;
    }
    for end in path.find_iter("/").filter(|end| *end > 0) {
        let folder = path.get(..end).unwrap_or_default();
        rules.entry(ended(folder, 0)).or_default().above |= bit;
    }
}

fn ended(path: &[u8], end: u8) -> Vec<u8> {
    let mut key = path.to_vec();
    if path.is_empty() && end == 0 {
        key.push(b'/');
    }
    key.push(end);
    key
}

/// Every key gets the bits of those that begin it.
fn cover(rules: &mut BTreeMap<Vec<u8>, Rule>) {
    let own = rules.clone();
    for (key, rule) in rules {
        let begins = (1..key.len()).filter_map(|length| own.get(key.get(..length)?));
        rule.bits = begins.fold(rule.bits, |bits, shorter| bits | shorter.bits);
    }
}

#[cfg(test)]
mod tests {
    use model::Refused;

    use super::*;

    fn prevention(act: Refused) -> Prevention {
        Prevention { id: "a".to_owned(), act }
    }

    fn bits_of(rules: &BTreeMap<Vec<u8>, Rule>, path: &str) -> Rule {
        let mut key = path.as_bytes().to_vec();
        key.push(0);
        let found = (1..=key.len()).rev().find_map(|length| rules.get(&key[..length]));
        found.copied().unwrap_or_default()
    }

    /// A path; the bits that it is met by, and those that it is above of.
    const CASES: &[(&str, u64, u64)] = &[
        ("/etc", 0b1000, 0b0011),
        ("/etc/shadow", 0b1001, 0),
        ("/etc/shadow-", 0b1000, 0),
        ("/etc/ssl", 0b1010, 0),
        ("/etc/ssl/private/key", 0b1010, 0),
        ("/etc/ssl2", 0b1000, 0),
        ("/etc/cron.d", 0b1000, 0),
        ("/etc/deep/er", 0b1000, 0),
        ("/usr", 0, 0b1000),
        ("/usr/bin/x", 0b1000, 0),
        ("/usr/lib", 0, 0),
        ("/etcetera", 0, 0),
        ("/", 0, 0),
    ];

    #[test]
    fn one_look_finds_all_that_cover_a_path() {
        let preventions = [
            prevention(Refused::Read(vec![Place::Exactly("/etc/shadow".into())])),
            prevention(Refused::Read(vec![Place::Below("/etc/ssl".into())])),
            prevention(Refused::Mount),
            prevention(Refused::Write(vec![
                Place::Below("/usr/bin".into()),
                Place::Below("/etc".into()),
            ])),
        ];
        let rules = compile(&preventions).expect("they are sound");
        for (path, bits, above) in CASES {
            let expected = Rule { bits: *bits, above: *above };
            assert_eq!(bits_of(&rules, path), expected, "{path}");
        }
    }

    #[test]
    fn below_the_root_is_everything() {
        let rules = compile(&[prevention(Refused::Write(vec![Place::Below("/".into())]))]);
        let rules = rules.expect("it is sound");
        for path in ["/", "/etc", "/etc/shadow"] {
            assert_eq!(bits_of(&rules, path).bits, 1, "{path}");
        }
    }

    #[test]
    fn a_place_that_no_file_has_is_refused() {
        let long = format!("/{}", "x".repeat(KEY_BYTES - 1));
        for path in ["", "etc", "/etc/", "/etc//x", "/etc/../x", "/./x", "/a\0b", &long] {
            for place in [Place::Exactly(path.into()), Place::Below(path.into())] {
                let refused = compile(&[prevention(Refused::Read(vec![place]))]);
                assert!(matches!(refused, Err(Refusal::Place { .. })), "{path}: {refused:?}");
            }
        }
        let longest = format!("/{}", "x".repeat(KEY_BYTES - 2));
        compile(&[prevention(Refused::Read(vec![Place::Below(longest.as_str().into())]))])
            .expect("it just fits");
    }
}
