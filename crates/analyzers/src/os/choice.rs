//! Which distribution an image is: all release files together, reduced to one [`Os`].
//!
//! `os-release` speaks first: its `ID`, or the first `ID_LIKE` that we know. Files of the
//! distribution's own refine the version (`centos-release` says 7.9.2009 where `os-release` says
//! 7), and stand in for `os-release` where it is missing. A derivative counts as what it is built
//! from only where the release it is built from can be told; otherwise it keeps its own numbers,
//! for which there are no advisories, and that is what the report then says.

use model::Os;

use crate::os::families::{DEBIAN_CODENAMES, IDS, LINES, REBUILDS, UBUNTU_CODENAMES, look_up};
use crate::os::release::Release;
use crate::survey::Sighting;

/// What the release files of an image say it is; None where there are none that tell.
pub(crate) fn os(files: &[Sighting<'_>]) -> Option<Os> {
    let evidence = Evidence::of(files);
    evidence.by_fields().or_else(|| evidence.by_lines())
}

/// The family of a distribution that somebody names, by its `ID` or as we do.
pub fn family(name: &str) -> String {
    let name = name.to_lowercase();
    look_up(IDS, &name).map(str::to_owned).unwrap_or(name)
}

/// The release files, by what they are good for.
struct Evidence<'a> {
    /// `os-release`, with an `ID`.
    release: Option<&'a Release>,
    lsb: Option<&'a Release>,
    /// Paths and first lines of the others.
    lines: Vec<(&'a str, &'a str)>,
    /// The lines of Alpine's repository list.
    repositories: Vec<&'a str>,
}

