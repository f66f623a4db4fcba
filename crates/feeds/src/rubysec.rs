//! RubySec's advisory database (github.com/rubysec/ruby-advisory-db): YAML, an advisory a file.
//!
//! A file says which versions of a gem have the fix and which never had the fault; all others are
//! affected. Advisories on Ruby itself (`engine` instead of `gem`) are no advisories on gems. The file of
//! a gem is the record: several gems have a file of the same CVE. One with a `platform` is about gems that run
//! there alone.

use model::{Details, Severity};
use serde::Deserialize;
use version::Scheme;

use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};
use crate::{affected, language, stream, yaml};

const STREAM: &str = "gem";
/// The one platform that records name.
const JRUBY: &str = "jruby";

/// The database's own files as a feed.
pub(crate) struct Advisories;

impl Feed for Advisories {
    fn name(&self) -> &'static str {
        "rubysec"
    }

    fn license(&self) -> &'static str {
        "public domain"
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let head = sample.head();
        let head = head.strip_prefix(b"---").unwrap_or(head).trim_ascii_start();
        sample.form() == Form::Text && head.starts_with(b"gem:") && sample.contains("\ntitle:")
    }

    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream == "gem"
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        if !document.whole {
            return Err(FeedError::content("ends early"));
        }
        let entry: Entry = yaml::document(&document.bytes()?)?;
        let file = document.file_name();
        entry.read(file.strip_suffix(".yml").unwrap_or(file), sink);
        Ok(())
    }
}

/// An advisory, as far as it is read.
#[derive(Deserialize)]
struct Entry {
    gem: String,
    /// `2023-50725`.
    #[serde(default)]
    cve: Option<String>,
    /// `gc3j-vvwf-4rp8`.
    #[serde(default)]
    ghsa: Option<String>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    cvss_v2: Option<f64>,
    #[serde(default)]
    cvss_v3: Option<f64>,
    #[serde(default)]
    cvss_v4: Option<f64>,
    #[serde(default)]
    patched_versions: Option<Vec<String>>,
    #[serde(default)]
    unaffected_versions: Option<Vec<String>>,
}

impl Entry {
    fn read(self, file: &str, sink: &mut Sink) {
        let record = format!("{}/{file}", self.gem);
        sink.covers(&record);
        let sound = self.patched_versions.iter().chain(&self.unaffected_versions).flatten();
        let ranges = match affected::outside(Scheme::Gem, sound.map(String::as_str)) {
            Ok(ranges) => ranges,
            Err(cause) => return sink.damaged(&record, cause),
        };
        let cve = self.cve.map(|number| format!("CVE-{number}")).filter(|id| stream::is_cve(id));
        let ghsa = self.ghsa.map(|rest| format!("GHSA-{}", rest.trim_start_matches("GHSA-")));
        let mut names = cve.into_iter().chain(ghsa);
        let id = names.next().unwrap_or_else(|| file.to_owned());
        let aliases: Vec<String> = names.collect();
        let score = self.cvss_v4.or(self.cvss_v3).map(Severity::from_score);
        let severity = score.or_else(|| self.cvss_v2.map(Severity::from_score_of_version_2));
        let severity = severity.unwrap_or_default();
        let package = language::package_name(STREAM, &self.gem);
        let Some(mut advisory) =
            language::advisory((&id, &aliases), package, ranges, severity, &record)
        else {
            return sink.passed_over("records that leave no version affected");
        };
        // Of another one it is not known which gems it means.
        advisory.scope.platforms.extend(self.platform.filter(|platform| platform == JRUBY));
        sink.advisory(STREAM, advisory);
        // The texts go by the vulnerability's name.
        sink.covers(&id);
        let details = Details {
            id,
            title: self.title.trim().to_owned(),
            description: self.description.unwrap_or_default().trim().to_owned(),
            severity,
            references: self.url.into_iter().collect(),
            published: self.date.map(|date| format!("{date}T00:00:00Z")),
            ..Details::default()
        };
        sink.details(STREAM, details);
    }
}
