//! Whether a statement is about a package of this artifact.
//!
//! A product is a package, or an image by its digest or name; parts narrow it down. A package URL
//! that gives no version means all versions, and one that gives qualifiers means only packages that
//! have the same: of a package from elsewhere (a fork, a registry of one's own) nobody here can tell
//! whether it is the one at hand. What cannot be told silences nothing, and does not let a finding be
//! silenced by others. A CPE means the distribution itself, of which a package is a part. As the name of
//! anything else it can be compared with nothing here: a product without another name is counted, as is
//! one without any.

use std::collections::{BTreeSet, HashMap};

use super::{cpe, range, silences};
use model::{
    Artifact, ArtifactKind, Digest, Finding, ImageRef, Inventory, Os, Package, PackageKind, Purl,
    VexProduct, VexStatement, purl, spelled,
};

/// Qualifiers that say nothing of which package it is: a number within somebody's document, and the
/// source, which the package at hand has too.
const MEANINGLESS: [&str; 2] = ["package-id", "upstream"];

/// The registries that a package comes from if nothing else is said (purl-spec, types/, and what they
/// were called before): by the beginning of their addresses.
const REGISTRIES: [(PackageKind, &[&str]); 8] = [
    (PackageKind::Cargo, &["crates.io", "index.crates.io", "static.crates.io"]),
    (PackageKind::Composer, &["packagist.org", "repo.packagist.org"]),
    (PackageKind::Gem, &["rubygems.org"]),
    (PackageKind::Golang, &["proxy.golang.org"]),
    (PackageKind::Maven, &["repo.maven.apache.org/maven2", "repo1.maven.org/maven2"]),
    (PackageKind::Npm, &["registry.npmjs.org"]),
    (PackageKind::Nuget, &["nuget.org", "www.nuget.org", "api.nuget.org"]),
    (PackageKind::Pypi, &["pypi.org", "pypi.python.org", "files.pythonhosted.org"]),
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
        // Where it cannot be told whether something is meant: who silences does not mean it.
        let doubt = !silences(statement);
        for product in &statement.products {
            if is_stopped() {
                return None;
            }
            let VexProduct { names, parts, .. } = product;
            if !is_comparable(product) {
                meant.unclear += 1;
            } else if !parts.is_empty() {
                meant.packages.extend(self.parts_of(product, doubt).into_iter().map(Some));
            } else if names.iter().any(|name| self.is_image(name, doubt)) {
                meant.packages.insert(None);
            } else {
                meant.packages.extend(self.concerned.of(names, doubt).map(Some));
            }
        }
        Some(meant)
    }

    /// The packages that are one of the parts of a product, within all that is around them.
    fn parts_of(&self, product: &VexProduct, doubt: bool) -> BTreeSet<usize> {
        let VexProduct { names, within, parts } = product;
        let mut parts: BTreeSet<usize> =
            parts.iter().flat_map(|part| self.concerned.of(part, doubt)).collect();
        for around in std::iter::once(names).chain(within) {
            if parts.is_empty() || around.iter().any(|name| self.is_image(name, doubt)) {
                continue;
            }
            let is_system =
                self.os.is_some_and(|os| around.iter().any(|name| cpe::is_system(name, os)));
            let holders: BTreeSet<&str> =
                self.holders.of(around, doubt).filter_map(|it| self.holders.path(it)).collect();
            parts.retain(|part| {
                (is_system && self.is_of_system(*part))
                    || self.is_held(*part, &holders)
                    || self.is_of_module(*part, around)
            });
        }
        parts
    }

    /// Whether a package belongs to one of these modules of Red Hat, which are called as packages are:
    /// `pkg:rpmmod/redhat/nodejs@18:8090020231019152822`.
    fn is_of_module(&self, part: usize, names: &[String]) -> bool {
        let package = self.concerned.all.get(part).map(|it| it.package);
        let Some((module, build)) = package.and_then(|it| Some((it.module.as_ref()?, it))) else {
            return false;
        };
        names.iter().filter_map(|name| name.parse::<Purl>().ok()).any(|purl| {
            let mut parts = purl.version.split(':');
            let stream = parts.next().unwrap_or_default();
            let number = parts.next();
            purl.kind == "rpmmod"
                && *module == format!("{}:{stream}", purl.name)
                && number.is_none_or(|number| build.module_build.as_deref() == Some(number))
        })
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

    fn is_image(&self, name: &str, doubt: bool) -> bool {
        if cpe::is_cpe(name) {
            return false;
        }
        if let Ok(digest) = name.parse::<Digest>() {
            return self.has_digest(&digest);
        }
        match name.parse::<Purl>() {
            Ok(purl) if purl.kind == "oci" => self.is_oci(&purl, doubt),
            Ok(_) => false,
            Err(_) => {
                let is_named = |it: ImageRef| self.names.contains(&it);
                // What a bill is about may be called as no image can be.
                let is_bill = self.artifact.kind == ArtifactKind::Sbom;
                (is_bill && name == self.artifact.name) || name.parse().is_ok_and(is_named)
            }
        }
    }

    fn has_digest(&self, digest: &Digest) -> bool {
        let Artifact { digest: config, manifest_digest, .. } = self.artifact;
        let asked_for = self.names.iter().filter_map(ImageRef::digest);
        config.iter().chain(manifest_digest).chain(asked_for).any(|it| it == digest)
    }

    /// A digest is the image's identity, or that of an index of several platforms; without one, name,
    /// repository and tag have to agree as far as they are given. The platform always has to.
    fn is_oci(&self, purl: &Purl, doubt: bool) -> bool {
        let platform = self.artifact.platform.as_ref();
        let agrees = |key: &str, own: Option<&str>| {
            let wanted = purl.qualifier(key);
            wanted.is_empty() || own.map_or(doubt, |own| wanted == own)
        };
        if !agrees("arch", platform.map(|it| it.architecture.as_str()))
            || !agrees("os", platform.map(|it| it.os.as_str()))
        {
            return false;
        }
        if !purl.version.is_empty() {
            return purl.version.parse().is_ok_and(|digest| self.has_digest(&digest));
        }
        let place = purl.qualifier("repository_url").trim_start_matches("index.");
        // A version of an image that is no digest is what its tag says.
        let version = Purl::unescape(purl.qualifier("vers").trim_start_matches("vers:oci/"));
        let tags = [purl.qualifier("tag"), &version];
        self.names.iter().any(|name| {
            let (registry, repository) = (name.registry(), name.repository());
            let last = repository.rsplit('/').next().unwrap_or_default();
            let is_place = place.is_empty() || place == format!("{registry}/{repository}");
            let is_tag = tags.iter().all(|tag| tag.is_empty() || name.tag() == Some(tag));
            last == purl.name && is_place && is_tag
        })
    }
}

