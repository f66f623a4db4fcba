//! The OSV format (ossf.github.io/osv-schema), for every ecosystem that is an operating system.
//!
//! One reader, and a table of ecosystems: the next one is a row in `osv/ecosystems.rs`. A record
//! may speak of several ecosystems, so the source of a stream is named by its ecosystem.
//!
//! **Which vulnerability.** A record that is named after a CVE (`UBUNTU-CVE-2024-1`) is about that
//! CVE. Any other is a notice (`ALSA-…`, `DSA-…`, `USN-…`, `CGA-…`) about the CVEs in `upstream` and
//! `aliases`, or, where a publisher uses neither, in `related`: one statement a CVE. A notice that
//! names no CVE is a vulnerability of its own.
//!
//! **Bug fix and enhancement errata** are no security statements and are passed over, unless they
//! name CVEs: then they ship that fix (AlmaLinux fixed CVE-2018-18074 by an ALBA and nothing else).
//!
//! **Modules.** The format has no place for a module label. A build that carries `.module` in its
//! version belongs to the module stream in the notice's title (`nodejs:18 security update`); where
//! the title names none the statement is passed over, because it would be held against the builds
//! of other streams.

mod ecosystems;

use std::borrow::Cow;

use model::{Advisory, Affected, Details, Scope, Severity, Status, Subject, VersionRange};
use serde::Deserialize;

use self::ecosystems::{Release, Speaks};
use crate::purl::Purl;
use crate::statements::{Place, Statements};
use crate::text::Text;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, rpm, stream};

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
        let is_record = |sample: &Sample<'_>| sample.has_keys(&["id", "modified", "affected"]);
        sample.form() == Form::JsonObject && is_record(sample)
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
        let record: Record<'_> = serde_json::from_slice(document.bytes)?;
        record.read(sink);
        Ok(())
    }
}

/// A record, as far as it is read.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    modified: Text<'a>,
    #[serde(borrow, default)]
    published: Text<'a>,
    #[serde(borrow, default)]
    withdrawn: Text<'a>,
    #[serde(borrow, default)]
    summary: Text<'a>,
    #[serde(borrow, default)]
    details: Text<'a>,
    #[serde(borrow, default)]
    upstream: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    aliases: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    related: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    references: Option<Vec<Reference<'a>>>,
    #[serde(borrow, default)]
    affected: Option<Vec<AffectedPackage<'a>>>,
    #[serde(borrow, default)]
    database_specific: Specific<'a>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Deserialize)]
struct AffectedPackage<'a> {
    #[serde(borrow)]
    package: Option<Package<'a>>,
    #[serde(borrow, default)]
    ranges: Option<Vec<Range<'a>>>,
    #[serde(borrow, default)]
    ecosystem_specific: Specific<'a>,
}

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    ecosystem: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    purl: Text<'a>,
}

#[derive(Deserialize)]
struct Range<'a> {
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    introduced: Option<Text<'a>>,
    #[serde(borrow)]
    fixed: Option<Text<'a>>,
    #[serde(borrow)]
    last_affected: Option<Text<'a>>,
}

