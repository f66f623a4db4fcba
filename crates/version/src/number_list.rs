//! Versions that are lists of numbers and nothing else: CRAN and Hackage.
//!
//! R sets the numbers apart by dots and hyphens, without a difference (*Writing R Extensions*,
//! 1.1.1; `package_version`), Haskell by dots (Haskell's `Data.Version`). Lists are compared number
//! by number, and if one ends first, that one is older: `1.0` < `1.0.0`.

use std::cmp::Ordering;

use crate::number::{Number, split_digits};
use crate::{Refusal, VersionError};

/// Compares number by number; the shorter list is older.
///
/// # Errors
/// A version in which anything but digits stands between the separators is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    Ok(numbers(a)?.cmp(numbers(b)?))
}

fn numbers(text: &str) -> Result<impl Iterator<Item = Number<'_>>, VersionError> {
    let version = text.trim();
    if version.is_empty() {
        return Err(VersionError::new(text, Refusal::Empty));
    }
    let parts = version.as_bytes().split(|byte| matches!(byte, b'.' | b'-'));
    let is_number = |part: &[u8]| matches!(split_digits(part), ([_, ..], []));
    match parts.clone().all(is_number) {
        true => Ok(parts.map(Number::new)),
        false => Err(VersionError::new(text, Refusal::NotNumbers)),
    }
}
