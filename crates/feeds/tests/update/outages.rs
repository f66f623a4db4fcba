//! Servers that fail, break off or stay silent: what it costs, and what is said.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use advisories::Store;
use feeds::{Failure, Options, update};
use model::ProblemKind;
use tempfile::TempDir;
use testkit::{Fault, Reply, Server};

use crate::{TRACKER, ensure, fixed, names, options, serving, store, tracker};

fn silent() -> Server {
    Server::new(|_| Reply::new(200, "").with(Fault::Silent))
}

#[test]
fn the_time_limit_and_the_user_end_a_fetch_at_once() {
    let streams = names(&["debian-12", "alpine-3.20", "epss", "kev", "cve-2024"]);
    let folder = TempDir::new().unwrap();
    let server = silent();
    let begun = Instant::now();
    let stop = artifact::Stop::at(begun + Duration::from_secs(1));
    let problems = ensure(&streams, &store(&folder), &Options { stop, ..options(&server, 0) });
    assert_eq!(problems.len(), streams.len());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    let stop = artifact::Stop::default();
    let asked = stop.clone();
    let user = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        asked.stop();
    });
    let begun = Instant::now();
    let report = update(&streams, &store(&folder), &Options { stop, ..options(&server, 0) });
    user.join().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(report.imported.failures.contains(&Failure::Stopped), "{report:?}");
    // What has already been asked to end asks for nothing.
    let asked = server.requests().len();
    let stop = artifact::Stop::default();
    stop.stop();
    ensure(&streams, &store(&folder), &Options { stop, ..options(&server, 0) });
    assert_eq!(server.requests().len(), asked);
}

/// With older data at hand nobody waits long, and a host that did not answer is not asked twice;
/// whether nothing comes, or nothing any more, or next to nothing.
#[test]
fn a_host_that_does_not_answer_is_waited_for_once() {
    let good = serving(|path| match path {
        TRACKER => Some(tracker("1").into_bytes()),
        path if path.contains("/v3.20/") => Some(
            br#"{"apkurl": "u", "distroversion": "v3.20", "reponame": "main",
            "packages": [{"pkg": {"name": "curl", "secfixes": {"1-r0": ["CVE-2024-0001"]}}}]}"#
                .to_vec(),
        ),
        _ => None,
    });
    let streams = names(&["debian-12", "alpine-3.20"]);
    let cases = [
        // Both documents of Alpine are asked for at a time; Debian's is not asked for any more.
        (Fault::Silent, 2),
        // What breaks off is asked for once more.
        (Fault::SilentAfter(100), 4),
        (Fault::Trickle, 4),
    ];
    let check = |fault: Fault, requests: usize| {
        let folder = TempDir::new().unwrap();
        update(&streams, &store(&folder), &options(&good, 0));
        let shown = format!("{fault:?}");
        // More than trickles through before patience ends.
        let body = tracker("2") + &" ".repeat(20_000);
        let server = Server::new(move |_| Reply::new(200, &*body).with(fault.clone()));
        let begun = Instant::now();
        let report = update(&streams, &store(&folder), &options(&server, 9));
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(25), "{shown}: {took:?}");
        let problems = &report.imported.problems;
        assert!(server.requests().len() <= requests, "{shown}: {problems:?}");
        assert!(report.imported.failures.contains(&Failure::Network), "{shown}: {problems:?}");
    };
    std::thread::scope(|scope| {
        for (fault, requests) in cases {
            scope.spawn(move || check(fault, requests));
        }
    });
}

/// An index of many documents may be ahead of its server, or behind it.
#[test]
fn what_an_index_names_and_nobody_has_costs_only_itself() {
    let document =
        fs::read("testdata/openeuler-csaf/update/csaf-openeuler-sa-2025-1351.json").unwrap();
    let stream = names(&["openeuler-24.03-LTS"]);
    for (there, is_whole) in [(2, true), (3, true), (1, false), (0, false)] {
        let folder = TempDir::new().unwrap();
        let document = document.clone();
        let server = serving(move |path| match path.rsplit('/').next()? {
            "index.txt" => Some(b"2024/0.json\n2024/1.json\n2024/2.json\n2024/3.json\n".to_vec()),
            name => {
                let number: usize = name.trim_end_matches(".json").parse().ok()?;
                (number < there).then(|| document.clone())
            }
        });
        let report = update(&stream, &store(&folder), &options(&server, 0)).imported;
        let problem = &report.problems[0];
        let is_there = Store::open(store(&folder).dir()).segment(&stream[0]).unwrap().is_some();
        assert_eq!(is_there, is_whole, "{report:?}");
        let kind = if is_whole { ProblemKind::Notice } else { ProblemKind::AdvisoriesMissing };
        assert_eq!(problem.kind, kind, "{problem:?}");
        let told = format!("{} documents", 4 - there);
        assert!(problem.message.contains(&told), "{problem:?}");
        assert_eq!(report.failures.contains(&Failure::Network), !is_whole);
    }
}

