//! A finding as the JSON report shows it: one vulnerability on one package, with all that is known of
//! it and the evidence.

use model::{Evidence, Finding, Layer};
use serde::Serialize;

use super::SourceJson;
use crate::purl;

/// The part of a package that a finding repeats.
#[derive(Serialize)]
struct AffectedJson<'a> {
    name: &'a str,
    version: &'a str,
    source: SourceJson<'a>,
    purl: String,
    #[serde(rename = "type")]
    kind: &'static str,
    architecture: &'a str,
}

/// The layer in which a finding's package version first appears. The blob's digest is left out:
/// it depends on how the source compressed it.
#[derive(Serialize)]
struct OriginJson<'a> {
    index: u32,
    diff_id: Option<String>,
    created_by: &'a str,
}

#[derive(Serialize)]
struct CvssJson<'a> {
    source: &'a str,
    version: &'a str,
    vector: &'a str,
    score: f64,
}

#[derive(Serialize)]
struct EpssJson {
    probability: f64,
    percentile: f64,
}

#[derive(Serialize)]
struct KevJson<'a> {
    date_added: &'a str,
}

#[derive(Serialize)]
struct OpinionJson<'a> {
    source: &'a str,
    severity: &'static str,
}

#[derive(Serialize)]
struct EvidenceJson<'a> {
    source: &'a str,
    stream: &'a str,
    notices: &'a [String],
    advisory_package: &'a str,
    compared: &'a str,
}

#[derive(Serialize)]
pub(super) struct FindingJson<'a> {
    id: &'a str,
    aliases: &'a [String],
    package: AffectedJson<'a>,
    path: &'a str,
    layer: Option<OriginJson<'a>>,
    status: &'static str,
    fixed_version: Option<&'a str>,
    severity: &'static str,
    severity_source: &'a str,
    severities: Vec<OpinionJson<'a>>,
    cvss: Vec<CvssJson<'a>>,
    epss: Option<EpssJson>,
    kev: Option<KevJson<'a>>,
    cwes: &'a [String],
    title: &'a str,
    description: &'a str,
    references: &'a [String],
    published: Option<&'a str>,
    modified: Option<&'a str>,
    evidence: Vec<EvidenceJson<'a>>,
}

impl<'a> FindingJson<'a> {
    pub(super) fn of(finding: &'a Finding, os: Option<&model::Os>, layers: &'a [Layer]) -> Self {
        let package = &finding.package;
        let origin = |index: u32| layers.iter().find(|layer| layer.index == index);
        Self {
            id: &finding.id,
            aliases: &finding.aliases,
            package: AffectedJson {
                name: &package.name,
                version: &package.version,
                source: SourceJson {
                    name: package.source_name(),
                    version: package.source_version(),
                },
                purl: purl(package, os),
                kind: package.kind.name(),
                architecture: &package.architecture,
            },
            path: &package.location.path,
            layer: package.location.layer.and_then(origin).map(|layer| OriginJson {
                index: layer.index,
                diff_id: layer.diff_id.as_ref().map(ToString::to_string),
                created_by: &layer.created_by,
            }),
            status: finding.status.name(),
            fixed_version: finding.fixed_version.as_deref(),
            severity: finding.severity.name(),
            severity_source: &finding.severity_source,
            severities: finding.opinions.iter().map(OpinionJson::of).collect(),
            cvss: finding.cvss.iter().map(CvssJson::of).collect(),
            epss: finding
                .epss
                .map(|(probability, percentile)| EpssJson { probability, percentile }),
            kev: finding.kev.as_deref().map(|date_added| KevJson { date_added }),
            cwes: &finding.cwes,
            title: &finding.title,
            description: &finding.description,
            references: &finding.references,
            published: finding.published.as_deref(),
            modified: finding.modified.as_deref(),
            evidence: finding.evidence.iter().map(EvidenceJson::of).collect(),
        }
    }
}

impl<'a> OpinionJson<'a> {
    fn of(opinion: &'a model::Opinion) -> Self {
        Self { source: &opinion.source, severity: opinion.severity.name() }
    }
}

impl<'a> CvssJson<'a> {
    fn of(cvss: &'a model::Cvss) -> Self {
        let model::Cvss { source, version, vector, score } = cvss;
        Self { source, version, vector, score: *score }
    }
}

impl<'a> EvidenceJson<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        let Evidence { source, stream, notices, advisory_package, compared } = evidence;
        Self { source, stream, notices, advisory_package, compared }
    }
}
