//! URLs of the user's own: which streams come from there, and what may lie there.

use std::collections::BTreeMap;

use feeds::{Options, update};
use model::ProblemKind;
use tempfile::TempDir;
use testkit::Server;

use crate::{TRACKER, day, ensure, fixed, names, serving, store, tracker};

const CVE: &str = "Candidate: CVE-2024-0007\nPublicDate: 2024-01-01\nReferences:\nDescription:\n\
    Priority: medium\nCVSS:\n\nPatches_curl:\njammy_curl: released (7.1)\n";

fn record(ecosystem: &str, fixed: &str) -> String {
    format!(
        r#"{{"id": "ALSA-2024:0001", "modified": "2024-01-02T03:04:05Z", "upstream": ["CVE-2024-0001"],
        "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "curl"}},
        "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "{fixed}"}}]}}]}}]}}"#
    )
}

/// The options of a user who has a server of his own for a source, and no other network.
fn own(server: &Server, source: &str, path: &str, days: i64) -> Options {
    let url = format!("http://{}{path}", server.host());
    let feed_urls = BTreeMap::from([(source.to_owned(), vec![url])]);
    let feed_mirror = None;
    Options { feed_mirror, feed_urls, ..Options::new(day(days)) }
}

#[test]
fn a_source_that_nobody_serves_comes_from_the_users_own_url() {
    let server = serving(|path| (path == "/tracker/ubuntu-22.04").then(|| CVE.into()));
    let own = own(&server, "ubuntu-cve-tracker", "/tracker/{stream}", 0);
    let ubuntu = names(&["ubuntu-22.04"]);
    // Named by the user, needed by a scan, and installed of that source.
    let folder = TempDir::new().unwrap();
    let report = update(&ubuntu, &store(&folder), &own);
    assert_eq!((report.imported.problems, report.idle), (vec![], vec![]));
    assert!(fixed(&store(&folder), "ubuntu-22.04", "curl").contains("7.1"));
    assert_eq!(update(&[], &store(&folder), &own).unchanged, ubuntu);
    assert_eq!(ensure(&ubuntu, &store(&TempDir::new().unwrap()), &own), []);
    assert!(server.requests().iter().all(|it| it.path == "/tracker/ubuntu-22.04"));
}

#[test]
fn an_own_url_that_serves_nothing_is_no_secret() {
    let folder = TempDir::new().unwrap();
    let server = serving(|path| (path == TRACKER).then(|| tracker("1").into_bytes()));
    let own = own(&server, "rustsec", "/r.tar", 0);
    let report = update(&names(&["debian-12"]), &store(&folder), &own);
    assert_eq!(report.idle, ["rustsec"]);
    assert!(server.requests().is_empty());
    assert!(store(&folder).list().unwrap().is_empty());
    // A scan of something else has no use for it, and that is fine.
    let offline = Options { offline: true, ..own };
    assert_eq!(ensure(&[], &store(&folder), &offline), []);
}

/// What lies there is recognized as a file is, whatever the user calls it; and it stays so.
#[test]
fn what_lies_at_an_own_url_is_recognized_by_its_content() {
    let folder = TempDir::new().unwrap();
    let server = serving(|path| (path == "/alma").then(|| record("AlmaLinux:9", "8").into_bytes()));
    let own = own(&server, "almalinux-errata", "/alma", 0);
    let alma = names(&["almalinux-9"]);
    let report = update(&alma, &store(&folder), &own);
    assert_eq!(report.imported.problems, []);
    assert_eq!(report.imported.streams[0].source, "almalinux-osv");
    for targets in [&alma[..], &[]] {
        let report = update(targets, &store(&folder), &own);
        assert_eq!((report.idle, report.unchanged), (vec![], alma.clone()));
    }
    assert!(server.requests().iter().all(|it| it.path == "/alma"));
    let nothing = own_of_nothing();
    let report = update(&alma, &store(&TempDir::new().unwrap()), &nothing);
    assert!(report.imported.problems.iter().any(|it| it.kind == ProblemKind::AdvisoriesMissing));
}

/// Nobody listens there.
fn own_of_nothing() -> Options {
    let url = "http://127.0.0.1:9/alma".to_owned();
    let feed_urls = BTreeMap::from([("almalinux-errata".to_owned(), vec![url])]);
    Options { feed_urls, ..Options::new(day(0)) }
}
