//! The order of Composer versions, as `composer/semver` and PHP's `version_compare` have it.
//!
//! Composer first normalizes a version: one to four numbers become four, then come a stability
//! (`dev`, `alpha`, `beta`, `RC`, none, `patch`) and its number (Composer, "Versions and
//! constraints"). PHP then compares part by part. Of a version that Composer refuses, and Packagist
//! still holds some, the numbers at its head become four all the same, and PHP orders anything.
//!
//! PHP takes all words that it does not know for the same; its answers for a `#` or a dot at the
//! end contradict each other, so those mean nothing here. A branch (`dev-main`) is older than all
//! else; two branches are compared by name, which makes them two, as Composer does.

use std::cmp::Ordering;

use crate::number::{Number, split_digits, split_while};
use crate::semver::split_numbers;
use crate::{Refusal, VersionError};

/// Compares part by part; a version without a stability is newer than all but a patch.
///
/// # Errors
/// Only an empty version is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Version::parse(a)?, Version::parse(b)?);
    match (&a, &b) {
        (Version::Branch(a), Version::Branch(b)) => return Ok(a.cmp(b)),
        (Version::Branch(_), _) => return Ok(Ordering::Less),
        (_, Version::Branch(_)) => return Ok(Ordering::Greater),
        _ => {}
    }
    let (mut a, mut b) = (a.parts(), b.parts());
    loop {
        let (a_part, b_part) = (a.next(), b.next());
        let order = a_part.unwrap_or(Part::End).cmp(&b_part.unwrap_or(Part::End));
        if order.is_ne() || (a_part.is_none() && b_part.is_none()) {
            return Ok(order);
        }
    }
}

pub(crate) enum Version<'a> {
    /// `dev-` and this name.
    Branch(&'a str),
    /// Four numbers, those not given being `absent`, and what follows them.
    Normal { numbers: &'a [u8], absent: Number<'static>, suffix: &'a [u8] },
    /// A date, or something without a number in front.
    Raw(&'a [u8]),
}

/// What Composer puts for the `x` of the branch `1.x-dev`, to make it newer than `1.9`.
const ANY: &[u8] = b"9999999";
/// How many numbers a normalized version has.
const NUMBERS: usize = 4;
/// With more digits in the first number, Composer takes a version for a date, which has no zeros
/// to add.
const MOST_DIGITS_OF_MAJOR: usize = 5;

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, VersionError> {
        let version = without_flags(text.trim());
        if version.is_empty() {
            return Err(VersionError::new(text, Refusal::Empty));
        }
        if let Some(name) = branch_name(version) {
            return Ok(Self::Branch(name));
        }
        let version = without_build(version);
        let version = version.strip_prefix(['v', 'V']).unwrap_or(version).as_bytes();
        Ok(Self::numeric_branch(version).unwrap_or_else(|| Self::release(version)))
    }

    /// `1.2-beta3`, and so on.
    fn release(version: &'a [u8]) -> Self {
        let Some((numbers, suffix)) = split_numbers(version) else { return Self::Raw(version) };
        let is_date = numbers.split(is_dot).next().unwrap_or(numbers).len() > MOST_DIGITS_OF_MAJOR
            || numbers.split(is_dot).count() > NUMBERS;
        match without_stable(suffix) {
            [] if is_date => Self::Raw(numbers),
            _ if is_date => Self::Raw(version),
            suffix => Self::Normal { numbers, absent: Number::ZERO, suffix },
        }
    }

    /// `1.2.x-dev`.
    fn numeric_branch(version: &'a [u8]) -> Option<Self> {
        let (numbers, rest) = split_numbers(version)?;
        let suffix = strip_wildcards(rest);
        let wildcards = (rest.len() - suffix.len()) / ".x".len();
        let fits = wildcards > 0 && numbers.split(is_dot).count() + wildcards <= NUMBERS;
        (fits && is_word(strip_one(suffix, b".-"), b"dev")).then(|| Self::Normal {
            numbers,
            absent: Number::new(ANY),
            suffix,
        })
    }

    pub(crate) fn is_branch(&self) -> bool {
        matches!(self, Self::Branch(_))
    }

    /// Would Composer normalize it?
    pub(crate) fn is_lawful(&self) -> bool {
        match self {
            Self::Branch(_) => true,
            Self::Normal { suffix, .. } => is_stability(suffix),
            Self::Raw(text) => split_numbers(text).is_some_and(|(_, suffix)| is_stability(suffix)),
        }
    }

    /// None of a branch, which has a name only.
    fn parts(self) -> impl Iterator<Item = Part<'a>> {
        let (numbers, absent, rest) = match self {
            Self::Branch(_) => (None, Number::ZERO, [].as_slice()),
            Self::Normal { numbers, absent, suffix } => (Some(numbers), absent, suffix),
            Self::Raw(text) => (None, Number::ZERO, text),
        };
        let given = numbers.into_iter().flat_map(|text| text.split(is_dot)).map(Number::new);
        let padding = if numbers.is_some() { NUMBERS } else { 0 };
        let numbers = given.map(Some).chain(std::iter::repeat(None)).take(padding);
        let numbers = numbers.map(move |number| Part::Number(number.unwrap_or(absent)));
        numbers.chain(Parts { rest })
    }
}

