//! The order of Go versions: modules as `golang.org/x/mod/semver` has it, and the toolchain's own.
//!
//! Modules are semantic versions with a `v` in front, which may be absent. A pseudo-version
//! (`v0.0.0-20191109021931-daa7c04131f5`) is a pre-release and sorts by its time; `+incompatible`
//! is a build and means nothing to the order (Go Modules Reference, "Versions").
//! The toolchain writes `go1.21rc2` into binaries, where advisories say `1.21.0-rc.2`: both are
//! read, as one version. What follows a blank there (`X:boringcrypto`) names experiments.

use std::cmp::Ordering;

use crate::VersionError;
use crate::number::{Number, split_digits, split_while};
use crate::semver::{Identifier, Version, compare_prereleases};

/// Compares the numbers, then the pre-releases.
///
/// # Errors
/// A version that does not begin with a number, such as `(devel)`, is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let ((a, a_dots), (b, b_dots)) = (parse(a)?, parse(b)?);
    Ok(a.compare_numbers(&b).then_with(|| {
        let a = a.prerelease.map(|text| Identifiers { rest: Some(text), only_dots: a_dots });
        let b = b.prerelease.map(|text| Identifiers { rest: Some(text), only_dots: b_dots });
        compare_prereleases(a, b)
    }))
}

/// The version, and whether only dots set apart the identifiers of its pre-release.
fn parse(text: &str) -> Result<(Version<'_>, bool), VersionError> {
    let Some(toolchain) = text.trim_start().strip_prefix("go") else {
        return Ok((Version::parse(text)?, true));
    };
    let version = toolchain.split_once(' ').map_or(toolchain, |(version, _)| version);
    // The error shall name what was given.
    let version =
        Version::parse(version).map_err(|error| VersionError::new(text, error.refusal))?;
    Ok((version, false))
}

/// The identifiers of a pre-release. The toolchain writes them without dots (`rc2`).
struct Identifiers<'a> {
    rest: Option<&'a [u8]>,
    only_dots: bool,
}

impl<'a> Iterator for Identifiers<'a> {
    type Item = Identifier<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest?;
        let (digits, after) = split_digits(text);
        let ends = |rest: &[u8]| rest.is_empty() || rest.starts_with(b".");
        let (identifier, rest) = if !digits.is_empty() && (ends(after) || !self.only_dots) {
            (Identifier::Number(Number::new(digits)), after)
        } else {
            let only_dots = self.only_dots;
            let within = |byte: u8| byte != b'.' && (only_dots || !byte.is_ascii_digit());
            let (word, rest) = split_while(text, within);
            (Identifier::Word(word), rest)
        };
        self.rest = match rest {
            [] => None,
            [b'.', rest @ ..] => Some(rest),
            rest => Some(rest),
        };
        Some(identifier)
    }
}
