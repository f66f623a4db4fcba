//! The order of Debian versions, as dpkg has it.
//!
//! `[epoch:]upstream-version[-revision]`: Debian Policy, section 5.6.12, and deb-version(7).
//! Where the two leave something open, what `dpkg --compare-versions` does counts; the tests ask
//! it. It warns about a version that begins with a letter or holds a stray character, and then
//! compares it: so do we.

use std::cmp::Ordering;

use crate::number::{Number, split_digits, split_while};
use crate::{Refusal, VersionError};

/// Compares epochs as numbers, then upstream versions, then revisions.
///
/// # Errors
/// Whatever makes dpkg refuse the version.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let a = Version::parse(a).map_err(|refusal| VersionError::new(a, refusal))?;
    let b = Version::parse(b).map_err(|refusal| VersionError::new(b, refusal))?;
    Ok(a.epoch
        .cmp(&b.epoch)
        .then_with(|| compare_part(a.upstream, b.upstream))
        .then_with(|| compare_part(a.revision, b.revision)))
}

struct Version<'a> {
    epoch: i32,
    upstream: &'a [u8],
    /// Empty if absent, which equals `0`.
    revision: &'a [u8],
}

impl<'a> Version<'a> {
    /// The epoch ends at the first colon, the revision begins after the last hyphen.
    fn parse(text: &'a str) -> Result<Self, Refusal> {
        let text = text.trim_matches(is_blank);
        if text.is_empty() {
            return Err(Refusal::Empty);
        }
        if text.contains(is_blank) {
            return Err(Refusal::EmbeddedBlank);
        }
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (parse_epoch(epoch)?, rest),
            None => (0, text),
        };
        if rest.is_empty() {
            return Err(Refusal::NothingAfterEpoch);
        }
        let (upstream, revision) = match rest.rsplit_once('-') {
            Some((_, "")) => return Err(Refusal::EmptyRevision),
            Some(parts) => parts,
            None => (rest, ""),
        };
        if upstream.is_empty() {
            return Err(Refusal::EmptyUpstreamVersion);
        }
        Ok(Self { epoch, upstream: upstream.as_bytes(), revision: revision.as_bytes() })
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// dpkg reads the epoch with `strtol`: line breaks and a sign may stand before the digits.
fn parse_epoch(text: &str) -> Result<i32, Refusal> {
    let text = text.trim_start_matches(['\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::EpochNotNumber);
    }
    // Digits alone do not parse only if the number does not fit.
    let epoch = digits.parse::<i32>();
    match (negative, epoch) {
        (_, Ok(0)) => Ok(0),
        (true, _) => Err(Refusal::EpochNegative),
        (false, Ok(epoch)) => Ok(epoch),
        (false, Err(_)) => Err(Refusal::EpochTooBig),
    }
}

/// Compares an upstream version or a revision: by turns a run of other characters, by weight,
/// and a run of digits, as a number.
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (a_word, a_number, a_rest) = split_step(a);
        let (b_word, b_number, b_rest) = split_step(b);
        let order = weights(a_word).cmp(weights(b_word)).then_with(|| a_number.cmp(&b_number));
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

fn split_step(text: &[u8]) -> (&[u8], Number<'_>, &[u8]) {
    let (word, rest) = split_while(text, |byte| !byte.is_ascii_digit());
    let (digits, rest) = split_digits(rest);
    (word, Number::new(digits), rest)
}

/// What a word sorts by. Its end has a weight too: only a tilde is lighter.
fn weights(word: &[u8]) -> impl Iterator<Item = u16> {
    const END: u16 = 1;
    word.iter().map(|&byte| weight(byte)).chain([END])
}

/// Tilde, then (after the end) letters, then everything else.
fn weight(byte: u8) -> u16 {
    match byte {
        b'~' => 0,
        b'A'..=b'Z' | b'a'..=b'z' => u16::from(byte),
        // Never in a lawful version. dpkg adds 256 to a `char`, and that is signed on amd64.
        0x80.. => u16::from(byte),
        _ => 256 + u16::from(byte),
    }
}
