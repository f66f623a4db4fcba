//! What tells packages of one name and version apart: qualifiers that the types of the purl spec
//! define (`types/`), both ways.
//!
//! What is told of a package in fields of its own (conda's `subdir`, a gem's `platform`, both the
//! architecture) is a qualifier as well; others are kept as they are.

use std::collections::BTreeMap;

use super::Purl;
use crate::{Package, PackageKind};

/// The qualifiers that are kept, by kind. Of Maven's types `jar` is the one that is not said.
const KEPT: [(PackageKind, &[&str]); 5] = [
    (PackageKind::Conan, &["channel", "rrev", "user"]),
    (PackageKind::Conda, &["build"]),
    (PackageKind::Julia, &["uuid"]),
    (PackageKind::Maven, &["classifier", "type"]),
    // Where it came from, if not from the registry that the type means.
    (PackageKind::Npm, &["download_url", "repository_url", "vcs_url"]),
];

/// The qualifier that says for what machine a package of a kind was built.
const ARCHITECTURES: [(PackageKind, &str); 3] = [
    (PackageKind::Bitnami, "arch"),
    (PackageKind::Conda, "subdir"),
    (PackageKind::Gem, "platform"),
];

/// Conda's qualifier for where a package was published.
const CHANNEL: &str = "channel";
/// A gem for every machine, which is what no platform means.
const RUBY: &str = "ruby";

/// The qualifiers of a package of a language, sorted.
pub(super) fn qualifiers(package: &Package) -> BTreeMap<&str, &str> {
    let mut qualifiers: BTreeMap<&str, &str> = kept(package.kind)
        .filter_map(|key| Some((key, package.variant.get(key)?.as_str())))
        .collect();
    // One that stands for several says of none that it is the one.
    let architecture = package.architecture.as_str();
    let is_one = !architecture.contains(',') && architecture != RUBY;
    if let Some((_, key)) = ARCHITECTURES.iter().find(|(kind, _)| *kind == package.kind)
        && is_one
    {
        qualifiers.insert(key, architecture);
    }
    if package.kind == PackageKind::Conda {
        qualifiers.insert(CHANNEL, &package.vendor);
    }
    qualifiers.retain(|_, value| !value.is_empty());
    qualifiers
}

fn kept(kind: PackageKind) -> impl Iterator<Item = &'static str> {
    KEPT.iter().filter(move |(it, _)| *it == kind).flat_map(|(_, keys)| keys.iter().copied())
}

impl Purl {
    /// What its qualifiers tell of a package of this kind, in the form of [`Package::variant`].
    pub fn variant(&self, kind: PackageKind) -> BTreeMap<String, String> {
        let told = kept(kind).map(|key| (key, self.qualifier(key)));
        let is_said = |(key, value): &(&str, &str)| {
            !value.is_empty() && (kind, *key, *value) != (PackageKind::Maven, "type", "jar")
        };
        told.filter(is_said).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// For what machine a package of this kind was built; empty if nothing says it.
    pub fn architecture(&self, kind: PackageKind) -> &str {
        let own = ARCHITECTURES.iter().find(|(it, _)| *it == kind).map_or("arch", |(_, key)| key);
        let said = self.qualifier(own);
        // What other tools call it where the type has a name of its own.
        if said.is_empty() { self.qualifier("arch") } else { said }
    }

    /// Who published a package of this kind, as far as qualifiers tell.
    pub fn vendor(&self, kind: PackageKind) -> &str {
        if kind == PackageKind::Conda { self.qualifier(CHANNEL) } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purl;

    /// The examples of the types' definitions, but for what is not kept of them.
    #[test]
    fn packages_are_told_apart_both_ways() {
        for text in [
            "pkg:julia/Dates@1.9.0?uuid=ade2ca70-3891-5945-98fb-dc099432e06a",
            "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1",
            "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?classifier=sources",
            "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?classifier=dist&type=zip",
            "pkg:conan/openssl@3.0.3?channel=stable&user=bincrafters",
            "pkg:conan/openssl@3.0.3?rrev=93a82349c31917d2d674d22065c7a9ef9f380c8e",
            "pkg:conda/absl-py@0.4.1?build=py36h06a4308_0&channel=main&subdir=linux-64",
            "pkg:gem/jruby-launcher@1.1.2?platform=java",
            "pkg:gem/ruby-advisory-db-check@0.12.4",
            "pkg:npm/%40acme/utils?repository_url=https://npm.acme.corp",
            "pkg:npm/knot?vcs_url=git%2Bssh://x.org/knot.git%400a1b2c",
            "pkg:swift/github.com/Alamofire/Alamofire@5.4.3",
        ] {
            let read: Purl = text.parse().unwrap();
            let kind = *PackageKind::ALL.iter().find(|kind| kind.name() == read.kind).unwrap();
            let name = match (kind, read.namespace.as_str()) {
                (_, "") => read.name.clone(),
                (PackageKind::Maven, namespace) => format!("{namespace}:{}", read.name),
                (_, namespace) => format!("{namespace}/{}", read.name),
            };
            let package = Package {
                architecture: read.architecture(kind).to_owned(),
                vendor: read.vendor(kind).to_owned(),
                variant: read.variant(kind),
                ..Package::new(kind, &name, &read.version)
            };
            assert_eq!(purl(&package, None), text);
        }
    }

    #[test]
    fn what_is_implied_is_not_said() {
        let gem = |architecture: &str| Package {
            architecture: architecture.to_owned(),
            ..Package::new(PackageKind::Gem, "a", "1")
        };
        for (platform, expected) in [
            ("", "pkg:gem/a@1"),
            ("ruby", "pkg:gem/a@1"),
            ("arm64-darwin, x86_64-linux", "pkg:gem/a@1"),
            ("x86_64-linux", "pkg:gem/a@1?platform=x86_64-linux"),
        ] {
            assert_eq!(purl(&gem(platform), None), expected);
        }
        let jar: Purl = "pkg:maven/a/b@1?type=jar".parse().unwrap();
        assert_eq!(jar.variant(PackageKind::Maven), BTreeMap::new());
    }
}
