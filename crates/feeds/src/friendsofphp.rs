//! FriendsOfPHP's advisory database (github.com/FriendsOfPHP/security-advisories): YAML, an
//! advisory a file.
//!
//! A file names a Composer package and, for every branch of its releases, the conditions that all hold
//! of an affected version. Conditions are read by the order of versions alone: a release candidate of
//! the fixed version counts as affected, as it does in everybody else's ranges.

use std::collections::BTreeMap;

use model::{Details, Severity};
use serde::Deserialize;
use version::Scheme;

use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};
use crate::{affected, language, stream, yaml};

const STREAM: &str = "composer";
const REFERENCE: &str = "composer://";

/// The database's own files as a feed.
pub(crate) struct Advisories;

impl Feed for Advisories {
    fn name(&self) -> &'static str {
        "friendsofphp"
    }

    fn license(&self) -> &'static str {
        "Unlicense"
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let has_line = |key: &str| {
            sample.head().starts_with(key.as_bytes()) || sample.contains(&format!("\n{key}"))
        };
        sample.form() == Form::Text
            && sample.contains(REFERENCE)
            && ["title:", "branches:", "reference:"].into_iter().all(has_line)
    }

    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream == "composer"
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        if !document.whole {
            return Err(FeedError::content("ends early"));
        }
        let entry: Entry = yaml::document(&document.bytes()?)?;
        let file = document.file_name();
        entry.read(file.strip_suffix(".yaml").unwrap_or(file), sink);
        Ok(())
    }
}

/// An advisory, as far as it is read.
#[derive(Deserialize)]
struct Entry {
    /// `composer://vendor/name`.
    reference: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    cve: Option<String>,
    branches: BTreeMap<String, Branch>,
}

#[derive(Deserialize)]
struct Branch {
    /// All of them hold.
    #[serde(default)]
    versions: Vec<String>,
}

impl Entry {
    fn read(self, file: &str, sink: &mut Sink) {
        let name = self.reference.trim();
        let name = name.strip_prefix(REFERENCE).unwrap_or(name);
        let record = format!("{name}/{file}");
        sink.covers(&record);
        let mut ranges = Vec::new();
        for Branch { versions } in self.branches.values().filter(|b| !b.versions.is_empty()) {
            match affected::within(Scheme::Composer, &versions.join(",")) {
                Ok(branch) => ranges.extend(branch),
                Err(cause) => return sink.damaged(&record, cause),
            }
        }
        let cve = self.cve.map(|cve| cve.trim().to_owned()).filter(|cve| stream::is_cve(cve));
        let id = cve.unwrap_or_else(|| record.clone());
        let package = language::package_name(STREAM, name);
        let Some(advisory) =
            language::advisory((&id, &[]), package, ranges, Severity::Unknown, &record)
        else {
            return sink.passed_over("records that leave no version affected");
        };
        sink.advisory(STREAM, advisory);
        // The texts go by the vulnerability's name.
        sink.covers(&id);
        let details = Details {
            id,
            title: self.title.unwrap_or_default().trim().to_owned(),
            references: self.link.into_iter().collect(),
            ..Details::default()
        };
        sink.details(STREAM, details);
    }
}
