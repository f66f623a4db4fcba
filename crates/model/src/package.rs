//! A package found in an artifact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{PathList, Symbols};

/// The package formats that analyzers read; names are purl types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PackageKind {
    Apk,
    Bitnami,
    /// Crates of Rust.
    Cargo,
    Cocoapods,
    /// PHP.
    Composer,
    /// C and C++.
    Conan,
    Conda,
    /// Perl.
    Cpan,
    /// R.
    Cran,
    Deb,
    /// Ruby.
    Gem,
    /// A program without a package manager, recognised by its content.
    Generic,
    /// Modules of Go.
    Golang,
    /// Haskell.
    Hackage,
    /// Elixir and Erlang.
    Hex,
    Julia,
    /// Lua.
    Luarocks,
    /// Java: named `group:artifact`.
    Maven,
    Npm,
    /// .NET.
    Nuget,
    /// PHP: PEAR and PECL.
    Pear,
    /// Dart.
    Pub,
    /// Python: named as PEP 503 normalizes.
    Pypi,
    Rpm,
    /// Named by the URL of its repository.
    Swift,
    /// C and C++.
    Vcpkg,
}

impl PackageKind {
    /// Every kind, by name.
    pub const ALL: &[Self] = &[
        Self::Apk,
        Self::Bitnami,
        Self::Cargo,
        Self::Cocoapods,
        Self::Composer,
        Self::Conan,
        Self::Conda,
        Self::Cpan,
        Self::Cran,
        Self::Deb,
        Self::Gem,
        Self::Generic,
        Self::Golang,
        Self::Hackage,
        Self::Hex,
        Self::Julia,
        Self::Luarocks,
        Self::Maven,
        Self::Npm,
        Self::Nuget,
        Self::Pear,
        Self::Pub,
        Self::Pypi,
        Self::Rpm,
        Self::Swift,
        Self::Vcpkg,
    ];

    /// The purl type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apk => "apk",
            Self::Bitnami => "bitnami",
            Self::Cargo => "cargo",
            Self::Cocoapods => "cocoapods",
            Self::Composer => "composer",
            Self::Conan => "conan",
            Self::Conda => "conda",
            Self::Cpan => "cpan",
            Self::Cran => "cran",
            Self::Deb => "deb",
            Self::Gem => "gem",
            Self::Generic => "generic",
            Self::Golang => "golang",
            Self::Hackage => "hackage",
            Self::Hex => "hex",
            Self::Julia => "julia",
            Self::Luarocks => "luarocks",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Pear => "pear",
            Self::Pub => "pub",
            Self::Pypi => "pypi",
            Self::Rpm => "rpm",
            Self::Swift => "swift",
            Self::Vcpkg => "vcpkg",
        }
    }

    /// Whether packages of this kind make up an operating system.
    pub fn is_os(self) -> bool {
        matches!(self, Self::Apk | Self::Deb | Self::Rpm)
    }
}

/// How sure it is that a package is what it is called.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Basis {
    /// What the package manager or the package itself records.
    #[default]
    Record,
    /// The name of the file alone.
    FileName,
    /// The digest of the file, known to an index.
    Digest,
    /// Bytes that its releases are known to contain.
    Signature,
    /// A list of what was looked at, in which nothing says what was chosen.
    Mention,
    /// A record that says that it is from somewhere else than what its kind is known by: it shares a name with
    /// what advisories speak of, and nothing more.
    Elsewhere,
}

impl Basis {
    /// Whether advisories may be about it: it is there, as far as anybody knows, and it is what they mean by its
    /// name.
    pub fn is_meant(self) -> bool {
        !matches!(self, Self::Mention | Self::Elsewhere)
    }

