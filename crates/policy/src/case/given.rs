//! What a case says is there, and the facts that become of it: whatever is left out is as in an image in
//! which nothing is wrong.

use std::collections::BTreeMap;

use model::{
    Artifact, ArtifactKind, Base, ConfigPlace, Cvss, Digest, Eol, Finding, ImageConfig, Inventory,
    Location, Malware, MalwareEngine, Misconfiguration, Opinion, Os, Package, PackageKind, Problem,
    ProblemKind, Secret, SecretPlace, Severity, Status,
};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::error::PolicyError;
use crate::suggest;

/// The facts of a case; what is left out is as in an image in which nothing is wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Given {
    image: ImageFile,
    packages: Vec<PackageFile>,
    findings: Vec<FindingFile>,
    secrets: Vec<SecretFile>,
    malware: Vec<MalwareFile>,
    misconfigurations: Vec<MisconfigurationFile>,
    problems: Vec<ProblemFile>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ImageFile {
    name: Option<String>,
    /// Where it was read from: `registry` where nothing is said.
    source: Option<Spanned<String>>,
    references: Vec<String>,
    created: Option<String>,
    size_bytes: Option<u64>,
    user: Option<String>,
    labels: BTreeMap<String, String>,
    exposed_ports: Vec<String>,
    volumes: Vec<String>,
    healthcheck: bool,
    /// `debian 12`
    os: Option<String>,
    support_ended: Option<String>,
    support_ends: Option<String>,
    /// How many of the layers are the base image's.
    base_layers: Option<u32>,
    checks: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageFile {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: Option<Spanned<String>>,
    #[serde(default)]
    license: String,
    #[serde(default)]
    path: String,
    layer: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FindingFile {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    package: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: Option<Spanned<String>>,
    severity: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    fixed_version: Option<String>,
    cvss: Option<f64>,
    epss: Option<f64>,
    kev: Option<String>,
    published: Option<String>,
    #[serde(default)]
    cwes: Vec<String>,
    #[serde(default)]
    path: String,
    layer: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretFile {
    kind: String,
    severity: Option<Spanned<String>>,
    #[serde(default)]
    path: String,
    layer: Option<u32>,
    #[serde(default)]
    removed: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MalwareFile {
    rule: String,
    #[serde(default)]
    family: String,
    severity: Option<Spanned<String>>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    sha256: String,
    layer: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MisconfigurationFile {
    check: String,
    severity: Option<Spanned<String>>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    benchmarks: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProblemFile {
    kind: Spanned<String>,
    #[serde(default)]
    subject: String,
}

impl Given {
    /// Whether its words are ones that facts have.
    pub(super) fn check(&self, errors: &mut Vec<PolicyError>) {
        let Self { packages, findings, secrets, malware, misconfigurations, problems, image } =
            self;
        if let Some(source) = &image.source {
            one_of(source, ArtifactKind::ALL.map(ArtifactKind::name), errors);
        }
        let severities = (findings.iter().map(|it| &it.severity))
            .chain(secrets.iter().map(|it| &it.severity))
            .chain(malware.iter().map(|it| &it.severity))
            .chain(misconfigurations.iter().map(|it| &it.severity));
        for severity in severities.flatten() {
            one_of(severity, Severity::ALL.map(Severity::name), errors);
        }
        let kinds = packages.iter().map(|it| &it.kind).chain(findings.iter().map(|it| &it.kind));
        for kind in kinds.flatten() {
            one_of(kind, PackageKind::ALL.iter().map(|it| it.name()).collect::<Vec<_>>(), errors);
        }
        for status in findings.iter().filter_map(|it| it.status.as_ref()) {
            one_of(status, Status::ALL.map(Status::name), errors);
        }
        for problem in problems {
            one_of(&problem.kind, ProblemKind::ALL.map(ProblemKind::name), errors);
        }
    }

    pub(super) fn artifact(&self) -> Artifact {
        self.image.artifact()
    }

    pub(super) fn base(&self) -> Option<Base> {
        self.image.base()
    }

    pub(super) fn eol(&self) -> Eol {
        self.image.eol()
    }

    /// The checks that ran: all of them where nothing is said.
    pub(super) fn checks(&self) -> Vec<String> {
        let all = || ["vuln", "secret", "malware", "config"].map(str::to_owned).to_vec();
        self.image.checks.clone().unwrap_or_else(all)
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.iter().map(FindingFile::finding).collect()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        self.problems.iter().map(ProblemFile::problem).collect()
    }

    pub(super) fn inventory(&self) -> Inventory {
        let os = self.image.os.as_ref().map(|os| {
            let (family, version) = os.split_once(' ').unwrap_or((os, ""));
            Os {
                family: family.to_owned(),
                version: version.to_owned(),
                codename: None,
                pretty_name: None,
                derived_id: None,
            }
        });
        Inventory {
            os,
            packages: self.packages.iter().map(PackageFile::package).collect(),
            secrets: self.secrets.iter().map(SecretFile::secret).collect(),
            malware: self.malware.iter().map(MalwareFile::malware).collect(),
            misconfigurations: self
                .misconfigurations
                .iter()
                .map(MisconfigurationFile::it)
                .collect(),
            ..Inventory::default()
        }
    }
}

fn one_of<'a>(
    text: &Spanned<String>,
    words: impl IntoIterator<Item = &'a str> + Clone,
    errors: &mut Vec<PolicyError>,
) {
    if !words.clone().into_iter().any(|word| word == text.value) {
        let message = format!("`{}` is not allowed here", text.value);
        let hint = suggest::hint(&text.value, words);
        errors.push(PolicyError::at(text, message).hint(Some(hint)));
    }
}

/// An image of which nothing but the name is known.
fn artifact(name: &str) -> Artifact {
    Artifact {
        name: name.to_owned(),
        kind: ArtifactKind::Registry,
        references: Vec::new(),
        digest: None,
        manifest_digest: None,
        platform: None,
        size_bytes: None,
        created: None,
        config: None,
        layers: Vec::new(),
    }
}

impl ImageFile {
    fn artifact(&self) -> Artifact {
        let config = ImageConfig {
            user: self.user.clone().unwrap_or_else(|| "app".to_owned()),
            exposed_ports: self.exposed_ports.clone(),
            volumes: self.volumes.clone(),
            labels: self.labels.clone(),
            healthcheck: self.healthcheck.then(Vec::new),
            ..ImageConfig::default()
        };
        let source = self.source.as_ref().map(|it| it.value.as_str());
        let kind = ArtifactKind::ALL.into_iter().find(|kind| Some(kind.name()) == source);
        Artifact {
            kind: kind.unwrap_or(ArtifactKind::Registry),
            references: self.references.clone(),
            created: self.created.clone(),
            size_bytes: self.size_bytes,
            config: Some(config),
            ..artifact(self.name.as_deref().unwrap_or("example.com/shop:1"))
        }
    }

    fn base(&self) -> Option<Base> {
        let digest = Digest::sha256([0; 32]);
        let name = "example.com/base:1".to_owned();
        Some(Base { name, digest, created: None, layers: self.base_layers?, newer: None })
    }

    fn eol(&self) -> Eol {
        match (&self.support_ended, &self.support_ends) {
            (Some(date), _) => Eol::Ended(date.clone()),
            (None, Some(date)) => Eol::Ends(date.clone()),
            (None, None) => Eol::Unknown,
        }
    }
}

fn severity(text: Option<&Spanned<String>>) -> Severity {
    text.and_then(|text| text.value.parse().ok()).unwrap_or_default()
}

fn kind(text: Option<&Spanned<String>>) -> PackageKind {
    let named = |text: &Spanned<String>| {
        PackageKind::ALL.iter().find(|it| it.name() == text.value).copied()
    };
    text.and_then(named).unwrap_or(PackageKind::Deb)
}

fn location(path: &str, layer: Option<u32>) -> Location {
    Location { path: path.to_owned(), layer }
}

impl PackageFile {
    fn package(&self) -> Package {
        Package {
            license: self.license.clone(),
            location: location(&self.path, self.layer),
            ..Package::new(kind(self.kind.as_ref()), &self.name, &self.version)
        }
    }
}

impl FindingFile {
    fn finding(&self) -> Finding {
        let rated = severity(self.severity.as_ref());
        let stated = self
            .status
            .as_ref()
            .and_then(|it| Status::ALL.into_iter().find(|status| status.name() == it.value));
        let usual = if self.fixed_version.is_some() { Status::Fixed } else { Status::Affected };
        Finding {
            id: self.id.clone(),
            aliases: self.aliases.clone(),
            package: Package {
                location: location(&self.path, self.layer),
                ..Package::new(kind(self.kind.as_ref()), &self.package, &self.version)
            },
            status: stated.unwrap_or(usual),
            fixed_version: self.fixed_version.clone(),
            severity: rated,
            severity_source: String::new(),
            opinions: Vec::<Opinion>::new(),
            cvss: self.cvss.iter().map(|score| cvss(*score)).collect(),
            epss: self.epss.map(|probability| (probability, probability)),
            kev: self.kev.clone(),
            cwes: self.cwes.clone(),
            title: String::new(),
            description: String::new(),
            references: Vec::new(),
            published: self.published.clone(),
            modified: None,
            evidence: Vec::new(),
        }
    }
}

fn cvss(score: f64) -> Cvss {
    Cvss { source: String::new(), version: "3.1".to_owned(), vector: String::new(), score }
}

impl SecretFile {
    fn secret(&self) -> Secret {
        Secret {
            kind: self.kind.clone(),
            title: self.kind.clone(),
            severity: severity(self.severity.as_ref()),
            place: SecretPlace::File,
            location: location(&self.path, self.layer),
            line: 1,
            excerpt: String::new(),
            removed: self.removed,
            owner: None,
        }
    }
}

impl MalwareFile {
    fn malware(&self) -> Malware {
        Malware {
            rule: self.rule.clone(),
            family: self.family.clone(),
            title: self.rule.clone(),
            severity: severity(self.severity.as_ref()),
            engine: MalwareEngine::Rules,
            location: location(&self.path, self.layer),
            offset: None,
            sha256: self.sha256.clone(),
            removed: false,
            owner: None,
            intact: None,
        }
    }
}

impl MisconfigurationFile {
    fn it(&self) -> Misconfiguration {
        Misconfiguration {
            check: self.check.clone(),
            title: self.check.clone(),
            severity: severity(self.severity.as_ref()),
            why: String::new(),
            remediation: String::new(),
            benchmarks: self.benchmarks.clone(),
            place: ConfigPlace::Image,
            location: location(&self.path, None),
            line: 0,
            resource: String::new(),
            evidence: String::new(),
        }
    }
}

impl ProblemFile {
    fn problem(&self) -> Problem {
        let kind = ProblemKind::ALL.into_iter().find(|kind| kind.name() == self.kind.value);
        Problem::new(kind.unwrap_or(ProblemKind::Notice), self.subject.as_str(), "a case")
    }
}
