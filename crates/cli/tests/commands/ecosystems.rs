//! Every ecosystem from a file in its tool's form to a finding from an advisory that was really
//! published, and the page that lists them (`docs/ecosystems.md`).
//!
//! A case is `testdata/ecosystems/<kind>/`: the record (its facts, without its texts), `input`, and
//! `finds.txt`, a finding a line. Of a kind without a case the page says that nobody publishes
//! advisories, or in which form that is not read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use model::PackageKind;
use serde_json::Value;

use crate::run::Sandbox;

fn case(kind: PackageKind) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/ecosystems").join(kind.name())
}

/// The kinds of languages and programs.
fn kinds() -> impl Iterator<Item = PackageKind> {
    PackageKind::ALL.iter().copied().filter(|kind| !kind.is_os())
}

#[test]
fn every_case_finds_what_was_published() {
    let cases: Vec<PackageKind> = kinds().filter(|kind| case(*kind).is_dir()).collect();
    assert_eq!(cases.len(), 17);
    for kind in cases {
        let case = case(kind);
        let sandbox = Sandbox::new();
        let record = record(&case);
        let ended = sandbox.run(&["db", "import", record.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let target = format!("dir:{}", case.join("input").to_str().unwrap());
        let ended = sandbox.run(&["scan", "--offline", "--format", "json", &target]);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let found: String = findings.iter().map(finding).collect();
        let expected = std::fs::read_to_string(case.join("finds.txt")).unwrap();
        assert_eq!(found, expected, "{}", case.display());
    }
}

/// The one advisory of a case.
fn record(case: &Path) -> PathBuf {
    let entries = std::fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.extension().is_some_and(|it| it == "json")).unwrap()
}

/// A line of `finds.txt`.
fn finding(finding: &Value) -> String {
    let text = |pointer: &str| finding.pointer(pointer).and_then(Value::as_str).unwrap();
    format!("{} {} {}\n", text("/id"), text("/package/name"), text("/package/version"))
}

/// One row a kind: what it is called, the analyzers that find it, who publishes, and the record
/// that its case holds.
#[test]
fn the_page_says_what_is_read_and_what_was_tried() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ecosystems.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut named = BTreeSet::new();
    for kind in kinds() {
        let start = format!("| `{}` ", kind.name());
        let row = page.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("`{}` has no row", kind.name()));
        let columns: Vec<&str> = row.split(" | ").collect();
        assert_eq!(columns.len(), 4, "{row}");
        named.extend(columns[1].split('`').skip(1).step_by(2));
        let tried = case(kind).is_dir().then(|| record(&case(kind)));
        let tried = tried.as_ref().and_then(|path| path.file_stem()).and_then(|it| it.to_str());
        assert_eq!(tried.is_some(), !columns[3].starts_with("none"), "{row}");
        assert!(tried.is_none_or(|id| columns[3].contains(id)), "{row}");
    }
    let analyzers = analyzers::ALL.iter().map(|analyzer| analyzer.name());
    let analyzers: BTreeSet<&str> = analyzers.collect();
    let unknown: Vec<_> = named.difference(&analyzers).collect();
    assert!(unknown.is_empty(), "no analyzer is called so: {unknown:?}");
    for analyzer in analyzers.difference(&named) {
        assert!(OF_NO_LANGUAGE.contains(analyzer), "no row names `{analyzer}`");
    }
}

/// Analyzers of the operating system, and of what is no package.
const OF_NO_LANGUAGE: [&str; 19] = [
    "apk",
    "apk-repositories",
    "compose",
    "content-sets",
    "debian-copyright",
    "dockerfile",
    "dpkg",
    "dpkg-md5sums",
    "kubernetes",
    "malware",
    // Which packages of npm came from the public registry.
    "npm-installed",
    "os-release",
    "rpm-bdb",
    "rpm-manifest",
    "rpm-ndb",
    "rpm-sqlite",
    "rpm-wal",
    "secrets",
    "system-settings",
];
