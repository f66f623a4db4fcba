//! The table of OSV ecosystems: which stream a release is, which of a package's names is meant, whose
//! data it is. Operating systems come first, languages behind them.

use crate::purl::Purl;
use crate::{debian, redhat, stream, suse};

/// One row.
pub(super) struct Ecosystem {
    /// What stands before the first colon of `ecosystem`.
    pub(super) name: &'static str,
    /// The source as segments name it.
    pub(super) source: &'static str,
    pub(super) license: &'static str,
    /// The streams are `<family>-<release>`, or the family where there are no releases.
    family: &'static str,
    pub(super) speaks: Speaks,
    /// The release, from what stands behind the first colon and the purl; None if not known.
    pub(super) release: fn(&str, Option<&Purl<'_>>) -> Option<Release>,
    /// The folder of OSV's bucket that holds a release, up to the release; None where one folder
    /// is not one stream.
    folder: Option<&'static str>,
}

/// Which packages a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    Sources,
    Binaries,
    /// Sources, with the binaries of each listed apart.
    ListedBinaries,
    /// The packages of a language's registry.
    Language,
}

/// Whose installations are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) stream: String,
    pub(super) track: Option<String>,
    /// Empty: all.
    pub(super) architecture: String,
}

pub(super) fn find(name: &str) -> Option<&'static Ecosystem> {
    ECOSYSTEMS.iter().find(|ecosystem| ecosystem.name == name)
}

/// Whether segments know a source by this name.
pub(crate) fn is_source(name: &str) -> bool {
    ECOSYSTEMS.iter().any(|ecosystem| ecosystem.source == name)
}

/// The row whose streams the stream is one of.
pub(super) fn of_stream(stream: &str) -> Option<&'static Ecosystem> {
    let is = |ecosystem: &&Ecosystem| {
        stream == ecosystem.family || stream::release(stream, ecosystem.family).is_some()
    };
    ECOSYSTEMS.iter().find(is)
}

/// The folder of OSV's bucket that holds a stream.
pub(super) fn folder(stream: &str) -> Option<String> {
    let ecosystem = of_stream(stream)?;
    let release = stream::release(stream, ecosystem.family).unwrap_or_default();
    let folder = ecosystem.folder?;
    // Folders of releases end in the mark before the release; the others are whole names.
    let is_served = match folder.contains(':') {
        true => (ecosystem.release)(release, None).is_some(),
        false => release.is_empty(),
    };
    is_served.then(|| format!("{folder}{release}"))
}

/// A language's registry: name, source, license, stream. What follows a colon names another registry
/// of the same packages (`Maven:https://…`).
macro_rules! language {
    ($name:literal, $source:literal, $license:literal, $stream:literal) => {
        Ecosystem {
            name: $name,
            source: $source,
            license: $license,
            family: $stream,
            speaks: Speaks::Language,
            release: |_, _| Some(Release::of($stream.to_owned())),
            folder: Some($name),
        }
    };
}

const ECOSYSTEMS: &[Ecosystem] = &[
    Ecosystem {
        name: "AlmaLinux",
        source: "almalinux-osv",
        license: "MIT",
        family: "almalinux",
        speaks: Speaks::Binaries,
        release: |release, _| plain("almalinux", release),
        folder: Some("AlmaLinux:"),
    },
    Ecosystem {
        name: "Alpine",
        source: "alpine-osv",
        license: "",
        family: "alpine",
        speaks: Speaks::Sources,
        release: |release, _| plain("alpine", release.strip_prefix('v').unwrap_or(release)),
        folder: Some("Alpine:v"),
    },
    Ecosystem {
        name: "Chainguard",
        source: "chainguard-osv",
        license: "Apache-2.0",
        family: "chainguard",
        speaks: Speaks::Sources,
        release: |_, purl| Some(build("chainguard", purl)),
        folder: Some("Chainguard"),
    },
    Ecosystem {
        name: "Debian",
        source: "debian-osv",
        license: "MIT",
        family: "debian",
        speaks: Speaks::Sources,
        release: |release, _| debian::stream_of_version(release).map(Release::of),
        folder: Some("Debian:"),
    },
    Ecosystem {
        name: "MinimOS",
        source: "minimos-osv",
        license: "",
        family: "minimos",
        speaks: Speaks::Sources,
        release: |_, purl| Some(build("minimos", purl)),
        folder: Some("MinimOS"),
    },
    Ecosystem {
        name: "Red Hat",
        source: "redhat-osv",
        license: redhat::LICENSE,
        family: "rhel",
        speaks: Speaks::Binaries,
        release: red_hat,
        folder: None,
    },
    Ecosystem {
        name: "Rocky Linux",
        source: "rocky-osv",
        license: "BSD-3-Clause",
        family: "rocky",
        speaks: Speaks::Binaries,
        release: rocky,
        folder: Some("Rocky Linux:"),
    },
    Ecosystem {
        name: "SUSE",
        source: "suse-osv",
        license: "CC-BY-4.0",
        family: "sles",
        speaks: Speaks::ListedBinaries,
        release: |release, _| product(&format!("SUSE {release}")),
        folder: None,
    },
    Ecosystem {
        name: "Ubuntu",
        source: "ubuntu-osv",
        license: "CC-BY-SA-4.0",
        family: "ubuntu",
        speaks: Speaks::Sources,
        release: ubuntu,
        folder: None,
    },
    Ecosystem {
        name: "Wolfi",
        source: "wolfi-osv",
        license: "Apache-2.0",
        family: "wolfi",
        speaks: Speaks::Sources,
        release: |_, purl| Some(build("wolfi", purl)),
        folder: Some("Wolfi"),
    },
    Ecosystem {
        name: "openEuler",
        source: "openeuler-osv",
        license: "CC-BY-4.0",
        family: "openeuler",
        speaks: Speaks::Sources,
        release: |release, _| plain("openeuler", release),
        folder: Some("openEuler:"),
    },
    Ecosystem {
        name: "openSUSE",
        source: "opensuse-osv",
        license: "CC-BY-4.0",
        family: "opensuse",
        speaks: Speaks::ListedBinaries,
        release: |release, _| product(&format!("openSUSE {release}")),
        folder: None,
    },
    language!("Bitnami", "bitnami-osv", "Apache-2.0", "bitnami"),
    language!("ConanCenter", "conan-osv", "", "conan"),
    language!("CRAN", "cran-osv", "CC0-1.0", "cran"),
    language!("crates.io", "cargo-osv", "CC0-1.0 AND CC-BY-4.0", "cargo"),
    language!("Go", "golang-osv", "CC-BY-4.0", "golang"),
    language!("Hackage", "hackage-osv", "", "hackage"),
    language!("Hex", "hex-osv", "CC-BY-4.0", "hex"),
    language!("Julia", "julia-osv", "CC-BY-4.0", "julia"),
    language!("Maven", "maven-osv", "CC-BY-4.0", "maven"),
    language!("npm", "npm-osv", "CC-BY-4.0", "npm"),
    language!("NuGet", "nuget-osv", "CC-BY-4.0", "nuget"),
    language!("Packagist", "composer-osv", "CC-BY-4.0", "composer"),
    language!("Pub", "pub-osv", "CC-BY-4.0", "pub"),
    language!("PyPI", "pypi-osv", "CC-BY-4.0", "pypi"),
    language!("RubyGems", "gem-osv", "CC-BY-4.0", "gem"),
    language!("SwiftURL", "swift-osv", "CC-BY-4.0", "swift"),
];

