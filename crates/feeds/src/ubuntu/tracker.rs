//! The Ubuntu CVE Tracker (git.launchpad.net/ubuntu-cve-tracker): one text file a CVE.
//!
//! ```text
//! Candidate: CVE-2022-36879
//! Priority: medium
//! Priority_linux-hwe: low
//! jammy_linux: released (5.15.0-50.56)
//! esm-infra/xenial_linux: needed
//! ```
//!
//! A priority may be another one for a package, or for a package in a release. `Tags` name
//! hardening that softens an exploit, or that a package lies outside main support; neither changes
//! a state. Notices (`USN-…`) are listed for the CVE as a whole and not for packages, so they are
//! not taken as evidence for any.

use std::collections::HashMap;

use model::Severity;

use super::{LICENSE, Place, Said, advisory, said};
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, stream, time};

/// What is no release that an image could be of.
const OTHER_PLACES: &[&str] = &["upstream", "devel", "product", "snap"];

/// The tracker as a feed.
pub(crate) struct Tracker;

impl Feed for Tracker {
    fn name(&self) -> &'static str {
        "ubuntu-cve-tracker"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Vulnerability
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let has = |field: &str| sample.contains(field);
        sample.form() == Form::Text && has("Candidate:") && has("\nReferences:")
    }

    /// The tracker is a git repository of a gigabyte; its OVAL files serve scans.
    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream::release(stream, "ubuntu").is_some()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let bytes = document.bytes()?;
        let text = String::from_utf8_lossy(&bytes);
        let (lines, last) = text.rsplit_once('\n').unwrap_or(("", &text));
        // Some files lack the last line's end; one whose last line is no whole state was cut.
        let is_cut = !last.is_empty() && !is_whole(last);
        let file = File::read(if is_cut { lines } else { &text });
        if file.id.is_empty() {
            sink.passed_over("templates");
            return Ok(());
        }
        file.put(sink);
        // Nothing in it is known to be newer.
        let day = file.public.split_whitespace().next().unwrap_or_default();
        time::of_day(day).iter().for_each(|when| sink.modified_all(when));
        if is_cut {
            return Err(FeedError::content("ends within a line"));
        }
        match (file.states.is_empty(), file.head_ends) {
            (false, _) => sink.covers(file.id),
            // Of 46 773 real files 6 have no package, and their head ends all the same. Who knows of
            // no package takes nothing back: a cut behind the head looks just like that.
            (true, true) if !file.has_package => sink.passed_over("vulnerabilities of no package"),
            (true, _) => return Err(FeedError::content("ends before the state of any release")),
        }
        Ok(())
    }
}

/// Whether a line is a state of which nothing can be missing: a cut could have taken the remark.
fn is_whole(line: &str) -> bool {
    let value = line.split_once(':').map_or("", |(_, value)| value.trim());
    value.ends_with(')') || matches!(value, "DNE" | "needed" | "needs-triage")
}

/// The status word and the remark in parentheses.
fn words(value: &str) -> (&str, &str) {
    match value.split_once('(') {
        Some((word, remark)) => (word.trim(), remark.trim_end_matches(')')),
        None => (value, ""),
    }
}

/// One CVE's file, as far as it is read.
#[derive(Default)]
struct File<'t> {
    id: &'t str,
    /// When the vulnerability became public, as it is written.
    public: &'t str,
    /// By what follows `Priority_`; the CVE's own under the empty text.
    priorities: HashMap<&'t str, Severity>,
    /// What stands before and behind the colon.
    states: Vec<(&'t str, &'t str)>,
    /// Whether the last field before those of packages is there.
    head_ends: bool,
    /// Whether there are fields of a package, its states or else.
    has_package: bool,
}

impl<'t> File<'t> {
    fn read(text: &'t str) -> Self {
        let mut file = Self::default();
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            match key {
                "Candidate" => file.id = value.trim(),
                "PublicDate" => file.public = value.trim(),
                "CVSS" => file.head_ends = true,
                _ if key.starts_with("Patches_") => file.has_package = true,
                _ if key.starts_with("Priority") => {
                    let of = key.trim_start_matches("Priority").trim_start_matches('_');
                    let word = value.split_whitespace().next().unwrap_or_default();
                    file.priorities.insert(of, Severity::from_publisher(word));
                }
                // Fields begin with a capital, remarks with a space or `#`, releases with neither.
                _ if key.starts_with(|c: char| c.is_ascii_lowercase()) && key.contains('_') => {
                    file.states.push((key, value.trim()));
                }
                _ => {}
            }
        }
        file
    }

    fn put(&self, sink: &mut Sink) {
        for (key, value) in &self.states {
            let Some((release, package)) = key.split_once('_') else { continue };
            let Some(place) = Place::parse(release) else {
                if !OTHER_PLACES.contains(&release) {
                    sink.passed_over(&format!("states in the unknown release `{release}`"));
                }
                continue;
            };
            let (word, remark) = words(value);
            match said(word, remark) {
                Said::State(state) => {
                    let severity = self.severity(release, package);
                    let advisory = advisory(self.id, package, &place, &state, severity);
                    sink.advisory(&place.stream(), advisory);
                }
                Said::Absent => {}
                Said::Unknown => {
                    sink.damaged(&format!("{} {key}", self.id), format!("unknown state `{value}`"));
                }
            }
        }
    }

    fn severity(&self, release: &str, package: &str) -> Severity {
        let here = format!("{package}_{release}");
        [here.as_str(), package, ""]
            .iter()
            .find_map(|of| self.priorities.get(of).copied())
            .unwrap_or_default()
    }
}
