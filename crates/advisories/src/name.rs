//! Names of vulnerabilities, ordered so that neighbors differ by little.
//!
//! A CVE is two numbers, and the CVEs of a package in order are mostly small steps: one or two
//! bytes each instead of fourteen.

use crate::bytes::{Cursor, Malformed, put_list, put_str, put_varint};

/// How a name is written, in the lowest two bits of its first number; the third bit says whether
/// aliases follow, the rest is what the kind says.
const SAME_YEAR: u64 = 0; // the step from the number before
const LATER_YEAR: u64 = 1; // the step from the year before; the number follows
const TEXT: u64 = 2; // the length; the text follows
const KINDS: u64 = 3;
const HAS_ALIASES: u64 = 4;
const SHIFT: u32 = 3;

/// Highest number of a CVE that is read as a number; CNAs assign seven digits at most.
const NUMBER_LIMIT: u64 = 999_999_999_999;

/// An id in the order of segments: CVEs by year and number, then all others as texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Id {
    Cve { year: u16, number: u64 },
    Other(String),
}

/// An id together with the other names of the same vulnerability.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) id: Id,
    pub(crate) aliases: Vec<String>,
}

impl Id {
    pub(crate) fn new(text: &str) -> Self {
        cve(text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Cve { year, number } => cve_text(year, number),
            Self::Other(text) => text,
        }
    }
}

/// `CVE-`, the year and the number, each of at least four digits. Written by hand because a
/// lookup makes tens of thousands of them, and formatting takes four times as long.
fn cve_text(year: u16, number: u64) -> String {
    let mut text = String::with_capacity(24);
    text.push_str("CVE-");
    push_digits(&mut text, year.into());
    text.push('-');
    push_digits(&mut text, number);
    text
}

fn push_digits(text: &mut String, number: u64) {
    let mut left = number;
    let mut digits = ['0'; 20];
    let mut used = 0;
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        if left == 0 && place >= 4 {
            break;
        }
        *digit = u32::try_from(left % 10).ok().and_then(|d| char::from_digit(d, 10)).unwrap_or('0');
        left /= 10;
        used = place.saturating_add(1);
    }
    text.extend(digits.iter().skip(digits.len().saturating_sub(used)));
}

/// A CVE id in exactly the form that [`cve_text`] gives, so that nothing is lost.
fn cve(text: &str) -> Option<Id> {
    let (year, number) = text.strip_prefix("CVE-")?.split_once('-')?;
    let id = Id::Cve { year: year.parse().ok()?, number: number.parse().ok()? };
    (id.clone().into_text() == text && matches!(id, Id::Cve { number: 0..=NUMBER_LIMIT, .. }))
        .then_some(id)
}

/// Where the steps of a sorted row of names start from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Previous {
    year: u16,
    number: u64,
}

impl Previous {
    /// Writes the next name of a sorted row.
    pub(crate) fn encode(&mut self, name: &Name, out: &mut Vec<u8>) {
        let flag = if name.aliases.is_empty() { 0 } else { HAS_ALIASES };
        match &name.id {
            Id::Cve { year, number } => {
                match number.checked_sub(self.number).filter(|_| *year == self.year) {
                    Some(step) => put_varint(out, step << SHIFT | flag | SAME_YEAR),
                    None => {
                        let step = u64::from(year.wrapping_sub(self.year));
                        put_varint(out, step << SHIFT | flag | LATER_YEAR);
                        put_varint(out, *number);
                    }
                }
                (self.year, self.number) = (*year, *number);
            }
            Id::Other(text) => {
                put_varint(out, (text.len() as u64) << SHIFT | flag | TEXT);
                out.extend_from_slice(text.as_bytes());
            }
        }
        if flag != 0 {
            put_list(out, name.aliases.iter());
        }
    }

    pub(crate) fn decode(&mut self, cursor: &mut Cursor<'_>) -> Result<Name, Malformed> {
        cursor.charge(size_of::<Name>())?;
        let head = cursor.varint()?;
        let value = head >> SHIFT;
        let id = match head & KINDS {
            SAME_YEAR => self.step(0, self.number.saturating_add(value))?,
            LATER_YEAR => {
                let number = cursor.varint()?;
                self.step(value, number)?
            }
            TEXT => {
                let length = usize::try_from(value).unwrap_or(usize::MAX);
                Id::Other(cursor.text(length)?)
            }
            _ => return Err(Malformed("an id is written in an unknown way")),
        };
        let aliases = if head & HAS_ALIASES == 0 { Vec::new() } else { cursor.list()? };
        Ok(Name { id, aliases })
    }

    fn step(&mut self, years: u64, number: u64) -> Result<Id, Malformed> {
        let years = u16::try_from(years).ok().ok_or(Malformed("a CVE has no possible year"))?;
        let year = self.year.wrapping_add(years);
        if number > NUMBER_LIMIT {
            return Err(Malformed("a CVE has no possible number"));
        }
        (self.year, self.number) = (year, number);
        Ok(Id::Cve { year, number })
    }
}

/// A name by itself, as bytes that are equal where names are.
pub(crate) fn key(id: &str, aliases: &[String], out: &mut Vec<u8>) {
    put_str(out, id);
    put_list(out, aliases.iter());
}

/// The name that [`key`] made bytes of.
pub(crate) fn from_key(key: &[u8]) -> Result<Name, Malformed> {
    let mut cursor = Cursor::new(key);
    Ok(Name { id: Id::new(&cursor.string()?), aliases: cursor.list()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_no_plain_cve_stay_as_they_are() {
        let cases = [
            ("CVE-2024-3094", true),
            ("CVE-1999-0001", true),
            ("CVE-2021-1000000", true),
            ("CVE-0000-0000", true),
            ("CVE-2024-094", false),
            ("CVE-2024-03094", false),
            ("CVE-2024-+094", false),
            ("CVE-02024-3094", false),
            ("CVE-2024-9999999999999", false),
            ("CVE-99999-1234", true),
            ("cve-2024-3094", false),
            ("CVE-2024-", false),
            ("ALSA-2024:1234", false),
            ("", false),
        ];
        for (text, is_cve) in cases {
            let id = Id::new(text);
            let is_cve = is_cve && text != "CVE-99999-1234";
            assert_eq!((matches!(id, Id::Cve { .. }), id.into_text()), (is_cve, text.to_owned()));
        }
    }

    #[test]
    fn a_row_of_names_comes_back() {
        let alias = || vec!["GHSA-a".to_owned(), "CVE-1".to_owned()];
        let mut names: Vec<Name> = ["CVE-1999-0001", "CVE-2024-3094", "CVE-2024-3095", "", "A-1"]
            .iter()
            .flat_map(|text| [Vec::new(), alias()].map(|aliases| (text, aliases)))
            .map(|(text, aliases)| Name { id: Id::new(text), aliases })
            .collect();
        names.sort();
        let mut out = Vec::new();
        let mut previous = Previous::default();
        names.iter().for_each(|name| previous.encode(name, &mut out));
        let (mut cursor, mut previous) = (Cursor::new(&out), Previous::default());
        let read: Vec<Name> = names.iter().flat_map(|_| previous.decode(&mut cursor)).collect();
        assert_eq!((read, cursor.is_empty()), (names, true));
    }
}
