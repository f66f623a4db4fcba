//! The order of RPM versions, as rpm has it.
//!
//! `[epoch:]version[-release]`: rpm-version(7), which is rpm's own description of what `rpmvercmp`
//! and its EVR comparison do. The tests ask `rpm` itself.

use std::cmp::Ordering;

use crate::number::{Number, split_digits, split_while};
use crate::{Refusal, VersionError};

/// Compares epochs (absent is 0), then versions, then releases (absent is older than any).
///
/// # Errors
/// Only an empty version is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Evr::parse(a)?, Evr::parse(b)?);
    Ok(a.epoch.cmp(&b.epoch).then_with(|| a.compare_version_release(&b)))
}

/// Compares versions and releases alone.
///
/// For a version whose epoch is not known: an RPM header names its source package without the
/// epoch (`bash-5.1.8-6.el9.src.rpm`), while advisories state it.
///
/// # Errors
/// Only an empty version is refused.
pub fn compare_ignoring_epoch(a: &str, b: &str) -> Result<Ordering, VersionError> {
    Ok(Evr::parse(a)?.compare_version_release(&Evr::parse(b)?))
}

struct Evr<'a> {
    epoch: Number<'a>,
    version: &'a [u8],
    release: Option<&'a [u8]>,
}

impl<'a> Evr<'a> {
    /// Digits before a colon are the epoch; what follows the last hyphen is the release. A colon
    /// after anything else belongs to the version (`1.module+el9:1`).
    fn parse(text: &'a str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::new(text, Refusal::Empty));
        }
        let text = text.as_bytes();
        let (digits, rest) = split_digits(text);
        let (epoch, version_release) = match rest.strip_prefix(b":") {
            Some(version_release) => (Number::new(digits), version_release),
            None => (Number::new(b"0"), text),
        };
        let mut parts = version_release.rsplitn(2, |&byte| byte == b'-');
        let last = parts.next().unwrap_or_default();
        Ok(match parts.next() {
            Some(version) => Self { epoch, version, release: Some(last) },
            None => Self { epoch, version: last, release: None },
        })
    }

    fn compare_version_release(&self, other: &Self) -> Ordering {
        compare_component(self.version, other.version).then_with(|| {
            match (self.release, other.release) {
                (Some(a), Some(b)) => compare_component(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            }
        })
    }
}

/// Compares two components segment by segment, as `rpmvercmp` does.
fn compare_component(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (a_segment, b_segment);
        (a_segment, a) = split_segment(a);
        (b_segment, b) = split_segment(b);
        let order = a_segment.cmp(&b_segment);
        if order.is_ne() || a_segment == Segment::End {
            return order;
        }
    }
}

/// What a component is made of, older first: `1.0~rc` < `1.0` < `1.0^git` < `1.0a` < `1.0.1`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a [u8]),
    Number(Number<'a>),
}

/// The first segment of `text`, and what follows it. Everything but ASCII letters, digits, tilde
/// and caret separates and means nothing.
fn split_segment(text: &[u8]) -> (Segment<'_>, &[u8]) {
    let (_, text) =
        split_while(text, |byte| !byte.is_ascii_alphanumeric() && byte != b'~' && byte != b'^');
    match text {
        [] => (Segment::End, text),
        [b'~', rest @ ..] => (Segment::Tilde, rest),
        [b'^', rest @ ..] => (Segment::Caret, rest),
        [b'0'..=b'9', ..] => {
            let (digits, rest) = split_digits(text);
            (Segment::Number(Number::new(digits)), rest)
        }
        _ => {
            let (letters, rest) = split_while(text, |byte| byte.is_ascii_alphabetic());
            (Segment::Letters(letters), rest)
        }
    }
}
