//! A package from a component: from our properties where they are, else from its package URL.

use model::{Basis, Location, Package, PackageKind, Problem, ProblemKind, Purl, Source, Symbols};

use super::{Component, ComponentKind, property};
use crate::syft;

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
        };
        let kind = match self {
            Self::Nameless => ProblemKind::Notice,
            Self::Type(_) | Self::NoPurl | Self::NoVersion => ProblemKind::Unsupported,
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
    let package =
        if is_ours(component) { ours(kind, component) } else { theirs(kind, component, &purl) };
    let longest = package.name.len().max(package.version.len()).max(package.location.path.len());
    if longest > TEXT_BYTES_MAX { Err(Some(Unmatched::TooLong)) } else { Ok(package) }
}

/// Whether this program wrote it.
pub(super) fn is_ours(component: &Component) -> bool {
    component.property(property::LOCATION_PATH).is_some()
}

/// What this program wrote, word for word.
fn ours(kind: PackageKind, component: &Component) -> Package {
    let text = |name| component.property(name).unwrap_or_default().to_owned();
    let optional = |name| component.property(name).map(str::to_owned);
    let basis = Basis::ALL
        .iter()
        .copied()
        .find(|basis| component.property(property::PACKAGE_BASIS) == Some(basis.name()));
    let symbols = component.property(property::PACKAGE_SYMBOLS);
    let symbols: Option<Symbols> = symbols.and_then(|it| serde_json::from_str(it).ok());
    Package {
        architecture: text(property::PACKAGE_ARCHITECTURE),
        source: optional(property::SOURCE_NAME)
            .map(|name| Source { name, version: text(property::SOURCE_VERSION) }),
        module: optional(property::PACKAGE_MODULE),
        module_build: optional(property::PACKAGE_MODULE_BUILD),
        license: optional(property::LICENSE_DECLARED).unwrap_or_else(|| component.license.clone()),
        vendor: component.publisher.clone(),
        location: Location {
            path: text(property::LOCATION_PATH),
            layer: component.property(property::LOCATION_LAYER).and_then(|it| it.parse().ok()),
        },
        declared: component.property(property::PACKAGE_DECLARED) == Some("true"),
        basis: basis.unwrap_or_default(),
        owner: optional(property::PACKAGE_OWNER),
        hashes: component.hashes.clone(),
        symbols: symbols.unwrap_or_default(),
        ..Package::new(kind, &component.name, &component.version)
    }
}

/// What others wrote, as far as package URLs and the properties of well-known tools tell.
fn theirs(kind: PackageKind, component: &Component, purl: &Purl) -> Package {
    let version = version(purl);
    let name = name(kind, purl);
    let place = [syft::PLACE, "aquasecurity:trivy:FilePath"];
    let path = place.iter().find_map(|name| component.property(name)).unwrap_or_default();
    let (module, module_build) = module(purl);
    Package {
        architecture: purl.qualifier("arch").to_owned(),
        source: if kind.is_os() { source(kind, component, purl, &version) } else { None },
        module,
        module_build,
        license: component.license.clone(),
        vendor: component.publisher.clone(),
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
        PackageKind::Pypi => normalized(name),
        PackageKind::Cocoapods if !subpath.is_empty() => format!("{name}/{subpath}"),
        _ if namespace.is_empty() => name.clone(),
        PackageKind::Maven => format!("{namespace}:{name}"),
        _ => format!("{namespace}/{name}"),
    }
}

/// PEP 503.
fn normalized(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
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

/// The source package, from the `upstream` qualifier or Trivy's properties; None where the package
/// is its own.
fn source(kind: PackageKind, component: &Component, purl: &Purl, version: &str) -> Option<Source> {
    let upstream = purl.qualifier("upstream");
    let source = if upstream.is_empty() {
        trivy_source(component)?
    } else if kind == PackageKind::Rpm {
        let (rest, release) = upstream.strip_suffix(".src.rpm")?.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        Source { name: name.to_owned(), version: format!("{version}-{release}") }
    } else {
        let (name, version) = upstream.rsplit_once('@').unwrap_or((upstream, version));
        Source { name: name.to_owned(), version: version.to_owned() }
    };
    let is_itself = source.name == purl.name && source.version == version;
    (!is_itself).then_some(source)
}

fn trivy_source(component: &Component) -> Option<Source> {
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