/// Without ` as 1.0` and `@beta`, which steer Composer's choice and name no version.
fn without_flags(text: &str) -> &str {
    const STABILITIES: &[&str] = &["stable", "RC", "beta", "alpha", "dev"];
    let version = match text.split_once(" as ") {
        Some((version, _)) => version.trim_end(),
        None => text,
    };
    match version.rsplit_once('@') {
        Some((version, flag)) if STABILITIES.iter().any(|s| s.eq_ignore_ascii_case(flag)) => {
            version
        }
        _ => version,
    }
}

fn branch_name(version: &str) -> Option<&str> {
    if matches!(version, "master" | "trunk" | "default") {
        return Some(version);
    }
    let (head, name) = version.split_at_checked("dev-".len())?;
    head.eq_ignore_ascii_case("dev-").then_some(name)
}

fn without_build(version: &str) -> &str {
    match version.split_once('+') {
        Some((version, build)) if !version.is_empty() && !build.is_empty() => version,
        _ => version,
    }
}

fn is_dot(byte: &u8) -> bool {
    *byte == b'.'
}

fn strip_wildcards(mut text: &[u8]) -> &[u8] {
    while let [b'.', b'x' | b'X' | b'*', rest @ ..] = text {
        text = rest;
    }
    text
}

/// `[._-]? (word ([.-]? digits)*)? ([.-]? dev)?`, each part optional.
fn is_stability(suffix: &[u8]) -> bool {
    let suffix = strip_one(suffix, b"._-");
    let (word, mut rest) = split_while(suffix, |byte| byte.is_ascii_alphabetic());
    if is_word(word, b"dev") {
        return rest.is_empty();
    }
    let at_once = split_dev(word);
    let (word, at_once) = (at_once.unwrap_or(word), at_once.is_some());
    if !(word.is_empty() || is_known(word)) {
        return false;
    }
    while !word.is_empty() && !at_once {
        match split_digits(strip_one(rest, b".-")) {
            ([], _) => break,
            (_, after) => rest = after,
        }
    }
    rest.is_empty() || (!at_once && is_word(strip_one(rest, b".-"), b"dev"))
}

/// `1.0-stable` is `1.0`, whatever follows that word.
fn without_stable(suffix: &[u8]) -> &[u8] {
    let word = strip_one(suffix, b"._-").split_at_checked("stable".len());
    if word.is_some_and(|(word, _)| is_word(word, b"stable")) { &[] } else { suffix }
}

fn strip_one<'a>(text: &'a [u8], any_of: &[u8]) -> &'a [u8] {
    match text {
        [first, rest @ ..] if any_of.contains(first) => rest,
        text => text,
    }
}

fn is_word(text: &[u8], word: &[u8]) -> bool {
    text.eq_ignore_ascii_case(word)
}

/// `beta` of `betadev`: the two words may follow each other at once.
fn split_dev(word: &[u8]) -> Option<&[u8]> {
    let (stability, dev) = word.split_last_chunk::<3>()?;
    (is_word(dev, b"dev") && is_known(stability)).then_some(stability)
}

/// Does Composer take this word for a stability?
fn is_known(word: &[u8]) -> bool {
    const STABILITIES: &[&[u8]] =
        &[b"alpha", b"a", b"beta", b"b", b"RC", b"stable", b"patch", b"pl", b"p"];
    STABILITIES.iter().any(|stability| is_word(word, stability))
}

/// What PHP compares, older first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Unknown,
    Dev,
    Alpha,
    Beta,
    Candidate,
    End,
    Number(Number<'a>),
    Patch,
}

/// Runs of digits and runs of letters; everything else sets them apart.
struct Parts<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, rest) = split_while(self.rest, |byte| !byte.is_ascii_alphanumeric());
        let (digits, after_digits) = split_digits(rest);
        if !digits.is_empty() {
            self.rest = after_digits;
            return Some(Part::Number(Number::new(digits)));
        }
        let (word, _) = split_while(rest, |byte| byte.is_ascii_alphabetic());
        let word = split_dev(word).unwrap_or(word);
        self.rest = rest.split_at(word.len()).1;
        (!word.is_empty()).then(|| form(word))
    }
}

/// PHP knows a word by how it begins.
fn form(word: &[u8]) -> Part<'static> {
    const FORMS: &[(&[u8], Part<'static>)] = &[
        (b"dev", Part::Dev),
        (b"a", Part::Alpha),
        (b"b", Part::Beta),
        (b"rc", Part::Candidate),
        (b"p", Part::Patch),
    ];
    let begins = |form: &[u8]| {
        word.split_at_checked(form.len()).is_some_and(|(head, _)| is_word(head, form))
    };
    FORMS.iter().find(|(form, _)| begins(form)).map_or(Part::Unknown, |&(_, part)| part)
}