/// Whether a product has names of which it can be told whether something here bears them: of every
/// part, and of the whole. A distribution is known by its CPE too where a part of it is meant.
fn is_comparable(product: &VexProduct) -> bool {
    let VexProduct { names, within, parts } = product;
    let is_told = |names: &[String]| names.iter().any(|name| !cpe::is_cpe(name));
    match parts.is_empty() {
        true => is_told(names),
        false => {
            let mut around = std::iter::once(names).chain(within);
            parts.iter().any(|part| is_told(part)) && around.all(|names| !names.is_empty())
        }
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
            let names = [purl.name.as_str(), package.source_name()];
            let names = names.map(|name| spelled(&purl.kind, name).into_owned());
            for name in BTreeSet::from(names) {
                by_name.entry((purl.kind.clone(), name)).or_default().push(position);
            }
            all.push(Named { package, purl });
        }
        Self { all, positions, by_name }
    }

    /// The packages that answer to any of the names; `doubt` is whether those do of which that cannot
    /// be told.
    fn of(&self, names: &[String], doubt: bool) -> impl Iterator<Item = usize> {
        names.iter().filter_map(|name| name.parse::<Purl>().ok()).flat_map(move |wanted| {
            let name = spelled(&wanted.kind, &wanted.name).into_owned();
            let alike = self.by_name.get(&(wanted.kind.clone(), name));
            let answers =
                move |it: &usize| self.all.get(*it).is_some_and(|it| it.answers_to(&wanted, doubt));
            alike.into_iter().flatten().copied().filter(answers)
        })
    }

    fn path(&self, position: usize) -> Option<&'a str> {
        self.all.get(position).map(|it| it.package.location.path.as_str())
    }
}

