//! Which distribution a bill is about: as a component says, else as most packages name it.
//!
//! A bill that names several is matched as one of them, and says so: what is fixed in the one release is
//! not in the other, so that a wrong one would pass for a clean result.

use std::collections::{BTreeMap, BTreeSet};

use model::{Os, Problem, ProblemKind, Purl};

use super::{Component, ComponentKind, property};

/// A distribution and its version, as they are written.
type Release = (String, String);

/// The distribution, and what else is said of it.
pub(super) fn system(components: &[Component], file: &str) -> (Option<Os>, Option<Problem>) {
    let mut counts: BTreeMap<Release, usize> = BTreeMap::new();
    for component in components {
        let purl = component.purl.parse::<Purl>().ok();
        if let Some(release) = purl.and_then(|purl| release(&purl)) {
            *counts.entry(release).or_default() += 1;
        }
    }
    let is_system = |it: &&Component| it.kind == ComponentKind::OperatingSystem;
    let mut stated = components.iter().filter(is_system);
    let (os, why) = match (stated.next(), counts.iter().max_by_key(|(_, count)| **count)) {
        (Some(component), _) => (of_component(component), "which the bill says first"),
        (None, Some(((family, version), _))) => (named(family, version), "which most name"),
        (None, None) => return (None, None),
    };
    let stated = stated.map(|it| (it.name.clone(), it.version.clone()));
    let others: BTreeSet<Release> =
        counts.into_keys().chain(stated).filter(|release| !is_same(&os, release)).collect();
    let doubt = (!others.is_empty()).then(|| {
        let Os { family, version, .. } = &os;
        let message = format!(
            "packages of {} other distribution releases were matched as {family} {version}, {why}",
            others.len()
        );
        Problem::new(ProblemKind::Unsupported, file, message)
    });
    (Some(os), doubt)
}

fn of_component(component: &Component) -> Os {
    let text = |name| component.property(name).map(str::to_owned);
    Os {
        codename: text(property::OS_CODENAME),
        pretty_name: Some(component.description.clone()).filter(|it| !it.is_empty()),
        derived_id: text(property::OS_DERIVED_ID),
        ..named(&component.name, &component.version)
    }
}

fn named(family: &str, version: &str) -> Os {
    Os {
        family: self::family(family),
        version: version.to_owned(),
        codename: None,
        pretty_name: None,
        derived_id: None,
    }
}

