//! What a publisher changed since it made its archive of everything: lists of documents, with times.
//!
//! An archive is made anew every few days or weeks; lists beside it name what was changed since, and
//! what was deleted. Here is decided which of it is wanted singly, and so what of the archive no
//! longer counts. This file must never fetch.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

/// Most documents that are asked for one by one, the newest of all; with four requests at a time that
/// takes some minutes.
const DOCUMENTS_MAX: usize = 4_000;
/// How much later than its time a document may get into a list.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// What a URL's body is beside others of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A document, an archive of documents, or what [`crate::Feed::follow`] knows.
    Document,
    /// An archive of all documents as they were on a day.
    Archive { day: Timestamp },
    /// The list of what was changed: `"2026/cve-2026-1.json","2026-11-30T10:00:00+00:00"`.
    Changes,
    /// The list of what was deleted, in the same form.
    Deletions,
}

/// What the lists say, of what is newer than the archive.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// By the path in the archive: when, and where it lies.
    changed: BTreeMap<String, (Timestamp, String)>,
    deleted: BTreeMap<String, Timestamp>,
}

/// What is to be taken of it.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// URL and path of each document.
    pub(crate) documents: Vec<(String, String)>,
    /// Paths of those that are gone.
    pub(crate) deleted: Vec<String>,
    /// Changed documents beyond the limit.
    pub(crate) left_out: usize,
}

impl Changes {
    /// Takes in a list that lies in `folder`; lines of before the archive's day, and such as are none,
    /// are left out.
    pub(crate) fn add(&mut self, list: Part, folder: &str, text: &str, day: Timestamp) {
        for (path, when) in text.lines().filter_map(entry).filter(|(_, when)| is_new(*when, day)) {
            if list == Part::Deletions {
                let known = self.deleted.entry(path.to_owned()).or_insert(when);
                *known = (*known).max(when);
            } else {
                let url = format!("{folder}{path}");
                let known = self.changed.entry(path.to_owned()).or_insert_with(|| (when, url));
                known.0 = known.0.max(when);
            }
        }
    }

    /// What is newer than `since`, the newest documents first.
    pub(crate) fn since(&self, since: Timestamp) -> Wanted {
        let changed = |path: &String| self.changed.get(path).map(|(when, _)| *when);
        let is_gone = |path: &String, when: Timestamp| changed(path).is_none_or(|it| it <= when);
        let gone = self.deleted.iter().filter(|(path, when)| is_gone(path, **when));
        let gone = gone.filter(|(_, when)| is_new(**when, since));
        let deleted: Vec<String> = gone.map(|(path, _)| path.clone()).collect();
        let is_there = |path: &String, when: Timestamp| {
            self.deleted.get(path).is_none_or(|deleted| *deleted < when)
        };
        let mut documents: Vec<(Timestamp, &String, &String)> = self
            .changed
            .iter()
            .filter(|(path, (when, _))| is_new(*when, since) && is_there(path, *when))
            .map(|(path, (when, url))| (*when, path, url))
            .collect();
        documents.sort_by(|a, b| b.cmp(a));
        let left_out = documents.len().saturating_sub(DOCUMENTS_MAX);
        documents.truncate(DOCUMENTS_MAX);
        let documents =
            documents.into_iter().map(|(_, path, url)| (url.clone(), path.clone())).collect();
        Wanted { documents, deleted, left_out }
    }
}

fn is_new(when: Timestamp, since: Timestamp) -> bool {
    since.checked_sub(MARGIN).is_ok_and(|since| when >= since)
}

/// Path and time of a line; None for what leads elsewhere.
fn entry(line: &str) -> Option<(&str, Timestamp)> {
    let (path, when) = line.trim().split_once(',')?;
    let (path, when) = (path.trim().trim_matches('"'), when.trim().trim_matches('"'));
    let is_plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b));
    let is_within = is_plain && !path.starts_with('/') && !path.contains("..");
    (is_within && path.ends_with(".json")).then_some((path, when.parse().ok()?))
}

/// The first instant of the day that a file is named after: `csaf_vex_2026-11-01.tar.zst`.
pub(crate) fn day_in(name: &str) -> Option<Timestamp> {
    let is_start = |at: &usize| name.is_char_boundary(*at);
    (0..name.len()).filter(is_start).find_map(|at| {
        let day = name.get(at..at + "2026-11-01".len())?;
        let is_day = day.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
        is_day.then(|| format!("{day}T00:00:00Z").parse().ok())?
    })
}

