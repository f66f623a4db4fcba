//! Whether a statement is about a package of this artifact.
//!
//! A product is a package, or an image by its digest or name; parts narrow it down. A package URL
//! that gives no version means all versions, and one that gives qualifiers means only packages that
//! have the same. A CPE means the distribution itself, of which a package is a part. As the name of
//! anything else it can be compared with nothing here: a product without another name is counted, as is
//! one without any.

use std::collections::{BTreeSet, HashMap};

use super::cpe;
use model::{
    Artifact, Digest, Finding, ImageRef, Inventory, Os, Package, PackageKind, Purl, VexProduct,
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

/// What a statement is about.
#[derive(Debug, Default)]
pub(super) struct Meant {
    /// By the number of [`Subject::position`]; None means every package.
    pub(super) packages: BTreeSet<Option<usize>>,
    /// Products that nothing here can be compared with.
    pub(super) unclear: usize,
}

/// What was scanned, as products name it.
pub(super) struct Subject<'a> {
    artifact: &'a Artifact,
    names: Vec<ImageRef>,
    os: Option<&'a Os>,
    /// The packages that findings are about.
    concerned: Packages<'a>,
    /// The packages that may hold others.
    holders: Packages<'a>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        findings: &'a [Finding],
        artifact: &'a Artifact,
        inventory: &'a Inventory,
    ) -> Self {
        let os = inventory.os.as_ref();
        Self {
            artifact,
            names: artifact.names(),
            os,
            concerned: Packages::new(findings.iter().map(|finding| &finding.package), os),
            holders: Packages::new(inventory.packages.iter().filter(|it| may_hold(it)), os),
        }
    }

    /// By which number [`Self::meant`] names the package of a finding.
    pub(super) fn position(&self, package: &'a Package) -> Option<usize> {
        self.concerned.positions.get(&identity(package, self.os)).copied()
    }

    /// The packages that any product of the statement is, or holds; None if it was stopped.
    pub(super) fn meant(
        &self,
        statement: &VexStatement,
        is_stopped: &dyn Fn() -> bool,
    ) -> Option<Meant> {
        let mut meant = Meant::default();
        for product in &statement.products {
            if is_stopped() {
                return None;
            }
            let VexProduct { names, parts } = product;
            if !is_comparable(product) {
                meant.unclear += 1;
            } else if !parts.is_empty() {
                meant.packages.extend(self.parts_of(names, parts).into_iter().map(Some));
            } else if names.iter().any(|name| self.is_image(name)) {
                meant.packages.insert(None);
            } else {
                meant.packages.extend(self.concerned.of(names).map(Some));
            }
        }
        Some(meant)
    }

    /// The packages that are one of these parts of what goes by these names.
    fn parts_of(&self, names: &[String], parts: &[Vec<String>]) -> BTreeSet<usize> {
        let mut parts: BTreeSet<usize> =
            parts.iter().flat_map(|part| self.concerned.of(part)).collect();
        if parts.is_empty() || names.iter().any(|name| self.is_image(name)) {
            return parts;
        }
        let is_system = self.os.is_some_and(|os| names.iter().any(|name| cpe::is_system(name, os)));
        let holders: BTreeSet<&str> =
            self.holders.of(names).filter_map(|it| self.holders.path(it)).collect();
        parts.retain(|part| {
            (is_system && self.is_of_system(*part)) || self.is_held(*part, &holders)
        });
        parts
    }

    fn is_of_system(&self, part: usize) -> bool {
        self.concerned.all.get(part).is_some_and(|it| it.package.kind.is_os())
    }

    /// Whether a package was found in one of these files: a library that a program is linked from,
    /// or in an archive that was packed into one of them.
    fn is_held(&self, part: usize, holders: &BTreeSet<&str>) -> bool {
        let Some(Named { package, .. }) = self.concerned.all.get(part) else { return false };
        let path = package.location.path.as_str();
        let around = path.match_indices("!/").filter_map(|(end, _)| path.get(..end));
        may_hold(package) && std::iter::once(path).chain(around).any(|it| holders.contains(it))
    }

    fn is_image(&self, name: &str) -> bool {
        if cpe::is_cpe(name) {
            return false;
        }
        if let Ok(digest) = name.parse::<Digest>() {
            return self.has_digest(&digest);
        }
        match name.parse::<Purl>() {
            Ok(purl) if purl.kind == "oci" => self.is_oci(&purl),
            Ok(_) => false,
            Err(_) => {
                let is_named = |it: ImageRef| self.names.contains(&it);
                name == self.artifact.name || name.parse().is_ok_and(is_named)
            }
        }
    }

    fn has_digest(&self, digest: &Digest) -> bool {
        let Artifact { digest: config, manifest_digest, .. } = self.artifact;
        let asked_for = self.names.iter().filter_map(ImageRef::digest);
        config.iter().chain(manifest_digest).chain(asked_for).any(|it| it == digest)
    }

    /// A digest is the image's identity; without one, name, repository and tag have to agree as far
    /// as they are given.
    fn is_oci(&self, purl: &Purl) -> bool {
        if !purl.version.is_empty() {
            return purl.version.parse().is_ok_and(|digest| self.has_digest(&digest));
        }
        let place = purl.qualifier("repository_url").trim_start_matches("index.");
        let tag = purl.qualifier("tag");
        self.names.iter().any(|name| {
            let (registry, repository) = (name.registry(), name.repository());
            let last = repository.rsplit('/').next().unwrap_or_default();
            let is_place = place.is_empty() || place == format!("{registry}/{repository}");
            let is_tag = tag.is_empty() || name.tag() == Some(tag);
            last == purl.name && is_place && is_tag
        })
    }
}

