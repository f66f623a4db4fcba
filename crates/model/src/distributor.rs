//! Who built a package of the operating system: the distribution, or somebody else whose packages
//! stand among its own.
//!
//! A distribution's advisories speak of what it built, and its files are known to everybody. Of a
//! vendor's package, or one made in-house, neither holds. The names are data
//! (`content/distributors.toml`); who is not named there is never taken for the distribution.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::{Os, Package};

static DISTRIBUTORS: LazyLock<Vec<Distributor>> = LazyLock::new(|| {
    let text = include_str!("../../../content/distributors.toml");
    toml::from_str(text).map(|content: Content| content.distributor).unwrap_or_default()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    distributor: Vec<Distributor>,
}

/// Who builds the packages of some distributions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Distributor {
    families: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people"))]
    why: String,
    names: Vec<String>,
    #[serde(default)]
    marks: Vec<String>,
    #[serde(default)]
    others: Vec<String>,
    #[serde(default)]
    other_marks: Vec<String>,
    #[serde(default)]
    exact: bool,
}

impl Package {
    /// Whether `os` built this package of the operating system; false where nobody can tell.
    pub fn is_built_by(&self, os: &Os) -> bool {
        self.kind.is_os() && distributors(os).any(|distributor| distributor.built(self))
    }

    /// Whether it is known that somebody else built it; false where nobody can tell.
    pub fn is_built_by_others(&self, os: &Os) -> bool {
        let by_others = |distributor: &Distributor| {
            let is_unnamed = distributor.exact && !self.vendor.is_empty();
            distributor.has_others(self) || (is_unnamed && !distributor.built(self))
        };
        self.kind.is_os() && distributors(os).any(by_others)
    }
}

fn distributors(os: &Os) -> impl Iterator<Item = &'static Distributor> {
    DISTRIBUTORS.iter().filter(|distributor| distributor.families.contains(&os.family))
}

impl Distributor {
    fn built(&self, package: &Package) -> bool {
        let is_own = is_any_named(package, &self.names) || is_any_marked(package, &self.marks);
        is_own && !self.has_others(package)
    }

    fn has_others(&self, package: &Package) -> bool {
        is_any_named(package, &self.others) || is_any_marked(package, &self.other_marks)
    }
}

fn is_any_named(package: &Package, names: &[String]) -> bool {
    let vendor = package.vendor.as_str();
    let host = vendor.rsplit_once('@').map(|(_, host)| host.trim_end_matches(['>', ' ']));
    names.iter().any(|name| is_named(vendor, host, name))
}

fn is_any_marked(package: &Package, marks: &[String]) -> bool {
    marks.iter().any(|mark| has_mark(&package.version, mark))
}

/// Whether a vendor (`Name`, `Name <name@host>`) is who a name of the content means.
fn is_named(vendor: &str, host: Option<&str>, name: &str) -> bool {
    if name == "*" {
        return true;
    }
    match name.strip_prefix('@') {
        Some(domain) => host.is_some_and(|host| is_below(host, domain)),
        None => vendor.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name)),
    }
}

/// Whether a host is a domain, or in it.
fn is_below(host: &str, domain: &str) -> bool {
    let parts = host.len().checked_sub(domain.len()).and_then(|at| host.split_at_checked(at));
    parts.is_some_and(|(above, end)| {
        end.eq_ignore_ascii_case(domain) && (above.is_empty() || above.ends_with('.'))
    })
}

/// Whether a version has the mark, with nothing after it but what begins with another sign.
fn has_mark(version: &str, mark: &str) -> bool {
    let begin = mark.split('#').next().unwrap_or(mark);
    version.match_indices(begin).any(|(at, _)| {
        let rest = version.get(at..).and_then(|rest| after_mark(rest, mark));
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    })
}

