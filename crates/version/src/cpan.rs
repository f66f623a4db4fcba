//! Versions of Perl's distributions (CPAN), as Perl's own `version` orders them (its documentation,
//! "version::Internals"; the grammar is the one it calls lax).
//!
//! Two forms stand beside each other. With a `v` in front or two dots a version is a list of numbers:
//! `v1.2.3`. Else it is a decimal fraction, of which every three digits are a number of such a list:
//! `1.2` is `v1.200`, and newer than `1.10`. An underscore marks a trial release and counts for
//! nothing. Of two lists the shorter is filled up with zeros.

use std::cmp::Ordering;

use crate::{Refusal, VersionError};

/// What Perl takes for any number that is greater.
const NUMBER_MAX: u32 = i32::MAX.unsigned_abs();
/// How many digits of a fraction are a number.
const GROUP: usize = 3;

/// Compares as Perl's `<=>` does.
///
/// # Errors
/// What Perl calls an invalid version format is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (mut a, mut b) = (Numbers::of(a)?, Numbers::of(b)?);
    loop {
        let (one, other) = (a.next(), b.next());
        let order = one.unwrap_or(0).cmp(&other.unwrap_or(0));
        if order.is_ne() || (one.is_none() && other.is_none()) {
            return Ok(order);
        }
    }
}

/// The numbers of a version, the weightiest first.
struct Numbers<'a> {
    /// None where there is no further number.
    rest: Option<&'a [u8]>,
    /// What is left is a fraction.
    in_fraction: bool,
    is_list: bool,
}

impl<'a> Numbers<'a> {
    fn of(text: &'a str) -> Result<Self, VersionError> {
        let version = text.trim();
        if version.is_empty() {
            return Err(VersionError::new(text, Refusal::Empty));
        }
        // What Perl says where a module has no version.
        if version == "undef" {
            return Ok(Self { rest: None, in_fraction: false, is_list: true });
        }
        let numbers = version.strip_prefix('v').unwrap_or(version);
        let has_v = numbers.len() < version.len();
        let dots = numbers.bytes().filter(|byte| *byte == b'.').count();
        let is_list = has_v || dots > 1;
        if !(is_marked_well(numbers, is_list) && (!is_list || is_list_of_numbers(numbers, has_v))) {
            return Err(VersionError::new(text, Refusal::NotCpanVersion));
        }
        Ok(Self { rest: Some(numbers.as_bytes()), in_fraction: false, is_list })
    }
}

/// Whether it is digits and dots, with one underscore at most: between digits, behind the last dot;
/// a list may end with it.
fn is_marked_well(numbers: &str, is_list: bool) -> bool {
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let Some((before, behind)) = numbers.split_once('_') else { return is_plain(numbers) };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let last = before.rsplit_once('.').map(|(_, last)| last);
    is_plain(before)
        && last.is_some_and(is_number)
        && (is_number(behind) || (is_list && behind.is_empty()))
}

/// Whether something stands on either side of every dot; but for the first of a list without a `v`,
/// and for `v1.`.
fn is_list_of_numbers(numbers: &str, has_v: bool) -> bool {
    let (first, rest) = numbers.split_once('.').unwrap_or((numbers, "0"));
    let is_open = has_v && rest.is_empty();
    (!has_v || !first.is_empty()) && (is_open || rest.split('.').all(|part| !part.is_empty()))
}

impl Iterator for Numbers<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let rest = self.rest?;
        if self.in_fraction {
            return self.group(rest);
        }
        let dot = rest.iter().position(|byte| *byte == b'.');
        let (number, behind) = match dot.and_then(|at| rest.split_at_checked(at)) {
            Some((number, behind)) => (number, behind.get(1..)),
            None => (rest, None),
        };
        self.rest = behind;
        self.in_fraction = !self.is_list;
        Some(value(number.iter().filter(|byte| **byte != b'_').copied()))
    }
}

impl<'a> Numbers<'a> {
    /// The next three digits of a fraction; zeros stand for those that are missing.
    fn group(&mut self, rest: &'a [u8]) -> Option<u32> {
        let digits = |text: &[u8]| text.iter().filter(|byte| **byte != b'_').count();
        let is_cut = |at: &usize| rest.get(..*at).is_some_and(|head| digits(head) == GROUP);
        let cut = (0..=rest.len()).find(is_cut).unwrap_or(rest.len());
        let (head, behind) = rest.split_at(cut);
        self.rest = (!behind.is_empty()).then_some(behind);
        let head = head.iter().filter(|byte| **byte != b'_').copied();
        (!rest.is_empty()).then(|| value(head.chain(std::iter::repeat(b'0')).take(GROUP)))
    }
}

fn value(digits: impl Iterator<Item = u8>) -> u32 {
    let add = |value: u32, digit: u8| {
        value.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
    };
    digits.fold(0, add).min(NUMBER_MAX)
}