impl<'a> Evidence<'a> {
    fn of(files: &'a [Sighting<'a>]) -> Self {
        let mut evidence =
            Self { release: None, lsb: None, lines: Vec::new(), repositories: Vec::new() };
        for file in files {
            match &file.facts.release {
                Some(release) if release.field("ID").is_some() => {
                    evidence.release.get_or_insert(release);
                }
                Some(release) if release.field("DISTRIB_ID").is_some() => {
                    evidence.lsb.get_or_insert(release);
                }
                Some(Release::Line(line)) => evidence.lines.push((&file.place, line)),
                Some(Release::Fields(_)) | None => {}
            }
            if file.place.starts_with("etc/apk/") {
                evidence.repositories.extend(file.facts.repositories.iter().map(String::as_str));
            }
        }
        evidence
    }

    fn line(&self, path: &str) -> Option<&'a str> {
        let line = self.lines.iter().find(|(place, _)| *place == path)?.1;
        (!line.is_empty()).then_some(line)
    }

    fn by_fields(&self) -> Option<Os> {
        let release = self.release?;
        let id = release.field("ID")?.to_ascii_lowercase();
        let family = self.family(release, &id);
        let version = self.version(release, &id, &family);
        let owned = |key: &str| release.field(key).map(str::to_owned);
        let written = release.field("ID").unwrap_or_default();
        Some(Os {
            derived_id: (written != family).then(|| written.to_owned()),
            family,
            version,
            codename: owned("VERSION_CODENAME"),
            pretty_name: owned("PRETTY_NAME").or_else(|| owned("NAME")),
        })
    }

    fn family(&self, release: &Release, id: &str) -> String {
        let stream = release.field("NAME").is_some_and(|name| name.contains("Stream"));
        if id == "centos" && stream {
            return "centos-stream".to_owned();
        }
        if let Some(known) = look_up(IDS, id) {
            return known.to_owned();
        }
        if let Some(base) = platform(release) {
            return base.0.to_owned();
        }
        let like = release.field("ID_LIKE").unwrap_or_default().to_ascii_lowercase();
        let like = like.split_whitespace().find_map(|like| look_up(IDS, like));
        match like {
            // A Linux Mint is an Ubuntu of some release only if it says of which.
            Some(family) if self.base_version(release, family).is_some() => family.to_owned(),
            _ => id.to_owned(),
        }
    }

    fn version(&self, release: &Release, id: &str, family: &str) -> String {
        let version = release.field("VERSION_ID").unwrap_or_default();
        if look_up(IDS, id) != Some(family) && id != family && family != "centos-stream" {
            return self.base_version(release, family).unwrap_or_else(|| version.to_owned());
        }
        match family {
            "alpine" if self.is_edge(version) => "edge".to_owned(),
            "alpine" if version.is_empty() => self.branch().unwrap_or_default(),
            "openeuler" => with_service_pack(version, release),
            "rhel" if id == "rhcos" => release.field("RHEL_VERSION").unwrap_or(version).to_owned(),
            "centos" => self.refined(version),
            _ => version.to_owned(),
        }
    }

    /// The release of `family` that a derivative is built from, if it can be told.
    fn base_version(&self, release: &Release, family: &str) -> Option<String> {
        let codename = |keys: [&str; 2], table| {
            let mut names = keys.into_iter().filter_map(|key| release.field(key));
            names.find_map(|name| look_up(table, name)).map(str::to_owned)
        };
        match family {
            "ubuntu" => codename(["UBUNTU_CODENAME", "VERSION_CODENAME"], UBUNTU_CODENAMES),
            "debian" => codename(["DEBIAN_CODENAME", "VERSION_CODENAME"], DEBIAN_CODENAMES),
            "alpine" => self.branch(),
            "rhel" | "centos" => rebuild_version(release),
            _ => platform(release).filter(|(base, _)| *base == family).map(|(_, version)| version),
        }
    }

    /// Alpine's development branch names itself after the release to come, `3.21.0_alpha20240923`.
    fn is_edge(&self, version: &str) -> bool {
        version.contains("_alpha") || self.branch().as_deref() == Some("edge")
    }

    /// The branch that the `main` repository is taken from: `3.20` or `edge`. Repositories that
    /// only tagged packages come from (`@testing …`) do not count; of several branches the
    /// released one does, for edge is then mixed in.
    fn branch(&self) -> Option<String> {
        let mut branches: Vec<&str> = self
            .repositories
            .iter()
            .filter(|line| !line.starts_with('@'))
            .filter_map(|line| line.trim_end_matches('/').strip_suffix("/main"))
            .filter_map(|rest| rest.rsplit('/').next())
            .map(|branch| branch.trim_start_matches('v'))
            .filter(|branch| *branch == "edge" || branch.starts_with(|c: char| c.is_ascii_digit()))
            .collect();
        branches.sort_unstable();
        branches.first().map(|&branch| branch.to_owned())
    }

    /// The longest form of the version that any other release file gives.
    fn refined(&self, version: &str) -> String {
        let longer = format!("{version}.");
        let mut given = self.lines.iter().filter_map(|(_, line)| number_in(line));
        let refined = given.find(|given| !version.is_empty() && given.starts_with(&longer));
        refined.unwrap_or(version).to_owned()
    }

    fn by_lines(&self) -> Option<Os> {
        let os = |family: &str, version: &str, codename: Option<&str>, name: Option<&str>| Os {
            family: family.to_owned(),
            version: version.to_owned(),
            codename: codename.map(str::to_owned),
            pretty_name: name.map(str::to_owned),
            derived_id: None,
        };
        if let Some(version) = self.line("etc/alpine-release") {
            let version = if self.is_edge(version) { "edge" } else { version };
            return Some(os("alpine", version, None, None));
        }
        if let Some(lsb) = self.lsb
            && lsb.field("DISTRIB_ID").is_some_and(|id| id.eq_ignore_ascii_case("ubuntu"))
        {
            let version = lsb.field("DISTRIB_RELEASE").unwrap_or_default();
            return Some(os("ubuntu", version, lsb.field("DISTRIB_CODENAME"), None));
        }
        for (_, line) in &self.lines {
            let lower = line.to_ascii_lowercase();
            let family = LINES.iter().find(|(begins, _)| lower.starts_with(begins));
            if let Some((_, family)) = family {
                let version = number_in(line).unwrap_or_default();
                return Some(os(family, version, None, Some(line)));
            }
        }
        let debian = self.line("etc/debian_version")?;
        // `12.4`, or `trixie/sid` for what has no number yet.
        let is_number = debian.starts_with(|c: char| c.is_ascii_digit());
        let version = if is_number { debian.split('.').next().unwrap_or_default() } else { "" };
        let codename = debian.strip_suffix("/sid");
        Some(os("debian", version, codename, None))
    }
}

/// `PLATFORM_ID` of the rpm world: `platform:el9` is a rebuild of RHEL 9, `platform:f40` one of
/// Fedora 40. The version is the `VERSION_ID` where that agrees.
fn platform(release: &Release) -> Option<(&'static str, String)> {
    let platform = release.field("PLATFORM_ID")?.strip_prefix("platform:")?;
    let (family, major) = match platform.strip_prefix("el") {
        Some(major) => ("rhel", major),
        None => ("fedora", platform.strip_prefix('f')?),
    };
    if major.is_empty() || !major.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let version = release.field("VERSION_ID").unwrap_or_default();
    let agrees = version == major || version.starts_with(&format!("{major}."));
    Some((family, if agrees { version.to_owned() } else { major.to_owned() }))
}

