//! Red Hat: what its four forms of data have in common, which is the product a statement is about.
//!
//! | feed | form | says |
//! |---|---|---|
//! | [`vex`] | CSAF VEX, one document a CVE | fixed sources and binaries, states of both |
//! | [`vex::Advisories`] | CSAF advisories, one document an RHSA | fixed binaries |
//! | [`cve`] | security-data CVE JSON | fixed source builds, states of source components |
//! | [`oval`] | OVAL v2, retired | fixed binaries, states of components, unaffected binaries |
//!
//! **Streams.** A product is a CPE; its release gives the stream (`rhel-9`), releases from
//! [`OLDEST_RELEASE`] on are kept.
//! **Tracks.** The repositories of the release itself (BaseOS, AppStream, CRB, high availability,
//! NFV, …) are the main track, whatever the minor release a fix came out for. Repositories of an
//! older minor release that is kept alive for subscribers are tracks of their own: `eus-9.2`,
//! `e4s-8.4`, `aus-8.6`, `tus-8.8`, `els-7`. A build tells its minor release by its release tag
//! (`.el9_2`), so a fix of such a track may clear a build that the main track's fix does not. In VEX of
//! 2026 the minor release at present is such a track, too; `matcher` knows it by the image's.
//! **Subjects.** Errata list binaries; states ("Affected", "Will not fix") name source components.
//! Rebuilds (AlmaLinux, Rocky) have the same source components: `matcher` may ask `rhel-9` for
//! the states of what their own errata neither fix nor clear.
//! **Layered products** (OpenShift, JBoss, …) ship rpms of their own; they are counted as passed
//! over. An image whose content sets name their repositories is told to be incomplete (`matcher`).

pub(crate) mod cve;
pub(crate) mod oval;
pub(crate) mod vex;

use model::Status;

pub(crate) const LICENSE: &str = "CC-BY-4.0";
/// No container image was ever built on an older one.
const OLDEST_RELEASE: u32 = 5;

/// A release of RHEL and a track within it; None is the main track.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Product {
    pub(crate) stream: String,
    pub(crate) track: Option<String>,
}

/// The releases that a product named by a CPE 2.2 URI (`cpe:/a:redhat:rhel_eus:9.2::appstream`)
/// belongs to: none for what is not RHEL, several for Software Collections.
pub(crate) fn products(cpe: &str) -> Vec<Product> {
    let mut parts = cpe.split(':').skip(2);
    let mut part = || parts.next().unwrap_or("");
    let (vendor, name, version, _update, edition) = (part(), part(), part(), part(), part());
    if vendor != "redhat" {
        return Vec::new();
    }
    let track = match name {
        "enterprise_linux" => match edition {
            // Builds of these carry names of the release at other versions.
            "fastdatapath" => Some("fastdatapath".to_owned()),
            edition if edition.starts_with("hypervisor") => Some("hypervisor".to_owned()),
            _ => None,
        },
        "enterprise_linux_eus" => Some(format!("eus-{version}")),
        "rhel_eus"
        | "rhel_eus_long_life"
        | "rhel_aus"
        | "rhel_tus"
        | "rhel_e4s"
        | "rhel_els"
        | "rhel_mission_critical" => {
            Some(format!("{}-{version}", name.trim_start_matches("rhel_")))
        }
        "rhel_extras_rt_els" => Some(format!("els-{version}")),
        // Their packages have names that the release has not.
        "rhel_extras"
        | "rhel_extras_oracle_java"
        | "rhel_extras_other"
        | "rhel_extras_rt"
        | "rhel_extras_sap" => None,
        "rhel_software_collections" | "rhel_dotnet" | "devtools" => {
            return collections(edition);
        }
        _ => return Vec::new(),
    };
    release(version).map(|stream| Product { stream, track }).into_iter().collect()
}

/// Collections are versioned apart from RHEL; the release is the edition (`el7`). States name no
/// edition and are about both releases that had collections.
fn collections(edition: &str) -> Vec<Product> {
    let releases: Vec<&str> = match edition.strip_prefix("el") {
        Some(release) => vec![release],
        None => vec!["6", "7"],
    };
    let streams = releases.into_iter().filter_map(release);
    streams.map(|stream| Product { stream, track: None }).collect()
}

