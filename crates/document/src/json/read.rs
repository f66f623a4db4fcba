//! A stored JSON report, read back: what was found, so that it can be judged anew.
//!
//! What a report does not carry is not known: files and dependencies of packages, the build history,
//! variables. What it left out because its user did not want to see it becomes a [`Problem`], for
//! nobody can tell that it is not there. Fields that a later minor version adds are passed over.

mod items;

use std::collections::BTreeMap;

use model::{Artifact, ArtifactKind, Eol, ImageConfig, Inventory, Layer, Os, Problem, ProblemKind};
use serde::Deserialize;

use self::items::{
    FindingItem, MalwareItem, MisconfigurationItem, PackageItem, ProblemItem, SecretItem,
};
use crate::{DataSource, Report};

/// Why a text is no report.
#[derive(Debug)]
pub enum ReadReportError {
    /// Not JSON, or not of this form.
    Json(serde_json::Error),
    /// A report of a version that is not read here.
    Version(String),
    /// A word that no report of this version has.
    Word(String),
}

impl std::fmt::Display for ReadReportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Json(error) => write!(f, "not a report: {error}"),
            Self::Version(version) => {
                write!(f, "a report of version {version}, which is not known")
            }
            Self::Word(word) => write!(f, "not a report: `{word}` is not a word of it"),
        }
    }
}

impl std::error::Error for ReadReportError {}

/// Whether a text is meant to be a report, of whatever version.
pub fn is_report(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Marks {
        #[serde(rename = "schema_version")]
        _schema_version: serde::de::IgnoredAny,
        #[serde(rename = "artifact")]
        _artifact: serde::de::IgnoredAny,
    }
    serde_json::from_slice::<Marks>(bytes).is_ok()
}

/// Reads a report that [`super::write()`] wrote.
pub fn read(bytes: &[u8]) -> Result<Report, ReadReportError> {
    let document: Document = serde_json::from_slice(bytes).map_err(ReadReportError::Json)?;
    if !document.schema_version.starts_with("1.") {
        return Err(ReadReportError::Version(document.schema_version));
    }
    document.report()
}

#[derive(Deserialize)]
struct Document {
    schema_version: String,
    created: String,
    artifact: ArtifactItem,
    os: Option<OsItem>,
    layers: Vec<LayerItem>,
    packages: Vec<PackageItem>,
    findings: Vec<FindingItem>,
    #[serde(default)]
    secrets: Vec<SecretItem>,
    #[serde(default)]
    malware: Vec<MalwareItem>,
    #[serde(default)]
    misconfigurations: Vec<MisconfigurationItem>,
    problems: Vec<ProblemItem>,
    #[serde(default)]
    data: Vec<DataItem>,
    summary: Summary,
}

#[derive(Deserialize)]
struct ArtifactItem {
    name: String,
    kind: String,
    #[serde(default)]
    references: Vec<String>,
    digest: Option<String>,
    manifest_digest: Option<String>,
    platform: Option<String>,
    size_bytes: Option<u64>,
    created: Option<String>,
    config: Option<ConfigItem>,
}

#[derive(Deserialize)]
struct ConfigItem {
    user: String,
    exposed_ports: Vec<String>,
    volumes: Vec<String>,
    labels: BTreeMap<String, String>,
    has_healthcheck: bool,
}

#[derive(Deserialize)]
struct OsItem {
    family: String,
    version: String,
    codename: Option<String>,
    name: Option<String>,
    eol: Option<bool>,
    eol_date: Option<String>,
}

#[derive(Deserialize)]
struct LayerItem {
    index: u32,
    diff_id: Option<String>,
    digest: Option<String>,
    size_bytes: Option<u64>,
    created_by: String,
}

#[derive(Deserialize)]
struct DataItem {
    source: String,
    stream: String,
    built_at: String,
    modified: Option<String>,
    license: String,
}

#[derive(Deserialize)]
struct Summary {
    checks: Vec<String>,
    #[serde(default)]
    left_out: usize,
    #[serde(default)]
    secrets_left_out: usize,
    #[serde(default)]
    malware_left_out: usize,
    #[serde(default)]
    misconfigurations_left_out: usize,
}

/// The value that a report calls by this name.
fn named<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    word: &str,
) -> Result<T, ReadReportError> {
    let found = all.iter().copied().find(|it| name(*it) == word);
    found.ok_or_else(|| ReadReportError::Word(word.to_owned()))
}

