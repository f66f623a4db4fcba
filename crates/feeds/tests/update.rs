//! Updates against a server that does what servers do: answer, answer the same, fail, break off.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test they help")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use advisories::{Index, PrivateKey, Store, oci};
use feeds::{Options, Outcome, Progress, ensure, import, update};
use jiff::Timestamp;
use model::{ProblemKind, Subject};
use tempfile::TempDir;
use testkit::{Fault, Reply, Request, Server};

const TRACKER: &str = "/security-tracker.debian.org/tracker/data/json";

/// The time of the first run; later runs count from it.
fn day(days: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + days * 86_400).unwrap()
}

fn options(server: &Server, days: i64) -> Options {
    let feed_mirror = Some(format!("http://{}", server.host()));
    Options { feed_mirror, ..Options::new(day(days)) }
}

fn store(folder: &TempDir) -> Store {
    Store::open(folder.path().join("db"))
}

fn names(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn tracker(version: &str) -> String {
    format!(
        r#"{{"curl": {{"CVE-2024-0001": {{"releases": {{"bookworm": {{"status": "resolved",
        "repositories": {{"bookworm": "1"}}, "fixed_version": "{version}", "urgency": "low"}}}}}}}}}}"#
    )
}

fn fixed(store: &Store, stream: &str, package: &str) -> String {
    let segment = Store::open(store.dir()).segment(stream).unwrap().unwrap();
    format!("{:?}", segment.advisories(package, Subject::Source).unwrap())
}

/// A server of some bodies, with the entity tag `"<length>"`, that honors conditions.
fn serving(bodies: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Server {
    Server::new(move |request: &Request| {
        let Some(body) = bodies(&request.path) else { return Reply::new(404, "no such file") };
        let tag = format!("\"{}\"", body.len());
        if request.header("if-none-match") == Some(&tag) {
            return Reply::new(304, "");
        }
        Reply::new(200, body).header("ETag", tag)
    })
}

#[test]
fn news_are_fetched_and_no_news_cost_one_question() {
    let folder = TempDir::new().unwrap();
    let version = Arc::new(Mutex::new("1".to_owned()));
    let served = Arc::clone(&version);
    let server = serving(move |path| {
        (path == TRACKER).then(|| testkit::gzip(tracker(&served.lock().unwrap()).as_bytes()))
    });
    let debian = names(&["debian-12"]);

    let first = update(&debian, &store(&folder), &options(&server, 0));
    assert_eq!(first.imported.problems, []);
    assert!(matches!(first.imported.streams[0].outcome, Outcome::Installed(_)));
    let segment = store(&folder).segment("debian-12").unwrap().unwrap();
    let origin = &segment.meta().origins[0];
    assert_eq!(origin.url, format!("https:/{TRACKER}"));
    assert!(origin.etag.is_some());

    let second = update(&debian, &store(&folder), &options(&server, 3));
    assert_eq!(second.unchanged, debian);
    assert_eq!(store(&folder).checked_at("debian-12"), Some(day(3).to_string()));
    assert!(server.requests().last().unwrap().header("if-none-match").is_some());

    *version.lock().unwrap() = "1.25".to_owned();
    let third = update(&[], &store(&folder), &options(&server, 4));
    assert!(matches!(third.imported.streams[0].outcome, Outcome::Renewed(_)));
    assert!(fixed(&store(&folder), "debian-12", "curl").contains("1.25"));
    assert_eq!(server.requests().len(), 3);
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

#[test]
fn targets_that_are_nothing_are_said() {
    let folder = TempDir::new().unwrap();
    let server = Server::new(|_| Reply::new(404, ""));
    let report = update(&names(&["zork", "debian-tracker"]), &store(&folder), &options(&server, 0));
    let kinds: Vec<_> = report.imported.problems.iter().map(|p| p.kind).collect();
    assert_eq!(kinds, [ProblemKind::Unsupported, ProblemKind::Unsupported]);
    assert!(server.requests().is_empty());
}

/// A stream of two documents is built from both, though only one of them changed.
#[test]
fn what_did_not_change_is_fetched_too_when_the_rest_did() {
    let folder = TempDir::new().unwrap();
    let version = Arc::new(AtomicUsize::new(1));
    let served = Arc::clone(&version);
    let server = serving(move |path| {
        let (repository, package, fix) = match path {
            "/secdb.alpinelinux.org/v3.20/main.json" => {
                ("main", "curl", "9".repeat(served.load(Ordering::SeqCst)))
            }
            "/secdb.alpinelinux.org/v3.20/community.json" => ("community", "gimp", "2".to_owned()),
            _ => return None,
        };
        Some(
            format!(
                r#"{{"apkurl": "u", "distroversion": "v3.20", "reponame": "{repository}", "packages":
                [{{"pkg": {{"name": "{package}", "secfixes": {{"{fix}-r0": ["CVE-2024-0001"]}}}}}}]}}"#
            )
            .into_bytes(),
        )
    });
    let alpine = names(&["alpine-3.20"]);
    assert_eq!(ensure(&alpine, &store(&folder), &options(&server, 0)), []);
    version.store(3, Ordering::SeqCst);
    assert_eq!(ensure(&alpine, &store(&folder), &options(&server, 2)), []);
    assert!(fixed(&store(&folder), "alpine-3.20", "curl").contains("999-r0"));
    assert!(fixed(&store(&folder), "alpine-3.20", "gimp").contains("2-r0"));
    assert_eq!(ensure(&alpine, &store(&folder), &options(&server, 4)), []);
    assert_eq!(server.requests().len(), 2 + 3 + 2);
}

