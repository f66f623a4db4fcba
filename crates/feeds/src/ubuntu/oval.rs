//! Ubuntu's OVAL (security-metadata.canonical.com/oval): by CVE and by package with every state of
//! the tracker, by USN with the fixed binaries; each for a whole system or (`oci`) for a manifest.
//!
//! The first two say all in the comment of each criterion, in one wording for every kind of test:
//!
//! ```text
//! openssh package in jammy was vulnerable but has been fixed (note: '1:8.9p1-3ubuntu0.5').
//! (CVE-2023-48795) openssh package in fips-updates/jammy is affected and needs fixing.
//! ```

use std::collections::{BTreeSet, HashMap};

use model::{Advisory, Affected, Scope, Severity, Status, Subject, VersionRange};

use super::{LICENSE, Place, RELEASES, Said, State, advisory, codename, said};
use crate::oval::{self, Asked, Oval};
use crate::xml::{self, Element, Step};
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, stream, time};

/// What the comments say, and the tracker's word for it. The first that is found counts.
const WORDINGS: &[(&str, &str)] = &[
    ("has been fixed", "released"),
    ("is pending publication", "pending"),
    ("decision has been made to defer", "deferred"),
    ("decision has been made to ignore", "ignored"),
    ("is not affected", "not-affected"),
    ("needs fixing", "needed"),
    ("may need fixing", "needs-triage"),
    ("does not exist", "DNE"),
];

/// The files by CVE and by package.
pub(crate) struct States;

/// The files by notice.
pub(crate) struct Notices;

impl Feed for States {
    fn name(&self) -> &'static str {
        "ubuntu-oval"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        is_ubuntu(sample) && !sample.contains(PATCH)
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        const FOLDER: &str = "https://security-metadata.canonical.com/oval";
        let url = |name| format!("{FOLDER}/com.ubuntu.{name}.cve.oval.xml.bz2");
        codename(stream).map(url).into_iter().collect()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let choose = |name: &str| match name {
            "oval_definitions" | "definitions" => Step::Enter,
            "definition" | "generator" => Step::Take,
            _ => Step::Skip,
        };
        let mut made = None;
        let mut streams = BTreeSet::new();
        let end = xml::records(document, &choose, &mut |element| match &*element.name {
            "generator" => made = time::utc_or_unsaid(element.child_text("timestamp")),
            _ => read_states(&element, &mut streams, sink),
        });
        if let Some(when) = &made {
            streams.iter().for_each(|stream| sink.modified(stream, when));
        }
        end
    }
}

impl Feed for Notices {
    fn name(&self) -> &'static str {
        "ubuntu-usn-oval"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Stream
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        is_ubuntu(sample) && sample.contains(PATCH)
    }

    /// They say less than the files by CVE: nothing of what is not fixed.
    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream::release(stream, "ubuntu").is_some()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        Oval::read(document, sink, &mut |oval, definition, sink| {
            read_notice(oval, definition, sink);
        })
    }
}

/// How definitions by notice differ from the others.
const PATCH: &str = "class=\"patch\"";

fn is_ubuntu(sample: &Sample<'_>) -> bool {
    sample.form() == Form::Xml
        && sample.contains("oval_definitions")
        && sample.contains("oval:com.ubuntu.")
}

fn read_states(definition: &Element, streams: &mut BTreeSet<String>, sink: &mut Sink) {
    let empty = Element::default();
    let metadata = definition.child("metadata").unwrap_or(&empty);
    let rating = metadata.child("advisory").unwrap_or(&empty);
    let is_cve = |reference: &&Element| reference.attribute("source") == "CVE";
    let own = metadata.all("reference").find(is_cve).map(|cve| cve.attribute("ref_id"));
    let severity = Severity::from_publisher(rating.child_text("severity"));
    let priorities: HashMap<&str, Severity> = rating
        .all("cve")
        .map(|cve| (cve.text(), Severity::from_publisher(cve.attribute("priority"))))
        .collect();
    let mut comments = Vec::new();
    definition.all("criteria").for_each(|criteria| gather(criteria, &mut comments));
    for comment in comments {
        let (named, text) = match comment.strip_prefix('(').and_then(|c| c.split_once(") ")) {
            Some((cve, text)) => (Some(cve), text),
            None => (own, comment),
        };
        let (Some(id), Some((package, release, rest))) = (named, parts(text)) else { continue };
        let Some(place) = Place::parse(release) else {
            sink.passed_over(&format!("states in the unknown release `{release}`"));
            continue;
        };
        let rated = priorities.get(id).copied().filter(|_| own.is_none()).unwrap_or(severity);
        let stream = place.stream();
        match state(rest) {
            Said::State(state) => sink.advisory(&stream, put(id, package, &place, &state, rated)),
            Said::Absent => {}
            Said::Unknown => {
                sink.damaged(&format!("{id} {package}"), format!("unknown state `{rest}`"));
            }
        }
        streams.insert(stream);
    }
}