#[test]
fn why_an_update_failed_is_told_apart() {
    let cases = [
        (Reply::new(404, ""), Failure::Network),
        (Reply::new(200, "<html>Sign in</html>"), Failure::Damaged),
        (Reply::new(200, &tracker("9").as_bytes()[..60]), Failure::Damaged),
    ];
    for (reply, expected) in cases {
        let folder = TempDir::new().unwrap();
        let shown = format!("{reply:?}");
        let server = Server::new(move |_| reply.clone());
        let report = update(&names(&["debian-12"]), &store(&folder), &options(&server, 0));
        let failures: Vec<Failure> = report.imported.failures.into_iter().collect();
        assert_eq!(failures, [expected], "{shown}");
    }
    // A folder that cannot be made, for its parent is a file.
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("db"), "").unwrap();
    let server = serving(|path| (path == TRACKER).then(|| tracker("1").into_bytes()));
    let report = update(&names(&["debian-12"]), &store(&folder), &options(&server, 0));
    let failures: Vec<Failure> = report.imported.failures.into_iter().collect();
    assert_eq!(failures, [Failure::Local], "{:?}", report.imported.problems);
}

#[test]
fn a_failing_server_costs_only_freshness_and_the_age_is_said() {
    let cases: Vec<(&str, Reply)> = vec![
        ("404", Reply::new(404, "gone")),
        ("503", Reply::new(503, "later").header("Retry-After", "0")),
        ("a page in place of the feed", Reply::new(200, "<html>Sign in</html>")),
        ("an empty body", Reply::new(200, "")),
        ("another feed", Reply::new(200, "cve,epss,percentile\n")),
        ("a document cut off", Reply::new(200, &tracker("9").as_bytes()[..60])),
        ("no HTTP", Reply::new(200, "").with(Fault::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()))),
    ];
    for (name, reply) in cases {
        let folder = TempDir::new().unwrap();
        let good = serving(|_| Some(tracker("1").into_bytes()));
        update(&names(&["debian-12"]), &store(&folder), &options(&good, 0));
        let bad = Server::new(move |_| reply.clone());
        let report = update(&names(&["debian-12"]), &store(&folder), &options(&bad, 113));
        let stale =
            report.imported.problems.iter().find(|p| p.kind == ProblemKind::AdvisoriesStale);
        let message = &stale.unwrap_or_else(|| panic!("{name}: {report:?}")).message;
        assert!(message.contains("113 days old"), "{name}: {message}");
        assert!(fixed(&store(&folder), "debian-12", "curl").contains("\"1\""), "{name}");
    }
}

#[test]
fn what_was_never_there_is_missing_and_metadata_only_noticed() {
    let folder = TempDir::new().unwrap();
    let server = Server::new(|_| Reply::new(404, ""));
    let streams = names(&["debian-12", "cve-2024", "zork-1"]);
    let problems = ensure(&streams, &store(&folder), &options(&server, 0));
    let said: BTreeMap<_, _> = problems.iter().map(|p| (p.subject.as_str(), p.kind)).collect();
    assert_eq!(said["debian-12"], ProblemKind::AdvisoriesMissing);
    assert_eq!(said["cve-2024"], ProblemKind::Notice);
    assert_eq!(said["zork-1"], ProblemKind::AdvisoriesMissing);
}

/// A body that breaks off is continued where it broke, if the server can and it is the same.
#[test]
fn a_broken_body_is_continued() {
    for can_continue in [true, false] {
        let folder = TempDir::new().unwrap();
        let body = tracker("1").into_bytes();
        let half = body.len() / 2;
        let asked = AtomicUsize::new(0);
        let server = Server::new(move |request| {
            let whole = Reply::new(200, body.clone()).header("ETag", "\"a\"");
            match (asked.fetch_add(1, Ordering::SeqCst), request.header("range")) {
                (0, _) => whole.with(Fault::BreakAfter(half)),
                (_, Some(range)) if can_continue => {
                    assert_eq!(range, format!("bytes={half}-"));
                    assert_eq!(request.header("if-range"), Some("\"a\""));
                    let rest = Reply::new(206, &body[half..]);
                    rest.header(
                        "Content-Range",
                        format!("bytes {half}-{}/{}", body.len() - 1, body.len()),
                    )
                }
                _ => whole,
            }
        });
        let report = update(&names(&["debian-12"]), &store(&folder), &options(&server, 0));
        assert_eq!(report.imported.problems, [], "{can_continue}");
        assert!(fixed(&store(&folder), "debian-12", "curl").contains("\"1\""));
    }
}