#[test]
fn only_what_is_missing_or_old_is_fetched() {
    let folder = TempDir::new().unwrap();
    let server = serving(|path| (path == TRACKER).then(|| tracker("1").into_bytes()));
    let debian = names(&["debian-12"]);
    let at = |hours: i64| {
        let now = day(0).checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
        Options { now, max_age: Duration::from_secs(24 * 3600), ..options(&server, 0) }
    };
    assert_eq!(ensure(&debian, &store(&folder), &at(0)), []);
    assert_eq!(ensure(&debian, &store(&folder), &at(24)), []);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(ensure(&debian, &store(&folder), &at(25)), []);
    assert_eq!(server.requests().len(), 2);
    // The publisher had nothing new: that counts as young.
    assert_eq!(ensure(&debian, &store(&folder), &at(48)), []);
    assert_eq!(server.requests().len(), 2);
    let offline = Options { offline: true, ..at(100) };
    let problems = ensure(&debian, &store(&folder), &offline);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].kind, ProblemKind::AdvisoriesStale);
    assert!(problems[0].message.contains("3 days old"), "{}", problems[0].message);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn an_index_is_followed_to_the_documents() {
    let folder = TempDir::new().unwrap();
    let document = fs::read_dir(fixture("fedora-updateinfo/repository"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| !path.ends_with("expected.json"))
        .unwrap();
    let document = fs::read(document).unwrap();
    let server = serving(move |path| {
        match path {
        path if path.ends_with("/repodata/repomd.xml") => Some(
            br#"<repomd><data type="updateinfo"><location href="repodata/u.xml.gz"/></data></repomd>"#
                .to_vec(),
        ),
        path if path.ends_with("/repodata/u.xml.gz") => Some(testkit::gzip(&document)),
        _ => None,
    }
    });
    // The excerpt speaks of two releases; both come from what one of them asks for.
    let fedora = names(&["fedora-39"]);
    let report = update(&fedora, &store(&folder), &options(&server, 0));
    assert_eq!(report.imported.problems, []);
    let asked = server.requests().len();
    let again = update(&fedora, &store(&folder), &options(&server, 1));
    assert_eq!(again.unchanged, fedora, "{again:?}");
    assert_eq!(server.requests().len(), 2 * asked);
}

/// What is fetched, as a user sees it.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Progress for Seen {
    fn announces(&self, url: &str, bytes: u64) {
        self.0.lock().unwrap().push(format!("announces {url} {bytes}"));
    }

    fn fetch_begins(&self, url: &str, bytes: Option<u64>) {
        self.0.lock().unwrap().push(format!("begins {url} {bytes:?}"));
    }
}