/// What follows the mark that `text` begins with.
fn after_mark<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let mut parts = mark.split('#');
    let mut rest = text.strip_prefix(parts.next()?)?;
    for part in parts {
        let after = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
        rest = after.strip_prefix(part).filter(|_| after.len() < rest.len())?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PackageKind;

    #[test]
    fn an_update_of_a_distribution_is_known_by_its_version() {
        let (own, other) = ("A Person <a@example.org>", "Ops <ops@notdebian.org>");
        let cases = [
            ("debian", own, "1:2.39.5-0+deb12u3", true),
            ("debian", own, "0.4.2-1+deb12u1+b2", true),
            ("debian", own, "1.2-3+b10", true),
            ("debian", own, "2.0-1~deb11u2", true),
            ("debian", own, "2.0-1~deb11u2~ops1", true),
            ("debian", own, "0.4.2-1", false),
            ("debian", other, "1.0+deb12", false),
            ("debian", other, "1.0+deb12u", false),
            ("debian", other, "1.0+debu1", false),
            ("debian", other, "1.0+deb12u1x", false),
            ("debian", other, "1:10.11.6+maria~deb12", false),
            ("debian", other, "15.6-1.pgdg120+1", false),
            ("debian", other, "8.2.20-1+0~20240611.69+debian12~1.gbp1", false),
            ("debian", other, "5:27.0.3-1~debian.12~bookworm", false),
            ("debian", other, "1.0+beta1", false),
            ("ubuntu", own, "1:2.39.5-0+deb12u3", false),
        ];
        for (family, vendor, version, expected) in cases {
            let package = Package {
                vendor: vendor.to_owned(),
                ..Package::new(PackageKind::Deb, "a", version)
            };
            assert_eq!(package.is_built_by(&os(family)), expected, "{family} {version}");
        }
    }

    fn os(family: &str) -> Os {
        Os {
            family: family.to_owned(),
            version: String::new(),
            codename: None,
            pretty_name: None,
            derived_id: None,
        }
    }

    #[test]
    fn every_distribution_knows_its_own_from_others() {
        assert!(DISTRIBUTORS.len() > 10, "content/distributors.toml does not read");
        assert!(DISTRIBUTORS.iter().all(|it| !it.why.is_empty() && !it.names.is_empty()));
        let cases = [
            ("debian", PackageKind::Deb, "Tide Team <team+tide@tracker.debian.org>", true),
            ("debian", PackageKind::Deb, "A Developer <a@debian.org>", true),
            ("debian", PackageKind::Deb, "Tide Team <tide@alioth-lists.debian.net>", true),
            ("debian", PackageKind::Deb, "A Person <a@tide.debian.net>", false),
            ("debian", PackageKind::Deb, "Docker <support@docker.com>", false),
            ("debian", PackageKind::Deb, "Ops <ops@notdebian.org>", false),
            ("debian", PackageKind::Deb, "Ops <debian.org@example.com>", false),
            ("debian", PackageKind::Deb, "", false),
            ("ubuntu", PackageKind::Deb, "Ubuntu Developers <u@lists.ubuntu.com>", true),
            ("ubuntu", PackageKind::Deb, "A Developer <a@debian.org>", false),
            ("rhel", PackageKind::Rpm, "Red Hat, Inc.", true),
            ("rhel", PackageKind::Rpm, "Fedora Project", false),
            ("rocky", PackageKind::Rpm, "Rocky Enterprise Software Foundation", true),
            ("rocky", PackageKind::Rpm, "Elasticsearch", false),
            ("azurelinux", PackageKind::Rpm, "Microsoft Corporation", true),
            ("rhel", PackageKind::Rpm, "Microsoft Corporation", false),
            ("alpine", PackageKind::Apk, "A Person <a@example.org>", true),
            ("alpine", PackageKind::Apk, "", true),
            ("alpine", PackageKind::Apk, "NGINX Packaging <nginx-packaging@f5.com>", false),
            ("plan9", PackageKind::Deb, "A Developer <a@debian.org>", false),
            ("debian", PackageKind::Pypi, "A Developer <a@debian.org>", false),
        ];
        for (family, kind, vendor, own) in cases {
            let package = Package { vendor: vendor.to_owned(), ..Package::new(kind, "a", "1") };
            assert_eq!(package.is_built_by(&os(family)), own, "{family} {vendor}");
        }
    }

    #[test]
    fn what_others_built_is_known_by_their_name_or_their_marks() {
        let team = "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>";
        let cases = [
            ("debian", PackageKind::Deb, team, "17.2-1.pgdg120+1", true),
            ("debian", PackageKind::Deb, team, "15.10-0+deb12u1", false),
            ("debian", PackageKind::Deb, "NGINX <n@f5.com>", "1.27.2-1", true),
            ("debian", PackageKind::Deb, "A Person <a@example.org>", "1.27.2-1~bookworm", true),
            ("debian", PackageKind::Deb, "A Person <a@example.org>", "1.27.2-1~bpo12+1", false),
            ("debian", PackageKind::Deb, "MySQL <m@oss.oracle.com>", "8.4.3-1debian12", true),
            (
                "debian",
                PackageKind::Deb,
                "PHP <p@tracker.debian.org>",
                "8.2.20-1+0~20240611.69+debian12~1.gbp1",
                true,
            ),
            (
                "debian",
                PackageKind::Deb,
                "Docker <support@docker.com>",
                "5:27.0.3-1~debian.12~bookworm",
                true,
            ),
            ("debian", PackageKind::Deb, "A Person <a@example.org>", "0.4.2-1", false),
            ("ubuntu", PackageKind::Deb, "A <a@nodesource.com>", "22.12.0-1nodesource1", true),
            (
                "ubuntu",
                PackageKind::Deb,
                "Ubuntu <u@lists.ubuntu.com>",
                "1:2.34.1-1ubuntu1.11",
                false,
            ),
            ("rhel", PackageKind::Rpm, "Fedora Project", "131.0-1.el9", true),
            ("rhel", PackageKind::Rpm, "Red Hat, Inc.", "1-1.el9", false),
            ("rhel", PackageKind::Rpm, "", "1-1.el9", false),
            ("alpine", PackageKind::Apk, "NGINX <n@f5.com>", "1.27.2-r1", true),
            ("alpine", PackageKind::Apk, "A Person <a@example.org>", "1-r1", false),
            ("plan9", PackageKind::Rpm, "Ops", "1", false),
        ];
        for (family, kind, vendor, version, expected) in cases {
            let package = Package { vendor: vendor.to_owned(), ..Package::new(kind, "a", version) };
            let is_others = package.is_built_by_others(&os(family));
            assert_eq!(is_others, expected, "{family} {vendor} {version}");
            assert!(!is_others || !package.is_built_by(&os(family)), "{family} {vendor}");
        }
    }
}
