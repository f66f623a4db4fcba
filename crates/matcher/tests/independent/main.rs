//! The same findings, worked out another way.
//!
//! For real images and real feeds each test computes the expected findings straight from the
//! publishers' documents, as plain JSON values, with the package managers' own programs as judges
//! of versions (`judges`), and holds them against what the product makes of the same files:
//! analyzers, feeds, segments, matcher. Nothing but the input is shared between the two ways.
//!
//! The data is public and large, and lies beside the repository. Where it or a judge is absent the
//! test says so and passes; what it would have exercised is also in `testdata/`.

#![expect(clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a test that skips says why")]

mod almalinux;
mod alpine;
mod debian;
mod golang;
mod judges;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use advisories::Store;
use analyzers::{Checks, LayerCollector};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use matcher::Options;
use model::{Entry, EntryKind, Finding, Inventory, Visitor, Want};
use tempfile::TempDir;

/// Vulnerability, package, status, fixed version or `-`.
type Row = (String, String, String, String);

/// A file or directory of the data beside the repository; None, with a word on stderr, where it is
/// not there.
fn shared(path: &str) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if data.exists() {
        return Some(data);
    }
    eprintln!("skipped: {path} is not beside the repository");
    None
}

/// The archive's content, unpacked for reading it the independent way.
fn unpacked(archive: &Path) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    // What an ordinary user may not create (devices) does not matter here.
    let status = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(dir.path()).status();
    status.expect("tar runs");
    dir
}

/// What the analyzers see in these files: paths within the image, and bytes.
fn inventory(files: &[(&str, Vec<u8>)]) -> Inventory {
    let mut collector = LayerCollector::new(Checks::default());
    for (path, bytes) in files {
        let size = u64::try_from(bytes.len()).expect("a size fits");
        let entry = Entry { path, kind: EntryKind::File, mode: 0o644, uid: 0, gid: 0, size };
        if collector.entry(&entry) == Want::Content {
            collector.content(&entry, bytes);
        }
    }
    let inventory = analyzers::squash(&[collector.finish()], false);
    assert_eq!(inventory.problems, [], "the inventory is whole");
    inventory
}

/// The files of a root file system that inventories are made of.
fn files<'p>(root: &Path, paths: &[&'p str]) -> Vec<(&'p str, Vec<u8>)> {
    paths
        .iter()
        .map(|path| {
            let bytes = std::fs::read(root.join(path));
            (*path, bytes.unwrap_or_else(|error| panic!("`{path}`: {error}")))
        })
        .collect()
}

/// What a publisher's statements come to: the findings, and how many statements there were.
#[derive(Default)]
struct Expected {
    rows: BTreeSet<Row>,
    held: usize,
}

/// What the product finds with these feeds.
fn found(inventory: &Inventory, feeds: &[PathBuf]) -> BTreeSet<Row> {
    let findings = findings(inventory, feeds);
    let rows: BTreeSet<Row> = findings.iter().map(row).collect();
    assert_eq!(rows.len(), findings.len(), "one finding a vulnerability and package");
    rows
}

/// That are matched at once.
const PACKAGES: usize = 200;

fn findings(inventory: &Inventory, feeds: &[PathBuf]) -> Vec<Finding> {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let store = Store::open(dir.path());
    let now: Timestamp = "2026-11-22T00:00:00Z".parse().expect("a time");
    let options = feeds::Options { whole: true, ..feeds::Options::new(now) };
    feeds::import(feeds, &store, &options).expect("the feeds can be read");
    let today = now.to_zoned(TimeZone::UTC).date();
    let options = Options { today, declared: false };
    let mut findings = Vec::new();
    // Every package of every version has more findings than one artifact may.
    for packages in inventory.packages.chunks(PACKAGES) {
        let part = Inventory { packages: packages.to_vec(), ..inventory.clone() };
        let matched = matcher::findings(&part, &store, options, &|| false);
        let incomplete: Vec<_> =
            matched.problems.iter().filter(|problem| problem.kind.makes_incomplete()).collect();
        assert!(incomplete.is_empty(), "{incomplete:?}");
        findings.extend(matched.findings);
    }
    findings
}

fn row(finding: &Finding) -> Row {
    let fixed = finding.fixed_version.as_deref().unwrap_or("-");
    let status = finding.status.name();
    (finding.id.clone(), finding.package.name.clone(), status.to_owned(), fixed.to_owned())
}

/// Equal, and worked out from enough: a comparison of nothing with nothing proves nothing.
fn assert_same(what: &str, found: &BTreeSet<Row>, expected: &Expected) {
    let Expected { rows: expected, held } = expected;
    let show = |rows: Vec<&Row>| {
        rows.iter().take(20).map(|row| format!("  {row:?}\n")).collect::<String>()
    };
    let missed = show(expected.difference(found).collect());
    let invented = show(found.difference(expected).collect());
    assert!(
        missed.is_empty() && invented.is_empty(),
        "{what}\nmissed:\n{missed}invented:\n{invented}"
    );
    assert!(*held > 40, "{what}: {held} statements are about its packages");
    eprintln!("{what}: {held} statements, {} findings, the same both ways", expected.len());
}
