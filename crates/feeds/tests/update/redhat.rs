//! Red Hat's archive of everything, and the lists of what changed since.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use advisories::Store;
use feeds::update;
use model::{ProblemKind, Subject};
use tempfile::TempDir;
use testkit::Server;

use super::{ensure, names, options, serving, store};

const FOLDER: &str = "/security.access.redhat.com/data/csaf/v2/vex-feed/";
// The first run is on 14 November 2023.
const ARCHIVE: &str = "csaf_vex_2023-11-10.tar";

/// What a server has, by name in the folder.
type Served = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A document of one fixed source on RHEL, `rhel-9` for 9.
fn vex(cve: &str, release: u32, package: &str, fixed: &str) -> Vec<u8> {
    format!(
        r#"{{"document": {{"category": "csaf_vex", "publisher": {{"namespace": "https://www.redhat.com"}},
        "tracking": {{"id": "{cve}", "current_release_date": "2023-11-09T00:00:00+00:00"}}}},
        "product_tree": {{"branches": [
        {{"category": "product_name", "name": "r", "product": {{"product_id": "r",
        "product_identification_helper": {{"cpe": "cpe:/o:redhat:enterprise_linux:{release}::baseos"}}}}}},
        {{"category": "product_version", "name": "c", "product": {{"product_id": "c",
        "product_identification_helper": {{"purl": "pkg:rpm/redhat/{package}@{fixed}?arch=src&epoch=0"}}}}}}],
        "relationships": [{{"category": "default_component_of", "full_product_name": {{"name": "c of r",
        "product_id": "r:c"}}, "product_reference": "c", "relates_to_product_reference": "r"}}]}},
        "vulnerabilities": [{{"cve": "{cve}", "product_status": {{"fixed": ["r:c"]}}}}]}}"#
    )
    .into_bytes()
}