    /// Every basis, by name.
    pub const ALL: &[Self] = &[
        Self::Record,
        Self::FileName,
        Self::Digest,
        Self::Signature,
        Self::Mention,
        Self::Elsewhere,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::FileName => "file_name",
            Self::Digest => "digest",
            Self::Signature => "signature",
            Self::Mention => "mention",
            Self::Elsewhere => "elsewhere",
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

impl Source {
    /// Of a package that somebody lists without saying what it was built from: it may be its own
    /// source, or not.
    pub fn unsaid() -> Self {
        Self { name: String::new(), version: String::new() }
    }

    fn is_unsaid(&self) -> bool {
        self.name.is_empty()
    }
}

/// Where something was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// As its ecosystem spells it in full: `@scope/name`, `group:artifact`, `github.com/a/b`.
    pub name: String,
    /// The full version as the package manager compares it: `[epoch:]version[-release]`. An rpm
    /// whose epoch is 0 is written without it. Empty if it is not known.
    pub version: String,
    /// As the package manager spells it (`amd64`, `x86_64`, `noarch`); empty if it says nothing.
    pub architecture: String,
    /// None where the package is its own source; without a name where nobody says what it was built
    /// from ([`Source::unsaid`]).
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
    pub files: PathList,
    /// Named by a manifest or lock file, and not seen installed.
    pub declared: bool,
    /// Needed by who develops or tests alone, and not where the thing runs; None where nothing says.
    pub development: Option<bool>,
    pub basis: Basis,
    /// The operating system's package that owns the file at `location`.
    pub owner: Option<String>,
    /// What it needs, sorted: `name`, or `name@version` where a lock file says which.
    pub dependencies: Vec<String>,
    /// Digests of the package as published, sorted: `sha512:<lower-case hexadecimal>`.
    pub hashes: Vec<String>,
    /// Its functions that the program it was found in links; empty if that is not known.
    pub symbols: Symbols,
    /// What tells it from others of its name and version, in the terms of its package URL: `uuid`,
    /// `classifier`, `build`, `user`, `channel`.
    pub variant: BTreeMap<String, String>,
}

impl Package {
    /// A package of which nothing but the name and version is known.
    pub fn new(kind: PackageKind, name: &str, version: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: String::new(),
            source: None,
            module: None,
            module_build: None,
            license: String::new(),
            vendor: String::new(),
            location: Location { path: String::new(), layer: None },
            files: PathList::default(),
            declared: false,
            development: None,
            basis: Basis::Record,
            owner: None,
            dependencies: Vec::new(),
            hashes: Vec::new(),
            symbols: Symbols::default(),
            variant: BTreeMap::new(),
        }
    }

    /// The source package, where it is said and another one.
    pub fn other_source(&self) -> Option<&Source> {
        self.source.as_ref().filter(|source| !source.is_unsaid())
    }

    /// Whether nobody says what it was built from.
    pub fn is_source_unsaid(&self) -> bool {
        self.source.as_ref().is_some_and(Source::is_unsaid)
    }

    /// The source package's name; the package's own where the database names no source.
    pub fn source_name(&self) -> &str {
        self.other_source().map_or(&self.name, |source| &source.name)
    }

    /// The source package's version; the package's own where the database names no source.
    pub fn source_version(&self) -> &str {
        self.other_source().map_or(&self.version, |source| &source.version)
    }

    /// Whether it counts its versions apart from its source's, as Debian's `libdevmapper1.02.1`
    /// 2:1.02.185-2 of `lvm2` 2.03.16-2: a version of the one says nothing of the other. That it was built
    /// again (`+b1`) is no difference, nor an epoch that the name of an rpm's source leaves out.
    pub fn counts_apart(&self) -> bool {
        let plain = |version: &'_ str| -> String {
            let version = match self.kind {
                PackageKind::Rpm => version.split_once(':').map_or(version, |(_, rest)| rest),
                _ => version,
            };
            let is_build = |build: &str| build.bytes().all(|b| b.is_ascii_digit());
            match version.rsplit_once("+b") {
                Some((built, build)) if is_build(build) => built.to_owned(),
                _ => version.to_owned(),
            }
        };
        self.other_source().is_some_and(|source| plain(&source.version) != plain(&self.version))
    }
}
