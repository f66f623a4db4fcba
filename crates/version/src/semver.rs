//! The order of semantic versions: SemVer 2.0.0, section 11, for cargo, Hex, npm, Swift and
//! whoever else says "semver".
//!
//! `major.minor.patch[-prerelease][+build]`; the build is no part of the order (section 10).
//! Registries, lock files and advisories hold much that the specification does not allow, so the
//! form is read as widely as any of the tools do: white space around it, a `v` or `=` in front, too
//! few numbers (`1.2` is `1.2.0`) or too many (`1.2.3.4`), leading zeros, and a pre-release without
//! its hyphen (`1.2.3beta`, node-semver's "loose"). What a tool accepts is ordered as it orders it;
//! the tests ask node-semver, cargo's `semver` and Elixir's `Version`.

use std::cmp::Ordering;

use crate::number::{Number, compare_dotted, split_digits};
use crate::{Refusal, VersionError};

/// Compares the numbers, then the pre-releases; a version without one is newer.
///
/// # Errors
/// A version that does not begin with a number is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Version::parse(a)?, Version::parse(b)?);
    Ok(a.compare_numbers(&b).then_with(|| {
        compare_prereleases(a.prerelease.map(identifiers), b.prerelease.map(identifiers))
    }))
}

/// The parts of a version, not looked at any further.
pub(crate) struct Version<'a> {
    /// Digits and dots, a digit at either end.
    pub(crate) numbers: &'a [u8],
    /// Without the hyphen.
    pub(crate) prerelease: Option<&'a [u8]>,
    /// Without the plus sign.
    pub(crate) build: Option<&'a [u8]>,
}

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, VersionError> {
        let rest = text.trim_start_matches(|c: char| c == 'v' || c == '=' || c.is_whitespace());
        Self::parse_bytes(rest.trim_end().as_bytes()).ok_or_else(|| {
            let refusal = if rest.is_empty() { Refusal::Empty } else { Refusal::NoNumber };
            VersionError::new(text, refusal)
        })
    }

    fn parse_bytes(text: &'a [u8]) -> Option<Self> {
        let (numbers, rest) = split_numbers(text)?;
        let mut parts = rest.splitn(2, |&byte| byte == b'+');
        let prerelease = parts.next().filter(|part| !part.is_empty());
        let prerelease = prerelease.map(|part| part.strip_prefix(b"-").unwrap_or(part));
        Some(Self { numbers, prerelease, build: parts.next() })
    }

    pub(crate) fn compare_numbers(&self, other: &Self) -> Ordering {
        compare_dotted(self.numbers, other.numbers)
    }
}

/// The numbers at the head of a version, set apart by single dots, and what follows them.
pub(crate) fn split_numbers(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = split_digits(text).0.len();
    if length == 0 {
        return None;
    }
    while let Some((b".", rest)) = text.split_at(length).1.split_at_checked(1) {
        match split_digits(rest).0.len() {
            0 => break,
            digits => length += 1 + digits,
        }
    }
    Some(text.split_at(length))
}

/// Any pre-release is older than none; two are compared identifier by identifier, and if one ends
/// first, that one is older.
pub(crate) fn compare_prereleases<I: Ord>(
    a: Option<impl Iterator<Item = I>>,
    b: Option<impl Iterator<Item = I>>,
) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

/// What stands between the dots of a pre-release: numbers are older than words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identifier<'a> {
    Number(Number<'a>),
    Word(&'a [u8]),
}

pub(crate) fn identifiers(text: &[u8]) -> impl Iterator<Item = Identifier<'_>> {
    text.split(|&byte| byte == b'.').map(|part| match split_digits(part) {
        (digits @ [_, ..], []) => Identifier::Number(Number::new(digits)),
        _ => Identifier::Word(part),
    })
}
