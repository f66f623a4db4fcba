//! Unsigned numbers of any length, compared where they stand in the version.
//!
//! Versions hold dates, timestamps and, if someone means ill, a million digits: a machine integer
//! would overflow and a big integer would allocate. Without leading zeros the longer run of digits
//! is the larger number, and runs of one length sort as their bytes.

use std::cmp::Ordering;

/// A run of ASCII digits as a number; the empty run is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number<'a> {
    /// Without leading zeros, so that equal numbers are equal bytes.
    digits: &'a [u8],
}

impl<'a> Number<'a> {
    /// `digits` must be ASCII digits alone, as [`split_digits`] gives them.
    pub(crate) fn new(digits: &'a [u8]) -> Self {
        let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
        Self { digits: digits.split_at(zeros).1 }
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.digits.len().cmp(&other.digits.len()).then_with(|| self.digits.cmp(other.digits))
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The ASCII digits at the head of `text`, and what follows them.
pub(crate) fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    split_while(text, |byte| byte.is_ascii_digit())
}

/// The longest head of `text` whose bytes all are `wanted`, and what follows it.
pub(crate) fn split_while(text: &[u8], wanted: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|&&byte| wanted(byte)).count();
    text.split_at(length)
}