#[test]
fn a_large_first_fetch_is_announced_before_it_begins() {
    let folder = TempDir::new().unwrap();
    let server = serving(|_| {
        let mut text = tracker("1").into_bytes();
        text.resize(51_000_000, b' ');
        Some(text)
    });
    let seen = Arc::new(Seen::default());
    let run = |days| {
        let progress: Arc<dyn Progress> = Arc::<Seen>::clone(&seen);
        update(
            &names(&["debian-12"]),
            &store(&folder),
            &Options { progress, ..options(&server, days) },
        )
    };
    assert_eq!(run(0).imported.problems, []);
    let url = format!("https:/{TRACKER}");
    let expected = [format!("announces {url} 51000000"), format!("begins {url} Some(51000000)")];
    assert_eq!(*seen.0.lock().unwrap(), expected);
    run(1);
    assert_eq!(*seen.0.lock().unwrap(), expected);
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

#[test]
fn other_urls_take_the_place_of_the_publishers() {
    let folder = TempDir::new().unwrap();
    let server = serving(|path| (path == "/own/debian-12.json").then(|| tracker("1").into_bytes()));
    let url = format!("http://{}/own/{{stream}}.json", server.host());
    let feed_urls = BTreeMap::from([("debian-tracker".to_owned(), vec![url])]);
    let options = Options { feed_mirror: None, feed_urls, ..options(&server, 0) };
    let report = update(&names(&["debian-12"]), &store(&folder), &options);
    assert_eq!(report.imported.problems, []);
}

#[test]
fn ready_segments_come_from_a_mirror_and_only_sound_ones() {
    let folder = TempDir::new().unwrap();
    let made = Store::open(folder.path().join("made"));
    let feed = folder.path().join("tracker.json");
    fs::write(&feed, tracker("1")).unwrap();
    import(&[feed], &made, &Options::new(day(0))).unwrap();
    let key = PrivateKey::generate().unwrap();
    let index = Index::of_store(&made, &[]).unwrap().to_json();
    let signature = key.sign(&index);
    let segment = fs::read(made.dir().join("debian-12.seg")).unwrap();
    let damage = Arc::new(Mutex::new(false));
    let damaged = Arc::clone(&damage);
    let server = serving(move |path| match path {
        "/m/index.json" => Some(index.clone()),
        "/m/index.json.sig" => Some(signature.clone().into_bytes()),
        "/m/debian-12.seg" => {
            let mut bytes = segment.clone();
            if *damaged.lock().unwrap() {
                bytes[100] ^= 1;
            }
            Some(bytes)
        }
        _ => None,
    });
    let mirror =
        Options { db_url: Some(format!("http://{}/m/", server.host())), ..Options::new(day(1)) };
    let debian = names(&["debian-12"]);

    let stranger = PrivateKey::generate().unwrap().public();
    let refused = Options { db_keys: vec![stranger], ..mirror.clone() };
    let problems = ensure(&debian, &store(&folder), &refused);
    assert_eq!(problems[0].kind, ProblemKind::AdvisoriesMissing);
    assert!(problems[0].message.contains("none of the trusted keys"), "{problems:?}");

    *damage.lock().unwrap() = true;
    let problems = ensure(&debian, &store(&folder), &mirror);
    assert!(problems[0].message.contains("digest"), "{problems:?}");
    assert!(store(&folder).segment("debian-12").unwrap().is_none());

    *damage.lock().unwrap() = false;
    let signed = Options { db_keys: vec![key.public()], ..mirror };
    let report = update(&debian, &store(&folder), &signed);
    assert_eq!((report.mirrored, report.imported.problems), (debian.clone(), vec![]));
    assert!(fixed(&store(&folder), "debian-12", "curl").contains("\"1\""));
    let report = update(&debian, &store(&folder), &signed);
    assert_eq!(report.unchanged, debian);
    let report = update(&names(&["debian-11"]), &store(&folder), &signed);
    assert!(report.imported.problems[0].message.contains("does not have it"));
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// The same from a registry: what `advisories::oci` lays out, served as the distribution spec says.
#[test]
fn ready_segments_come_from_a_registry_and_only_sound_ones() {
    let folder = TempDir::new().unwrap();
    let made = Store::open(folder.path().join("made"));
    let feed = folder.path().join("tracker.json");
    fs::write(&feed, tracker("1")).unwrap();
    import(&[feed], &made, &Options::new(day(0))).unwrap();
    let layout = folder.path().join("layout");
    let index = oci::export(&made, &[], &layout, None).unwrap();
    let top: serde_json::Value =
        serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let manifest = top["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let segment = index.entry("debian-12").unwrap().sha256.to_string();
    let damage = Arc::new(Mutex::new(true));
    let damaged = Arc::clone(&damage);
    let server = Server::new(move |request| {
        let Some(path) = request.path.strip_prefix("/v2/sec/db/") else {
            return Reply::new(if request.path == "/v2/" { 200 } else { 404 }, "{}");
        };
        let digest = match path.split_once('/') {
            Some(("manifests", "latest")) => manifest.clone(),
            Some((_, digest)) => digest.to_owned(),
            None => return Reply::new(404, "{}"),
        };
        let mut bytes = fs::read(layout.join("blobs").join(digest.replace(':', "/"))).unwrap();
        if digest == segment && *damaged.lock().unwrap() {
            bytes[100] ^= 1;
        }
        Reply::new(200, bytes)
    });
    let host = server.host();
    let mut registry =
        Options { db_url: Some(format!("oci://{host}/sec/db")), ..Options::new(day(1)) };
    let debian = names(&["debian-12"]);
    // Plain HTTP is spoken only where that was asked for.
    registry.registry.registry.patience = Duration::from_secs(1);
    let problems = ensure(&debian, &store(&folder), &registry);
    assert_eq!(problems[0].kind, ProblemKind::AdvisoriesMissing);
    registry.registry.registry.insecure.push(host);
    let problems = ensure(&debian, &store(&folder), &registry);
    assert!(problems[0].message.contains("is not what it is named after"), "{problems:?}");
    assert!(store(&folder).segment("debian-12").unwrap().is_none());

    *damage.lock().unwrap() = false;
    assert_eq!(ensure(&debian, &store(&folder), &registry), []);
    assert!(fixed(&store(&folder), "debian-12", "curl").contains("\"1\""));
    assert_eq!(update(&debian, &store(&folder), &registry).unchanged, debian);
    let offline = Options { offline: true, ..registry };
    let problems = update(&names(&["debian-11"]), &store(&folder), &offline).imported.problems;
    assert!(problems[0].message.contains("not to be used"), "{problems:?}");
}
