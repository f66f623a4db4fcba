//! Advisories that come from publishers while a user waits: on first use, later, and not at all.

use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Fault, Reply, Request, Server};

use crate::run::{Ended, Sandbox};

const TRACKER: &str = "/security-tracker.debian.org/tracker/data/json";
/// The sandbox's time, and nine days later.
const LATER: &str = "1768003200";

/// A Debian root file system in the folder `root`.
fn debian() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("root/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let status =
        "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n";
    sandbox.file("root/var/lib/dpkg/status", status);
    sandbox
}

fn tracker() -> String {
    serde_json::json!({ "bash": { "CVE-2099-0001": { "releases": { "bookworm": {
        "status": "resolved",
        "repositories": { "bookworm": "5.2-2" },
        "fixed_version": "5.2-2",
        "urgency": "high",
    } } } } })
    .to_string()
}

fn publisher(answer: fn(&Request) -> Reply) -> (Server, String) {
    let server = Server::new(move |request| match request.path == TRACKER {
        true => answer(request),
        false => Reply::new(404, ""),
    });
    let url = format!("http://{}", server.host());
    (server, url)
}

fn scan_at(sandbox: &Sandbox, time: &str, more: &[&str]) -> Ended {
    let mut command = sandbox.command(&["scan", "--format", "json", "dir:root"]);
    command.args(more).env("SOURCE_DATE_EPOCH", time);
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn scan(sandbox: &Sandbox, more: &[&str]) -> Ended {
    scan_at(sandbox, "1767225600", more)
}

fn findings(ended: &Ended) -> usize {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    report["findings"].as_array().unwrap().len()
}

#[test]
fn a_first_scan_fetches_and_a_later_one_does_without() {
    let sandbox = debian();
    let (server, url) = publisher(|_| Reply::new(200, tracker()));
    let ended = scan(&sandbox, &["--feed-mirror", &url]);
    assert_eq!((ended.code, findings(&ended)), (Some(0), 1), "{ended:?}");
    let asked = |server: &Server| server.requests().iter().filter(|r| r.path == TRACKER).count();
    assert_eq!(asked(&server), 1);
    let ended = scan(&sandbox, &["--feed-mirror", &url]);
    assert_eq!((ended.code, findings(&ended), asked(&server)), (Some(0), 1, 1), "{ended:?}");

    // Nine days later nobody answers as he should: older data serves, and its age is said.
    let (_broken, url) = publisher(|_| Reply::new(200, "<html>Sign in</html>"));
    let ended = scan_at(&sandbox, LATER, &["--feed-mirror", &url]);
    assert_eq!((ended.code, findings(&ended)), (Some(0), 1), "{ended:?}");
    assert!(ended.stdout.contains("9 days old"), "{ended:?}");
    let ended = scan_at(&sandbox, LATER, &["--offline"]);
    assert_eq!((ended.code, findings(&ended)), (Some(0), 1), "{ended:?}");
    assert!(ended.stdout.contains("9 days old"), "{ended:?}");
}

#[test]
fn segments_that_are_damaged_or_not_whole_are_told_and_fetched_again() {
    let sandbox = debian();
    let cut = tracker().trim_end_matches('}').to_owned() + "}}}},\"curl\": {";
    let cut = sandbox.file("cut.json", cut);
    let ended = sandbox.run(&["db", "import", &cut]);
    assert_eq!(ended.code, Some(21), "{ended:?}");
    let ended = scan(&sandbox, &["--offline"]);
    assert_eq!((ended.code, findings(&ended)), (Some(21), 1), "{ended:?}");
    assert!(ended.stdout.contains("not whole"), "{ended:?}");

    let (_server, url) = publisher(|_| Reply::new(200, tracker()));
    let ended = scan(&sandbox, &["--feed-mirror", &url]);
    assert_eq!((ended.code, findings(&ended)), (Some(0), 1), "{ended:?}");

    let segment = sandbox.path("cache/lazaret/db/debian-12.seg");
    let sound = std::fs::read(&segment).unwrap();
    for damaged in [&sound[..sound.len() / 2], b"", b"nonsense"] {
        std::fs::write(&segment, damaged).unwrap();
        let ended = scan(&sandbox, &["--offline"]);
        assert_eq!((ended.code, findings(&ended)), (Some(21), 0), "{ended:?}");
        let ended = scan(&sandbox, &["--feed-mirror", &url]);
        assert_eq!((ended.code, findings(&ended)), (Some(0), 1), "{ended:?}");
    }
}

/// Publishers that accept and stay silent cost no more than the user gives.
#[test]
fn the_time_limit_and_ctrl_c_end_a_scan_that_waits_for_advisories() {
    let sandbox = debian();
    let (server, url) = publisher(|_| Reply::new(200, "").with(Fault::Silent));
    let begun = Instant::now();
    let ended = scan(&sandbox, &["--feed-mirror", &url, "--timeout", "2s"]);
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    // What was read until then is reported.
    assert!(ended.stdout.contains("\"bash\""), "{ended:?}");
    assert!(ended.stdout.contains("advisories_missing"), "{ended:?}");

    let before = server.requests().len();
    let mut child = sandbox.spawn(&["scan", "dir:root", "--feed-mirror", &url]);
    while server.requests().len() == before {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let begun = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn an_update_ends_with_what_went_wrong() {
    type Answer = fn(&Request) -> Reply;
    let cases: [(Answer, i32); 4] = [
        (|_| Reply::new(200, tracker()), 0),
        (|_| Reply::new(404, ""), 13),
        (|_| Reply::new(200, "<html>Sign in</html>"), 14),
        (|_| Reply::new(200, &tracker().as_bytes()[..60]), 14),
    ];
    for (answer, code) in cases {
        let (_server, url) = publisher(answer);
        let ended = debian().run(&["db", "update", "debian-12", "--feed-mirror", &url]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
    }
    let sandbox = debian();
    sandbox.file("file", "");
    let (_server, url) = publisher(|_| Reply::new(200, tracker()));
    let update = ["--db", "file/db", "db", "update", "debian-12", "--feed-mirror", &url];
    assert_eq!(sandbox.run(&update).code, Some(31));
    let (_server, url) = publisher(|_| Reply::new(200, "").with(Fault::Silent));
    let update = ["db", "update", "debian-12", "--feed-mirror", &url, "--timeout", "1s"];
    assert_eq!(sandbox.run(&update).code, Some(124));
}

#[test]
fn a_source_is_fetched_from_where_the_user_says() {
    let sandbox = debian();
    let server = Server::new(|request: &Request| match request.path.as_str() {
        "/own/debian-12.json" => Reply::new(200, tracker()),
        _ => Reply::new(404, ""),
    });
    let url = format!("debian-tracker=http://{}/own/{{stream}}.json", server.host());
    let ended = sandbox.run(&["db", "update", "debian-12", "--feed-url", &url]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (wrong, why) in [
        ("debian-tracker", "no `=`"),
        ("zork=https://h/x", "`zork` is not a source"),
        ("debian-tracker=ftp://h/x", "does not begin with"),
    ] {
        let ended = sandbox.run(&["db", "update", "debian-12", "--feed-url", wrong]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(why), "{ended:?}");
    }
}

#[test]
fn a_large_download_is_announced_in_a_log_too() {
    let (_server, url) = publisher(|_| {
        // Other packages, of a megabyte each; no single record may have fifty.
        let text = "x".repeat(1_000_000);
        let one = |n| {
            format!(
                r#", "x{n}": {{"CVE-2000-{n:04}": {{"description": "{text}", "releases": {{}}}}}}"#
            )
        };
        let others: String = (1..=51).map(one).collect();
        let body = tracker();
        let without_end = body.strip_suffix('}').unwrap();
        Reply::new(200, format!("{without_end}{others}}}"))
    });
    let update = ["db", "update", "debian-12", "--feed-mirror", &url];
    let ended = debian().run(&update);
    let line = format!("fetching 51 MB from https:/{TRACKER}");
    assert_eq!(ended.stderr.lines().filter(|it| **it == line).count(), 1, "{ended:?}");
    let ended = debian().run(&[&update[..], &["--quiet"]].concat());
    assert_eq!(ended.stderr, "", "{ended:?}");
}
