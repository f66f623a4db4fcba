//! A package from a component: from our properties where they are, else from its package URL.

use std::collections::BTreeSet;

use model::{
    Basis, Location, Package, PackageKind, Problem, ProblemKind, Purl, Source, Symbols, spelled,
};

use super::{Component, ComponentKind, Property, property};
use crate::{spdx, syft, text};

/// How CycloneDX's own tools for npm mark what only developers need (its taxonomy of properties).
const NPM_DEVELOPMENT: &str = "cdx:npm:package:development";
/// Longer names and versions are nobody's.
const TEXT_BYTES_MAX: usize = 4096;

/// Why a component is not matched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unmatched {
    /// Of a type that no advisories here speak of.
    Type(String),
    NoPurl,
    /// A group of packages, or a program without a version.
    Nameless,
    Malformed,
    TooLong,
    /// It is in the inventory all the same.
    NoVersion,
    /// Matched by its own name alone: of what a distribution builds advisories speak by the source.
    NoSource(PackageKind),
}

impl Unmatched {
    pub(super) fn problem(&self, count: usize, file: &str) -> Problem {
        let why = match self {
            Self::Type(kind) => format!("their type `{kind}` is not supported"),
            Self::NoPurl => "they have no package URL".to_owned(),
            Self::Nameless => "they are applications without a package URL".to_owned(),
            Self::NoVersion => "they have no version".to_owned(),
            Self::Malformed => "their package URL is malformed".to_owned(),
            Self::TooLong => format!("their name is longer than {TEXT_BYTES_MAX} bytes"),
            Self::NoSource(kind) => {
                let message = format!(
                    "{count} {} packages were matched by their own names only: nothing says which source \
                     packages they were built from, by whose names advisories speak of them",
                    kind.name()
                );
                return Problem::new(ProblemKind::Unsupported, file, message);
            }
        };
        let kind = match self {
            Self::Nameless => ProblemKind::Notice,
            Self::Type(_) | Self::NoPurl | Self::NoVersion | Self::NoSource(_) => {
                ProblemKind::Unsupported
            }
            Self::Malformed | Self::TooLong => ProblemKind::Damaged,
        };
        Problem::new(kind, file, format!("components not matched: {count}; {why}"))
    }
}

/// The package that a component is; nothing if it is none, or why it cannot be told which.
pub(super) fn package(component: &Component) -> Result<Package, Option<Unmatched>> {
    use ComponentKind::{Application, Container, File, Library, OperatingSystem, Other};
    match (component.purl.as_str(), component.kind) {
        (_, Container | File | OperatingSystem) | ("", Other) => return Err(None),
        ("", Application) => return Err(Some(Unmatched::Nameless)),
        ("", Library) => return Err(Some(Unmatched::NoPurl)),
        // Who calls it by a package URL says that it is a package, whatever its type.
        (_, Library | Application | Other) => {}
    }
    let purl: Purl = component.purl.parse().map_err(|_unclear| Some(Unmatched::Malformed))?;
    let kind = PackageKind::ALL.iter().find(|kind| kind.name() == purl.kind);
    let kind = *kind.ok_or_else(|| {
        let shown: String = purl.kind.chars().take(32).collect();
        Some(Unmatched::Type(shown))
    })?;
    let package = if is_ours(component) {
        ours(kind, component, &purl)
    } else {
        theirs(kind, component, &purl)
    };
    let longest = package.name.len().max(package.version.len()).max(package.location.path.len());
    if longest > TEXT_BYTES_MAX { Err(Some(Unmatched::TooLong)) } else { Ok(package) }
}

/// Whether this program wrote it.
pub(super) fn is_ours(component: &Component) -> bool {
    component.property(property::LOCATION_PATH).is_some()
}

