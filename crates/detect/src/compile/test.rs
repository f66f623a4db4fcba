//! What is asked of a value: an operator with what it compares with, made ready.

use core::cmp::Ordering;
use core::net::IpAddr;

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::paths::Paths;
use super::set::TextSet;
use crate::filter::{Modifier, Operator};
use crate::value::Value;

#[derive(Debug)]
pub(crate) enum Test {
    Exists,
    Bool {
        wanted: Vec<bool>,
        negated: bool,
    },
    Number(NumberTest),
    Text(TextTest),
    Address {
        any: Vec<IpAddr>,
        negated: bool,
    },
    Network {
        any: Vec<Network>,
        negated: bool,
    },
    /// Of a value that may be either.
    Any {
        text: TextTest,
        number: Option<NumberTest>,
    },
    /// Of several tests, how many have to hold.
    Several {
        modifier: Modifier,
        tests: Vec<Self>,
    },
    /// With another operand's value.
    Other(Operator),
    /// All values of a list, rather than any.
    All(Box<Self>),
}

#[derive(Debug)]
pub(crate) enum NumberTest {
    Compare(Operator, i64),
    In(Vec<i64>),
}

#[derive(Debug)]
pub(crate) enum TextTest {
    Equal(Vec<u8>),
    NotEqual(Vec<u8>),
    Contains(Box<Finder<'static>>),
    /// In lower case.
    FoldedContains(Vec<u8>),
    StartsWith(Vec<u8>),
    EndsWith(Vec<u8>),
    Glob {
        pattern: Vec<u8>,
        ignore_case: bool,
    },
    Regex(Box<Regex>),
    /// A text that is a number is compared as one; no other text is smaller or greater.
    Compare(Operator, i64),
    In(TextSet),
    Below(Paths),
}

/// A network by address and length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl Test {
    /// Whether it holds of one value, which is there.
    pub(super) fn holds(&self, value: &Value<'_>, right: Option<&Value<'_>>) -> bool {
        match (self, value) {
            (Self::Exists, _) => true,
            (Self::All(test), _) => test.holds(value, right),
            (Self::Several { modifier, tests }, _) => {
                let mut holding = tests.iter().filter(|test| test.holds(value, right));
                match modifier {
                    Modifier::Any => holding.next().is_some(),
                    Modifier::All => holding.count() == tests.len() && !tests.is_empty(),
                    Modifier::One => holding.next().is_some() && holding.next().is_none(),
                }
            }
            (Self::Other(operator), _) => right.is_some_and(|right| other(*operator, value, right)),
            (Self::Bool { wanted, negated }, Value::Bool(it)) => wanted.contains(it) != *negated,
            (Self::Number(test), Value::Number(number)) => test.holds(*number),
            (Self::Text(test), Value::Text(text)) => test.holds(text),
            (Self::Any { number: Some(test), .. }, Value::Number(number)) => test.holds(*number),
            (Self::Any { text: test, .. }, Value::Text(text)) => test.holds(text),
            (Self::Address { any, negated }, Value::Address(address)) => {
                any.contains(address) != *negated
            }
            (Self::Network { any, negated }, Value::Address(address)) => {
                any.iter().any(|network| network.contains(*address)) != *negated
            }
            _ => false,
        }
    }

    /// `!=`, which has to hold of both ends of a connection.
    pub(super) fn is_negated(&self) -> bool {
        match self {
            Self::Bool { negated, .. }
            | Self::Address { negated, .. }
            | Self::Network { negated, .. } => *negated,
            Self::Number(NumberTest::Compare(operator, _)) | Self::Other(operator) => {
                *operator == Operator::NotEqual
            }
            Self::Text(TextTest::NotEqual(_)) => true,
            Self::Several { tests, .. } => tests.iter().any(Self::is_negated),
            _ => false,
        }
    }

    pub(super) fn wants_all(&self) -> bool {
        matches!(self, Self::All(_))
    }

    pub(super) fn cost(&self) -> u32 {
        match self {
            Self::Exists | Self::Bool { .. } | Self::Number(_) => 1,
            Self::Address { .. } | Self::Network { .. } => 2,
            Self::Text(test) | Self::Any { text: test, .. } => test.cost(),
            Self::Several { tests, .. } => tests.iter().map(Self::cost).sum::<u32>() + 1,
            Self::Other(_) => 6,
            Self::All(test) => test.cost(),
        }
    }
}

impl NumberTest {
    fn holds(&self, number: i64) -> bool {
        match self {
            Self::Compare(operator, with) => compares(*operator, number.cmp(with)),
            Self::In(numbers) => numbers.contains(&number),
        }
    }
}

