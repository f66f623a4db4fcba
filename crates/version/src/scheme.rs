//! The schemes by name: the one place that knows all of them.

use std::cmp::Ordering;

use crate::{
    Refusal, VersionError, apk, composer, cpan, debian, gem, golang, maven, nuget, number_list,
    pep440, pub_dev, rpm, semver,
};

/// How an ecosystem orders its versions and writes ranges of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// apk-tools: Alpine, Wolfi, Chainguard.
    Apk,
    /// Rust's crates.
    Cargo,
    /// PHP: Packagist.
    Composer,
    /// Perl.
    Cpan,
    /// R.
    Cran,
    /// dpkg: Debian, Ubuntu and their derivatives.
    Debian,
    /// Ruby.
    Gem,
    /// Go's modules and toolchain.
    Golang,
    /// Haskell.
    Hackage,
    /// Elixir and Erlang.
    Hex,
    /// Java and its kin.
    Maven,
    /// Node.js.
    Npm,
    /// .NET.
    Nuget,
    /// Python: PyPI.
    Pep440,
    /// Dart and Flutter.
    Pub,
    /// RPM: Red Hat and its rebuilds, SUSE, Fedora, Amazon, Oracle, Photon, Azure Linux and others.
    Rpm,
    /// Everyone else who says "semantic versions".
    Semver,
    /// Swift's packages.
    Swift,
}

impl Scheme {
    /// Every scheme, by name.
    pub const ALL: &[Self] = &[
        Self::Apk,
        Self::Cargo,
        Self::Composer,
        Self::Cpan,
        Self::Cran,
        Self::Debian,
        Self::Gem,
        Self::Golang,
        Self::Hackage,
        Self::Hex,
        Self::Maven,
        Self::Npm,
        Self::Nuget,
        Self::Pep440,
        Self::Pub,
        Self::Rpm,
        Self::Semver,
        Self::Swift,
    ];

    /// The name that users and segments write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Cargo => "cargo",
            Self::Composer => "composer",
            Self::Cpan => "cpan",
            Self::Cran => "cran",
            Self::Debian => "debian",
            Self::Gem => "gem",
            Self::Golang => "golang",
            Self::Hackage => "hackage",
            Self::Hex => "hex",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Pep440 => "pep440",
            Self::Pub => "pub",
            Self::Rpm => "rpm",
            Self::Semver => "semver",
            Self::Swift => "swift",
        }
    }

    /// The scheme of this name as [`Scheme::name`] spells it, or as the registry is called.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "packagist" => Some(Self::Composer),
            "pypi" => Some(Self::Pep440),
            "rubygems" => Some(Self::Gem),
            name => Self::ALL.iter().copied().find(|scheme| scheme.name() == name),
        }
    }

    /// Refuses what has a place in the order for sorting alone, so that no range can hold it: a
    /// branch of Composer's.
    ///
    /// # Errors
    /// [`Refusal::Branch`], and what [`Scheme::compare`] refuses.
    pub fn check_comparable(self, version: &str) -> Result<(), VersionError> {
        match self {
            Self::Composer if composer::Version::parse(version)?.is_branch() => {
                Err(VersionError::new(version, Refusal::Branch))
            }
            _ => Ok(()),
        }
    }

    /// Is `a` older than `b` (`Less`), the same, or newer?
    ///
    /// # Errors
    /// The first of the two that the ecosystem itself refuses to compare.
    pub fn compare(self, a: &str, b: &str) -> Result<Ordering, VersionError> {
        match self {
            Self::Apk => apk::compare(a, b),
            Self::Cargo | Self::Hex | Self::Npm | Self::Semver | Self::Swift => {
                semver::compare(a, b)
            }
            Self::Composer => composer::compare(a, b),
            Self::Cpan => cpan::compare(a, b),
            Self::Cran | Self::Hackage => number_list::compare(a, b),
            Self::Debian => debian::compare(a, b),
            Self::Gem => gem::compare(a, b),
            Self::Golang => golang::compare(a, b),
            Self::Maven => maven::compare(a, b),
            Self::Nuget => nuget::compare(a, b),
            Self::Pep440 => pep440::compare(a, b),
            Self::Pub => pub_dev::compare(a, b),
            Self::Rpm => rpm::compare(a, b),
        }
    }
}
