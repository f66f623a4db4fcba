//! Which publishers speak about a distribution release: the table of distributions.
//!
//! A row says what kind of packages a distribution has, how its release is spelled in stream
//! names, and whether it is rebuilt from another one whose publisher knows more. The next
//! distribution is one row. A distribution or release that the table cannot place is a Problem,
//! never an empty result.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Inventory, Os, PackageKind, Problem, ProblemKind};
use version::Scheme;

/// What a publisher's word is worth for an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// The distribution itself: it has the last word on what it speaks of.
    Own,
    /// The distribution that this one is rebuilt from: it counts where the own one is silent.
    Origin,
}

/// How a distribution marks statements that hold for only some installations of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tracks {
    /// None known; a statement with a track is taken like any other.
    None,
    /// Repositories of one release that carry the same package in several version lines.
    Amazon,
    /// Minor releases kept alive beside the main one.
    RedHat,
    /// Ubuntu Pro: `esm-infra`, `esm-apps`, `fips`, `fips-updates` and others.
    Ubuntu,
}

/// Names of packages, shared by all plans of an inventory: to tell who built each takes its time.
pub(crate) type Own = Arc<BTreeSet<String>>;

/// Everything the matcher must know of the distribution release before it looks at a package.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kind: PackageKind,
    pub(crate) scheme: Scheme,
    /// Streams in the order in which they are consulted.
    pub(crate) streams: Vec<(String, Role)>,
    pub(crate) tracks: Tracks,
    /// A version without an epoch has epoch 0; else it may have any.
    pub(crate) writes_epochs: bool,
    /// The release as the distribution numbers it (`9.3`): tells minor tracks apart.
    pub(crate) version: String,
    /// What the image says of where its packages came from.
    pub(crate) repositories: Vec<String>,
    /// What lock files name counts too.
    pub(crate) declared: bool,
    /// The packages that the distribution built, if its advisories are consulted: what they ship of a
    /// language is left to those.
    pub(crate) own: Own,
}

struct Distro {
    /// As in [`Os::family`].
    family: &'static str,
    kind: PackageKind,
    release: Release,
    /// The family in whose streams its own advisories are.
    stream: &'static str,
    /// The family it is rebuilt from, if that one's statements count too.
    origin: Option<&'static str>,
    tracks: Tracks,
    /// Whether its publisher writes the epochs that versions have.
    writes_epochs: bool,
}

/// How a release is spelled in stream names.
#[derive(Clone, Copy, Debug)]
enum Release {
    /// `3.20`; `edge` for its snapshots.
    Alpine,
    /// `1`, `2`, `2023` (and `2022`, its preview).
    Amazon,
    /// `12`; `sid` for everything that has no number yet.
    Debian,
    /// `9` of `9.3`.
    Major,
    /// `22.04`.
    MajorMinor,
    /// `22.03-LTS-SP3`.
    OpenEuler,
    /// No releases: the family alone names the stream.
    Rolling,
}

const DISTROS: &[Distro] = &[
    rebuild("almalinux"),
    distro("alpine", PackageKind::Apk, Release::Alpine),
    Distro { tracks: Tracks::Amazon, ..distro("amazon", PackageKind::Rpm, Release::Amazon) },
    // Its advisories write epoch 0 whatever the build's is.
    Distro { writes_epochs: false, ..distro("azurelinux", PackageKind::Rpm, Release::MajorMinor) },
    // CentOS publishes no data of its own; it rebuilt, or is about to become, the RHEL of its number.
    Distro { stream: "rhel", ..rhel("centos") },
    Distro { stream: "rhel", ..rhel("centos-stream") },
    distro("chainguard", PackageKind::Apk, Release::Rolling),
    distro("debian", PackageKind::Deb, Release::Debian),
    distro("fedora", PackageKind::Rpm, Release::Major),
    // As Azure Linux, which it became.
    Distro { writes_epochs: false, ..distro("mariner", PackageKind::Rpm, Release::MajorMinor) },
    distro("minimos", PackageKind::Apk, Release::Rolling),
    // Its advisories name builds by the names of their files, which carry no epoch.
    Distro { writes_epochs: false, ..distro("openeuler", PackageKind::Rpm, Release::OpenEuler) },
    distro("opensuse-leap", PackageKind::Rpm, Release::MajorMinor),
    distro("opensuse-leap-micro", PackageKind::Rpm, Release::MajorMinor),
    distro("opensuse-tumbleweed", PackageKind::Rpm, Release::Rolling),
    rebuild("oracle"),
    // Its advisories write none.
    Distro { writes_epochs: false, ..distro("photon", PackageKind::Rpm, Release::MajorMinor) },
    rhel("rhel"),
    rebuild("rocky"),
    distro("sl-micro", PackageKind::Rpm, Release::MajorMinor),
    distro("sle-micro", PackageKind::Rpm, Release::MajorMinor),
    distro("sles", PackageKind::Rpm, Release::MajorMinor),
    Distro { tracks: Tracks::Ubuntu, ..distro("ubuntu", PackageKind::Deb, Release::MajorMinor) },
    distro("wolfi", PackageKind::Apk, Release::Rolling),
];