impl TextTest {
    fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Equal(with) => text == with,
            Self::NotEqual(with) => text != with,
            Self::Contains(finder) => finder.find(text).is_some(),
            Self::FoldedContains(needle) => contains_folded(text, needle),
            Self::StartsWith(with) => text.starts_with(with),
            Self::EndsWith(with) => text.ends_with(with),
            Self::Glob { pattern, ignore_case } => {
                crate::glob::matches(pattern, text, *ignore_case)
            }
            Self::Regex(regex) => regex.is_match(text),
            Self::Compare(operator, with) => {
                number(text).is_some_and(|number| compares(*operator, number.cmp(with)))
            }
            Self::In(set) => set.contains(text),
            Self::Below(paths) => paths.contains(text),
        }
    }

    fn cost(&self) -> u32 {
        match self {
            Self::Equal(_) | Self::NotEqual(_) | Self::StartsWith(_) | Self::EndsWith(_) => 2,
            Self::Compare(..) => 3,
            Self::In(_) => 4,
            Self::Contains(_) => 6,
            Self::FoldedContains(_) | Self::Glob { .. } | Self::Below(_) => 20,
            Self::Regex(_) => 40,
        }
    }
}

impl Network {
    /// `10.0.0.0/8`; an address alone is a network of one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        // As events have them: `::ffff:10.0.0.0/104` is a network of version 4.
        let (address, prefix) = match address.parse().ok()? {
            IpAddr::V6(v6) if prefix.is_none_or(|it| it >= 96) => {
                let mapped = v6.to_ipv4_mapped();
                let prefix = prefix.map(|it| if mapped.is_some() { it - 96 } else { it });
                (mapped.map_or(IpAddr::V6(v6), IpAddr::V4), prefix)
            }
            address => (address, prefix),
        };
        match address {
            IpAddr::V4(address) => {
                let prefix = prefix.unwrap_or(32);
                let mask =
                    (prefix <= 32).then(|| u32::MAX.checked_shl(32 - prefix).unwrap_or(0))?;
                Some(Self::V4 { address: address.to_bits() & mask, mask })
            }
            IpAddr::V6(address) => {
                let prefix = prefix.unwrap_or(128);
                let mask =
                    (prefix <= 128).then(|| u128::MAX.checked_shl(128 - prefix).unwrap_or(0))?;
                Some(Self::V6 { address: address.to_bits() & mask, mask })
            }
        }
    }

    fn contains(self, of: IpAddr) -> bool {
        match (self, of) {
            (Self::V4 { address, mask }, IpAddr::V4(of)) => of.to_bits() & mask == address,
            (Self::V6 { address, mask }, IpAddr::V6(of)) => of.to_bits() & mask == address,
            _ => false,
        }
    }
}

fn compares(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal | Operator::In | Operator::Intersects => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        _ => false,
    }
}

/// A comparison of two values of events.
fn other(operator: Operator, left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (_, Value::Absent) => false,
        (_, Value::List(values)) => values.iter().any(|value| other(operator, left, value)),
        (Value::Text(left), Value::Text(right)) => match operator {
            Operator::Contains | Operator::BytesContain => {
                memchr::memmem::find(left, right).is_some()
            }
            Operator::FoldedContains => contains_folded(left, &right.to_ascii_lowercase()),
            Operator::StartsWith | Operator::BytesStartWith => left.starts_with(right),
            Operator::EndsWith => left.ends_with(right),
            Operator::Glob => crate::glob::matches(right, left, false),
            Operator::FoldedGlob => crate::glob::matches(right, left, true),
            _ if operator.takes_number() => number(left)
                .zip(number(right))
                .is_some_and(|(left, right)| compares(operator, left.cmp(&right))),
            _ => compares(operator, left.cmp(right)),
        },
        (Value::Number(left), Value::Number(right)) => compares(operator, left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => compares(operator, left.cmp(right)),
        (Value::Address(left), Value::Address(right)) => compares(operator, left.cmp(right)),
        _ => operator == Operator::NotEqual,
    }
}

/// The whole number that a text is. Those above what has a sign wrap around, as values do.
pub(super) fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    // The parser of the library takes a second sign.
    if hexadecimal.unwrap_or(digits).starts_with(['-', '+']) {
        return None;
    }
    let parsed = match hexadecimal {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    parsed.ok().map(|number| number.cast_signed().wrapping_mul(sign))
}

/// Whether a text holds another one, which is in lower case.
fn contains_folded(text: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let Some(last) = text.len().checked_sub(needle.len()) else { return false };
    let begins = memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text);
    begins.take_while(|at| *at <= last).any(|at| {
        let here = text.get(at + 1..at + needle.len()).unwrap_or_default();
        here.eq_ignore_ascii_case(rest)
    })
}
