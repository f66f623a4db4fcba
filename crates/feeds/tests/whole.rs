//! Every feed of `../shared/data/feeds`, whole: how many documents are read and how much is said in
//! every stream, beside counts made by other means (`whole/README.md`).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test they help")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use advisories::Store;
use feeds::{Options, import};
use jiff::Timestamp;
use serde::Deserialize;

/// Excerpts of every kind of feed, which are the golden tests' matter.
const SAMPLES: &str = "upstream-samples.tar.zst";

#[derive(Debug, Deserialize, PartialEq)]
struct Counted {
    /// By feed.
    documents: BTreeMap<String, u64>,
    /// By stream: distinct packages and vulnerabilities; in metadata, distinct vulnerabilities.
    statements: BTreeMap<String, usize>,
}

#[test]
fn feeds_say_as_much_as_was_counted_by_other_means() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("../../../shared/data/feeds");
    let Ok(entries) = folder.read_dir() else {
        return testkit::lack("there are no whole feeds beside the repository");
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.ends_with(SAMPLES));
    let counts = std::fs::read_to_string(here.join("tests/whole/counts.toml")).unwrap();
    let expected: Counted = toml::from_str(&counts).unwrap();

    let db = tempfile::tempdir().unwrap();
    let store = Store::open(db.path());
    let report = import(&paths, &store, &Options::new(Timestamp::UNIX_EPOCH)).unwrap();
    let documents = report.sources.iter().map(|s| (s.name.to_owned(), s.documents)).collect();
    let streams = report.streams.iter().map(|done| &done.stream);
    let statements = streams.map(|stream| (stream.clone(), said(&store, stream))).collect();
    let found = Counted { documents, statements };
    assert_eq!(found.documents, expected.documents);
    assert_eq!(found.statements, expected.statements);
    assert!(report.sources.iter().all(|source| source.damaged == 0), "{report:?}");
}

fn said(store: &Store, stream: &str) -> usize {
    let segment = store.segment(stream).unwrap().unwrap();
    let statements: BTreeSet<(String, String)> =
        segment.all_advisories().map(|a| a.unwrap()).map(|a| (a.package, a.id)).collect();
    statements.len() + segment.all_scores().count() + segment.all_known_exploited().count()
}