/// The RHEL that a derivative without a `PLATFORM_ID` is built from: the one it names as such, or for a
/// rebuild that of its own number. Appliances have numbers of their own, which mean nothing here (XCP-ng 8.2
/// is built from CentOS 7).
fn rebuild_version(release: &Release) -> Option<String> {
    let product = release.field("REDHAT_SUPPORT_PRODUCT").unwrap_or_default().to_ascii_lowercase();
    let is_of_red_hat = product == "centos" || product == "red hat enterprise linux";
    let supported = release.field("REDHAT_SUPPORT_PRODUCT_VERSION").filter(|_| is_of_red_hat);
    let id = release.field("ID").unwrap_or_default().to_ascii_lowercase();
    let own = release.field("VERSION_ID").filter(|_| REBUILDS.contains(&id.as_str()));
    let centos = release.field("CENTOS_MANTISBT_PROJECT_VERSION");
    let version = own.or(supported).or(centos)?;
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (5..=10).contains(&major).then(|| version.to_owned())
}

/// openEuler keeps the service pack out of `VERSION_ID`: `22.03 (LTS-SP3)` is `22.03-LTS-SP3`.
fn with_service_pack(version: &str, release: &Release) -> String {
    let named = ["VERSION", "PRETTY_NAME"].into_iter().filter_map(|key| release.field(key));
    let pack = named
        .filter_map(|text| text.split_once('(')?.1.split_once(')'))
        .map(|(pack, _)| pack)
        .find(|pack| pack.starts_with("LTS"));
    match pack {
        Some(pack) => format!("{version}-{}", pack.replace(' ', "-")),
        None => version.to_owned(),
    }
}

/// The first word of a line that begins with a digit: `7.9.2009` in `CentOS Linux release 7.9.2009
/// (Core)`.
fn number_in(line: &str) -> Option<&str> {
    line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

/// Why a text names no distribution.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    #[error("distribution `{0}` is not FAMILY:VERSION, as in `debian:12`")]
    Form(String),
    #[error("distribution family `{family}` is not known (known: {known})")]
    Family { family: String, known: String },
}

/// Families without releases: what there is, is the current state.
const ROLLING: [&str; 4] = ["chainguard", "minimos", "opensuse-tumbleweed", "wolfi"];

/// A version as release files have it: in small letters (but openEuler's), without a `v` before it, a
/// service pack of SUSE's (`15-SP5`) as the number that it stands for.
fn spelled(family: &str, version: &str) -> String {
    if family == "openeuler" {
        return version.to_ascii_uppercase();
    }
    let version = version.to_ascii_lowercase();
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts = version.split_once("sp");
    if let Some((major, pack)) = parts.filter(|_| family.starts_with("sl")) {
        let major = major.trim_end_matches(['-', '_', '.', ' ']);
        if is_digits(major) && is_digits(pack) {
            return format!("{major}.{pack}");
        }
    }
    let bare = version.strip_prefix('v').filter(|it| it.starts_with(|c: char| c.is_ascii_digit()));
    bare.map_or_else(|| version.clone(), str::to_owned)
}

/// Reads `FAMILY:VERSION`, what a user who knows better than the image says it is: `debian:12`,
/// `debian:sid`, `alpine:edge`, `wolfi`. Families are ours ([`Os::family`]) or an `ID` of
/// os-release (`ol:9`).
pub fn os_from_override(text: &str) -> Result<Os, OverrideError> {
    let (name, version) = text.split_once(':').unwrap_or((text, ""));
    let name = name.to_ascii_lowercase();
    let shown = || text.chars().take(80).collect::<String>();
    let mut known: Vec<&str> = IDS.iter().map(|(_, family)| *family).collect();
    known.push("centos-stream");
    known.sort_unstable();
    known.dedup();
    let family = look_up(IDS, &name).or_else(|| known.iter().copied().find(|&k| k == name));
    let Some(family) = family else {
        let family = name.chars().take(80).collect();
        return Err(OverrideError::Family { family, known: known.join(", ") });
    };
    let version = spelled(family, version);
    let (version, codename) = match (family, version.as_str()) {
        ("debian", "sid" | "unstable") => ("", Some("sid")),
        ("debian", name) => match look_up(DEBIAN_CODENAMES, name) {
            Some(version) => (version, Some(name)),
            None => (name, None),
        },
        ("ubuntu", name) => match look_up(UBUNTU_CODENAMES, name) {
            Some(version) => (version, Some(name)),
            None => (name, None),
        },
        (_, version) => (version, None),
    };
    let may_be_empty = ROLLING.contains(&family) || codename.is_some();
    let is_release = version == "edge" || version.starts_with(|c: char| c.is_ascii_digit());
    if !(is_release || may_be_empty) || version.contains(char::is_whitespace) {
        return Err(OverrideError::Form(shown()));
    }
    Ok(Os {
        family: family.to_owned(),
        version: version.to_owned(),
        codename: codename.map(str::to_owned),
        pretty_name: None,
        derived_id: None,
    })
}