impl Named<'_> {
    /// Whether this is the package of the URL, or built from the source that it is.
    fn answers_to(&self, wanted: &Purl, doubt: bool) -> bool {
        let Self { package, purl: own } = self;
        let of_source = is_source(wanted);
        let same = |one: &str, other: &str| spelled(&own.kind, one) == spelled(&own.kind, other);
        let (own_name, own_version) = match of_source {
            true => (package.source_name(), package.source_version()),
            false => (own.name.as_str(), own.version.as_str()),
        };
        let is_place = same(&wanted.namespace, &own.namespace)
            || (package.kind.is_os() && (wanted.namespace.is_empty() || own.namespace.is_empty()));
        wanted.kind == own.kind
            && is_place
            && same(&wanted.name, own_name)
            && (wanted.version.is_empty()
                || range::is_same(package.kind, &wanted.version, own_version))
            && (wanted.subpath.is_empty() || wanted.subpath == own.subpath)
            && wanted.qualifiers.iter().all(|(key, value)| {
                (of_source && key == "arch") || self.has(wanted, key, value).unwrap_or(doubt)
            })
    }

    /// Whether this package has what a qualifier says; None where that cannot be told.
    fn has(&self, wanted: &Purl, key: &str, value: &str) -> Option<bool> {
        let Self { package, purl: own } = self;
        match key {
            _ if MEANINGLESS.contains(&key) => Some(true),
            "checksum" => has_checksum(package, value),
            "repository_url" => is_registry(package.kind, value).then_some(true),
            "download_url" | "file_name" | "vcs_url" => None,
            "epoch" if value == "0" && own.qualifier(key).is_empty() => Some(true),
            // What a JAR is if nothing else is said.
            "type" if package.kind == PackageKind::Maven && value == "jar" => Some(true),
            "vers" if is_source(wanted) => {
                range::holds(value, package.kind, package.source_version())
            }
            "vers" => range::holds(value, package.kind, &package.version),
            _ if own.qualifier(key).is_empty() => None,
            _ => Some(own.qualifier(key) == value),
        }
    }
}

/// Whether a package URL means the source that packages of a distribution are built from.
fn is_source(purl: &Purl) -> bool {
    ["src", "source"].contains(&purl.qualifier("arch"))
}

/// Whether a package is the one of these digests (`sha1:…,sha256:…`), of which one is enough; None
/// where none of its own is of the same kind.
fn has_checksum(package: &Package, wanted: &str) -> Option<bool> {
    let wanted: Vec<String> = wanted.split(',').map(|it| it.trim().to_ascii_lowercase()).collect();
    if package.hashes.iter().any(|own| wanted.contains(own)) {
        return Some(true);
    }
    let algorithm = |hash: &str| hash.split(':').next().map(str::to_owned);
    let is_alike = |own: &String| wanted.iter().any(|it| algorithm(it) == algorithm(own));
    package.hashes.iter().any(is_alike).then_some(false)
}

/// Whether an address is that of the registry from which all packages of this kind come.
fn is_registry(kind: PackageKind, address: &str) -> bool {
    let address = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    let address = address.unwrap_or_default().trim_end_matches('/');
    let known = REGISTRIES.iter().filter(|(of, _)| *of == kind).flat_map(|(_, names)| *names);
    known.copied().any(|name| {
        let rest = address.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
