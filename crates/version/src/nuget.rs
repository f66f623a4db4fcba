//! The order of NuGet versions, as `NuGet.Versioning` has it.
//!
//! One to four numbers, of which missing ones are 0, then a SemVer pre-release, in which letters
//! are the same in either case; the build is no part of the order (NuGet documentation, "Package
//! versioning", "Normalized version numbers").

use std::cmp::Ordering;

use crate::VersionError;
use crate::number::Number;
use crate::semver::{self, Version, compare_prereleases};

/// Compares the numbers, then the pre-releases.
///
/// # Errors
/// A version that does not begin with a number is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Version::parse(a)?, Version::parse(b)?);
    Ok(a.compare_numbers(&b)
        .then_with(|| compare_prereleases(a.prerelease.map(labels), b.prerelease.map(labels))))
}

/// An identifier of a pre-release: numbers are older than words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Label<'a> {
    Number(Number<'a>),
    Word(Folded<'a>),
}

fn labels(text: &[u8]) -> impl Iterator<Item = Label<'_>> {
    semver::identifiers(text).map(|identifier| match identifier {
        semver::Identifier::Number(number) => Label::Number(number),
        semver::Identifier::Word(word) => Label::Word(Folded(word)),
    })
}

/// A word in which letters are compared in upper case, as .NET's `OrdinalIgnoreCase` does.
struct Folded<'a>(&'a [u8]);

impl Ord for Folded<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().map(u8::to_ascii_uppercase).cmp(other.0.iter().map(u8::to_ascii_uppercase))
    }
}

impl PartialOrd for Folded<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Folded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for Folded<'_> {}
