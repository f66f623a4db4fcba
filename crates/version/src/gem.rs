//! The order of RubyGems versions, as `Gem::Version` has it.
//!
//! Runs of digits and runs of letters, whatever sets them apart; a word is a pre-release, and a
//! hyphen means `.pre.` (RubyGems, `Gem::Version`, "Pre-release versions"). The tests ask Ruby.

use std::cmp::Ordering;

use crate::number::{Number, split_digits, split_while};
use crate::{Refusal, VersionError};

/// Compares segment by segment; one that is missing is 0.
///
/// # Errors
/// What `Gem::Version` calls malformed is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (mut a, mut b) = (Segments::parse(a)?, Segments::parse(b)?);
    loop {
        let (a_segment, b_segment) = (a.next(), b.next());
        let order = a_segment.unwrap_or(Segment::ZERO).cmp(&b_segment.unwrap_or(Segment::ZERO));
        if order.is_ne() || (a_segment.is_none() && b_segment.is_none()) {
            return Ok(order);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Word(&'a [u8]),
    Number(Number<'a>),
}

impl Segment<'_> {
    const ZERO: Segment<'static> = Segment::Number(Number::ZERO);
}

struct Segments<'a> {
    /// The numbers before the first word. Zeros at its end do not count: `1.0.a` = `1.a`.
    head: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Segments<'a> {
    /// An empty version is `0`.
    fn parse(text: &'a str) -> Result<Self, VersionError> {
        let version = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
        if !version.is_empty() && !is_well_formed(version.as_bytes()) {
            return Err(VersionError::new(text, Refusal::NotGemVersion));
        }
        let (head, tail) = split_while(version.as_bytes(), |byte| !begins_word(byte));
        Ok(Self { head: without_zeros(head), tail })
    }
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'-'
}

/// Drops the segments that are 0 at the end of `head`: digits and dots.
fn without_zeros(mut head: &[u8]) -> &[u8] {
    loop {
        let rest = head.strip_suffix(b".").unwrap_or(head);
        let zeros = rest.iter().rev().take_while(|&&byte| byte == b'0').count();
        let (kept, _) = rest.split_at(rest.len() - zeros);
        if zeros == 0 || kept.last().is_some_and(u8::is_ascii_digit) {
            return rest;
        }
        head = kept;
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.head.is_empty() {
            let (segment, rest) = split_segment(self.tail)?;
            self.tail = rest;
            return Some(segment);
        }
        let (digits, rest) = split_digits(self.head);
        self.head = rest.strip_prefix(b".").unwrap_or(rest);
        Some(Segment::Number(Number::new(digits)))
    }
}

fn split_segment(text: &[u8]) -> Option<(Segment<'_>, &[u8])> {
    match text.strip_prefix(b".").unwrap_or(text) {
        [] => None,
        [b'-', rest @ ..] => Some((Segment::Word(b"pre"), rest)),
        text @ [b'0'..=b'9', ..] => {
            let (digits, rest) = split_digits(text);
            Some((Segment::Number(Number::new(digits)), rest))
        }
        text => {
            let (word, rest) = split_while(text, |byte| byte.is_ascii_alphabetic());
            Some((Segment::Word(word), rest))
        }
    }
}

/// `number(.alphanumeric)*(-part(.part)*)?`, where a part may hold hyphens too.
fn is_well_formed(version: &[u8]) -> bool {
    let (release, extra) = split_while(version, |byte| byte != b'-');
    let mut parts = release.split(|&byte| byte == b'.');
    let is_number = |part: &[u8]| matches!(split_digits(part), ([_, ..], []));
    let is_word = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric);
    let is_extra = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let extra = extra.strip_prefix(b"-");
    parts.next().is_some_and(is_number)
        && parts.all(is_word)
        && extra.is_none_or(|extra| extra.split(|&byte| byte == b'.').all(is_extra))
}