/// The comments of all criteria. `xml` bounds how deep they nest.
fn gather<'e>(criteria: &'e Element, comments: &mut Vec<&'e str>) {
    for child in &criteria.children {
        match &*child.name {
            "criterion" => comments.push(child.attribute("comment")),
            _ => gather(child, comments),
        }
    }
}

/// Package, release and what is said of them; None where a comment is about something else.
fn parts(comment: &str) -> Option<(&str, &str, &str)> {
    let (package, rest) = comment.split_once(" package in ")?;
    let package = package.trim_start_matches("The ").trim_matches('\'');
    let (release, rest) = rest.split_once(' ')?;
    Some((package, release.trim_end_matches(','), rest))
}

/// What the end of a comment says, by the tracker's words.
fn state(rest: &str) -> Said<'_> {
    let note = rest.split_once("(note: '").map_or("", |(_, note)| note);
    let note = note.rsplit_once('\'').map_or(note, |(note, _)| note);
    let wording = WORDINGS.iter().find(|(wording, _)| rest.contains(wording));
    said(wording.map_or("", |(_, word)| word), note)
}

fn put(
    id: &str,
    package: &str,
    place: &Place<'_>,
    state: &State<'_>,
    severity: Severity,
) -> Advisory {
    let mut advisory = advisory(id, package, place, state, severity);
    // Where the release line names a subscriber's build, only its version tells.
    if place.track.is_none() && state.version.is_some_and(|version| version.contains("esm")) {
        advisory.scope.track = Some("esm".to_owned());
    }
    advisory
}

fn read_notice(oval: &Oval, definition: &Element, sink: &mut Sink) {
    let notice = oval::notice(definition);
    let id = definition.attribute("id");
    let release = id.split(':').nth(1).and_then(|name| name.strip_prefix("com.ubuntu."));
    let Some((_, version)) = RELEASES.iter().find(|(name, _)| Some(*name) == release) else {
        return sink.passed_over("notices on an unknown release");
    };
    let stream = format!("ubuntu-{version}");
    let priority = |cve: &&Element| Severity::from_publisher(cve.attribute("priority"));
    let advisories = definition.all("metadata").flat_map(|metadata| metadata.all("advisory"));
    let rated: Vec<_> = advisories.flat_map(|advisory| advisory.all("cve")).collect();
    oval.packages(definition, &mut |package, _| {
        let Asked::Below(fixed) = package.asked else { return };
        let fixed = fixed.strip_prefix("0:").unwrap_or(fixed);
        for cve in notice.cves.iter().filter(|cve| stream::is_cve(cve)) {
            let severity = rated.iter().find(|rated| rated.text() == cve).map(priority);
            let until = Affected::Before(fixed.to_owned());
            let track = fixed.contains("esm").then(|| "esm".to_owned());
            let advisory = Advisory {
                id: cve.clone(),
                aliases: Vec::new(),
                package: binary(package.name).to_owned(),
                subject: Subject::Binary,
                scope: Scope { track, ..Scope::default() },
                status: Status::Fixed,
                ranges: vec![VersionRange { introduced: None, until }],
                severity: severity.unwrap_or(notice.severity),
                notices: vec![notice.id.clone()],
            };
            sink.advisory(&stream, advisory);
        }
    });
}

/// A package's name out of the pattern that finds it in a manifest: `^libssh-4(?::\w+|)\s+(.*)$`.
fn binary(pattern: &str) -> &str {
    let name = pattern.trim_start_matches('^');
    name.split_once("(?").map_or(name, |(name, _)| name)
}