impl Release {
    fn of(stream: String) -> Self {
        Self { stream, track: None, architecture: String::new() }
    }
}

/// A release that stream names spell the same way.
fn plain(family: &str, release: &str) -> Option<Release> {
    let stream = format!("{family}-{release}");
    let is_release = release == "edge" || release.starts_with(|c: char| c.is_ascii_digit());
    (is_release && advisories::is_stream_name(&stream)).then(|| Release::of(stream))
}

/// Builds of one architecture may be fixed before those of another: the purl names it (`arch=x86_64`).
fn build(stream: &str, purl: Option<&Purl<'_>>) -> Release {
    let architecture = purl.map(|purl| purl.qualifier("arch")).unwrap_or_default();
    Release { architecture, ..Release::of(stream.to_owned()) }
}

/// The release is a CPE without its beginning: `rhel_eus:8.8::baseos`.
fn red_hat(release: &str, _: Option<&Purl<'_>>) -> Option<Release> {
    let product = redhat::products(&format!("cpe:/a:redhat:{release}")).into_iter().next()?;
    Some(Release { track: product.track, ..Release::of(product.stream) })
}

/// The purl tells more than the release: `distro=rocky-linux-9-aarch64` is one architecture,
/// `rocky-linux-8-sig-cloud` a repository that is no part of the release.
fn rocky(release: &str, purl: Option<&Purl<'_>>) -> Option<Release> {
    let distro = purl.map(|purl| purl.qualifier("distro")).unwrap_or_default();
    let rest = distro.strip_prefix(&format!("rocky-linux-{release}-")).unwrap_or_default();
    let base = plain("rocky", release)?;
    Some(match rest {
        "" => base,
        repository if repository.starts_with("sig-") => {
            Release { track: Some(repository.to_owned()), ..base }
        }
        architecture => Release { architecture: architecture.replace("x86-64", "x86_64"), ..base },
    })
}

/// `22.04:LTS`, `Pro:18.04:LTS`, `Pro:FIPS-updates:22.04:LTS`. The track is what stands before the
/// code name in the purl (`distro=esm-infra/xenial`), for the ecosystem only says that it is Pro.
fn ubuntu(release: &str, purl: Option<&Purl<'_>>) -> Option<Release> {
    let is_version = |part: &&str| {
        part.split_once('.').is_some_and(|(year, month)| {
            [year, month].iter().all(|n| n.len() == 2 && n.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    let version = release.split(':').find(is_version)?;
    let distro = purl.map(|purl| purl.qualifier("distro")).unwrap_or_default();
    let mut words = release.split(':');
    let track = match (words.next(), distro.split_once('/')) {
        (_, Some((track, _))) => Some(track.to_owned()),
        (Some("Pro"), None) => {
            let special = words.next().filter(|word| !is_version(word));
            Some(special.map_or_else(|| "esm-infra".to_owned(), str::to_ascii_lowercase))
        }
        _ => None,
    };
    Some(Release { track, ..plain("ubuntu", version)? })
}

fn product(name: &str) -> Option<Release> {
    let product = suse::product(name)?;
    Some(Release { track: product.track, ..Release::of(product.stream) })
}
