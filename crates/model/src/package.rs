//! A package found in an artifact.

use serde::{Deserialize, Serialize};

/// The package formats that analyzers read; names are purl types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PackageKind {
    Apk,
    Deb,
    Rpm,
}

impl PackageKind {
    /// The purl type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }
}

/// The source package that a binary package was built from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Source {
    pub name: String,
    /// As full as the database gives it. An rpm source name carries no epoch: an absent epoch is
    /// unknown here, not 0.
    pub version: String,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// Relative to the root of the image, without a leading slash.
    pub path: String,
    /// The index of the layer in which this version of the package first appears; None for
    /// artifacts without layers.
    pub layer: Option<u32>,
}

/// One installed package, in the words of its own package manager.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    pub kind: PackageKind,
    pub name: String,
    /// The full version as the package manager compares it: `[epoch:]version[-release]`. An rpm
    /// whose epoch is 0 is written without it.
    pub version: String,
    /// As the package manager spells it (`amd64`, `x86_64`, `noarch`); empty if it says nothing.
    pub architecture: String,
    /// None where the package is its own source.
    pub source: Option<Source>,
    /// `name:stream` of the rpm module this build belongs to, the part of the label that
    /// advisories name (`nodejs:18`).
    pub module: Option<String>,
    /// The number of that module's build (`8090020231019152822`, the third part of the label), for
    /// advisories that name the fixed build of a whole module instead of package versions.
    pub module_build: Option<String>,
    /// The licence as declared, verbatim; empty if none.
    pub license: String,
    /// Who built or distributes the package (`Maintainer`, rpm `Vendor`); empty if unknown.
    pub vendor: String,
    pub location: Location,
    /// Paths of the files that the package owns, relative to the root, sorted; a language
    /// package found in one of them is not counted a second time.
    pub files: Vec<Box<str>>,
}

impl Package {
    /// The source package's name; the package's own where the database names no source.
    pub fn source_name(&self) -> &str {
        self.source.as_ref().map_or(&self.name, |source| &source.name)
    }

    /// The source package's version; the package's own where the database names no source.
    pub fn source_version(&self) -> &str {
        self.source.as_ref().map_or(&self.version, |source| &source.version)
    }
}