/// A document's path in its archive, whatever folder that has around it: its last two parts.
fn key(path: &str) -> &str {
    let slash = path.rmatch_indices(['/', '!']).nth(1);
    slash.map_or(path, |(at, _)| path.get(at + 1..).unwrap_or(path))
}

/// Whether a document within an archive is one of these.
pub(crate) fn is_replaced(path: &str, others: &BTreeSet<String>) -> bool {
    path.split_once('!').is_some_and(|(_, within)| others.contains(key(within)))
}

/// What a document is called that is gone: `CVE-2024-1` of `2024/cve-2024-1.json`, `RHSA-2023:6202` of
/// `2023/rhsa-2023_6202.json`.
pub(crate) fn name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.trim_end_matches(".json").to_ascii_uppercase().replace('_', ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_newest_of_what_is_newer_is_wanted() {
        let day = at("2026-11-10T00:00:00Z");
        let mut changes = Changes::default();
        let text = "\"2026/cve-2026-3.json\",\"2026-11-20T10:00:00+00:00\"\r\n\
            2026/cve-2026-4.json,2026-11-12T10:00:00+02:00\n\
            \"2026/cve-2026-5.json\",\"2026-11-08T10:00:00+00:00\"\n\
            \"../cve-2026-6.json\",\"2026-11-20T10:00:00+00:00\"\n\
            \"2026/cve-2026-7.json?x\",\"2026-11-20T10:00:00+00:00\"\n\
            \"2026/cve-2026-8.json\",\"soon\"\nnonsense\n\
            \"2026/cve-2026-1.json\",\"2026-11-11T10:00:00+00:00\"\n\
            \"2026/cve-2026-2.json\",\"2026-11-21T10:00:00+00:00\"\n";
        changes.add(Part::Changes, "https://a/b/", text, day);
        let gone = "\"2026/cve-2026-1.json\",\"2026-11-12T10:00:00+00:00\"\n\
            \"2026/cve-2026-2.json\",\"2026-11-12T10:00:00+00:00\"\n";
        changes.add(Part::Deletions, "https://a/b/", gone, day);
        let paths = |wanted: &Wanted| {
            let paths = wanted.documents.iter().map(|(url, path)| {
                assert_eq!(*url, format!("https://a/b/{path}"));
                name(path)
            });
            (paths.collect::<Vec<_>>().join(" "), wanted.deleted.join(" "))
        };
        let all = changes.since(day);
        assert_eq!(
            paths(&all),
            ("CVE-2026-2 CVE-2026-3 CVE-2026-4".to_owned(), "2026/cve-2026-1.json".to_owned())
        );
        let later = changes.since(at("2026-11-20T12:00:00Z"));
        assert_eq!(paths(&later), ("CVE-2026-2 CVE-2026-3".to_owned(), String::new()));
    }

    #[test]
    fn a_list_without_an_end_is_asked_for_up_to_a_limit() {
        let lines: Vec<String> = (0..=DOCUMENTS_MAX)
            .map(|n| format!("\"2026/cve-2026-{n}.json\",\"2026-11-20T10:00:00+00:00\""))
            .collect();
        let mut changes = Changes::default();
        changes.add(Part::Changes, "", &lines.join("\n"), at("2026-11-10T00:00:00Z"));
        let wanted = changes.since(at("2026-11-10T00:00:00Z"));
        assert_eq!((wanted.documents.len(), wanted.left_out), (DOCUMENTS_MAX, 1));
    }

    #[test]
    fn days_and_paths_are_told_from_names() {
        assert_eq!(day_in("csaf_vex_2026-11-01.tar.zst"), Some(at("2026-11-01T00:00:00Z")));
        for other in ["vex-archive.tar.zst", "", "2026-13-01", "ä2026-1-011", "2026-11-0"] {
            assert_eq!(day_in(other), None, "{other}");
        }
        for path in ["https://a/b.tar!2026/c.json", "a.tar!./2026/c.json", "2026/c.json"] {
            assert_eq!(key(path), "2026/c.json");
        }
        assert_eq!(name("2023/rhsa-2023_6202.json"), "RHSA-2023:6202");
    }
}
