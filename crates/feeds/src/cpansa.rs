//! The CPAN Security Advisory database (github.com/briandfoy/cpan-security-advisory): one JSON of
//! everything, by distribution, and the YAML files that it is made from, a distribution a file.
//!
//! `affected_versions` is a list of alternatives, each of conditions that all hold, by the order of versions
//! alone; single versions among them (`==1.2,==1.3`) are alternatives, too. `fixed_versions` is read where
//! it is one plain `>=1.5` or `>1.4`: affected versions without an end, as in `>0`, end there. All else that
//! it says follows from the affected ones. A record that names several CVEs is a statement on each.

use std::cmp::Ordering;

use model::{Affected, Details, Severity, VersionRange};
use serde::Deserialize;
use version::Scheme;

use crate::json::Record;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};
use crate::{affected, json, language, stream, yaml};

const STREAM: &str = "cpan";
const DATABASE: &str = "https://raw.githubusercontent.com/briandfoy/cpan-security-advisory/master/\
                        cpan-security-advisory.json";
/// The form of a file that is read here.
const FORM: u32 = 2;

/// The database as a feed.
pub(crate) struct Database;

impl Feed for Database {
    fn name(&self) -> &'static str {
        "cpansa"
    }

    fn license(&self) -> &'static str {
        "Artistic-2.0"
    }

    fn covers(&self) -> Covers {
        Covers::Package
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let has_line = |line: &str| sample.contains(&format!("\n{line}"));
        let is_file = || {
            sample.form() == Form::Text
                && has_line("advisories:")
                && ["  id: CPANSA-", "- id: CPANSA-", "cpansa_version:"].into_iter().any(has_line)
        };
        sample.has_keys(&["dists", "module2dist"]) || is_file()
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        if stream == STREAM { vec![DATABASE.to_owned()] } else { Vec::new() }
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        if Sample::new(*document).form() == Form::JsonObject {
            return json::each_entry_under(document, "dists", &mut |name, distribution| {
                from_json(name, distribution, sink);
            });
        }
        if !document.whole {
            return Err(FeedError::content("ends early"));
        }
        let File { cpansa_version, distribution, advisories } = yaml::document(&document.bytes()?)?;
        if cpansa_version != FORM {
            return Err(FeedError::content(format!("of the form {cpansa_version}, not {FORM}")));
        }
        advisories.into_iter().for_each(|entry| entry.read(&distribution, sink));
        Ok(())
    }
}

fn from_json(name: &str, distribution: Record<'_>, sink: &mut Sink) {
    match distribution.read::<Distribution>() {
        Ok(distribution) => distribution.advisories.into_iter().for_each(|it| it.read(name, sink)),
        Err(error) => sink.damaged(name, error),
    }
}

/// A distribution of the JSON, as far as it is read.
#[derive(Deserialize)]
struct Distribution {
    #[serde(default)]
    advisories: Vec<Entry>,
}

/// A file. What stands behind the advisories shows that it was not cut among them.
#[derive(Deserialize)]
struct File {
    cpansa_version: u32,
    distribution: String,
    #[serde(default)]
    advisories: Vec<Entry>,
}

/// An advisory, as far as it is read. Everything may be null.
#[derive(Deserialize)]
struct Entry {
    id: String,
    affected_versions: Option<Vec<String>>,
    fixed_versions: Option<Vec<String>>,
    cves: Option<Vec<String>>,
    github_security_advisory: Option<Vec<String>>,
    description: Option<String>,
    references: Option<Vec<String>>,
    reported: Option<String>,
    severity: Option<String>,
}

impl Entry {
    fn read(self, distribution: &str, sink: &mut Sink) {
        let ranges = match self.ranges() {
            Ok(ranges) => ranges,
            Err(cause) => return sink.damaged(&self.id, cause),
        };
        let word = self.severity.as_deref().unwrap_or_default();
        let severity = Severity::from_publisher(word);
        let cves: Vec<String> =
            self.cves.into_iter().flatten().filter(|id| stream::is_cve(id)).collect();
        // Which of several CVEs another name means nobody says, and the record's own means all.
        let others = self.github_security_advisory.unwrap_or_default();
        let names: Vec<(String, Vec<String>)> = match cves.len() {
            0 | 1 => vec![language::names(cves.into_iter().chain(others), &self.id)],
            _ => cves.into_iter().map(|cve| (cve, Vec::new())).collect(),
        };
        for (id, aliases) in names {
            let package = language::package_name(STREAM, distribution);
            let parts = (id.as_str(), aliases.as_slice());
            let told = language::advisory(parts, package, ranges.clone(), severity, &self.id);
            let Some(advisory) = told else {
                return sink.passed_over("records that leave no version affected");
            };
            sink.advisory(STREAM, advisory);
            let details = Details {
                id,
                description: self.description.clone().unwrap_or_default().trim().to_owned(),
                severity,
                references: self.references.clone().unwrap_or_default(),
                published: self.reported.as_ref().map(|date| format!("{date}T00:00:00Z")),
                ..Details::default()
            };
            sink.details(STREAM, details);
        }
    }

    fn ranges(&self) -> Result<Vec<VersionRange>, String> {
        let mut ranges = Vec::new();
        for conditions in self.affected_versions.iter().flatten() {
            ranges.extend(within(conditions)?);
        }
        if let Some((version, end)) = self.first_fixed() {
            let is_older =
                |from: &String| Scheme::Cpan.compare(from, version).is_ok_and(Ordering::is_lt);
            let goes_on = |range: &&mut VersionRange| {
                range.until == Affected::Onwards && range.introduced.as_ref().is_none_or(is_older)
            };
            ranges.iter_mut().filter(goes_on).for_each(|range| range.until = end.clone());
        }
        Ok(ranges)
    }

    /// The version in `>=1.5` or `>1.4`, and where what is affected ends by it.
    fn first_fixed(&self) -> Option<(&str, Affected)> {
        let [only] = self.fixed_versions.as_deref()? else { return None };
        let bound = only.trim().strip_prefix('>')?;
        let (version, end): (&str, fn(String) -> Affected) = match bound.strip_prefix('=') {
            Some(version) => (version.trim(), Affected::Before),
            None => (bound.trim(), Affected::Through),
        };
        let is_version = Scheme::Cpan.compare(version, version).is_ok();
        is_version.then(|| (version, end(version.to_owned())))
    }
}

/// The versions of one alternative: those that fulfil all conditions, and each that is named beside.
fn within(conditions: &str) -> Result<Vec<VersionRange>, String> {
    let is_bound = |condition: &&str| condition.trim_start().starts_with(['<', '>', '!']);
    let (bounds, named): (Vec<&str>, Vec<&str>) = conditions.split(',').partition(is_bound);
    // Alone, these mean every version; beside others they are slips, and would mean the same.
    let is_slip = |part: &&str| matches!(part.trim(), "" | "*");
    if conditions.contains(',') && named.iter().any(is_slip) {
        return Err(format!("a part of `{conditions}` names no version"));
    }
    let bounds = (!bounds.is_empty()).then(|| bounds.join(","));
    let mut ranges = Vec::new();
    for part in named.into_iter().chain(bounds.as_deref()) {
        let part = affected::within(Scheme::Cpan, part)?;
        if part.is_empty() {
            return Err(format!("no version is in the range `{conditions}`"));
        }
        ranges.extend(part);
    }
    Ok(ranges)
}
