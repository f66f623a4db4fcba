//! NIST's National Vulnerability Database, API 2.0 documents (nvd.nist.gov/developers): texts,
//! CVSS, CWE and references of every CVE. The yearly files have the same form.
//!
//! NVD's own scores are `Primary`; the CVE's issuer and CISA are `Secondary`. The rating is the
//! primary one of the newest CVSS version, so that a CNA's word stays that CNA's. Which products
//! are affected (CPE) is not taken: for packages of a distribution it is wrong too often.

use model::{Cvss, Details, Severity};
use serde::Deserialize;

use crate::cvss::{self, CvssData};
use crate::{Covers, Document, Feed, FeedError, Sample, Sink, json, stream};

/// The first year with a file of its own; it holds the CVEs of the years before too.
const FIRST_FILE: u16 = 2002;
/// Years have four digits.
const LAST_YEAR: u16 = 9999;
/// The first year that CVE ids name.
const FIRST_CVE: u16 = 1999;

/// NVD as a feed.
pub(crate) struct Nvd;

impl Feed for Nvd {
    fn name(&self) -> &'static str {
        "nvd"
    }

    fn license(&self) -> &'static str {
        "public domain"
    }

    fn covers(&self) -> Covers {
        Covers::Vulnerability
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.contains("\"NVD_CVE\"") && sample.has_keys(&["format", "vulnerabilities"])
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let year = stream::release(stream, stream::CVE).and_then(|year| year.parse::<u16>().ok());
        year.filter(|year| (FIRST_CVE..=LAST_YEAR).contains(year)).map_or_else(Vec::new, |year| {
            let file = year.max(FIRST_FILE);
            vec![format!("https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-{file}.json.gz")]
        })
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        json::each_element(document, "vulnerabilities", &mut |record| match record.read() {
            Ok(Record { cve }) => cve.read(sink),
            Err(error) => sink.damaged("cve", error),
        })
    }
}

#[derive(Deserialize)]
struct Record {
    cve: Cve,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cve {
    id: String,
    published: Option<String>,
    last_modified: Option<String>,
    #[serde(default)]
    vuln_status: String,
    #[serde(default)]
    descriptions: Vec<Text>,
    #[serde(default)]
    metrics: Metrics,
    #[serde(default)]
    weaknesses: Vec<Weakness>,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Text {
    lang: String,
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    #[serde(default)]
    cvss_metric_v40: Vec<Metric>,
    #[serde(default)]
    cvss_metric_v31: Vec<Metric>,
    #[serde(default)]
    cvss_metric_v30: Vec<Metric>,
    #[serde(default)]
    cvss_metric_v2: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    source: String,
    r#type: String,
    cvss_data: CvssData,
    /// Beside the data for CVSS 2 only.
    base_severity: Option<String>,
}

#[derive(Deserialize)]
struct Weakness {
    #[serde(default)]
    description: Vec<Text>,
}

#[derive(Deserialize)]
struct Reference {
    url: String,
}

impl Cve {
    fn read(self, sink: &mut Sink) {
        let Some(stream) = stream::of_cve(&self.id) else {
            return sink.damaged(&self.id, "not a CVE id");
        };
        let modified = self.last_modified.as_deref().map(utc);
        if let Some(modified) = &modified {
            sink.modified(&stream, modified);
        }
        let weaknesses = self.weaknesses.iter().flat_map(|weakness| &weakness.description);
        let mut cwes: Vec<String> = weaknesses.filter_map(|text| cvss::cwe(&text.value)).collect();
        cwes.sort();
        cwes.dedup();
        let mut references: Vec<String> = Vec::new();
        for Reference { url } in self.references {
            if !references.contains(&url) {
                references.push(url);
            }
        }
        let is_rejected = self.vuln_status == "Rejected";
        let english = self.descriptions.into_iter().find(|text| text.lang == "en");
        let details = Details {
            id: self.id,
            title: String::new(),
            description: english.map(|text| text.value).unwrap_or_default(),
            severity: self.metrics.severity(),
            cvss: self.metrics.scores(),
            cwes,
            references,
            published: self.published.as_deref().map(utc),
            withdrawn: modified.clone().filter(|_| is_rejected),
            modified,
        };
        sink.details(&stream, details);
    }
}

impl Metrics {
    fn all(&self) -> impl Iterator<Item = &Metric> {
        let Self { cvss_metric_v40, cvss_metric_v31, cvss_metric_v30, cvss_metric_v2 } = self;
        [cvss_metric_v40, cvss_metric_v31, cvss_metric_v30, cvss_metric_v2].into_iter().flatten()
    }

    fn scores(&self) -> Vec<Cvss> {
        self.all().filter_map(|metric| metric.cvss_data.scored_by(source(&metric.source))).collect()
    }

    fn severity(&self) -> Severity {
        let rank =
            |metric: &&Metric| (metric.r#type == "Primary", metric.cvss_data.version().to_owned());
        let best = self.all().max_by_key(rank);
        best.map_or(Severity::Unknown, |m| m.cvss_data.severity(m.base_severity.as_deref()))
    }
}

/// The short names of those who score most; others keep the name NVD gives them.
fn source(name: &str) -> &str {
    match name {
        "nvd@nist.gov" => "nvd",
        "security-advisories@github.com" => "github",
        "secalert@redhat.com" => "redhat",
        "134c704f-9b21-4f2e-91b3-4a467353bcc0" => "cisa-adp",
        other => other,
    }
}

/// NVD's times are UTC and do not say so.
fn utc(time: &str) -> String {
    if time.ends_with('Z') { time.to_owned() } else { format!("{time}Z") }
}