fn archive(documents: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, document) in documents {
        let mut header = tar::Header::new_gnu();
        header.set_size(document.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, document.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn put(served: &Served, name: &str, body: impl AsRef<[u8]>) {
    served.lock().unwrap().insert(name.to_owned(), body.as_ref().to_vec());
}

/// An archive of four documents; since then one was changed, one deleted, one is new.
fn server() -> (Served, Server) {
    let served = Served::default();
    put(&served, "archive_latest.txt", ARCHIVE);
    let documents = [
        ("2023/cve-2023-0001.json", vex("CVE-2023-0001", 9, "curl", "1-1.el9")),
        ("2023/cve-2023-0002.json", vex("CVE-2023-0002", 9, "bash", "1-1.el9")),
        ("2023/cve-2023-0003.json", vex("CVE-2023-0003", 9, "zlib", "1-1.el9")),
        ("2023/cve-2023-0004.json", vex("CVE-2023-0004", 8, "curl", "1-1.el8")),
    ];
    put(&served, ARCHIVE, archive(&documents));
    put(&served, "2023/cve-2023-0002.json", vex("CVE-2023-0002", 9, "bash", "2-1.el9"));
    put(&served, "2023/cve-2023-0005.json", vex("CVE-2023-0005", 9, "xz", "1-1.el9"));
    let changes = "\"2023/cve-2023-0005.json\",\"2023-11-13T10:00:00+00:00\"\n\
        \"2023/cve-2023-0002.json\",\"2023-11-12T10:00:00+00:00\"\n\
        \"2023/cve-2023-0001.json\",\"2023-10-01T10:00:00+00:00\"\n";
    put(&served, "changes.csv", changes);
    put(&served, "deletions.csv", "\"2023/cve-2023-0003.json\",\"2023-11-11T10:00:00+00:00\"\n");
    let bodies = Arc::clone(&served);
    let server =
        serving(move |path| bodies.lock().unwrap().get(path.strip_prefix(FOLDER)?).cloned());
    (served, server)
}

/// What is said of all packages: `CVE-2023-0001 curl 1-1.el9`.
fn said(store: &Store, stream: &str) -> Vec<String> {
    let segment = Store::open(store.dir()).segment(stream).unwrap().unwrap();
    let mut said: Vec<String> = ["bash", "curl", "xz", "zlib"]
        .iter()
        .flat_map(|package| segment.advisories(package, Subject::Source).unwrap())
        .map(|it| format!("{} {} {}", it.id, it.package, it.ranges[0].until.fix().unwrap()))
        .collect();
    said.sort();
    said
}

/// The names that were asked for since the last call.
fn asked(server: &Server, known: &mut usize) -> Vec<String> {
    let requests = server.requests();
    let mut asked: Vec<String> = requests
        .iter()
        .skip(*known)
        .map(|request| request.path.trim_start_matches(FOLDER).to_owned())
        .collect();
    *known = requests.len();
    asked.sort();
    asked
}

#[test]
fn what_changed_since_the_archive_is_fetched_too() {
    let folder = TempDir::new().unwrap();
    let (served, server) = server();
    let streams = names(&["rhel-8", "rhel-9"]);
    let mut known = 0;
    let first = update(&streams, &store(&folder), &options(&server, 0));
    assert_eq!(first.imported.problems, []);
    let nine =
        ["CVE-2023-0001 curl 1-1.el9", "CVE-2023-0002 bash 2-1.el9", "CVE-2023-0005 xz 1-1.el9"];
    assert_eq!(said(&store(&folder), "rhel-9"), nine);
    assert_eq!(said(&store(&folder), "rhel-8"), ["CVE-2023-0004 curl 1-1.el8"]);
    let lists = ["archive_latest.txt", "changes.csv", ARCHIVE, "deletions.csv"];
    let both = ["2023/cve-2023-0002.json", "2023/cve-2023-0005.json"];
    assert_eq!(asked(&server, &mut known), [&both[..], &lists[..]].concat());

    // Nothing is new: lists, and whether the archive is the same.
    let second = update(&streams, &store(&folder), &options(&server, 5));
    assert_eq!(second.unchanged, streams, "{second:?}");
    assert_eq!(asked(&server, &mut known), lists);

    // One more was changed and one deleted: the archive stays where it is.
    put(&served, "2023/cve-2023-0001.json", vex("CVE-2023-0001", 9, "curl", "3-1.el9"));
    put(&served, "changes.csv", "\"2023/cve-2023-0001.json\",\"2023-11-20T10:00:00+00:00\"\n");
    put(&served, "deletions.csv", "\"2023/cve-2023-0005.json\",\"2023-11-20T10:00:00+00:00\"\n");
    let third = update(&streams, &store(&folder), &options(&server, 7));
    assert_eq!(third.imported.problems, []);
    assert_eq!(third.unchanged, ["rhel-8"], "{third:?}");
    assert_eq!(
        said(&store(&folder), "rhel-9"),
        ["CVE-2023-0001 curl 3-1.el9", "CVE-2023-0002 bash 2-1.el9"]
    );
    let changed = [&["2023/cve-2023-0001.json"][..], &lists[..]].concat();
    assert_eq!(asked(&server, &mut known), changed);
    assert_eq!(ensure(&streams, &store(&folder), &options(&server, 7)), []);
}

/// Changes are added to all streams that come from there: those of which the publisher was heard longer ago
/// miss none.
#[test]
fn streams_that_were_not_asked_for_miss_no_change() {
    let folder = TempDir::new().unwrap();
    let (served, server) = server();
    update(&names(&["rhel-8", "rhel-9"]), &store(&folder), &options(&server, 0));
    update(&names(&["rhel-9"]), &store(&folder), &options(&server, 4));
    put(&served, "2023/cve-2023-0006.json", vex("CVE-2023-0006", 8, "zlib", "1-1.el8"));
    put(&served, "2023/cve-2023-0004.json", vex("CVE-2023-0004", 9, "curl", "4-1.el9"));
    let changes = "\"2023/cve-2023-0004.json\",\"2023-11-20T10:00:00+00:00\"\n\
        \"2023/cve-2023-0006.json\",\"2023-11-16T10:00:00+00:00\"\n";
    put(&served, "changes.csv", changes);
    update(&names(&["rhel-9"]), &store(&folder), &options(&server, 7));
    update(&names(&["rhel-8"]), &store(&folder), &options(&server, 8));
    assert_eq!(said(&store(&folder), "rhel-8"), ["CVE-2023-0006 zlib 1-1.el8"]);
    assert!(said(&store(&folder), "rhel-9").contains(&"CVE-2023-0004 curl 4-1.el9".to_owned()));
}

/// A mirror without the lists, or a document that is gone: what there is is taken, and that it may be old
/// is said.
#[test]
fn changes_that_cannot_be_had_are_told() {
    for missing in ["changes.csv", "2023/cve-2023-0002.json"] {
        let folder = TempDir::new().unwrap();
        let (served, server) = server();
        served.lock().unwrap().remove(missing);
        let report = update(&names(&["rhel-9"]), &store(&folder), &options(&server, 0));
        let problems = &report.imported.problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].kind, ProblemKind::AdvisoriesStale);
        assert!(problems[0].message.contains(missing), "{problems:?}");
        assert_eq!(said(&store(&folder), "rhel-9")[1], "CVE-2023-0002 bash 1-1.el9");
        if missing == "changes.csv" {
            // The archive is the same, and nobody knows what else there is.
            let again = update(&names(&["rhel-9"]), &store(&folder), &options(&server, 9));
            assert_eq!(again.unchanged, Vec::<String>::new());
            assert!(again.imported.problems[0].message.contains("9 days old"), "{again:?}");
        }
    }
}
