//! The CVE program's own records (github.com/CVEProject/cvelistV5, CVE JSON 5.x): one record a CVE,
//! with a container by its issuer (CNA) and containers by others (ADP), CISA's among them.
//!
//! The CNA's container comes first in everything; an ADP adds scores, weaknesses and references,
//! and its rating counts where the CNA gives none.

use model::{Cvss, Details, Severity};
use serde::Deserialize;

use crate::cvss::{self, CvssData};
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, stream};

/// The CVE list as a feed.
pub(crate) struct CveList;

impl Feed for CveList {
    fn name(&self) -> &'static str {
        "cve-list"
    }

    fn license(&self) -> &'static str {
        "CVE terms of use"
    }

    fn covers(&self) -> Covers {
        Covers::Vulnerability
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::JsonObject && sample.has_keys(&["dataType", "cveMetadata"])
    }

    /// The list comes as one archive of all years, half a gigabyte: NVD's yearly files serve scans.
    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream::release(stream, stream::CVE).is_some()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let record: Record = crate::json::read(&document.bytes()?)?;
        let Some(stream) = stream::of_cve(&record.cve_metadata.cve_id) else {
            return Err(FeedError::content("`cveId` is not a CVE id"));
        };
        let details = record.details();
        if let Some(modified) = &details.modified {
            sink.modified(&stream, modified);
        }
        sink.details(&stream, details);
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    cve_metadata: Metadata,
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    state: String,
    #[serde(default)]
    assigner_short_name: String,
    date_published: Option<String>,
    date_updated: Option<String>,
    date_rejected: Option<String>,
}

#[derive(Deserialize)]
struct Containers {
    cna: Container,
    #[serde(default)]
    adp: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    provider_metadata: Provider,
    title: String,
    descriptions: Vec<Text>,
    rejected_reasons: Vec<Text>,
    metrics: Vec<Metric>,
    problem_types: Vec<ProblemType>,
    references: Vec<Reference>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Provider {
    short_name: String,
}

#[derive(Deserialize)]
struct Text {
    lang: String,
    value: String,
}

/// One of the members; others (`ssvc` under `other`) are no scores.
#[derive(Deserialize)]
struct Metric {
    #[serde(rename = "cvssV4_0")]
    v4_0: Option<CvssData>,
    #[serde(rename = "cvssV3_1")]
    v3_1: Option<CvssData>,
    #[serde(rename = "cvssV3_0")]
    v3_0: Option<CvssData>,
    #[serde(rename = "cvssV2_0")]
    v2_0: Option<CvssData>,
}

#[derive(Deserialize)]
struct ProblemType {
    #[serde(default)]
    descriptions: Vec<Weakness>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Weakness {
    #[serde(default)]
    cwe_id: String,
}

#[derive(Deserialize)]
struct Reference {
    url: String,
}

impl Record {
    fn details(self) -> Details {
        let Self { cve_metadata: metadata, containers } = self;
        let issuer = match metadata.assigner_short_name.as_str() {
            "GitHub_M" => "github".to_owned(),
            name => name.to_ascii_lowercase(),
        };
        let mut details = Details { id: metadata.cve_id, ..Details::default() };
        containers.cna.add_to(&mut details, &issuer);
        for container in containers.adp {
            let name = adp(&container.provider_metadata.short_name);
            container.add_to(&mut details, &name);
        }
        details.cwes.sort();
        details.cwes.dedup();
        details.published = metadata.date_published.as_deref().map(utc);
        details.modified = metadata.date_updated.as_deref().map(utc);
        if metadata.state == "REJECTED" {
            let when = metadata.date_rejected.or(metadata.date_updated).unwrap_or_default();
            details.withdrawn = Some(utc(&when));
        }
        details
    }
}

impl Container {
    fn add_to(self, details: &mut Details, source: &str) {
        let texts = self.descriptions.into_iter().chain(self.rejected_reasons);
        let english = texts.into_iter().find(|text| text.lang.starts_with("en"));
        if details.title.is_empty() && !source.ends_with(ADP) {
            details.title = self.title;
        }
        if details.description.is_empty() {
            details.description = english.map(|text| text.value).unwrap_or_default();
        }
        let scores: Vec<&CvssData> = self.metrics.iter().flat_map(Metric::all).collect();
        if details.severity == Severity::Unknown {
            let newest = scores.iter().max_by_key(|score| score.version());
            details.severity = newest.map_or(Severity::Unknown, |score| score.severity(None));
        }
        let scored = scores.iter().filter_map(|score| score.scored_by(source));
        add_new(&mut details.cvss, scored);
        let weaknesses = self.problem_types.iter().flat_map(|kind| &kind.descriptions);
        details.cwes.extend(weaknesses.filter_map(|weakness| cvss::cwe(&weakness.cwe_id)));
        for Reference { url } in self.references {
            if !details.references.contains(&url) {
                details.references.push(url);
            }
        }
    }
}

impl Metric {
    fn all(&self) -> impl Iterator<Item = &CvssData> {
        [&self.v4_0, &self.v3_1, &self.v3_0, &self.v2_0].into_iter().flatten()
    }
}

fn add_new(all: &mut Vec<Cvss>, scores: impl Iterator<Item = Cvss>) {
    for score in scores {
        if !all.contains(&score) {
            all.push(score);
        }
    }
}

/// How the names of those who only add to a record end.
const ADP: &str = "adp";

/// `CISA-ADP` is `cisa-adp`; the CVE program's own container is `cve-adp`.
fn adp(short_name: &str) -> String {
    let name = short_name.to_ascii_lowercase();
    if name.ends_with(ADP) { name } else { format!("{name}-{ADP}") }
}

/// Records of the first years leave the zone out; the schema says UTC.
fn utc(time: &str) -> String {
    if time.ends_with('Z') || time.contains('+') { time.to_owned() } else { format!("{time}Z") }
}
