//! Debian's security tracker (security-tracker.debian.org/tracker/data/json): one document with
//! the state of every source package in every release.
//!
//! ```text
//! { "curl": { "CVE-2024-1": { "releases": { "bookworm": { "status": "open", … }, "sid": … } } } }
//! ```
//!
//! What its words mean (security-team.debian.org/security_tracker.html):
//!
//! - `resolved` with a version: fixed there; the version `0`: never vulnerable.
//! - `open`: vulnerable. `nodsa` says that no advisory will come: `ignored` is a decision not to
//!   fix, `postponed` and a plain `no-dsa` leave it to a later update.
//! - The version that fixes unstable bounds every release: a newer build (a backport) has the fix,
//!   though the release as such is open.
//! - `undetermined`: nobody could tell. Urgency `unimportant`: no security impact as packaged;
//!   `end-of-life`: the release no longer supports the package.
//! - A package that was removed from a release is absent there, which says nothing about it.

use std::collections::BTreeMap;

use model::{Advisory, Affected, Details, Scope, Severity, Status, Subject, VersionRange};
use serde::Deserialize;

use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, json};

/// Releases by code name, from the oldest that the tracker still carries to those that are named.
const RELEASES: &[(&str, &str)] = &[
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    (UNSTABLE, UNSTABLE),
];
/// The release that every fix reaches first.
const UNSTABLE: &str = "sid";
/// How the tracker writes that no version was ever vulnerable.
const NEVER: &str = "0";

/// The stream of a Debian release, by code name (`bookworm` gives `debian-12`).
pub(crate) fn stream(codename: &str) -> Option<String> {
    let (_, version) = RELEASES.iter().find(|(name, _)| *name == codename)?;
    Some(format!("debian-{version}"))
}

/// The stream of a release by number, as OSV writes it: `12`, or `6.0` for the oldest.
pub(crate) fn stream_of_version(version: &str) -> Option<String> {
    let version = version.strip_suffix(".0").unwrap_or(version);
    let known = RELEASES.iter().any(|(_, known)| *known == version);
    known.then(|| format!("debian-{version}"))
}

/// The tracker as a feed.
pub(crate) struct Tracker;

impl Feed for Tracker {
    fn name(&self) -> &'static str {
        "debian-tracker"
    }

    fn license(&self) -> &'static str {
        "MIT"
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let head = |needle| sample.contains(needle);
        sample.form() == Form::JsonObject
            && head("\"releases\"")
            && head("\"repositories\"")
            && (head("\"status\"") || head("\"fixed_version\""))
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let release = crate::stream::release(stream, "debian");
        match release.filter(|r| RELEASES.iter().any(|(_, version)| version == r)) {
            Some(_) => vec!["https://security-tracker.debian.org/tracker/data/json".to_owned()],
            None => Vec::new(),
        }
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        json::each_entry(document, &mut |package, entry| match entry.read() {
            Ok(Package(vulnerabilities)) => {
                for (id, vulnerability) in &vulnerabilities {
                    read(package, id, vulnerability, sink);
                }
            }
            Err(error) => sink.damaged(package, error),
        })
    }
}

#[derive(Deserialize)]
struct Package(BTreeMap<String, Vulnerability>);

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    description: String,
    releases: BTreeMap<String, Release>,
}

#[derive(Deserialize)]
struct Release {
    status: String,
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: String,
    nodsa: Option<String>,
    nodsa_reason: Option<String>,
}

fn read(package: &str, id: &str, vulnerability: &Vulnerability, sink: &mut Sink) {
    let fixed_in_unstable = vulnerability
        .releases
        .get(UNSTABLE)
        .filter(|release| release.status == "resolved")
        .and_then(|release| release.fixed_version.as_deref())
        .filter(|version| *version != NEVER);
    for (codename, release) in &vulnerability.releases {
        let Some(stream) = stream(codename) else {
            sink.passed_over(&format!("statements on the unknown release `{codename}`"));
            continue;
        };
        let Some((status, until)) = release.verdict(fixed_in_unstable) else {
            let unknown = format!("unknown status `{}`", release.status);
            sink.damaged(&format!("{package} {id} {codename}"), unknown);
            continue;
        };
        let ranges = until.map(|until| VersionRange { introduced: None, until });
        sink.advisory(
            &stream,
            Advisory {
                id: id.to_owned(),
                aliases: Vec::new(),
                package: package.to_owned(),
                subject: Subject::Source,
                scope: Scope::default(),
                status,
                ranges: ranges.into_iter().collect(),
                severity: release.severity(),
                notices: Vec::new(),
            },
        );
        // A CVE's text is in the CVE's own stream; what has no CVE yet has its text only here.
        if !crate::stream::is_cve(id) && !vulnerability.description.is_empty() {
            let description = vulnerability.description.clone();
            sink.details(&stream, Details { id: id.to_owned(), description, ..Details::default() });
        }
    }
}

impl Release {
    fn verdict(&self, fixed_in_unstable: Option<&str>) -> Option<(Status, Option<Affected>)> {
        let before = |version: &str| Affected::Before(version.to_owned());
        let unfixed = fixed_in_unstable.map_or(Affected::Onwards, before);
        Some(match (self.status.as_str(), self.fixed_version.as_deref()) {
            ("resolved", Some(NEVER)) => (Status::NotAffected, None),
            ("resolved", Some(version)) => (Status::Fixed, Some(before(version))),
            // Resolved, but nobody wrote where: that is not the same as never vulnerable.
            ("resolved", None) | ("undetermined", _) => {
                (Status::Undetermined, Some(Affected::Onwards))
            }
            ("open", _) => (self.unfixed_state(), Some(unfixed)),
            _ => return None,
        })
    }

    fn unfixed_state(&self) -> Status {
        match self.nodsa_reason.as_deref() {
            _ if self.urgency == "end-of-life" => Status::EndOfLife,
            Some("ignored") => Status::WillNotFix,
            Some(_) => Status::FixDeferred,
            None if self.nodsa.is_some() => Status::FixDeferred,
            None => Status::Affected,
        }
    }

    /// `low**` and the like: stars mark what the tracker computed rather than was told.
    fn severity(&self) -> Severity {
        Severity::from_publisher(self.urgency.trim_end_matches('*'))
    }
}
