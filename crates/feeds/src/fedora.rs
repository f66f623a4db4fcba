//! Fedora's updates: its repositories' updateinfo (binaries, authoritative) and Bodhi's JSON
//! (bodhi.fedoraproject.org/updates, source builds).
//!
//! Updates name their CVEs in the titles of Bugzilla references. Only updates of type `security`
//! (or that name a CVE in updateinfo) count, and of Bodhi's only those that are stable and consist
//! of rpms: what is in testing is not yet what `dnf upgrade` gives, and containers, flatpaks and
//! modules are not named by package versions.

use model::Severity;
use serde::Deserialize;

use crate::notice::{self, Fix, Notice};
use crate::rpm::{self, Nevra};
use crate::statements::Place;
use crate::text::Text;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink};
use crate::{json, stream, time, updateinfo};

const FAMILY: &str = "fedora";
/// Fedora publishes its metadata without a license of its own.
const LICENSE: &str = "";
const ARCHITECTURES: [&str; 2] = ["aarch64", "x86_64"];

/// The feed of `updateinfo.xml`.
pub(crate) struct Updateinfo;

impl Feed for Updateinfo {
    fn name(&self) -> &'static str {
        "fedora-updateinfo"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::Xml
            && sample.contains("<updates")
            && sample.contains("updates@fedoraproject.org")
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        let Some(release) = stream::release(stream, FAMILY) else { return Vec::new() };
        let root = "https://dl.fedoraproject.org/pub/fedora/linux/updates";
        let each = ARCHITECTURES.iter();
        each.map(|a| format!("{root}/{release}/Everything/{a}/repodata/repomd.xml")).collect()
    }

    fn follow(&self, url: &str, body: &[u8]) -> Option<Vec<String>> {
        updateinfo::follow(url, body)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        updateinfo::read(document, &mut |update| {
            let mut notice = update.notice();
            if !update.is_security() && notice.cves.is_empty() {
                return sink.passed_over("notices that are not about security");
            }
            for package in update.collections().flat_map(|collection| collection.packages()) {
                let Some(release) = release(&package.version, update.release()) else {
                    sink.passed_over("builds whose release tag names no release");
                    continue;
                };
                let stream = format!("{FAMILY}-{release}");
                let place = Place::binary(stream, package.name);
                notice.fixes.push(Fix::new(place, package.version, package.architecture));
            }
            notice.put(sink);
        })
    }
}

/// The number behind `.fc` in a version, else in `Fedora 40`.
fn release(version: &str, name: &str) -> Option<String> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let tagged = version.rsplit_once(".fc").map(|(_, rest)| digits(rest));
    let named = || name.strip_prefix("Fedora ").map(digits);
    tagged.filter(|number| !number.is_empty()).or_else(named).filter(|number| !number.is_empty())
}

/// The feed of Bodhi's updates: an array, or the pages of its API.
pub(crate) struct Bodhi;

impl Feed for Bodhi {
    fn name(&self) -> &'static str {
        "fedora-bodhi"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Notice
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let page = sample.form() == Form::JsonObject && sample.has_keys(&["updates"]);
        (page || sample.form() == Form::JsonArray)
            && sample.contains("\"alias\"")
            && sample.contains("\"FEDORA-")
    }

    /// The API is paged; the repositories' updateinfo serves the same as a whole.
    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream::release(stream, FAMILY).is_some()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let mut number = 0_u64;
        let mut each = |update: json::Record<'_>| {
            number += 1;
            match update.read::<Update<'_>>() {
                Ok(update) => update.put(sink),
                Err(error) => sink.damaged(&format!("updates[{}]", number - 1), error),
            }
        };
        match Sample::new(*document).form() {
            Form::JsonArray => json::each_item(document, &mut each),
            _ => json::each_element(document, "updates", &mut each),
        }
    }
}

#[derive(Deserialize)]
struct Update<'a> {
    #[serde(borrow)]
    alias: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    content_type: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    severity: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    notes: Text<'a>,
    #[serde(borrow, default)]
    date_stable: Text<'a>,
    #[serde(borrow, default)]
    bugs: Vec<Bug<'a>>,
    #[serde(borrow, default)]
    builds: Vec<Build<'a>>,
}

#[derive(Deserialize)]
struct Bug<'a> {
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(default)]
    security: bool,
}

#[derive(Deserialize)]
struct Build<'a> {
    #[serde(borrow)]
    nvr: Text<'a>,
    #[serde(borrow, default)]
    epoch: Text<'a>,
}

impl Update<'_> {
    fn put(self, sink: &mut Sink) {
        match (&*self.kind, &*self.content_type, &*self.status) {
            ("security", "rpm", "stable") => {}
            ("security", "rpm", _) => return sink.passed_over("updates that are not stable"),
            ("security", ..) => return sink.passed_over("updates that are not of rpm packages"),
            _ => return sink.passed_over("notices that are not about security"),
        }
        let bugs = self.bugs.iter().filter(|bug| bug.security);
        let mut cves: Vec<String> = bugs.flat_map(|bug| rpm::cve_ids(&bug.title)).collect();
        if cves.is_empty() {
            cves = rpm::cve_ids(&self.notes);
        }
        cves.sort();
        cves.dedup();
        let fixes = self.builds.iter().filter_map(|build| build.fix(sink)).collect();
        let when = time::of_day(&self.date_stable);
        let notice = Notice {
            references: vec![format!("https://bodhi.fedoraproject.org/updates/{}", &*self.alias)],
            id: self.alias.to_string(),
            cves,
            severity: severity(&self.severity),
            title: self.title.to_string(),
            description: self.notes.to_string(),
            published: when.clone(),
            updated: when,
            fixes,
            ..Notice::default()
        };
        notice.put(sink);
    }
}

impl Build<'_> {
    fn fix(&self, sink: &mut Sink) -> Option<Fix> {
        let build = Nevra::without_architecture(&self.nvr);
        let found = build.and_then(|build| Some((release(&build.version, "")?, build)));
        let Some((release, build)) = found else {
            sink.damaged(&self.nvr, "it is no build of a release");
            return None;
        };
        let place = Place::source(format!("{FAMILY}-{release}"), build.name);
        Some(Fix::new(place, rpm::evr(&self.epoch, &build.version, ""), ""))
    }
}

/// Bodhi's scale ends in `urgent`.
fn severity(word: &str) -> Severity {
    match word {
        "urgent" => Severity::Critical,
        word => notice::rating(word),
    }
}
