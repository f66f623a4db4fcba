//! RustSec's advisory database (github.com/rustsec/advisory-db): Markdown behind a block of TOML.
//!
//! `versions` says which versions have the fix and which never had the fault; all others of the crate
//! are affected. Advisories that are only informational (`unmaintained`, `notice`) tell of no
//! vulnerability and are passed over; `unsound` ones are kept, for unsound code is one waiting to
//! happen.

use model::Details;
use serde::Deserialize;
use version::Scheme;

use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, affected, cvss, language};

const STREAM: &str = "cargo";
const FENCE: &str = "```";

/// The database's own files as a feed.
pub(crate) struct Advisories;

impl Feed for Advisories {
    fn name(&self) -> &'static str {
        "rustsec"
    }

    fn license(&self) -> &'static str {
        "CC0-1.0"
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Text
            && sample.head().starts_with(b"```toml")
            && sample.contains("[advisory]")
    }

    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream == "cargo"
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        if !document.whole {
            return Err(FeedError::content("ends early"));
        }
        let bytes = document.bytes()?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| FeedError::content(format!("not UTF-8: {error}")))?;
        let behind = text.split_once('\n').map_or("", |(_, behind)| behind);
        let Some((front, body)) = behind.split_once(&format!("\n{FENCE}")) else {
            return Err(FeedError::content("the block of TOML has no end"));
        };
        let entry: Entry = toml::from_str(front)
            .map_err(|error| FeedError::content(format!("not TOML: {}", error.message())))?;
        entry.read(body, sink);
        Ok(())
    }
}

/// The block at the head of an advisory, as far as it is read.
#[derive(Deserialize)]
struct Entry {
    advisory: Advisory,
    #[serde(default)]
    versions: Versions,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
    package: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    cvss: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    informational: String,
    #[serde(default)]
    withdrawn: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Versions {
    patched: Vec<String>,
    unaffected: Vec<String>,
}

impl Entry {
    fn read(self, body: &str, sink: &mut Sink) {
        let Self { advisory: entry, versions } = self;
        sink.covers(&entry.id);
        if !entry.withdrawn.is_empty() {
            return sink.passed_over("withdrawn records");
        }
        if matches!(entry.informational.as_str(), "unmaintained" | "notice") {
            return sink.passed_over("notices that tell of no vulnerability");
        }
        let sound = versions.patched.iter().chain(&versions.unaffected).map(String::as_str);
        let ranges = match affected::outside(Scheme::Cargo, sound) {
            Ok(ranges) => ranges,
            Err(cause) => return sink.damaged(&entry.id, cause),
        };
        let scores: Vec<_> =
            cvss::of_vector(self::Advisories.name(), &entry.cvss).into_iter().collect();
        let severity = cvss::rating(&scores);
        let (id, aliases) = language::names(entry.aliases, &entry.id);
        let package = language::package_name(STREAM, &entry.package);
        let Some(advisory) =
            language::advisory((&id, &aliases), package, ranges, severity, &entry.id)
        else {
            return sink.passed_over("records that leave no version affected");
        };
        sink.advisory(STREAM, advisory);
        let text = body.trim_start();
        let (title, description) = match text.strip_prefix("# ") {
            Some(text) => text.split_once('\n').unwrap_or((text, "")),
            None => ("", text),
        };
        let references = [entry.url].into_iter().chain(entry.references);
        let details = Details {
            id: entry.id,
            title: title.trim().to_owned(),
            description: description.trim().to_owned(),
            severity,
            cvss: scores,
            references: references.filter(|url| !url.is_empty()).collect(),
            published: (!entry.date.is_empty()).then(|| format!("{}T00:00:00Z", entry.date)),
            ..Details::default()
        };
        sink.details(STREAM, details);
    }
}