/// What this program wrote, word for word. What a format has no signs for (XML no control characters,
/// tag-value no line ends) stands in the package URL, which escapes them: names that differ by those
/// alone are still two.
fn ours(kind: PackageKind, component: &Component, purl: &Purl) -> Package {
    let text = |name| component.property(name).unwrap_or_default().to_owned();
    let optional = |name| component.property(name).map(str::to_owned);
    let basis = Basis::ALL
        .iter()
        .copied()
        .find(|basis| component.property(property::PACKAGE_BASIS) == Some(basis.name()));
    let symbols = component.property(property::PACKAGE_SYMBOLS);
    let symbols: Option<Symbols> = symbols.and_then(|it| serde_json::from_str(it).ok());
    let source = optional(property::SOURCE_NAME)
        .map(|name| Source { name, version: text(property::SOURCE_VERSION) });
    // An rpm of which it is known what it was built from says so.
    let is_unsaid = kind == PackageKind::Rpm && purl.qualifier("upstream").is_empty();
    let exact = |written: &str, escaped: String| match is_shown_alike(written, &escaped) {
        true => escaped,
        false => written.to_owned(),
    };
    let name = exact(&component.name, name(kind, purl));
    let version = exact(&component.version, version(purl));
    Package {
        architecture: text(property::PACKAGE_ARCHITECTURE),
        source: source.or_else(|| is_unsaid.then(Source::unsaid)),
        module: optional(property::PACKAGE_MODULE),
        module_build: optional(property::PACKAGE_MODULE_BUILD),
        license: optional(property::LICENSE_DECLARED).unwrap_or_else(|| component.license.clone()),
        vendor: component.publisher.clone(),
        location: Location {
            path: text(property::LOCATION_PATH),
            layer: component.property(property::LOCATION_LAYER).and_then(|it| it.parse().ok()),
        },
        declared: component.property(property::PACKAGE_DECLARED) == Some("true"),
        development: component.property(property::PACKAGE_DEVELOPMENT).map(|it| it == "true"),
        basis: basis.unwrap_or_default(),
        owner: optional(property::PACKAGE_OWNER),
        hashes: component.hashes.clone(),
        symbols: symbols.unwrap_or_default(),
        variant: purl.variant(kind),
        ..Package::new(kind, &name, &version)
    }
}

/// Whether two texts are the same but for signs that formats leave out or put another in place of.
fn is_shown_alike(one: &str, other: &str) -> bool {
    let is_lost = |c: char| {
        let is_none = matches!(c, '\u{fffd}'..='\u{ffff}');
        is_none || c.is_whitespace() || text::is_unsafe(c)
    };
    let parts = |text: &str| -> Vec<String> {
        text.split(is_lost).filter(|it| !it.is_empty()).map(str::to_owned).collect()
    };
    one != other && parts(one) == parts(other)
}

/// What others wrote, as far as package URLs and the properties of well-known tools tell.
fn theirs(kind: PackageKind, component: &Component, purl: &Purl) -> Package {
    let mut version = version(purl);
    if version.is_empty() {
        version.clone_from(&component.version);
    }
    let name = name(kind, purl);
    let place = [syft::PLACE, "aquasecurity:trivy:FilePath"];
    let path = place.iter().find_map(|name| component.property(name)).unwrap_or_default();
    let (module, module_build) = module(purl);
    let vendor = purl.vendor(kind);
    Package {
        architecture: purl.architecture(kind).to_owned(),
        source: if kind.is_os() { source(kind, component, purl, &version) } else { None },
        module,
        module_build,
        license: component.license.clone(),
        development: component.property(NPM_DEVELOPMENT).map(|it| it == "true"),
        vendor: if vendor.is_empty() { &component.publisher } else { vendor }.to_owned(),
        variant: purl.variant(kind),
        location: Location { path: path.trim_start_matches('/').to_owned(), layer: None },
        hashes: component.hashes.clone(),
        ..Package::new(kind, &name, &version)
    }
}

/// As inventories name packages of that kind.
fn name(kind: PackageKind, purl: &Purl) -> String {
    let Purl { namespace, name, subpath, .. } = purl;
    match kind {
        PackageKind::Apk | PackageKind::Deb | PackageKind::Rpm | PackageKind::Conan => name.clone(),
        PackageKind::Pypi => spelled(&purl.kind, name).into_owned(),
        PackageKind::Cocoapods if !subpath.is_empty() => format!("{name}/{subpath}"),
        _ if namespace.is_empty() => name.clone(),
        PackageKind::Maven => format!("{namespace}:{name}"),
        _ => format!("{namespace}/{name}"),
    }
}