/// A word that has to be well-formed.
fn parsed<T: std::str::FromStr>(text: Option<&str>) -> Result<Option<T>, ReadReportError> {
    let parse = |text: &str| text.parse().map_err(|_why| ReadReportError::Word(text.to_owned()));
    text.map(parse).transpose()
}

fn each<T, U>(
    items: Vec<T>,
    read: impl Fn(T) -> Result<U, ReadReportError>,
) -> Result<Vec<U>, ReadReportError> {
    items.into_iter().map(read).collect()
}

impl Document {
    fn report(self) -> Result<Report, ReadReportError> {
        let mut problems = each(self.problems, ProblemItem::problem)?;
        problems.extend(self.summary.unseen());
        let eol = self.os.as_ref().map_or(Eol::Unknown, OsItem::eol);
        let inventory = Inventory {
            os: self.os.map(OsItem::os),
            packages: each(self.packages, PackageItem::package)?,
            secrets: each(self.secrets, SecretItem::secret)?,
            malware: each(self.malware, MalwareItem::malware)?,
            misconfigurations: each(self.misconfigurations, MisconfigurationItem::it)?,
            ..Inventory::default()
        };
        Ok(Report {
            artifact: self.artifact.artifact(self.layers)?,
            inventory,
            eol,
            findings: each(self.findings, FindingItem::finding)?,
            silenced: Vec::new(),
            excepted: Vec::new(),
            left_out: BTreeMap::new(),
            secrets_left_out: self.summary.secrets_left_out,
            malware_left_out: self.summary.malware_left_out,
            misconfigurations_left_out: self.summary.misconfigurations_left_out,
            upgrades: Vec::new(),
            problems,
            data: self.data.into_iter().map(DataItem::source).collect(),
            checks: self.summary.checks,
            base: None,
            verdict: None,
            now: self.created,
        })
    }
}

impl Summary {
    fn unseen(&self) -> Option<Problem> {
        let Self {
            left_out, secrets_left_out, malware_left_out, misconfigurations_left_out, ..
        } = self;
        let hidden = left_out + secrets_left_out + malware_left_out + misconfigurations_left_out;
        let message = format!("leaves out {hidden} things that its user did not want to see");
        (hidden > 0).then(|| Problem::new(ProblemKind::Unreadable, "report", message))
    }
}

impl ArtifactItem {
    fn artifact(self, layers: Vec<LayerItem>) -> Result<Artifact, ReadReportError> {
        Ok(Artifact {
            kind: named(&ArtifactKind::ALL, ArtifactKind::name, &self.kind)?,
            name: self.name,
            references: self.references,
            digest: parsed(self.digest.as_deref())?,
            manifest_digest: parsed(self.manifest_digest.as_deref())?,
            platform: parsed(self.platform.as_deref())?,
            size_bytes: self.size_bytes,
            created: self.created,
            config: self.config.map(ConfigItem::config),
            layers: each(layers, LayerItem::layer)?,
        })
    }
}

impl ConfigItem {
    fn config(self) -> ImageConfig {
        ImageConfig {
            user: self.user,
            exposed_ports: self.exposed_ports,
            volumes: self.volumes,
            labels: self.labels,
            healthcheck: self.has_healthcheck.then(Vec::new),
            ..ImageConfig::default()
        }
    }
}

impl DataItem {
    fn source(self) -> DataSource {
        let Self { source, stream, built_at, modified, license } = self;
        DataSource { source, stream, built_at, modified, license }
    }
}

impl OsItem {
    fn eol(&self) -> Eol {
        match (self.eol, &self.eol_date) {
            (Some(true), Some(date)) => Eol::Ended(date.clone()),
            (Some(false), Some(date)) => Eol::Ends(date.clone()),
            _ => Eol::Unknown,
        }
    }

    fn os(self) -> Os {
        Os {
            family: self.family,
            version: self.version,
            codename: self.codename,
            pretty_name: self.name,
            derived_id: None,
        }
    }
}

impl LayerItem {
    fn layer(self) -> Result<Layer, ReadReportError> {
        Ok(Layer {
            index: self.index,
            diff_id: parsed(self.diff_id.as_deref())?,
            digest: parsed(self.digest.as_deref())?,
            size_bytes: self.size_bytes,
            created_by: self.created_by,
        })
    }
}
