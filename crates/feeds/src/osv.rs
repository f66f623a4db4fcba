//! The OSV format (ossf.github.io/osv-schema), for every ecosystem that is an
//! operating system or has package URLs of its own.
//!
//! One reader, and a table of ecosystems: the next one is a row in `osv/ecosystems.rs`. A record
//! may speak of several ecosystems, so the source of a stream is named by its ecosystem.
//!
//! **Which vulnerability.** A record that is named after a CVE (`UBUNTU-CVE-2024-1`) is about that
//! CVE. Any other is a notice (`ALSA-…`, `DSA-…`, `USN-…`, `CGA-…`) about the CVEs in `upstream` and
//! `aliases`, or, where a publisher uses neither, in `related`: one statement a CVE. A notice that
//! names no CVE is a vulnerability of its own. A record on packages of a language is about one
//! vulnerability, and `aliases` are its other names; without a CVE the GHSA comes first. One of a
//! malicious package (`MAL-…`) keeps its own name, by which matching knows it. Where a notice says which of
//! its CVEs a package has (`cves`), it has no others.
//!
//! **Bug fix and enhancement errata** are no security statements and are passed over, unless they
//! name CVEs: then they ship that fix (AlmaLinux fixed CVE-2018-18074 by an ALBA and nothing else).
//!
//! **Modules.** The format has no place for a module label. A build that carries `.module` in its
//! version belongs to the module stream in the notice's title (`nodejs:18 security update`); where
//! the title names none the statement is passed over, because it would be held against the builds
//! of other streams.

mod claim;
mod cves;
mod decisions;
mod ecosystems;
mod names;
mod ranges;
mod record;
mod symbols;

use std::collections::BTreeSet;

use memchr::memmem;
use model::{Affected, Cvss, Details, Severity, Status, Subject, VersionRange};
use serde::Deserialize;

use self::claim::{Claim, end};
pub(crate) use self::ecosystems::is_source;
use self::ecosystems::{Release, Speaks};
use self::names::is_malicious;
use self::record::{AffectedPackage, Record, Reference, Vector};
use crate::purl::Purl;
use crate::text::Text;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};
use crate::{cvss, json, language, stream, yaml};

/// The publishers' names for "from the first version on" and for "never affected".
const ZERO: &str = "0";

/// OSV records as a feed.
pub(crate) struct Osv;

impl Feed for Osv {
    fn name(&self) -> &'static str {
        "osv"
    }

    fn source(&self, stream: &str) -> &'static str {
        ecosystems::of_stream(stream).map_or_else(|| self.name(), |ecosystem| ecosystem.source)
    }

    fn license(&self) -> &'static str {
        ""
    }

    fn license_of(&self, stream: &str) -> &'static str {
        ecosystems::of_stream(stream).map_or("", |ecosystem| ecosystem.license)
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        match sample.form() {
            Form::JsonObject => sample.has_keys(&["id", "modified", "affected"]),
            // PyPA keeps its records as YAML.
            Form::Text => {
                sample.head().starts_with(b"id: ")
                    && sample.contains("\naffected:")
                    && memmem::find(sample.bytes(), b"\nmodified:").is_some()
            }
            _ => false,
        }
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let folder = ecosystems::folder(stream);
        let url = |folder: String| {
            let folder = folder.replace(' ', "%20");
            format!("https://osv-vulnerabilities.storage.googleapis.com/{folder}/all.zip")
        };
        folder.map(url).into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        if Sample::new(*document).form() == Form::JsonObject {
            json::read::<Record<'_>>(&document.bytes()?)?.read(sink);
        } else if document.whole {
            let record: serde_json::Value = yaml::document(&document.bytes()?)?;
            Record::deserialize(&record)?.read(sink);
        } else {
            return Err(FeedError::content("ends early"));
        }
        Ok(())
    }
}