/// Distributions' epochs stand before the version, or in a qualifier of their own.
fn version(purl: &Purl) -> String {
    match purl.qualifier("epoch") {
        "" | "0" => purl.version.clone(),
        _ if purl.version.contains(':') => purl.version.clone(),
        epoch => format!("{epoch}:{}", purl.version),
    }
}

/// `nodejs:18:8090020231019152822:…`, under the names that it goes by.
fn module(purl: &Purl) -> (Option<String>, Option<String>) {
    let label = ["rpmmod", "modularitylabel"].map(|key| purl.qualifier(key));
    let label = label.into_iter().find(|label| !label.is_empty()).unwrap_or_default();
    let mut parts = label.split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(stream), build) => {
            (Some(format!("{name}:{stream}")), build.map(str::to_owned))
        }
        _ => (None, None),
    }
}

/// The source package, from the `upstream` qualifier or what Trivy says; None where the package is its
/// own, and [`Source::unsaid`] where nothing is said.
fn source(kind: PackageKind, component: &Component, purl: &Purl, version: &str) -> Option<Source> {
    let upstream = purl.qualifier("upstream");
    let source = if upstream.is_empty() {
        trivy_source(component)
    } else if kind == PackageKind::Rpm {
        rpm_source(upstream)
    } else {
        let (name, version) = upstream.rsplit_once('@').unwrap_or((upstream, version));
        Some(Source { name: name.to_owned(), version: version.to_owned() })
    };
    let Some(source) = source.filter(|source| !source.name.is_empty()) else {
        return Some(Source::unsaid());
    };
    let is_itself = source.name == purl.name && source.version == version;
    (!is_itself).then_some(source)
}

/// From the name of the file that an rpm was built from.
fn rpm_source(file: &str) -> Option<Source> {
    let (rest, release) = file.strip_suffix(".src.rpm")?.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    Some(Source { name: name.to_owned(), version: format!("{version}-{release}") })
}

/// By what the components of one tool in a bill are alike. A bill may be put together from those of several,
/// and what one of them says of its packages says nothing of another's.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Writer<'c> {
    /// What its properties' names begin with: `syft`, `aquasecurity`.
    prefixes: BTreeSet<&'c str>,
    namespace: String,
    /// `debian-12`, where another one writes `debian-12.5`.
    distro: String,
}

impl<'c> Writer<'c> {
    pub(super) fn of(component: &'c Component) -> Self {
        let prefix = |it: &'c Property| it.name.split(':').next().unwrap_or_default();
        let purl: Purl = component.purl.parse().unwrap_or_default();
        Self {
            prefixes: component.properties.iter().map(prefix).collect(),
            distro: purl.qualifier("distro").to_owned(),
            namespace: purl.namespace,
        }
    }
}

/// Whether the writer of a component says the source of packages that are not their own. Syft leaves it
/// out of those that are; so who says it of one package of a kind means it of all of his.
pub(super) fn says_sources(component: &Component, package: &Package) -> bool {
    let is_syft = component.properties.iter().any(|it| it.name.starts_with(syft::PREFIX));
    package.kind.is_os() && (is_syft || !package.is_source_unsaid())
}

fn trivy_source(component: &Component) -> Option<Source> {
    // In SPDX the whole of it is one text.
    if let Some(built_from) = component.property(spdx::BUILT_FROM) {
        let (name, version) = built_from.split_once(' ')?;
        return Some(Source { name: name.to_owned(), version: version.to_owned() });
    }
    let text = |name: &str| component.property(&format!("aquasecurity:trivy:Src{name}"));
    let mut version = text("Version")?.to_owned();
    if let Some(release) = text("Release") {
        version = format!("{version}-{release}");
    }
    if let Some(epoch) = text("Epoch").filter(|epoch| *epoch != "0") {
        version = format!("{epoch}:{version}");
    }
    Some(Source { name: text("Name")?.to_owned(), version })
}
