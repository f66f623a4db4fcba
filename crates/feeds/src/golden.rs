//! The fixtures: every folder `testdata/<feed>/<case>/` is a test.
//!
//! All files in a case's folder but `expected.json` are its documents (archives are unpacked). They
//! must be recognized by the feed that the folder is named after and by no other; what they say
//! must be what `expected.json` says. `BLESS=1 cargo test -p feeds golden` writes that file anew:
//! read the difference before you commit it.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use model::{Advisory, Affected, Subject};
use serde::Serialize;

use crate::collect::{Input, collect};
use crate::input::Found;
use crate::sink::{Statement, statements};
use crate::{ALL, Document, Sample, input};

/// What the documents of a case say, in a form that reads well in a review.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Said {
    streams: BTreeMap<String, Vec<serde_json::Value>>,
    modified: BTreeMap<String, String>,
    passed_over: BTreeMap<String, u64>,
    problems: Vec<String>,
}

#[test]
fn every_case_says_what_is_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(!cases.is_empty());
    for (feed, case) in cases {
        let said = serde_json::to_string_pretty(&said(&feed, &case)).unwrap() + "\n";
        let expected = case.join("expected.json");
        if bless {
            fs::write(&expected, &said).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_document_belongs_to_one_feed() {
    for (name, case) in cases() {
        let mut check = |found| {
            if let Found::Document(unpacked) = found {
                let document = Document::new(&unpacked.path, &unpacked.bytes);
                let sample = Sample::new(document);
                let feeds: Vec<_> =
                    ALL.iter().filter(|f| f.recognizes(&sample)).map(|f| f.name()).collect();
                assert_eq!(feeds, [name.as_str()], "{}", unpacked.path);
            }
            ControlFlow::Continue(())
        };
        for document in documents(&case) {
            assert!(input::read(&document, &mut check).is_continue());
        }
    }
}

#[test]
fn every_feed_has_a_case_and_a_unique_name() {
    let mut names: Vec<_> = ALL.iter().map(|feed| feed.name()).collect();
    for name in &names {
        assert!(testdata().join(name).is_dir(), "no folder `testdata/{name}`");
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// A stream has one authoritative source: with two, which one a scan fetches would be chance.
#[test]
fn a_document_cut_anywhere_gives_no_more_than_the_whole() {
    for (_, case) in cases() {
        for path in documents(&case) {
            let Ok(text) = fs::read(&path) else { continue };
            let sample = Sample::new(Document::new("x", &text));
            let Some(feed) = ALL.iter().find(|feed| feed.recognizes(&sample)) else { continue };
            for cut in (0..text.len()).step_by(text.len() / 50 + 1) {
                let mut sink = crate::Sink::default();
                let outcome = feed.import(&Document::new("x", &text[..cut]), &mut sink);
                assert!(outcome.is_err() || sink.streams.len() <= 64, "{}", path.display());
            }
        }
    }
}

/// `(feed, folder)` of every case, sorted.
fn cases() -> Vec<(String, PathBuf)> {
    let mut cases = Vec::new();
    for feed in folders(&testdata()) {
        let name = feed.file_name().unwrap().to_string_lossy().into_owned();
        cases.extend(folders(&feed).into_iter().map(|case| (name.clone(), case)));
    }
    cases
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    children(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn documents(case: &Path) -> Vec<PathBuf> {
    let is_document = |path: &PathBuf| path.is_dir() || !path.ends_with("expected.json");
    children(case).into_iter().filter(is_document).collect()
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let mut children: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    children.sort();
    children
}

fn said(feed: &str, case: &Path) -> Said {
    let inputs = documents(case).into_iter().map(Input::Path).collect();
    let mut collected = collect(ALL, inputs, NonZeroUsize::MIN, &|_| {}).unwrap();
    let mut said = Said::default();
    let place = case.to_string_lossy().into_owned() + "/";
    let shown = |problem: &model::Problem| problem.to_string().replace(&place, "");
    said.problems.extend(collected.problems.iter().map(shown));
    said.problems.extend(collected.unknown.shown.iter().map(|path| path.replace(&place, "?")));
    for (index, source) in std::mem::take(&mut collected.sources) {
        assert_eq!(ALL[index].name(), feed, "{}", case.display());
        said.problems.extend(source.problems.iter().map(shown));
        said.passed_over.extend(source.passed_over);
        for (stream, batch) in source.streams {
            let encoded = collected.statements(&batch).unwrap();
            let mut lines: Vec<_> = statements(&encoded).map(|s| line(&s)).collect();
            lines.sort_by_key(ToString::to_string);
            lines.dedup();
            if !lines.is_empty() {
                said.streams.insert(stream.clone(), lines);
            }
            said.modified.extend(batch.modified.map(|when| (stream, when)));
        }
    }
    said.problems.sort();
    said
}

fn line(statement: &Statement) -> serde_json::Value {
    match statement {
        Statement::Advisory(advisory) => advisory_line(advisory).into(),
        Statement::Details(details) => serde_json::to_value(details).unwrap(),
        Statement::Score { id, epss, percentile } => format!("{id} {epss} {percentile}").into(),
        Statement::KnownExploited { id, added, due, ransomware } => {
            format!("{id} added {added} due {due:?} ransomware {ransomware}").into()
        }
    }
}

/// `CVE-2024-1 source:openssl fixed <3.0.1 high [DSA-1-1] = GHSA-1 @esm-infra`
fn advisory_line(advisory: &Advisory) -> String {
    let Advisory { id, aliases, package, subject, scope, status, ranges, severity, notices } =
        advisory;
    let subject = if *subject == Subject::Source { "source" } else { "binary" };
    let mut line = format!("{id} {subject}:{package} {}", status.name());
    for range in ranges {
        let introduced = range.introduced.as_ref().map(|v| format!(">={v}")).unwrap_or_default();
        let until = match &range.until {
            Affected::Onwards => "…".to_owned(),
            Affected::Before(version) => format!("<{version}"),
            Affected::Through(version) => format!("<={version}"),
        };
        line += &format!(" {introduced}{until}");
    }
    line += &format!(" {severity}");
    let parts = [
        ("notices", notices.clone()),
        ("aliases", aliases.clone()),
        ("track", scope.track.clone().into_iter().collect()),
        ("module", scope.module.clone().into_iter().collect()),
        ("architectures", scope.architectures.clone()),
    ];
    for (name, values) in parts {
        if !values.is_empty() {
            line += &format!(" {name}={}", values.join(","));
        }
    }
    line
}
