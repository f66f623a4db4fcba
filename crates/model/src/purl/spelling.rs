//! Which spellings of a name mean the same package: where case or signs are of no account.
//!
//! After the types of the purl spec, and where those name only one of several right spellings, after
//! the registries themselves. What is not listed is compared as it is written.

use std::borrow::Cow;

use super::Purl;

/// Types whose names and namespaces have no case. Of npm that is true of new names only: `JSONStream`
/// and `jsonstream` are two packages.
const CASELESS: [&str; 10] =
    ["apk", "bitbucket", "composer", "deb", "github", "golang", "hex", "nuget", "oci", "pub"];

/// A name, or a namespace, of packages of this type, as all spellings of it come to.
pub fn spelled<'n>(kind: &str, name: &'n str) -> Cow<'n, str> {
    match kind {
        // PEP 503.
        "pypi" => {
            let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
            Cow::Owned(parts.collect::<Vec<_>>().join("-").to_lowercase())
        }
        _ if CASELESS.contains(&kind) => Cow::Owned(name.to_lowercase()),
        _ => Cow::Borrowed(name),
    }
}

impl Purl {
    /// Whether both name the same package, whatever version of it.
    pub fn is_same_package(&self, other: &Self) -> bool {
        let same = |one: &str, two: &str| spelled(&self.kind, one) == spelled(&self.kind, two);
        self.kind == other.kind
            && same(&self.namespace, &other.namespace)
            && same(&self.name, &other.name)
            && self.subpath == other.subpath
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_the_same_however_it_is_spelled() {
        for (one, other, is_same) in [
            ("pkg:pypi/Zope.Interface@1", "pkg:pypi/zope-_interface", true),
            ("pkg:nuget/Newtonsoft.Json@12", "pkg:nuget/newtonsoft.json", true),
            ("pkg:golang/github.com/Azure/a", "pkg:golang/github.com/azure/a@v1", true),
            ("pkg:composer/Symfony/http-kernel", "pkg:composer/symfony/http-kernel", true),
            ("pkg:npm/JSONStream", "pkg:npm/jsonstream", false),
            ("pkg:maven/org.A/b", "pkg:maven/org.a/b", false),
            ("pkg:pypi/a", "pkg:pypi/other/a", false),
            ("pkg:pypi/a", "pkg:npm/a", false),
            ("pkg:golang/a/b#x", "pkg:golang/a/b", false),
        ] {
            let (first, second): (Purl, Purl) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(first.is_same_package(&second), is_same, "{one} {other}");
            assert_eq!(second.is_same_package(&first), is_same, "{other} {one}");
        }
    }
}
