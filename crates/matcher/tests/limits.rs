//! What bounds matching: the number of findings, and whoever stops it.

use std::cell::Cell;

use advisories::{SegmentMeta, SegmentWriter, Store};
use matcher::{Matched, Options};
use model::{
    Advisory, Inventory, Os, Package, PackageKind, ProblemKind, Scope, Severity, Source, Status,
    Subject,
};

/// Binaries of one source that as many vulnerabilities are told of.
fn matched(binaries: usize, vulnerabilities: usize, is_stopped: &dyn Fn() -> bool) -> Matched {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path());
    let meta = SegmentMeta {
        stream: "debian-12".to_owned(),
        source: "a feed".to_owned(),
        ..SegmentMeta::default()
    };
    let mut writer = SegmentWriter::new(meta);
    for number in 0..vulnerabilities {
        writer.advisory(&Advisory {
            id: format!("CVE-2024-{number:05}"),
            aliases: Vec::new(),
            package: "tide".to_owned(),
            subject: Subject::Source,
            scope: Scope::default(),
            status: Status::Affected,
            ranges: Vec::new(),
            severity: Severity::Unknown,
            notices: Vec::new(),
        });
    }
    store.write(writer).expect("a segment");
    let package = |number: usize| Package {
        source: Some(Source { name: "tide".to_owned(), version: "1".to_owned() }),
        vendor: "Tide Team <tide@debian.org>".to_owned(),
        ..Package::new(PackageKind::Deb, &format!("tide-{number}"), "1")
    };
    let os = Os {
        family: "debian".to_owned(),
        version: "12".to_owned(),
        codename: None,
        pretty_name: None,
        derived_id: None,
    };
    let inventory = Inventory {
        os: Some(os),
        packages: (0..binaries).map(package).collect(),
        ..Inventory::default()
    };
    let options = Options { today: "2026-11-22".parse().expect("a date"), declared: false };
    matcher::findings(&inventory, &store, options, is_stopped)
}

fn limits(matched: &Matched) -> Vec<&str> {
    let limits = matched.problems.iter().filter(|it| it.kind == ProblemKind::LimitReached);
    limits.map(|problem| problem.message.as_str()).collect()
}

#[test]
fn more_findings_than_anybody_reads_are_a_limit() {
    let all = matched(400, 100, &|| false);
    assert_eq!((all.findings.len(), limits(&all)), (40_000, Vec::new()));
    let more = matched(500, 100, &|| false);
    assert_eq!(more.findings.len(), 40_000);
    let said = "more than 40000 findings: 100 packages were not held against advisories";
    assert_eq!(limits(&more), [said]);
}

#[test]
fn whoever_stops_it_has_what_was_found() {
    let asked = Cell::new(0);
    let is_stopped = || asked.replace(asked.get() + 1) >= 3;
    let stopped = matched(5, 2, &is_stopped);
    assert_eq!(stopped.findings.len(), 6);
    assert_eq!(limits(&stopped), ["stopped: 2 packages were not held against advisories"]);
}
