//! The names and versions under which publishers speak of an installed package.
//!
//! A binary package is judged by its own version where a publisher speaks of the binary, and by
//! its source's version where a publisher speaks of the source: a rebuild without changes
//! (`+b1`) has a new binary version and the old code.

use std::borrow::Cow;
use std::fmt;

use model::{Package, PackageKind, Subject};

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Binary,
    Source,
    /// The rpm module that the package is part of.
    Module,
}

/// One name of an installed package, with the version that is compared under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed<'a> {
    pub(crate) named: Named,
    pub(crate) name: Cow<'a, str>,
    /// Empty where the database does not say.
    pub(crate) version: Cow<'a, str>,
    /// False for an rpm source, whose file name carries no epoch: comparisons leave it out.
    pub(crate) epoch_known: bool,
}

impl Installed<'_> {
    /// Under which kind of name publishers file it.
    pub(crate) fn subject(&self) -> Subject {
        match self.named {
            Named::Binary => Subject::Binary,
            Named::Source | Named::Module => Subject::Source,
        }
    }
}

impl fmt::Display for Installed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = match self.named {
            Named::Binary => "binary",
            Named::Source => "source",
            Named::Module => "module",
        };
        write!(f, "{named} {}", self.name)
    }
}

/// The binary name first, then the source; then the source that a signed kernel wraps, and the
/// module.
pub(crate) fn names(package: &Package) -> Vec<Installed<'_>> {
    if !package.kind.is_os() {
        return vec![of_a_language(package)];
    }
    let binary = Installed {
        named: Named::Binary,
        name: Cow::Borrowed(&package.name),
        version: Cow::Borrowed(&package.version),
        epoch_known: true,
    };
    let source = Installed {
        named: Named::Source,
        name: Cow::Borrowed(package.source_name()),
        version: Cow::Borrowed(package.source_version()),
        epoch_known: package.kind != PackageKind::Rpm
            || package.other_source().is_none_or(|source| source.version.contains(':')),
    };
    let others = [signed_kernel(package), module(package)];
    [binary, source].into_iter().chain(others.into_iter().flatten()).collect()
}

/// A language's package has one name. Where case is of no account, advisories are filed in lower
/// case; what ecosystems normalize further, analyzers have normalized.
fn of_a_language(package: &Package) -> Installed<'_> {
    let name = match package.kind {
        PackageKind::Nuget | PackageKind::Composer | PackageKind::Swift => {
            Cow::Owned(package.name.to_lowercase())
        }
        // What publishers call it where that is not its own name.
        PackageKind::Generic => Cow::Borrowed(package.source_name()),
        _ => Cow::Borrowed(package.name.as_str()),
    };
    let version = Cow::Borrowed(package.version.as_str());
    Installed { named: Named::Binary, name, version, epoch_known: true }
}

/// The module under whose name Red Hat gives fixed builds of the whole module. An unknown build
/// compares with nothing, which is said rather than taken for fixed.
fn module(package: &Package) -> Option<Installed<'_>> {
    Some(Installed {
        named: Named::Module,
        name: Cow::Borrowed(package.module.as_ref()?),
        version: Cow::Borrowed(package.module_build.as_deref().unwrap_or_default()),
        epoch_known: true,
    })
}

/// Debian and Ubuntu build their signed kernel images from a source of its own that only wraps
/// what `linux` built; the trackers speak of `linux` alone. Debian's `linux-signed-amd64 6.1.76+1`
/// wraps `linux 6.1.76-1`, and `linux-signed-6.1-amd64` of an older release `linux-6.1`; Ubuntu's
/// `linux-signed-aws` wraps `linux-aws` of the same version.
fn signed_kernel(package: &Package) -> Option<Installed<'_>> {
    let flavor = package.source_name().strip_prefix("linux-signed")?;
    if package.kind != PackageKind::Deb {
        return None;
    }
    let version = package.source_version();
    let of_debian = ["-amd64", "-arm64", "-i386"].iter().find_map(|it| flavor.strip_suffix(it));
    let (name, version) = match of_debian {
        Some(line) => (format!("linux{line}"), version.replacen('+', "-", 1)),
        None => (format!("linux{flavor}"), version.to_owned()),
    };
    Some(Installed {
        named: Named::Source,
        name: Cow::Owned(name),
        version: Cow::Owned(version),
        epoch_known: true,
    })
}

/// Whether the package only describes the kernel to compilers. Its source's vulnerabilities are
/// true of the source, yet no vulnerable code is in the package: findings say so.
pub(crate) fn is_kernel_headers(package: &Package) -> bool {
    let source = package.source_name();
    let of_the_kernel = source == "linux" || source.starts_with("linux-") || source == "kernel";
    let name = package.name.as_str();
    let headers = name.starts_with("linux-libc-dev")
        || name.starts_with("linux-headers")
        || name.starts_with("kernel-headers")
        || (name.starts_with("linux-") && name.contains("-headers-"));
    of_the_kernel && headers
}
