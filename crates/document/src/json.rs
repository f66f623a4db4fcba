//! The JSON report: the contract with strangers, described by `docs/report.schema.json`.
//!
//! These structs are the promise, not `model`'s: a field is added with a new minor
//! `schema_version`, and removed or changed only with a new major one. `findings` must not depend
//! on where the image was read from.

mod base;
mod config;
mod diff;
mod finding;
mod malware;
mod misconfiguration;
mod read;
mod secret;
mod silenced;
mod verdict;

use std::io::{self, Write};

use model::{Eol, Layer, License, Package, Problem};
use serde::{Serialize, Serializer};

use self::base::BaseJson;
use self::config::ConfigJson;
pub use self::diff::diff;
use self::finding::FindingJson;
use self::malware::MalwareJson;
use self::misconfiguration::MisconfigurationJson;
pub use self::read::{ReadReportError, is_report, read};
use self::secret::SecretJson;
use self::silenced::SilencedJson;
use self::verdict::{ExceptedJson, VerdictJson};
use crate::{Report, purl};

/// Bumped as the module doc says.
pub const SCHEMA_VERSION: &str = "1.0";

/// Writes the report as pretty-printed JSON with a final newline.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    pretty(&document(report), out)
}

/// A document as it is written: the text of a large one would take as much as the report once more.
pub(crate) fn pretty(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}

/// A list whose parts are made as they are written: all of them at once would take as much as what
/// they are made of.
pub(crate) struct Each<I>(pub(crate) I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for Each<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

/// The same for formats that hold the report as a part of theirs.
pub(crate) fn document(report: &Report) -> impl Serialize {
    let os = report.inventory.os.as_ref();
    let layers = &report.artifact.layers;
    Document {
        schema_version: SCHEMA_VERSION,
        created: &report.now,
        artifact: ArtifactJson::of(report),
        base: report.base.as_ref().map(BaseJson::of),
        os: os.map(|os| OsJson::of(os, &report.eol)),
        layers: match report.artifact.kind.has_layers() {
            true => layers.iter().map(LayerJson::of).collect(),
            false => Vec::new(),
        },
        packages: Each(report.inventory.packages.iter().map(move |p| PackageJson::of(p, os))),
        findings: Each(report.findings.iter().map(move |f| FindingJson::of(f, os, layers))),
        silenced: report.silenced.iter().map(SilencedJson::of).collect(),
        excepted: report.excepted.iter().map(ExceptedJson::of).collect(),
        secrets: report.inventory.secrets.iter().map(SecretJson::of).collect(),
        malware: report.inventory.malware.iter().map(MalwareJson::of).collect(),
        misconfigurations: (report.inventory.misconfigurations.iter())
            .map(MisconfigurationJson::of)
            .collect(),
        problems: report.problems.iter().map(ProblemJson::of).collect(),
        data: report.data.iter().map(DataJson::of).collect(),
        summary: SummaryJson::of(report),
        verdict: report.verdict.as_ref().map(VerdictJson::of),
    }
}

#[derive(Serialize)]
struct Document<'a, P, F> {
    schema_version: &'static str,
    created: &'a str,
    artifact: ArtifactJson<'a>,
    base: Option<BaseJson<'a>>,
    os: Option<OsJson<'a>>,
    layers: Vec<LayerJson<'a>>,
    packages: P,
    findings: F,
    silenced: Vec<SilencedJson<'a>>,
    excepted: Vec<ExceptedJson<'a>>,
    secrets: Vec<SecretJson<'a>>,
    malware: Vec<MalwareJson<'a>>,
    misconfigurations: Vec<MisconfigurationJson<'a>>,
    problems: Vec<ProblemJson<'a>>,
    data: Vec<DataJson<'a>>,
    summary: SummaryJson<'a>,
    verdict: Option<VerdictJson<'a>>,
}

#[derive(Serialize)]
struct ArtifactJson<'a> {
    name: &'a str,
    kind: &'static str,
    references: &'a [String],
    digest: Option<String>,
    manifest_digest: Option<String>,
    platform: Option<String>,
    size_bytes: Option<u64>,
    created: Option<&'a str>,
    config: Option<ConfigJson<'a>>,
}

