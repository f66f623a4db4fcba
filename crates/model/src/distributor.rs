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
    others: Vec<String>,
}

impl Package {
    /// Whether `os` built this package of the operating system; false where nobody can tell.
    pub fn is_built_by(&self, os: &Os) -> bool {
        let named = |names: &[String]| names.iter().any(|name| is_named(&self.vendor, name));
        self.kind.is_os()
            && DISTRIBUTORS.iter().any(|distributor| {
                distributor.families.contains(&os.family)
                    && named(&distributor.names)
                    && !named(&distributor.others)
            })
    }
}

/// Whether a vendor (`Name`, `Name <name@host>`) is who a name of the content means.
fn is_named(vendor: &str, name: &str) -> bool {
    if name == "*" {
        return true;
    }
    let Some(domain) = name.strip_prefix('@') else {
        return vendor.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    };
    let Some((_, host)) = vendor.rsplit_once('@') else { return false };
    let host = host.trim_end_matches(['>', ' ']).to_ascii_lowercase();
    host.strip_suffix(domain).is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PackageKind;

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
            let os = Os {
                family: family.to_owned(),
                version: String::new(),
                codename: None,
                pretty_name: None,
                derived_id: None,
            };
            let package = Package { vendor: vendor.to_owned(), ..Package::new(kind, "a", "1") };
            assert_eq!(package.is_built_by(&os), own, "{family} {vendor}");
        }
    }
}