/// What the same distribution is called by others: in `ID` of os-release, in namespaces of package
/// URLs, or by Trivy; and our name of it.
const FAMILIES: [(&str, &str); 11] = [
    ("alma", "almalinux"),
    ("amzn", "amazon"),
    ("cbl-mariner", "mariner"),
    ("ol", "oracle"),
    ("opensuse", "opensuse-leap"),
    ("opensuse.leap", "opensuse-leap"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed"),
    ("redhat", "rhel"),
    ("sled", "sles"),
    ("sles_sap", "sles"),
    ("suse linux enterprise server", "sles"),
];

fn family(name: &str) -> String {
    let name = name.to_lowercase();
    let known = FAMILIES.iter().find(|(theirs, _)| *theirs == name);
    known.map_or(name, |(_, ours)| (*ours).to_owned())
}

/// Whether a release is this one, or less of the same: `12` is 12.5, and `debian` any of its releases.
fn is_same(os: &Os, (name, version): &Release) -> bool {
    let is_family = [Some(&os.family), os.derived_id.as_ref()]
        .into_iter()
        .flatten()
        .any(|own| family(own) == family(name));
    let begins = |long: &str, short: &str| {
        let rest = long.strip_prefix(short);
        short.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']))
    };
    is_family && (begins(version, &os.version) || begins(&os.version, version))
}

/// Code names, which `distro` may hold instead of numbers (purl-spec: `distro=jessie`).
const CODENAMES: [(&str, &str, &str); 20] = [
    ("jessie", "debian", "8"),
    ("stretch", "debian", "9"),
    ("buster", "debian", "10"),
    ("bullseye", "debian", "11"),
    ("bookworm", "debian", "12"),
    ("trixie", "debian", "13"),
    ("forky", "debian", "14"),
    ("sid", "debian", "sid"),
    ("trusty", "ubuntu", "14.04"),
    ("xenial", "ubuntu", "16.04"),
    ("bionic", "ubuntu", "18.04"),
    ("focal", "ubuntu", "20.04"),
    ("jammy", "ubuntu", "22.04"),
    ("kinetic", "ubuntu", "22.10"),
    ("lunar", "ubuntu", "23.04"),
    ("mantic", "ubuntu", "23.10"),
    ("noble", "ubuntu", "24.04"),
    ("oracular", "ubuntu", "24.10"),
    ("plucky", "ubuntu", "25.04"),
    ("questing", "ubuntu", "25.10"),
];

/// Distribution and release of a package: `distro=debian-12`, `distro=3.20.3` in `pkg:apk/alpine`, or
/// `distro=jammy`.
fn release(purl: &Purl) -> Option<Release> {
    let distro = purl.qualifier("distro");
    if !matches!(purl.kind.as_str(), "apk" | "deb" | "rpm") || distro.is_empty() {
        return None;
    }
    let begins_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if begins_with_digit(distro) {
        return Some((purl.namespace.clone(), distro.to_owned()));
    }
    let last = distro.rsplit('-').next().unwrap_or(distro).to_lowercase();
    if let Some((_, family, version)) = CODENAMES.iter().find(|(name, ..)| *name == last) {
        return Some(((*family).to_owned(), (*version).to_owned()));
    }
    let dashes = distro.match_indices('-').filter_map(|(at, _)| distro.split_at_checked(at));
    let split = dashes
        .filter_map(|(family, version)| Some((family, version.strip_prefix('-')?)))
        .find(|(_, version)| begins_with_digit(version));
    let (family, version) = split.unwrap_or((distro, ""));
    Some((family.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill(systems: &[(&str, &str)], purls: &[&str]) -> Vec<Component> {
        let system = |(name, version): &(&str, &str)| Component {
            kind: ComponentKind::OperatingSystem,
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            ..Component::default()
        };
        let package = |purl: &&str| Component { purl: (*purl).to_owned(), ..Component::default() };
        systems.iter().map(system).chain(purls.iter().map(package)).collect()
    }

    #[test]
    fn a_bill_is_about_one_release() {
        const JAMMY: &str = "pkg:deb/ubuntu/a?distro=ubuntu-22.04";
        for (systems, purls, expected, is_doubtful) in [
            (&[][..], &[JAMMY][..], "ubuntu 22.04", false),
            (&[], &["pkg:deb/ubuntu/a?distro=jammy"], "ubuntu 22.04", false),
            (&[], &["pkg:deb/debian/a?distro=debian-bookworm"], "debian 12", false),
            (&[], &["pkg:apk/alpine/a?distro=3.20.3"], "alpine 3.20.3", false),
            (&[("ubuntu", "22.04")], &[JAMMY], "ubuntu 22.04", false),
            (&[("Debian", "12.5")], &["pkg:deb/debian/a?distro=debian-12"], "debian 12.5", false),
            (&[("redhat", "8.9")], &["pkg:rpm/redhat/a?distro=rhel-8.9"], "rhel 8.9", false),
            (&[("ubuntu", "22.04"), ("ubuntu", "22.04")], &[], "ubuntu 22.04", false),
            (&[("ubuntu", "24.04")], &[JAMMY], "ubuntu 24.04", true),
            (&[("ubuntu", "24.04"), ("ubuntu", "22.04")], &[], "ubuntu 24.04", true),
            (&[("alpine", "3.2")], &["pkg:apk/alpine/a?distro=alpine-3.20"], "alpine 3.2", true),
            (&[("debian", "12")], &["pkg:deb/ubuntu/a?distro=ubuntu-12"], "debian 12", true),
            (&[], &[JAMMY, JAMMY, "pkg:deb/debian/a?distro=sid"], "ubuntu 22.04", true),
        ] {
            let (os, doubt) = system(&bill(systems, purls), "a file");
            let os = os.unwrap();
            assert_eq!(format!("{} {}", os.family, os.version), expected, "{systems:?} {purls:?}");
            assert_eq!(doubt.is_some(), is_doubtful, "{systems:?} {purls:?}: {doubt:?}");
        }
        assert_eq!(system(&bill(&[], &["pkg:npm/a"]), "a file"), (None, None));
    }
}
