//! Whether a statement is about a package of this artifact.
//!
//! A product is a package, or an image by its digest or name; parts narrow it down. A package URL
//! that gives no version means all versions, and one that gives qualifiers means only packages that
//! have the same. Names in other systems (CPE, or a vendor's own) match nothing.

use model::{
    Artifact, Digest, ImageRef, Inventory, Os, Package, PackageKind, Purl, VexProduct,
    VexStatement, purl,
};

/// Qualifiers that say where a package may be had, and not which it is.
const ELSEWHERE: [&str; 7] = [
    "checksum",
    "download_url",
    "file_name",
    "package-id",
    "repository_url",
    "upstream",
    "vcs_url",
];

/// What was scanned, as products name it.
pub(super) struct Subject<'a> {
    artifact: &'a Artifact,
    inventory: &'a Inventory,
    reference: Option<ImageRef>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(artifact: &'a Artifact, inventory: &'a Inventory) -> Self {
        Self { artifact, inventory, reference: artifact.name.parse().ok() }
    }

    /// Whether any product of the statement is, or holds, this package.
    pub(super) fn is_meant(&self, statement: &VexStatement, package: &Package) -> bool {
        statement.products.iter().any(|product| self.is_of(product, package))
    }

    fn is_of(&self, product: &VexProduct, package: &Package) -> bool {
        let os = self.inventory.os.as_ref();
        let VexProduct { names, parts } = product;
        let is_image = names.iter().any(|name| self.is_image(name));
        if parts.is_empty() {
            return is_image || names.iter().any(|name| is_package(name, package, os));
        }
        let is_part = parts.iter().flatten().any(|name| is_package(name, package, os));
        is_part && (is_image || self.is_beside(names, package))
    }

    /// Whether the product is a package that was found in the same file: a program, and a library
    /// that it is linked from.
    fn is_beside(&self, names: &[String], package: &Package) -> bool {
        let os = self.inventory.os.as_ref();
        let beside = |it: &&Package| it.location.path == package.location.path;
        let mut beside = self.inventory.packages.iter().filter(beside);
        beside.any(|it| names.iter().any(|name| is_package(name, it, os)))
    }

    fn is_image(&self, name: &str) -> bool {
        if let Ok(digest) = name.parse::<Digest>() {
            return self.has_digest(&digest);
        }
        match name.parse::<Purl>() {
            Ok(purl) if purl.kind == "oci" => self.is_oci(&purl),
            Ok(_) => false,
            Err(_) => {
                let named = || name.parse::<ImageRef>().ok();
                name == self.artifact.name
                    || (self.artifact.kind.has_layers()
                        && self.reference.is_some()
                        && named() == self.reference)
            }
        }
    }

    fn has_digest(&self, digest: &Digest) -> bool {
        let Artifact { digest: config, manifest_digest, .. } = self.artifact;
        let asked_for = self.reference.as_ref().and_then(ImageRef::digest);
        [config.as_ref(), manifest_digest.as_ref(), asked_for].contains(&Some(digest))
    }

    /// A digest is the image's identity; without one, name, repository and tag have to agree as far
    /// as they are given.
    fn is_oci(&self, purl: &Purl) -> bool {
        if !purl.version.is_empty() {
            return purl.version.parse().is_ok_and(|digest| self.has_digest(&digest));
        }
        let Some(reference) = &self.reference else { return false };
        let (registry, repository) = (reference.registry(), reference.repository());
        let last = repository.rsplit('/').next().unwrap_or_default();
        let place = purl.qualifier("repository_url").trim_start_matches("index.");
        let is_place = place.is_empty() || place == format!("{registry}/{repository}");
        let tag = purl.qualifier("tag");
        let is_tag = tag.is_empty() || reference.tag() == Some(tag);
        self.artifact.kind.has_layers() && last == purl.name && is_place && is_tag
    }
}

/// Whether a name is a package URL that this package answers to.
fn is_package(name: &str, package: &Package, os: Option<&Os>) -> bool {
    let (Ok(wanted), Ok(own)) = (name.parse::<Purl>(), purl(package, os).parse::<Purl>()) else {
        return false;
    };
    let of_source = ["src", "source"].contains(&wanted.qualifier("arch"));
    let (own_name, own_version) = match of_source {
        true => (package.source_name(), package.source_version()),
        false => (own.name.as_str(), own.version.as_str()),
    };
    let is_place = wanted.namespace == own.namespace
        || (package.kind.is_os() && (wanted.namespace.is_empty() || own.namespace.is_empty()));
    wanted.kind == own.kind
        && is_place
        && same_name(package.kind, &wanted.name, own_name)
        && (wanted.version.is_empty() || wanted.version == own_version)
        && (wanted.subpath.is_empty() || wanted.subpath == own.subpath)
        && wanted.qualifiers.iter().all(|(key, value)| {
            ELSEWHERE.contains(&key.as_str())
                || (of_source && key == "arch")
                || (key == "epoch" && value == "0" && own.qualifier(key).is_empty())
                || own.qualifier(key) == value
        })
}

fn same_name(kind: PackageKind, wanted: &str, own: &str) -> bool {
    match kind {
        // PEP 503.
        PackageKind::Pypi => wanted.to_lowercase().replace(['_', '.'], "-") == own,
        _ => wanted == own,
    }
}