impl Record<'_> {
    fn read(&self, sink: &mut Sink) {
        sink.covers(&self.id);
        if !self.withdrawn.is_empty() {
            self.names().ids.iter().for_each(|id| sink.covers(id));
            return sink.passed_over("withdrawn records");
        }
        if self.id.starts_with("LSN-") {
            return sink.passed_over("live patch notices, which change no package");
        }
        let names = self.names();
        if names.ids.is_empty() {
            return sink.passed_over("bug fix and enhancement errata without a CVE");
        }
        let claims: Vec<Claim> = self.affected().flat_map(|a| self.claims(a, sink)).collect();
        for id in &names.ids {
            claim::put(&claims, id, &names, sink);
        }
        // A CVE's texts are in its own stream; a vulnerability without a CVE has only these.
        // Those on languages have texts and scores of their own.
        let no_cve = !names.ids.iter().any(|id| stream::is_cve(id));
        let explained = claims.iter().filter(|claim| no_cve || claim.speaks == Speaks::Language);
        let streams: BTreeSet<&str> = explained.map(|c| c.release.stream.as_str()).collect();
        // Of a malicious package there is no more to know than that it is one.
        if !is_malicious(&self.id) {
            streams.iter().for_each(|stream| sink.details(stream, self.details()));
        }
        for claim in &claims {
            sink.modified(&claim.release.stream, &self.modified);
        }
    }

    fn affected(&self) -> impl Iterator<Item = &AffectedPackage<'_>> {
        self.affected.iter().flatten()
    }

    fn claims(&self, affected: &AffectedPackage<'_>, sink: &mut Sink) -> Vec<Claim> {
        let Some(package) = &affected.package else {
            sink.passed_over("statements on source repositories");
            return Vec::new();
        };
        let (name, release) = package.ecosystem.split_once(':').unwrap_or((&package.ecosystem, ""));
        let Some(ecosystem) = ecosystems::find(name) else {
            sink.passed_over(&format!("statements on the ecosystem `{name}`"));
            return Vec::new();
        };
        let purl = Purl::parse(&package.purl);
        let Some(release) = (ecosystem.release)(release, purl.as_ref()) else {
            sink.passed_over(&format!("statements on the release `{}`", &*package.ecosystem));
            return Vec::new();
        };
        let severity = self.severity(affected);
        let of = |package: String, subject, ranges| Claim {
            release: release.clone(),
            package,
            subject,
            ranges,
            symbols: Vec::new(),
            platforms: Vec::new(),
            module: None,
            severity,
            cves: cves::of(affected),
            unfixed: decisions::unfixed(affected),
            speaks: ecosystem.speaks,
        };
        let mut claims = match ecosystem.speaks {
            Speaks::Sources => {
                vec![of(package.name.to_string(), Subject::Source, ranges::ordered(affected))]
            }
            Speaks::Binaries => {
                vec![of(package.name.to_string(), Subject::Binary, ranges::ordered(affected))]
            }
            Speaks::Language => return self.on_a_language(affected, &release, sink),
            Speaks::ListedBinaries => listed(affected)
                .map(|(name, version)| of(name.to_owned(), Subject::Binary, vec![below(version)]))
                .collect(),
        };
        if claims.iter().all(|claim| claim.ranges.is_empty()) {
            sink.passed_over("packages without a range of versions");
        }
        claims.retain_mut(|claim| self.places_module(claim, sink));
        claims
    }

    fn on_a_language(
        &self,
        affected: &AffectedPackage<'_>,
        release: &Release,
        sink: &mut Sink,
    ) -> Vec<Claim> {
        let (Some(package), Some(scheme)) = (&affected.package, language::scheme(&release.stream))
        else {
            return Vec::new();
        };
        if matches!(&*affected.database_specific.informational, "unmaintained" | "notice") {
            sink.passed_over("notices that tell of no vulnerability");
            return Vec::new();
        }
        let ranges = match ranges::of_language(affected, scheme) {
            Ok(ranges) if !ranges.is_empty() => ranges,
            Ok(_) => {
                let only_commits = affected.ranges.iter().flatten().any(|r| r.r#type == "GIT");
                sink.passed_over(match only_commits {
                    true => "packages with ranges of commits alone",
                    false => "packages without a range of versions",
                });
                return Vec::new();
            }
            Err(cause) => {
                sink.damaged(&self.id, cause);
                return Vec::new();
            }
        };
        vec![Claim {
            release: release.clone(),
            package: language::package_name(&release.stream, &package.name),
            subject: Subject::Binary,
            ranges,
            symbols: symbols::of(affected),
            platforms: symbols::platforms(affected),
            module: None,
            severity: self.severity(affected),
            cves: None,
            unfixed: Status::Affected,
            speaks: Speaks::Language,
        }]
    }

    /// Names the module of a module's build; false where nobody says which it is.
    fn places_module(&self, claim: &mut Claim, sink: &mut Sink) -> bool {
        if !claim.ranges.iter().filter_map(end).any(|version| version.contains(".module")) {
            return true;
        }
        claim.module = module_in(&self.summary).map(str::to_owned);
        if claim.module.is_none() {
            sink.passed_over("builds of a module whose stream the notice does not name");
        }
        claim.module.is_some()
    }

    fn severity(&self, affected: &AffectedPackage<'_>) -> Severity {
        let specific = [&affected.ecosystem_specific, &self.database_specific];
        let words =
            specific.into_iter().flat_map(|s| [&s.ubuntu_priority, &s.urgency, &s.severity]);
        let title = self.summary.split_once(": ").map_or("", |(word, _)| word);
        let severities = [&affected.severity, &self.severity].into_iter().flatten();
        let priorities = severities.filter_map(|severities| cves::priority(severities));
        words
            .map(|word| word.trim_end_matches('*'))
            .chain(priorities)
            .chain([title])
            .map(Severity::from_publisher)
            .find(|severity| *severity != Severity::Unknown)
            .unwrap_or_else(|| match affected.is_of_a_language() {
                true => cvss::rating(&self.scores(affected.severity.iter().flatten())),
                false => Severity::Unknown,
            })
    }

    /// What vectors score: these, and those of the record.
    fn scores<'v>(&self, of_package: impl Iterator<Item = &'v Vector<'v>>) -> Vec<Cvss> {
        // The publisher is what stands before the first dash of its ids.
        let publisher = self.id.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let publisher = if publisher == "ghsa" { "github" } else { &publisher };
        let vectors =
            of_package.map(|v| &*v.score).chain(self.severity.iter().flatten().map(|v| &*v.score));
        let mut scores: Vec<Cvss> =
            vectors.filter_map(|vector| cvss::of_vector(publisher, vector)).collect();
        scores.sort_by(|a, b| (&b.version, &a.vector).cmp(&(&a.version, &b.vector)));
        scores.dedup();
        scores
    }

    fn details(&self) -> Details {
        // Go's records without a day have that of Go's zero time.
        let is_day = |text: &Text<'_>| !text.is_empty() && !text.starts_with("0001-");
        let text = |text: &Text<'_>| is_day(text).then(|| text.to_string());
        let mut references: Vec<String> = Vec::new();
        for Reference { url } in self.references.iter().flatten() {
            if !references.iter().any(|known| **known == **url) {
                references.push(url.to_string());
            }
        }
        let packages = || self.affected().filter(|affected| affected.is_of_a_language());
        let cvss = match packages().next() {
            Some(_) => self.scores(packages().flat_map(|one| one.severity.iter().flatten())),
            None => Vec::new(),
        };
        let weaknesses = self.database_specific.cwe_ids.iter().flatten();
        let cwes: BTreeSet<String> = weaknesses.filter_map(|cwe| cvss::cwe(cwe)).collect();
        Details {
            id: self.id.to_string(),
            title: self.summary.to_string(),
            severity: packages().map(|one| self.severity(one)).max().unwrap_or_default(),
            cvss,
            cwes: cwes.into_iter().collect(),
            description: self.details.trim().to_owned(),
            references,
            published: text(&self.published),
            modified: text(&self.modified),
            ..Details::default()
        }
    }
}

/// The module stream that a title names: `nodejs:18` in `Important: nodejs:18 security update`.
fn module_in(title: &str) -> Option<&str> {
    title.split_whitespace().find(|word| {
        let part = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
        };
        word.split_once(':').is_some_and(|(name, stream)| part(name) && part(stream))
    })
}

impl AffectedPackage<'_> {
    fn is_of_a_language(&self) -> bool {
        let name = self.package.as_ref().and_then(|package| package.ecosystem.split(':').next());
        name.and_then(ecosystems::find).is_some_and(|one| one.speaks == Speaks::Language)
    }
}

fn listed<'r>(affected: &'r AffectedPackage<'_>) -> impl Iterator<Item = (&'r str, &'r str)> {
    let maps = affected.ecosystem_specific.binaries.as_array().into_iter().flatten();
    let pairs = maps.filter_map(serde_json::Value::as_object).flatten();
    pairs.filter_map(|(name, version)| Some((name.as_str(), version.as_str()?)))
}

fn below(version: &str) -> VersionRange {
    VersionRange { introduced: None, until: Affected::Before(version.to_owned()) }
}