/// Whether a product has names of which it can be told whether something here bears them: of every
/// part, and of the whole. A distribution is known by its CPE too where a part of it is meant.
fn is_comparable(product: &VexProduct) -> bool {
    let VexProduct { names, parts } = product;
    let is_told = |names: &[String]| names.iter().any(|name| !cpe::is_cpe(name));
    match parts.is_empty() {
        true => is_told(names),
        false => parts.iter().any(|part| is_told(part)) && !names.is_empty(),
    }
}

/// Whether a package lies in a file that is a program or an archive, so that what else is found in
/// it is a part of the same thing. What databases (of the system, of vcpkg or Composer) and lock
/// files list side by side has nothing to do with each other.
fn may_hold(package: &Package) -> bool {
    let is_packed = matches!(
        package.kind,
        PackageKind::Cargo
            | PackageKind::Generic
            | PackageKind::Golang
            | PackageKind::Maven
            | PackageKind::Nuget
    );
    is_packed && !package.declared && !package.location.path.is_empty()
}

/// All that a product can tell packages apart by, and where one was found.
type Identity<'a> = (String, &'a str, &'a str, &'a str);

fn identity<'a>(package: &'a Package, os: Option<&Os>) -> Identity<'a> {
    let source = (package.source_name(), package.source_version());
    (purl(package, os), source.0, source.1, &package.location.path)
}

struct Named<'a> {
    package: &'a Package,
    purl: Purl,
}

/// Packages, found by the names of package URLs.
struct Packages<'a> {
    /// Each once.
    all: Vec<Named<'a>>,
    positions: HashMap<Identity<'a>, usize>,
    /// By type and name, that of the source too.
    by_name: HashMap<(String, String), Vec<usize>>,
}

impl<'a> Packages<'a> {
    fn new(packages: impl Iterator<Item = &'a Package>, os: Option<&Os>) -> Self {
        let (mut all, mut positions) = (Vec::new(), HashMap::new());
        let mut by_name: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for package in packages {
            let identity = identity(package, os);
            let Ok(purl) = identity.0.parse::<Purl>() else { continue };
            let position = all.len();
            if *positions.entry(identity).or_insert(position) < position {
                continue;
            }
            for name in BTreeSet::from([purl.name.as_str(), package.source_name()]) {
                by_name.entry((purl.kind.clone(), name.to_owned())).or_default().push(position);
            }
            all.push(Named { package, purl });
        }
        Self { all, positions, by_name }
    }

    /// The packages that answer to any of the names.
    fn of(&self, names: &[String]) -> impl Iterator<Item = usize> {
        names.iter().filter_map(|name| name.parse::<Purl>().ok()).flat_map(move |wanted| {
            let name = match wanted.kind.as_str() {
                // PEP 503.
                "pypi" => wanted.name.to_lowercase().replace(['_', '.'], "-"),
                _ => wanted.name.clone(),
            };
            let alike = self.by_name.get(&(wanted.kind.clone(), name.clone()));
            let answers =
                move |it: &usize| self.all.get(*it).is_some_and(|it| it.answers_to(&wanted, &name));
            alike.into_iter().flatten().copied().filter(answers)
        })
    }

    fn path(&self, position: usize) -> Option<&'a str> {
        self.all.get(position).map(|it| it.package.location.path.as_str())
    }
}

impl Named<'_> {
    /// Whether this is the package of the URL, whose name is spelled as ours are.
    fn answers_to(&self, wanted: &Purl, name: &str) -> bool {
        let Self { package, purl: own } = self;
        let of_source = ["src", "source"].contains(&wanted.qualifier("arch"));
        let (own_name, own_version) = match of_source {
            true => (package.source_name(), package.source_version()),
            false => (own.name.as_str(), own.version.as_str()),
        };
        let is_place = wanted.namespace == own.namespace
            || (package.kind.is_os() && (wanted.namespace.is_empty() || own.namespace.is_empty()));
        wanted.kind == own.kind
            && is_place
            && name == own_name
            && (wanted.version.is_empty() || wanted.version == own_version)
            && (wanted.subpath.is_empty() || wanted.subpath == own.subpath)
            && wanted.qualifiers.iter().all(|(key, value)| {
                ELSEWHERE.contains(&key.as_str())
                    || (of_source && key == "arch")
                    || (key == "epoch" && value == "0" && own.qualifier(key).is_empty())
                    || own.qualifier(key) == value
            })
    }
}
