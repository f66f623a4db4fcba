//! The order of Dart packages on pub.dev, as `pub_semver` has it.
//!
//! Semantic versions, but the build counts: a version with one is newer than the same without, and
//! two are compared as pre-releases are (`pub_semver`, `Version.compareTo`).

use std::cmp::Ordering;

use crate::VersionError;
use crate::semver::{Version, compare_prereleases, identifiers};

/// Compares the numbers, then the pre-releases, then the builds.
///
/// # Errors
/// A version that does not begin with a number is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (Version::parse(a)?, Version::parse(b)?);
    Ok(a.compare_numbers(&b)
        .then_with(|| {
            compare_prereleases(a.prerelease.map(identifiers), b.prerelease.map(identifiers))
        })
        .then_with(|| match (a.build, b.build) {
            (Some(a), Some(b)) => identifiers(a).cmp(identifiers(b)),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }))
}
