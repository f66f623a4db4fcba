//! The things that a report lists, one by one.

use std::collections::BTreeMap;

use model::{
    Basis, ConfigPlace, Cvss, Evidence, Finding, Location, Malware, MalwareEngine,
    Misconfiguration, Opinion, Package, PackageKind, Problem, ProblemKind, Purl, Secret,
    SecretPlace, Severity, Source, Status,
};
use serde::Deserialize;

use super::{ReadReportError, named, parsed};

#[derive(Deserialize)]
struct SourceItem {
    name: String,
    version: String,
}

#[derive(Deserialize)]
pub(super) struct PackageItem {
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    architecture: String,
    source: SourceItem,
    module: Option<String>,
    license: String,
    path: String,
    layer: Option<u32>,
    #[serde(default)]
    declared: bool,
    #[serde(default)]
    development: Option<bool>,
    #[serde(default)]
    basis: Option<String>,
    owner: Option<String>,
    #[serde(default)]
    purl: String,
}

#[derive(Deserialize)]
struct AffectedItem {
    name: String,
    version: String,
    source: SourceItem,
    #[serde(rename = "type")]
    kind: String,
    architecture: String,
    #[serde(default)]
    purl: String,
}

#[derive(Deserialize)]
struct OriginItem {
    index: u32,
}

#[derive(Deserialize)]
struct CvssItem {
    source: String,
    version: String,
    vector: String,
    score: f64,
}

#[derive(Deserialize)]
struct EpssItem {
    probability: f64,
    percentile: f64,
}

#[derive(Deserialize)]
struct KevItem {
    date_added: String,
}

#[derive(Deserialize)]
struct OpinionItem {
    source: String,
    severity: String,
}

#[derive(Deserialize)]
struct EvidenceItem {
    source: String,
    stream: String,
    notices: Vec<String>,
    advisory_package: String,
    compared: String,
}

#[derive(Deserialize)]
pub(super) struct FindingItem {
    id: String,
    aliases: Vec<String>,
    package: AffectedItem,
    path: String,
    layer: Option<OriginItem>,
    status: String,
    fixed_version: Option<String>,
    severity: String,
    severity_source: String,
    severities: Vec<OpinionItem>,
    cvss: Vec<CvssItem>,
    epss: Option<EpssItem>,
    kev: Option<KevItem>,
    cwes: Vec<String>,
    title: String,
    description: String,
    references: Vec<String>,
    published: Option<String>,
    modified: Option<String>,
    evidence: Vec<EvidenceItem>,
}

#[derive(Deserialize)]
pub(super) struct SecretItem {
    kind: String,
    title: String,
    severity: String,
    place: String,
    path: String,
    layer: Option<u32>,
    line: u32,
    excerpt: String,
    removed: bool,
}

