//! The fixtures: every folder `testdata/<feed>/<case>/` is a test.
//!
//! All files in a case's folder but `expected.json` are its documents (archives are unpacked). They
//! must be recognized by the feed that the folder is named after and by no other; what they say
//! must be what `expected.json` says. `BLESS=1 cargo test -p feeds golden` writes that file anew:
//! read the difference before you commit it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use model::{Advisory, Affected, Subject};
use serde::Serialize;

use crate::collect::{Input, collect};
use crate::input::Found;
use crate::sink::{Statement, statements};
use crate::{ALL, Document, Options, Sample, Sink, input};

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
                let sample = Sample::new(unpacked.document());
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

/// Of whatever stream a feed makes statements, the user may say where it is to be fetched from.
#[test]
fn every_feed_knows_which_streams_it_speaks_of() {
    let mut checked = 0;
    for feed in ALL {
        let of_feed = cases().into_iter().filter(|(name, _)| name == feed.name());
        let streams: BTreeSet<String> =
            of_feed.flat_map(|(name, case)| said(&name, &case).streams.into_keys()).collect();
        let spoken_of = streams.iter().filter(|stream| feed.speaks_of(stream)).count();
        assert!(spoken_of > 0, "{}: {streams:?}", feed.name());
        assert!(!feed.speaks_of("zork-1"), "{}", feed.name());
        checked += spoken_of;
    }
    assert!(checked > ALL.len());
}

/// The first feed of the list that serves a stream is where scans fetch it from; the docs name the host.
#[test]
fn every_stream_has_its_authoritative_source() {
    let sources = [
        ("almalinux-9", "almalinux-errata"),
        ("alpine-3.2", "alpine-secdb"),
        ("alpine-3.20", "alpine-secdb"),
        ("alpine-edge", "alpine-secdb"),
        ("amazon-2", "amazon-alas"),
        ("amazon-2023", "amazon-alas"),
        ("azurelinux-3.0", "azurelinux-oval"),
        ("chainguard", "chainguard-secdb"),
        ("cpan", "cpansa"),
        ("cve-1999", "nvd"),
        ("cve-2024", "nvd"),
        ("debian-12", "debian-tracker"),
        ("debian-sid", "debian-tracker"),
        ("epss", "epss"),
        ("fedora-43", "fedora-updateinfo"),
        ("golang", "osv"),
        ("kev", "cisa-kev"),
        ("mariner-2.0", "azurelinux-oval"),
        ("npm", "osv"),
        ("openeuler-22.03-LTS-SP3", "openeuler-csaf"),
        ("opensuse-leap-15.6", "suse-oval"),
        ("opensuse-tumbleweed", "suse-oval"),
        ("oracle-9", "oracle-oval"),
        ("photon-4.0", "photon-cve"),
        ("pypi", "osv"),
        ("rhel-9", "redhat-vex"),
        ("rocky-9", "rocky-updateinfo"),
        ("sl-micro-6.0", "suse-oval"),
        ("sle-micro-5.5", "suse-oval"),
        ("sles-15.6", "suse-oval"),
        ("ubuntu-22.04", "ubuntu-oval"),
        ("wolfi", "wolfi-secdb"),
    ];
    let docs = fs::read_to_string(testdata().join("../../../docs/feeds.md")).unwrap();
    let (_, hosts) = docs.split_once("## From which hosts").unwrap();
    let (hosts, _) = hosts.split_once("\n## ").unwrap();
    for (stream, source) in sources {
        let first = ALL.iter().find(|feed| !feed.urls(stream).is_empty());
        assert_eq!(first.map(|feed| feed.name()), Some(source), "{stream}");
        let family = stream.split('-').next().unwrap();
        for url in first.into_iter().flat_map(|feed| feed.urls(stream)) {
            let host = format!("`{}`", url.split('/').nth(2).unwrap());
            let is_row =
                |row: &&str| row.contains(&host) && (row.contains(family) || source == "osv");
            assert!(
                hosts.lines().any(|row| is_row(&row)),
                "{stream}: {host} is not in docs/feeds.md"
            );
        }
    }
    for other in ["", "debian", "debian-99", "alpine-x", "cve-", "cve-12345", "npm-1", "epss-1"] {
        let feeds: Vec<_> =
            ALL.iter().filter(|feed| !feed.urls(other).is_empty()).map(|f| f.name()).collect();
        assert!(feeds.is_empty(), "{other}: {feeds:?}");
    }
}