/// What publishers put beside the schema; each uses one or two of these.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Specific<'a> {
    #[serde(borrow)]
    severity: Text<'a>,
    #[serde(borrow)]
    urgency: Text<'a>,
    #[serde(borrow)]
    ubuntu_priority: Text<'a>,
    /// SUSE: maps of binary package to version; Ubuntu: other objects, which are not needed.
    binaries: serde_json::Value,
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
            put(&claims, id, &names, sink);
        }
        // A CVE's texts are in its own stream; a vulnerability without a CVE has only these.
        if !names.ids.iter().any(|id| stream::is_cve(id)) {
            let mut streams: Vec<&str> = claims.iter().map(|c| c.release.stream.as_str()).collect();
            streams.sort_unstable();
            streams.dedup();
            streams.iter().for_each(|stream| sink.details(stream, self.details()));
        }
        for claim in &claims {
            sink.modified(&claim.release.stream, &self.modified);
        }
    }

    fn affected(&self) -> impl Iterator<Item = &AffectedPackage<'_>> {
        self.affected.iter().flatten()
    }

    fn names(&self) -> Names {
        let texts = |list: &Option<Vec<Text<'_>>>| -> Vec<String> {
            list.iter().flatten().map(|text| text.to_string()).collect()
        };
        let mut others = texts(&self.upstream);
        others.extend(texts(&self.aliases));
        if !others.iter().any(|name| stream::is_cve(name)) {
            others.extend(texts(&self.related));
        }
        let mut ids = match cve_in_name(&self.id) {
            Some(cve) => vec![cve.to_owned()],
            None => others.iter().filter(|name| stream::is_cve(name)).cloned().collect(),
        };
        if ids.is_empty() && !is_bug_fix(&self.id) {
            ids.push(self.id.to_string());
        }
        ids.sort();
        ids.dedup();
        // Which of several CVEs a GHSA stands for is not said.
        others.retain(|name| ids.len() == 1 && name.starts_with("GHSA-"));
        others.sort();
        others.dedup();
        Names { ids, aliases: others, notice: self.id.to_string() }
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
            module: None,
            severity,
        };
        let mut claims = match ecosystem.speaks {
            Speaks::Sources => {
                vec![of(package.name.to_string(), Subject::Source, ranges(affected))]
            }
            Speaks::Binaries => {
                vec![of(package.name.to_string(), Subject::Binary, ranges(affected))]
            }
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
        words
            .map(|word| word.trim_end_matches('*'))
            .chain([title])
            .map(Severity::from_publisher)
            .find(|severity| *severity != Severity::Unknown)
            .unwrap_or_default()
    }

    fn details(&self) -> Details {
        let text = |text: &Text<'_>| (!text.is_empty()).then(|| text.to_string());
        let mut references: Vec<String> = Vec::new();
        for Reference { url } in self.references.iter().flatten() {
            if !references.iter().any(|known| **known == **url) {
                references.push(url.to_string());
            }
        }
        Details {
            id: self.id.to_string(),
            title: self.summary.to_string(),
            description: self.details.trim().to_owned(),
            references,
            published: text(&self.published),
            modified: text(&self.modified),
            ..Details::default()
        }
    }
}

/// What a record is about.
struct Names {
    /// The vulnerabilities.
    ids: Vec<String>,
    /// Other names of the one vulnerability.
    aliases: Vec<String>,
    /// The record itself.
    notice: String,
}

/// The CVE that a record is named after.
fn cve_in_name(id: &str) -> Option<&str> {
    let at = id.find("CVE-")?;
    id.get(at..).filter(|cve| stream::is_cve(cve))
}