#[derive(Deserialize)]
pub(super) struct MalwareItem {
    rule: String,
    family: String,
    title: String,
    severity: String,
    engine: String,
    path: String,
    layer: Option<u32>,
    offset: Option<u64>,
    sha256: String,
    removed: bool,
    owner: Option<String>,
    intact: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct MisconfigurationItem {
    check: String,
    title: String,
    severity: String,
    why: String,
    remediation: String,
    benchmarks: Vec<String>,
    place: String,
    path: String,
    layer: Option<u32>,
    line: u32,
    resource: String,
    evidence: String,
}

#[derive(Deserialize)]
pub(super) struct ProblemItem {
    kind: String,
    subject: String,
    layer: Option<u32>,
    message: String,
}

fn severity(word: &str) -> Result<Severity, ReadReportError> {
    Ok(parsed(Some(word))?.unwrap_or_default())
}

fn kind(word: &str) -> Result<PackageKind, ReadReportError> {
    named(PackageKind::ALL, PackageKind::name, word)
}

impl SourceItem {
    /// A package that is its own source is written with itself as its source.
    fn of(self, name: &str, version: &str) -> Option<Source> {
        let Self { name: source, version: at } = self;
        (source != name || at != version).then_some(Source { name: source, version: at })
    }
}

/// What a package URL tells besides name and version.
fn variant(kind: PackageKind, purl: &str) -> BTreeMap<String, String> {
    purl.parse::<Purl>().map(|purl| purl.variant(kind)).unwrap_or_default()
}

impl PackageItem {
    pub(super) fn package(self) -> Result<Package, ReadReportError> {
        let basis = self.basis.map(|word| named(Basis::ALL, Basis::name, &word)).transpose()?;
        Ok(Package {
            architecture: self.architecture,
            source: self.source.of(&self.name, &self.version),
            module: self.module,
            license: self.license,
            location: Location { path: self.path, layer: self.layer },
            declared: self.declared,
            development: self.development,
            basis: basis.unwrap_or_default(),
            owner: self.owner,
            variant: variant(kind(&self.kind)?, &self.purl),
            ..Package::new(kind(&self.kind)?, &self.name, &self.version)
        })
    }
}

impl FindingItem {
    pub(super) fn finding(self) -> Result<Finding, ReadReportError> {
        let AffectedItem { name, version, source, kind: word, architecture, purl } = self.package;
        let package = Package {
            architecture,
            variant: variant(kind(&word)?, &purl),
            source: source.of(&name, &version),
            location: Location { path: self.path, layer: self.layer.map(|layer| layer.index) },
            ..Package::new(kind(&word)?, &name, &version)
        };
        Ok(Finding {
            id: self.id,
            aliases: self.aliases,
            package,
            status: named(&Status::ALL, Status::name, &self.status)?,
            fixed_version: self.fixed_version,
            severity: severity(&self.severity)?,
            severity_source: self.severity_source,
            opinions: super::each(self.severities, OpinionItem::opinion)?,
            cvss: self.cvss.into_iter().map(CvssItem::cvss).collect(),
            epss: self.epss.map(|it| (it.probability, it.percentile)),
            kev: self.kev.map(|it| it.date_added),
            cwes: self.cwes,
            title: self.title,
            description: self.description,
            references: self.references,
            published: self.published,
            modified: self.modified,
            evidence: self.evidence.into_iter().map(EvidenceItem::evidence).collect(),
        })
    }
}

impl OpinionItem {
    fn opinion(self) -> Result<Opinion, ReadReportError> {
        Ok(Opinion { severity: severity(&self.severity)?, source: self.source })
    }
}

impl CvssItem {
    fn cvss(self) -> Cvss {
        let Self { source, version, vector, score } = self;
        Cvss { source, version, vector, score }
    }
}

impl EvidenceItem {
    fn evidence(self) -> Evidence {
        let Self { source, stream, notices, advisory_package, compared } = self;
        Evidence { source, stream, notices, advisory_package, compared }
    }
}

impl SecretItem {
    pub(super) fn secret(self) -> Result<Secret, ReadReportError> {
        Ok(Secret {
            severity: severity(&self.severity)?,
            place: named(&SecretPlace::ALL, SecretPlace::name, &self.place)?,
            kind: self.kind,
            title: self.title,
            location: Location { path: self.path, layer: self.layer },
            line: self.line,
            excerpt: self.excerpt,
            removed: self.removed,
            owner: None,
        })
    }
}

impl MalwareItem {
    pub(super) fn malware(self) -> Result<Malware, ReadReportError> {
        Ok(Malware {
            severity: severity(&self.severity)?,
            engine: named(&MalwareEngine::ALL, MalwareEngine::name, &self.engine)?,
            rule: self.rule,
            family: self.family,
            title: self.title,
            location: Location { path: self.path, layer: self.layer },
            offset: self.offset,
            sha256: self.sha256,
            removed: self.removed,
            owner: self.owner,
            intact: self.intact,
        })
    }
}

impl MisconfigurationItem {
    pub(super) fn it(self) -> Result<Misconfiguration, ReadReportError> {
        Ok(Misconfiguration {
            severity: severity(&self.severity)?,
            place: named(&ConfigPlace::ALL, ConfigPlace::name, &self.place)?,
            check: self.check,
            title: self.title,
            why: self.why,
            remediation: self.remediation,
            benchmarks: self.benchmarks,
            location: Location { path: self.path, layer: self.layer },
            line: self.line,
            resource: self.resource,
            evidence: self.evidence,
        })
    }
}

impl ProblemItem {
    pub(super) fn problem(self) -> Result<Problem, ReadReportError> {
        Ok(Problem {
            kind: named(&ProblemKind::ALL, ProblemKind::name, &self.kind)?,
            subject: self.subject,
            layer: self.layer,
            message: self.message,
        })
    }
}
