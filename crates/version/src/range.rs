//! Ranges of versions, as manifests and advisories write them: `^1.2`, `>= 1.0, < 1.5`, `[1.0,2.0)`.
//!
//! Each ecosystem has a grammar of its own, one file each below; all of them come down to the same:
//! alternatives, each a list of conditions that must all hold, each condition a relation to one
//! version in the ecosystem's order. `^1.2.3` becomes `>=1.2.3` and `<2.0.0-0`.

mod cargo;
mod composer;
mod condition;
mod gem;
mod hex;
mod interval;
mod npm;
mod partial;
mod pep440;
mod plain;
mod pub_dev;

use crate::{Scheme, VersionError, semver};
pub use condition::Relation;
use condition::{AnyOf, Condition};

/// No range in a registry comes near this; what is longer is no range but an attack: every condition
/// walks the version once.
const MAX_LENGTH: usize = 4 * 1024;
/// How many characters of a refused range an error repeats.
const SHOWN_CHARS: usize = 100;

/// A set of versions of one scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    scheme: Scheme,
    any_of: AnyOf,
    rules: Rules,
}

/// What counts besides the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// The ecosystem's own rules. npm and cargo let a pre-release through only if a condition names
    /// one of the same release, so that `>=1.0` does not install `2.0.0-alpha`; Python takes `1.0rc1`
    /// for none of `<1.0`.
    Own,
    /// Nothing: the order alone.
    Order,
}

/// Text that is not a range of its ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("range `{range}`: {fault}")]
pub struct RangeError {
    /// The refused range, cut after 100 characters.
    pub range: String,
    /// What is wrong with it.
    #[source]
    pub fault: RangeFault,
}

/// What is wrong with a refused range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeFault {
    /// Longer than 4 KiB.
    #[error("it is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// This part of it, cut after 100 characters, is nothing that the grammar knows.
    #[error("`{0}` is not a condition")]
    Malformed(String),
    /// A version that the ecosystem refuses.
    #[error(transparent)]
    Version(VersionError),
}

impl Range {
    /// Reads a range as the ecosystem's own tool does.
    ///
    /// Debian, RPM, apk, Go, CPAN, CRAN, Hackage, Swift and "semver" have no grammar of ranges in one
    /// text; theirs are read as [`Range::plain`].
    ///
    /// # Errors
    /// What the tool refuses is refused, but for leniencies that lose nothing.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, RangeError> {
        let grammar = match scheme {
            Scheme::Cargo => cargo::parse,
            Scheme::Composer => composer::parse,
            Scheme::Gem => gem::parse,
            Scheme::Hex => hex::parse,
            Scheme::Maven => interval::parse_maven,
            Scheme::Npm => npm::parse,
            Scheme::Nuget => interval::parse_nuget,
            Scheme::Pep440 => pep440::parse,
            Scheme::Pub => pub_dev::parse,
            Scheme::Apk
            | Scheme::Cpan
            | Scheme::Cran
            | Scheme::Debian
            | Scheme::Golang
            | Scheme::Hackage
            | Scheme::Rpm
            | Scheme::Semver
            | Scheme::Swift => plain::parse,
        };
        Self::read(scheme, text, grammar, Rules::Own)
    }

    /// Reads conditions set apart by commas, alternatives by `||`: `>= 1.0, < 1.5 || = 2.0`.
    ///
    /// GitHub's advisories write ranges in this way whatever the ecosystem. The order alone counts: no
    /// rule about pre-releases, local versions and the like does, but Composer's, that a branch is in
    /// no relation to a number.
    ///
    /// # Errors
    /// Anything else is refused.
    pub fn plain(scheme: Scheme, text: &str) -> Result<Self, RangeError> {
        Self::read(scheme, text, plain::parse, Rules::Order)
    }

    fn read(
        scheme: Scheme,
        text: &str,
        grammar: fn(&str) -> condition::Parsed<'_>,
        rules: Rules,
    ) -> Result<Self, RangeError> {
        let refuse = |fault| RangeError { range: cut(text), fault };
        if text.len() > MAX_LENGTH {
            return Err(refuse(RangeFault::TooLong));
        }
        let any_of = grammar(text).map_err(|part| refuse(RangeFault::Malformed(cut(part))))?;
        let range = Self { scheme, any_of, rules };
        for condition in range.any_of.iter().flatten() {
            // Whether it can be compared shows when it is; the answer is of no interest here.
            range
                .holds(condition, &condition.example())
                .map_err(|e| refuse(RangeFault::Version(e)))?;
        }
        Ok(range)
    }

    /// What it comes down to: alternatives, each a list of conditions that must all hold.
    pub fn alternatives(&self) -> impl Iterator<Item = impl Iterator<Item = (Relation, &str)>> {
        self.any_of
            .iter()
            .map(|all| all.iter().map(|condition| (condition.relation, condition.version.as_str())))
    }

    /// Would the ecosystem's tool take this version as one of the range?
    ///
    /// # Errors
    /// A version that the ecosystem refuses.
    pub fn contains(&self, version: &str) -> Result<bool, VersionError> {
        let guards = self.rules == Rules::Own && matches!(self.scheme, Scheme::Cargo | Scheme::Npm);
        self.any(version, |conditions| Ok(!guards || is_let_through(version, conditions)?))
    }

    /// Like [`Range::contains`], but npm and cargo hold no pre-release back.
    ///
    /// What they would not install can be on a disk all the same: an advisory that says `>=1.0` means
    /// `2.0.0-alpha` too.
    ///
    /// # Errors
    /// A version that the ecosystem refuses.
    pub fn spans(&self, version: &str) -> Result<bool, VersionError> {
        self.any(version, |_| Ok(true))
    }

    fn any(
        &self,
        version: &str,
        accepts: impl Fn(&[Condition]) -> Result<bool, VersionError>,
    ) -> Result<bool, VersionError> {
        // Refused even where no condition would look at it.
        self.scheme.compare(version, version)?;
        for conditions in &self.any_of {
            let mut all = accepts(conditions)?;
            for condition in conditions {
                all = all && self.holds(condition, version)?;
            }
            if all {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn holds(&self, condition: &Condition, version: &str) -> Result<bool, VersionError> {
        match (self.scheme, self.rules) {
            (Scheme::Composer, _) => composer::holds(condition, version),
            (Scheme::Pep440, Rules::Own) => pep440::holds(condition, version),
            (scheme, _) => {
                Ok(condition.relation.holds(scheme.compare(version, &condition.version)?))
            }
        }
    }
}

/// No pre-release, or one of a release of which a condition names a pre-release.
fn is_let_through(version: &str, conditions: &[Condition]) -> Result<bool, VersionError> {
    let version = semver::Version::parse(version)?;
    if version.prerelease.is_none() {
        return Ok(true);
    }
    for condition in conditions {
        let named = semver::Version::parse(&condition.version)?;
        if named.prerelease.is_some() && named.compare_numbers(&version).is_eq() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}