/// Whether a notice without a CVE is about no vulnerability: `ALBA`, `RHEA`, `SUSE-RU` and the like.
fn is_bug_fix(id: &str) -> bool {
    let kind = id.split('-').next().unwrap_or_default();
    let red_hat = kind.len() == 4 && (kind.ends_with("BA") || kind.ends_with("EA"));
    red_hat || id.contains("-RU-") || id.contains("-FU-")
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

/// One package of a release, and its affected versions.
struct Claim {
    release: Release,
    package: String,
    subject: Subject,
    ranges: Vec<VersionRange>,
    module: Option<String>,
    severity: Severity,
}

fn put(claims: &[Claim], id: &str, names: &Names, sink: &mut Sink) {
    let mut statements = Statements::default();
    for claim in claims {
        if stream::scheme(&claim.release.stream) == Some("rpm") {
            claim.gather(&names.notice, &mut statements);
        } else {
            claim.put(id, names, sink);
        }
    }
    statements.put(id, sink);
}

impl Claim {
    /// The rpm world repeats a package for every architecture: that is joined.
    fn gather(&self, notice: &str, statements: &mut Statements) {
        let place = || Place {
            stream: self.release.stream.clone(),
            track: self.release.track.clone(),
            module: self.module.clone(),
            package: self.package.clone(),
            subject: self.subject,
        };
        for range in &self.ranges {
            match &range.until {
                Affected::Before(version) => statements.fixed_since(
                    place(),
                    range.introduced.clone(),
                    (rpm::normal(version), &self.release.architecture),
                    notice,
                    self.severity,
                ),
                Affected::Through(version) => {
                    statements.affected_through(place(), rpm::normal(version), self.severity);
                }
                Affected::Onwards => statements.state(place(), Status::Affected, self.severity),
            }
        }
    }

    fn put(&self, id: &str, names: &Names, sink: &mut Sink) {
        let never = |range: &VersionRange| {
            range.introduced.is_none() && end(range).is_some_and(|version| version == ZERO)
        };
        let ranges = self.ranges.iter().filter(|range| !never(range)).cloned();
        let is_fixed = |range: &VersionRange| matches!(range.until, Affected::Before(_));
        let (fixed, open): (Vec<_>, Vec<_>) = ranges.partition(is_fixed);
        let never = fixed.is_empty() && open.is_empty() && !self.ranges.is_empty();
        let said = [
            (!fixed.is_empty()).then_some((Status::Fixed, fixed)),
            (!open.is_empty()).then_some((Status::Affected, open)),
            never.then_some((Status::NotAffected, Vec::new())),
        ];
        let notice = Some(&names.notice).filter(|notice| *notice != id);
        for (status, ranges) in said.into_iter().flatten() {
            let advisory = Advisory {
                id: id.to_owned(),
                aliases: names.aliases.clone(),
                package: self.package.clone(),
                subject: self.subject,
                scope: Scope { track: self.release.track.clone(), ..Scope::default() },
                status,
                ranges,
                severity: self.severity,
                notices: notice.into_iter().cloned().collect(),
            };
            sink.advisory(&self.release.stream, advisory);
        }
    }
}

/// The ranges that a package manager's order applies to.
fn ranges(affected: &AffectedPackage<'_>) -> Vec<VersionRange> {
    let is_ordered = |range: &&Range<'_>| range.r#type == "ECOSYSTEM";
    affected.ranges.iter().flatten().filter(is_ordered).flat_map(intervals).collect()
}

fn intervals(range: &Range<'_>) -> Vec<VersionRange> {
    let mut intervals = Vec::new();
    let mut open: Option<Option<String>> = None;
    let text = |text: &Text<'_>| text.to_string();
    for event in &range.events {
        if let Some(version) = &event.introduced {
            open = Some(Some(text(version)).filter(|version| version != ZERO));
        }
        let until = match (&event.fixed, &event.last_affected) {
            (Some(version), _) => Affected::Before(text(version)),
            (None, Some(version)) => Affected::Through(text(version)),
            (None, None) => continue,
        };
        intervals.push(VersionRange { introduced: open.take().flatten(), until });
    }
    intervals.extend(open.map(|introduced| VersionRange { introduced, until: Affected::Onwards }));
    intervals
}

fn listed<'r>(affected: &'r AffectedPackage<'_>) -> impl Iterator<Item = (&'r str, &'r str)> {
    let maps = affected.ecosystem_specific.binaries.as_array().into_iter().flatten();
    let pairs = maps.filter_map(serde_json::Value::as_object).flatten();
    pairs.filter_map(|(name, version)| Some((name.as_str(), version.as_str()?)))
}

fn below(version: &str) -> VersionRange {
    VersionRange { introduced: None, until: Affected::Before(version.to_owned()) }
}

fn end(range: &VersionRange) -> Option<&str> {
    match &range.until {
        Affected::Before(version) | Affected::Through(version) => Some(version),
        Affected::Onwards => None,
    }
}