const fn distro(family: &'static str, kind: PackageKind, release: Release) -> Distro {
    let (stream, tracks) = (family, Tracks::None);
    Distro { family, kind, release, stream, origin: None, tracks, writes_epochs: true }
}

const fn rhel(family: &'static str) -> Distro {
    Distro { tracks: Tracks::RedHat, ..distro(family, PackageKind::Rpm, Release::Major) }
}

/// A rebuild's errata say what it fixed; what it has not fixed only Red Hat says.
const fn rebuild(family: &'static str) -> Distro {
    Distro { origin: Some("rhel"), ..rhel(family) }
}

/// `ID`s that are another name of the family, or one of its products: nothing is guessed there.
const OTHER_NAMES: [&str; 12] = [
    "amzn",
    "centos",
    "ol",
    "opensuse",
    "opensuse-microos",
    "redhat",
    "rhcos",
    "sle-micro-rancher",
    "sled",
    "sles_sap",
    "suse-microos",
    "tlinux",
];

/// That a derivative is taken for what it is built from.
pub(crate) fn derivative(os: &Os) -> Option<Problem> {
    let id = os.derived_id.as_ref().filter(|_| release(os).is_some())?;
    let lower = id.to_lowercase();
    let is_other = lower != os.family && !OTHER_NAMES.contains(&lower.as_str());
    let shown = format!("{} {}", os.family, os.version);
    let message = format!(
        "is held against the advisories of {}, which it is built from: what it builds or mends on its own \
         is not known",
        shown.trim_end()
    );
    is_other.then(|| {
        Problem::new(ProblemKind::Notice, id.chars().take(80).collect::<String>(), message)
    })
}

/// What to consult for the packages of the operating system; None where there is no operating
/// system and none of its packages, as in an image with a single static binary.
pub(crate) fn plan(inventory: &Inventory) -> Option<Result<Plan, Problem>> {
    let count = inventory.packages.iter().filter(|package| package.kind.is_os()).count();
    match &inventory.os {
        Some(os) => Some(plan_for(os, &inventory.repositories)),
        None if count == 0 => None,
        None => Some(Err(Problem::new(
            ProblemKind::Unsupported,
            "os-release",
            format!(
                "no release file says which distribution this is, so {count} packages were not \
                 matched; hint: name it with --distro FAMILY:VERSION"
            ),
        ))),
    }
}

fn plan_for(os: &Os, repositories: &[String]) -> Result<Plan, Problem> {
    let Some(distro) = find(&os.family) else {
        return Err(unsupported(os, "no publisher's advisories for this distribution are known"));
    };
    let Some(release) = distro.release.of(os) else {
        return Err(unsupported(os, "the release is not one that advisories are published for"));
    };
    let own = (stream(distro.stream, &release), Role::Own);
    let origin = distro.origin.map(|family| (stream(family, &release), Role::Origin));
    Ok(Plan {
        kind: distro.kind,
        scheme: scheme(distro.kind),
        streams: [Some(own), origin].into_iter().flatten().collect(),
        tracks: distro.tracks,
        writes_epochs: distro.writes_epochs,
        version: os.version.clone(),
        repositories: repositories.to_vec(),
        declared: false,
        own: Own::default(),
    })
}