/// However a document is cut, nothing is said that the whole does not say, and nothing panics.
#[test]
fn a_document_cut_anywhere_says_nothing_new() {
    for (_, case) in cases() {
        let mut check = |found| {
            if let Found::Document(unpacked) = found {
                let bytes = unpacked.document().head();
                let whole = all_of(&unpacked.path, bytes, true);
                let length = bytes.len();
                for cut in (0..length).step_by(length / CUTS + 1) {
                    let new = &all_of(&unpacked.path, &bytes[..cut], false) - &whole;
                    assert!(new.is_empty(), "{} cut at {cut}: {new:#?}", unpacked.path);
                }
            }
            ControlFlow::Continue(())
        };
        for document in documents(&case) {
            assert!(input::read(&document, &mut check).is_continue());
        }
    }
}

/// At how many places every fixture is cut.
const CUTS: usize = 64;

/// All that a document says, by the feed that its head belongs to.
fn all_of(path: &str, bytes: &[u8], whole: bool) -> BTreeSet<String> {
    let mut document = Document::new(path, bytes);
    document.whole = whole;
    let mut said = BTreeSet::new();
    for feed in ALL.iter().filter(|feed| feed.recognizes(&Sample::new(document))) {
        let mut sink = Sink::default();
        // A cut document is an error to most feeds; what it says up to there is what counts.
        let _end = feed.import(&document, &mut sink);
        for (stream, pending) in &sink.streams {
            said.extend(statements(&pending.encoded).map(|s| format!("{stream} {}", line(&s))));
        }
    }
    said
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
    let mut inputs = documents(case).into_iter().map(Input::Path);
    let options = Options::new(jiff::Timestamp::UNIX_EPOCH);
    let mut collected = collect(ALL, &mut inputs, &options).unwrap();
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
            let mut lines = Vec::new();
            collected.said(&batch).each(&mut |statement| lines.push(line(&statement))).unwrap();
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
        Statement::Score { id, epss, percentile, .. } => format!("{id} {epss} {percentile}").into(),
        Statement::KnownExploited { id, added, due, ransomware, .. } => {
            format!("{id} added {added} due {due:?} ransomware {ransomware}").into()
        }
        Statement::Coordinates { sha1, group, artifact, version } => {
            let sha1: String = sha1.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{sha1} {group}:{artifact}:{version}").into()
        }
    }
}

/// `CVE-2024-1 source:openssl fixed <3.0.1 high [DSA-1-1] = GHSA-1 @esm-infra`
fn advisory_line(advisory: &Advisory) -> String {
    let Advisory { id, aliases, package, subject, scope, status, ranges, severity, notices } =
        advisory;
    let subject = if *subject == Subject::Source { "source" } else { "binary" };
    let mut words = vec![format!("{id} {subject}:{package} {}", status.name())];
    for range in ranges {
        let introduced = range.introduced.as_ref().map(|v| format!(">={v}")).unwrap_or_default();
        let until = match &range.until {
            Affected::Onwards => "…".to_owned(),
            Affected::Before(version) => format!("<{version}"),
            Affected::Through(version) => format!("<={version}"),
            Affected::Until { end, included, fix } => {
                let sign = if *included { "<=" } else { "<" };
                format!("{sign}{end} fix:{}", fix.as_deref().unwrap_or("-"))
            }
        };
        words.push(format!("{introduced}{until}"));
    }
    words.push(severity.to_string());
    let parts = [
        ("notices", notices.clone()),
        ("aliases", aliases.clone()),
        ("track", scope.track.clone().into_iter().collect()),
        ("module", scope.module.clone().into_iter().collect()),
        ("architectures", scope.architectures.clone()),
        ("symbols", scope.symbols.clone()),
        ("platforms", scope.platforms.clone()),
    ];
    for (name, values) in parts {
        if !values.is_empty() {
            words.push(format!("{name}={}", values.join(",")));
        }
    }
    words.join(" ")
}
