//! Why a version has no place in its scheme's order.
//!
//! Only what the ecosystem's own tool refuses is an error; a version that the tool merely warns
//! about is compared as the tool compares it.

/// How many characters of a refused version an error repeats: versions come from outside and can
/// be megabytes long, a message should not be.
const SHOWN_CHARS: usize = 100;

/// A version that its ecosystem refuses to compare.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version `{version}`: {refusal}")]
pub struct VersionError {
    /// The refused version, cut after 100 characters.
    pub version: String,
    /// What is wrong with it.
    #[source]
    pub refusal: Refusal,
}

/// What is wrong with a refused version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing to compare.
    #[error("it is empty")]
    Empty,
    /// Debian: blanks are allowed around a version, not inside.
    #[error("it has a blank inside")]
    EmbeddedBlank,
    /// Debian: what stands before the first colon is not a number.
    #[error("the epoch is not a number")]
    EpochNotNumber,
    /// Debian: what stands before the first colon is below zero.
    #[error("the epoch is negative")]
    EpochNegative,
    /// Debian: dpkg keeps an epoch in a C `int`.
    #[error("the epoch is above {max}", max = i32::MAX)]
    EpochTooBig,
    /// Debian: a colon ends the string.
    #[error("nothing follows the epoch")]
    NothingAfterEpoch,
    /// Debian: nothing stands before the last hyphen.
    #[error("the upstream version is empty")]
    EmptyUpstreamVersion,
    /// Debian: nothing follows the last hyphen.
    #[error("the revision is empty")]
    EmptyRevision,
    /// Semantic versions and their kin: something else stands where the major number should.
    #[error("it does not begin with a number")]
    NoNumber,
    /// CRAN and Hackage: versions are numbers, dots and hyphens.
    #[error("it has something that is not a number between its dots and hyphens")]
    NotNumbers,
    /// Perl: `version` calls it an invalid format.
    #[error("it is not a version of Perl's")]
    NotCpanVersion,
    /// Python: `packaging` accepts PEP 440 versions only.
    #[error("it is not a PEP 440 version")]
    NotPep440,
    /// RubyGems: `Gem::Version` calls it malformed.
    #[error("it is not a RubyGems version")]
    NotGemVersion,
    /// Composer: it sorts branches, and holds none against a version.
    #[error("a branch is in no relation to versions")]
    Branch,
}

impl VersionError {
    pub(crate) fn new(version: &str, refusal: Refusal) -> Self {
        Self { version: version.chars().take(SHOWN_CHARS).collect(), refusal }
    }
}
