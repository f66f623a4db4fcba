//! Unsigned numbers of any length, compared where they stand in the version.
//!
//! Versions hold dates, timestamps and, if someone means ill, a million digits: a machine integer
//! would overflow and a big integer would allocate. Without leading zeros the longer run of digits
//! is the larger number, and runs of one length sort as their bytes.

use std::cmp::Ordering;
use std::fmt;

/// A run of ASCII digits as a number; the empty run is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number<'a> {
    /// Without leading zeros, so that equal numbers are equal bytes.
    digits: &'a [u8],
}

impl<'a> Number<'a> {
    pub(crate) const ZERO: Number<'static> = Number { digits: &[] };

    /// `digits` must be ASCII digits alone, as [`split_digits`] gives them.
    pub(crate) fn new(digits: &'a [u8]) -> Self {
        let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
        Self { digits: digits.split_at(zeros).1 }
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.digits {
            [] => f.write_str("0"),
            digits => digits.iter().try_for_each(|&digit| write!(f, "{}", char::from(digit))),
        }
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

/// Compares numbers set apart by dots, one by one; one that is missing is 0: `1.2` = `1.2.0`.
pub(crate) fn compare_dotted(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (dotted(a), dotted(b));
    loop {
        let (a_number, b_number) = (a.next(), b.next());
        let order = a_number.unwrap_or(Number::ZERO).cmp(&b_number.unwrap_or(Number::ZERO));
        if order.is_ne() || (a_number.is_none() && b_number.is_none()) {
            return order;
        }
    }
}

fn dotted(text: &[u8]) -> impl Iterator<Item = Number<'_>> {
    text.split(|&byte| byte == b'.').map(|digits| Number::new(split_digits(digits).0))
}

/// The decimal digits of the number after the one that `digits` write, however long.
pub(crate) fn successor(digits: &str) -> String {
    let kept = digits.trim_end_matches('9');
    let nines = digits.len() - kept.len();
    let mut next = kept.to_owned();
    // What is left ends in a digit below nine, if in any.
    let raised = next.pop().and_then(|last| char::from_digit(last.to_digit(10)? + 1, 10));
    next.push(raised.unwrap_or('1'));
    next.extend(std::iter::repeat_n('0', nines));
    next
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