impl<'a> ArtifactJson<'a> {
    fn of(report: &'a Report) -> Self {
        let artifact = &report.artifact;
        let config = artifact.config.as_ref();
        Self {
            config: config.map(|it| ConfigJson::of(it, &report.inventory.secrets)),
            name: &artifact.name,
            kind: artifact.kind.name(),
            references: &artifact.references,
            digest: artifact.digest.as_ref().map(ToString::to_string),
            manifest_digest: artifact.manifest_digest.as_ref().map(ToString::to_string),
            platform: artifact.platform.as_ref().map(ToString::to_string),
            size_bytes: artifact.size_bytes,
            created: artifact.created.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct OsJson<'a> {
    family: &'a str,
    version: &'a str,
    codename: Option<&'a str>,
    name: Option<&'a str>,
    /// Whether support has ended; null where no date is known.
    eol: Option<bool>,
    /// The date on which support ended or will end.
    eol_date: Option<&'a str>,
}

impl<'a> OsJson<'a> {
    fn of(os: &'a model::Os, eol: &'a Eol) -> Self {
        let date = match eol {
            Eol::Ended(date) | Eol::Ends(date) => Some(date.as_str()),
            Eol::Unknown => None,
        };
        Self {
            family: &os.family,
            version: &os.version,
            codename: os.codename.as_deref(),
            name: os.pretty_name.as_deref(),
            eol: is_ended(eol),
            eol_date: date,
        }
    }
}

/// None where no date is known.
fn is_ended(eol: &Eol) -> Option<bool> {
    match eol {
        Eol::Ended(_) => Some(true),
        Eol::Ends(_) => Some(false),
        Eol::Unknown => None,
    }
}

#[derive(Serialize)]
struct LayerJson<'a> {
    index: u32,
    diff_id: Option<String>,
    digest: Option<String>,
    size_bytes: Option<u64>,
    created_by: &'a str,
}

impl<'a> LayerJson<'a> {
    fn of(layer: &'a Layer) -> Self {
        Self {
            index: layer.index,
            diff_id: layer.diff_id.as_ref().map(ToString::to_string),
            digest: layer.digest.as_ref().map(ToString::to_string),
            size_bytes: layer.size_bytes,
            created_by: &layer.created_by,
        }
    }
}

#[derive(Serialize)]
struct SourceJson<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct PackageJson<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    architecture: &'a str,
    source: SourceJson<'a>,
    module: Option<&'a str>,
    purl: String,
    license: &'a str,
    /// The same in the terms of SPDX, where that is certain.
    license_spdx: Option<String>,
    path: &'a str,
    layer: Option<u32>,
    declared: bool,
    /// Needed by who develops alone; null where nothing says.
    development: Option<bool>,
    basis: &'static str,
    owner: Option<&'a str>,
}

impl<'a> PackageJson<'a> {
    fn of(package: &'a Package, os: Option<&model::Os>) -> Self {
        Self {
            name: &package.name,
            version: &package.version,
            kind: package.kind.name(),
            architecture: &package.architecture,
            source: SourceJson { name: package.source_name(), version: package.source_version() },
            module: package.module.as_deref(),
            purl: purl(package, os),
            license: &package.license,
            license_spdx: License::of(&package.license).map(|it| it.as_str().to_owned()),
            path: &package.location.path,
            layer: package.location.layer,
            declared: package.declared,
            development: package.development,
            basis: package.basis.name(),
            owner: package.owner.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    kind: &'static str,
    subject: &'a str,
    layer: Option<u32>,
    message: &'a str,
    /// Whether the result may lack something because of it.
    incomplete: bool,
}

impl<'a> ProblemJson<'a> {
    fn of(problem: &'a Problem) -> Self {
        let Problem { kind, subject, layer, message } = problem;
        Self {
            kind: kind.name(),
            subject,
            layer: *layer,
            message,
            incomplete: kind.makes_incomplete(),
        }
    }
}

#[derive(Serialize)]
struct DataJson<'a> {
    source: &'a str,
    stream: &'a str,
    built_at: &'a str,
    modified: Option<&'a str>,
    license: &'a str,
}

impl<'a> DataJson<'a> {
    fn of(data: &'a crate::DataSource) -> Self {
        Self {
            source: &data.source,
            stream: &data.stream,
            built_at: &data.built_at,
            modified: data.modified.as_deref(),
            license: &data.license,
        }
    }
}

#[derive(Serialize)]
struct SeveritiesJson {
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
    negligible: usize,
    unknown: usize,
}

#[derive(Serialize)]
struct UpgradeJson<'a> {
    package: &'a str,
    moves: &'a [String],
    to: &'a str,
    fixes: &'a [String],
}

impl<'a> UpgradeJson<'a> {
    fn of(upgrade: &'a crate::Upgrade) -> Self {
        let crate::Upgrade { package, moves, to, fixes } = upgrade;
        Self { package, moves, to, fixes }
    }
}

#[derive(Serialize)]
struct SummaryJson<'a> {
    checks: &'a [String],
    packages: usize,
    findings: usize,
    silenced: usize,
    secrets: usize,
    malware: usize,
    misconfigurations: usize,
    /// Findings that the user did not want to see.
    left_out: usize,
    secrets_left_out: usize,
    malware_left_out: usize,
    misconfigurations_left_out: usize,
    fixable: usize,
    severities: SeveritiesJson,
    /// Whether something may be missing: see `problems`.
    incomplete: bool,
    /// Whether support of its distribution has ended: of what is not supported little is said.
    eol: Option<bool>,
    upgrades: Vec<UpgradeJson<'a>>,
}

impl<'a> SummaryJson<'a> {
    fn of(report: &'a Report) -> Self {
        let [critical, high, medium, low, negligible, unknown] =
            report.by_severity().map(|(_, count)| count);
        Self {
            checks: &report.checks,
            packages: report.inventory.packages.len(),
            findings: report.findings.len(),
            silenced: report.silenced.len(),
            secrets: report.inventory.secrets.len(),
            malware: report.inventory.malware.len(),
            misconfigurations: report.inventory.misconfigurations.len(),
            left_out: report.left_out.values().sum(),
            secrets_left_out: report.secrets_left_out,
            malware_left_out: report.malware_left_out,
            misconfigurations_left_out: report.misconfigurations_left_out,
            fixable: report.fixable(),
            severities: SeveritiesJson { critical, high, medium, low, negligible, unknown },
            incomplete: report.is_incomplete(),
            eol: is_ended(&report.eol),
            upgrades: report.upgrades.iter().map(UpgradeJson::of).collect(),
        }
    }
}