/// The stream of a version of RHEL: `rhel-9` for `9` and `9.2`.
fn release(version: &str) -> Option<String> {
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major >= OLDEST_RELEASE).then(|| format!("rhel-{major}"))
}

/// Whether the stream is one of ours.
fn is_stream(stream: &str) -> bool {
    crate::stream::release(stream, "rhel").is_some_and(|version| release(version).is_some())
}

/// What Red Hat's words for the state of an unfixed component mean; None for words not known.
pub(crate) fn status(word: &str) -> Option<Status> {
    Some(match word {
        "Affected" => Status::Affected,
        "Will not fix" => Status::WillNotFix,
        "Fix deferred" => Status::FixDeferred,
        "Out of support scope" => Status::EndOfLife,
        "Not affected" => Status::NotAffected,
        "Under investigation" | "New" => Status::UnderInvestigation,
        _ => return None,
    })
}

/// A component as states name it: `bash`, or `nodejs:18/nodejs` for one in a module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Component<'a> {
    Package {
        name: &'a str,
        module: Option<&'a str>,
    },
    /// Part of a flatpak, or a container image: no rpm that a package database would list.
    Other,
}

pub(crate) fn component(name: &str) -> Component<'_> {
    match name.split_once('/') {
        None if name.contains(':') => Component::Other,
        None => Component::Package { name, module: None },
        Some((module, name)) if module.contains(':') && !module.ends_with(":flatpak") => {
            Component::Package { name, module: Some(module) }
        }
        Some(_) => Component::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpes_give_streams_and_tracks() {
        let cases = [
            ("cpe:/o:redhat:enterprise_linux:9::baseos", "rhel-9"),
            ("cpe:/a:redhat:enterprise_linux:8::nfv", "rhel-8"),
            ("cpe:/o:redhat:enterprise_linux:10.1", "rhel-10"),
            ("cpe:/o:redhat:enterprise_linux:7", "rhel-7"),
            ("cpe:/o:redhat:enterprise_linux:7::hypervisor_power", "rhel-7 hypervisor"),
            ("cpe:/o:redhat:enterprise_linux:8::fastdatapath", "rhel-8 fastdatapath"),
            ("cpe:/a:redhat:rhel_eus:9.2::appstream", "rhel-9 eus-9.2"),
            ("cpe:/o:redhat:enterprise_linux_eus:10.0", "rhel-10 eus-10.0"),
            ("cpe:/o:redhat:rhel_e4s:8.4", "rhel-8 e4s-8.4"),
            ("cpe:/o:redhat:rhel_els:7", "rhel-7 els-7"),
            ("cpe:/o:redhat:rhel_mission_critical:6.2", "rhel-6 mission_critical-6.2"),
            ("cpe:/a:redhat:rhel_extras:6", "rhel-6"),
            ("cpe:/a:redhat:rhel_software_collections:3::el7", "rhel-7"),
            ("cpe:/a:redhat:rhel_software_collections:3", "rhel-6,rhel-7"),
            ("cpe:/o:redhat:enterprise_linux:4", ""),
            ("cpe:/a:redhat:openshift:4.12::el8", ""),
            ("cpe:/a:redhat:enterprise_linux_ai:1", ""),
            ("cpe:/:redhat:enterprise_linux:::hypervisor", ""),
            ("cpe:/a:rhel_sam:1.2", ""),
            ("", ""),
        ];
        for (cpe, expected) in cases {
            let found: Vec<String> = products(cpe)
                .into_iter()
                .map(|p| p.track.iter().fold(p.stream, |text, track| format!("{text} {track}")))
                .collect();
            assert_eq!(found.join(","), expected, "{cpe}");
        }
    }

    #[test]
    fn components_name_their_module() {
        let package = |name, module| Component::Package { name, module };
        let cases = [
            ("bash", package("bash", None)),
            ("nodejs:18/nodejs", package("nodejs", Some("nodejs:18"))),
            ("firefox:flatpak/firefox", Component::Other),
            ("rhel9/bootc-image-builder", Component::Other),
            ("nodejs:18", Component::Other),
        ];
        for (name, expected) in cases {
            assert_eq!(component(name), expected, "{name}");
        }
    }
}
