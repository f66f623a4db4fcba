//! The schemes by name: the one place that knows all of them.

use std::cmp::Ordering;

use crate::{VersionError, apk, debian, rpm};

/// How an ecosystem orders its versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// apk-tools: Alpine, Wolfi, Chainguard.
    Apk,
    /// dpkg: Debian, Ubuntu and their derivatives.
    Debian,
    /// RPM: Red Hat and its rebuilds, SUSE, Fedora, Amazon, Oracle, Photon, Azure Linux and others.
    Rpm,
}

impl Scheme {
    /// Every scheme, by name.
    pub const ALL: &[Self] = &[Self::Apk, Self::Debian, Self::Rpm];

    /// The name that users and segments write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Debian => "debian",
            Self::Rpm => "rpm",
        }
    }

    /// The scheme of this name, exactly as [`Scheme::name`] spells it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.name() == name)
    }

    /// Is `a` older than `b` (`Less`), the same, or newer?
    ///
    /// # Errors
    /// The first of the two that the ecosystem itself refuses to compare.
    pub fn compare(self, a: &str, b: &str) -> Result<Ordering, VersionError> {
        match self {
            Self::Apk => apk::compare(a, b),
            Self::Debian => debian::compare(a, b),
            Self::Rpm => rpm::compare(a, b),
        }
    }
}