/// The stream of the distribution that the one of a stream is rebuilt from: `rhel-9` of `rocky-9`.
pub(crate) fn origin(name: &str) -> Option<String> {
    DISTROS.iter().find_map(|distro| {
        let release = name.strip_prefix(distro.stream)?.strip_prefix('-')?;
        Some(stream(distro.origin?, release))
    })
}

/// The release of a distribution as stream names and `content/eol.toml` spell it.
pub(crate) fn release(os: &Os) -> Option<String> {
    find(&os.family)?.release.of(os)
}

/// The order of the versions of a distribution's packages.
pub(crate) fn scheme(kind: PackageKind) -> Scheme {
    match kind {
        PackageKind::Apk => Scheme::Apk,
        PackageKind::Deb => Scheme::Debian,
        _ => Scheme::Rpm,
    }
}

fn find(family: &str) -> Option<&'static Distro> {
    DISTROS.iter().find(|distro| distro.family == family)
}

fn stream(family: &str, release: &str) -> String {
    match release {
        "" => family.to_owned(),
        _ => format!("{family}-{release}"),
    }
}

fn unsupported(os: &Os, why: &str) -> Problem {
    let subject = match os.version.as_str() {
        "" => os.family.clone(),
        version => format!("{} {version}", os.family),
    };
    Problem::new(
        ProblemKind::Unsupported,
        subject,
        format!("{why}, so its packages were not matched; absence of findings means nothing"),
    )
}

impl Release {
    /// None if the version does not have the shape that the distribution's releases have.
    fn of(self, os: &Os) -> Option<String> {
        let version = os.version.as_str();
        match self {
            Self::Alpine => alpine(version),
            Self::Amazon => amazon(version),
            Self::Debian => debian(version, os.codename.as_deref()),
            Self::Major => numbers(version, 1),
            Self::MajorMinor => numbers(version, 2),
            Self::OpenEuler => open_euler(version),
            Self::Rolling => Some(String::new()),
        }
    }
}

/// Edge calls itself by the next release and the day (`3.21.0_alpha20240923`).
fn alpine(version: &str) -> Option<String> {
    if version == "edge" || version.contains("_alpha") {
        return Some("edge".to_owned());
    }
    numbers(version, 2)
}

/// Amazon Linux 1 is numbered by month (`2018.03`), AL2023 by day behind the year.
fn amazon(version: &str) -> Option<String> {
    let major = numbers(version, 1)?;
    match major.as_str() {
        "1" | "2" | "2022" | "2023" => Some(major),
        year if ("2011".."2019").contains(&year) => Some("1".to_owned()),
        _ => None,
    }
}

/// Testing and unstable have no `VERSION_ID`. An image made while a release was still in testing
/// is best judged by that release, since its packages went into it.
fn debian(version: &str, codename: Option<&str>) -> Option<String> {
    if !version.is_empty() && version != "sid" {
        return numbers(version, 1);
    }
    let released = match codename {
        Some("buster") => "10",
        Some("bullseye") => "11",
        Some("bookworm") => "12",
        Some("trixie") => "13",
        _ => "sid",
    };
    Some(released.to_owned())
}

/// `VERSION_ID` holds only `22.03`; the service pack stands in `VERSION` as `22.03 (LTS-SP3)`.
fn open_euler(version: &str) -> Option<String> {
    let parts: Vec<&str> = version
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .filter(|part| !part.is_empty())
        .collect();
    numbers(parts.first()?, 2)?;
    Some(parts.join("-"))
}

/// The first `count` dotted numbers of a version, fewer if it has fewer; None if it does not
/// start with a number.
fn numbers(version: &str, count: usize) -> Option<String> {
    let numeric = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> =
        version.split(['.', '_', '-', ' ']).take_while(numeric).take(count).collect();
    (!parts.is_empty()).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_in_the_docs() {
        let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/matching.md");
        let docs = std::fs::read_to_string(docs).unwrap();
        assert!(DISTROS.is_sorted_by_key(|distro| distro.family));
        for distro in DISTROS {
            let named = format!("`{}`", distro.family);
            let row = docs.lines().find(|line| line.starts_with('|') && line.contains(&named));
            assert!(row.is_some(), "{named} is not in docs/matching.md");
        }
    }
}
