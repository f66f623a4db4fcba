//! Updates against a server that does what servers do: answer, answer the same, and (`outages`) fail
//! or fall silent; and against mirrors of ready segments (`mirrors`).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test they help")]

mod mirrors;
mod outages;
mod own_urls;
mod redhat;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use advisories::Store;
use feeds::{Options, Outcome, Progress, import, stream, update};
use jiff::Timestamp;
use model::{Problem, ProblemKind, Subject};
use tempfile::TempDir;
use testkit::{Reply, Request, Server};

const TRACKER: &str = "/security-tracker.debian.org/tracker/data/json";

/// The time of the first run; later runs count from it.
fn day(days: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + days * 86_400).unwrap()
}

fn options(server: &Server, days: i64) -> Options {
    let feed_mirror = Some(format!("http://{}", server.host()));
    Options { feed_mirror, ..Options::new(day(days)) }
}

/// As [`feeds::ensure`], without what it says of every release at hand here: that there is little of it.
fn ensure(streams: &[String], store: &Store, options: &Options) -> Vec<Problem> {
    let problems = feeds::ensure(streams, store, options);
    let (few, others): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.kind == ProblemKind::AdvisoriesFew);
    let is_at_hand = |stream: &str| store.segment(stream).is_ok_and(|segment| segment.is_some());
    let expected = streams.iter().map(String::as_str);
    let expected = expected.filter(|it| stream::is_of_a_distribution(it) && is_at_hand(it));
    assert!(few.iter().map(|problem| problem.subject.as_str()).eq(expected), "{few:?}");
    others
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

/// A mirror that stopped passes on when its data was changed, and the report can say so.
#[test]
fn the_time_of_the_publisher_is_kept() {
    let folder = TempDir::new().unwrap();
    let server = Server::new(|_| {
        let body = tracker("1").into_bytes();
        Reply::new(200, body).header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
    });
    update(&names(&["debian-12"]), &store(&folder), &options(&server, 0));
    let segment = store(&folder).segment("debian-12").unwrap().unwrap();
    assert_eq!(segment.meta().upstream_modified.as_deref(), Some("2015-10-21T07:28:00Z"));
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

/// A file may have lain about for years before it was imported: its data says of itself how old it is,
/// and is fetched anew where somebody serves it.
#[test]
fn a_file_is_as_old_as_its_data_says() {
    let folder = TempDir::new().unwrap();
    let record = folder.path().join("1.json");
    let modified = day(-400);
    let text = format!(
        r#"{{"id": "DSA-1-1", "modified": "{modified}", "upstream": ["CVE-2024-9"], "affected":
        [{{"package": {{"ecosystem": "Debian:12", "name": "curl"}}, "ranges": [{{"type":
        "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "9"}}]}}]}}]}}"#
    );
    fs::write(&record, text).unwrap();
    import(&[record], &store(&folder), &Options::new(day(0))).unwrap();
    let server = Server::new(|_| Reply::new(404, ""));
    let debian = names(&["debian-12"]);
    let offline = Options { offline: true, ..options(&server, 0) };
    let problems = ensure(&debian, &store(&folder), &offline);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].kind, ProblemKind::AdvisoriesStale);
    assert!(problems[0].message.contains("400 days old"), "{}", problems[0].message);
    ensure(&debian, &store(&folder), &options(&server, 0));
    assert_eq!(server.requests().len(), 1);
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
    // The excerpt speaks of two releases; the other one has a repository of its own.
    let fedora = names(&["fedora-39"]);
    let report = update(&fedora, &store(&folder), &options(&server, 0));
    assert_eq!(report.imported.problems, []);
    assert!(store(&folder).segment("fedora-40").unwrap().is_none());
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
        // So many bytes in one record would be refused: another one stands in the middle.
        let tracker = tracker("1");
        let (space, begun) =
            (" ".repeat(25_000_000), tracker.trim_end().strip_suffix('}').unwrap());
        let mut text = format!("{begun}, \"p\": {{{space}}}}}").into_bytes();
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

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn osv(ecosystems: &[(&str, &str)]) -> String {
    let affected: Vec<String> = ecosystems
        .iter()
        .map(|(ecosystem, package)| {
            format!(
                r#"{{"package": {{"ecosystem": "{ecosystem}", "name": "{package}"}}, "ranges":
                [{{"type": "SEMVER", "events": [{{"introduced": "0"}}, {{"fixed": "1.0.0"}}]}}]}}"#
            )
        })
        .collect();
    format!(
        r#"{{"id": "GHSA-aaaa-bbbb-cccc", "modified": "2024-01-02T03:04:05Z",
        "aliases": ["CVE-2024-0001"], "affected": [{}]}}"#,
        affected.join(",")
    )
}

fn says(store: &Store, stream: &str, package: &str) -> usize {
    let segment = Store::open(store.dir()).segment(stream).unwrap().unwrap();
    [Subject::Source, Subject::Binary]
        .map(|subject| segment.advisories(package, subject).unwrap().len())
        .iter()
        .sum()
}

/// One record names packages of several ecosystems; each has a whole of its own.
#[test]
fn a_fetch_writes_no_stream_that_has_a_source_of_its_own() {
    let folder = TempDir::new().unwrap();
    let server = serving(|path| {
        let maven = ("Maven", "org.a:a");
        match path.rsplit_once("storage.googleapis.com/")?.1 {
            "Maven/all.zip" => Some(osv(&[maven, ("Maven", "org.b:b"), ("npm", "a")]).into_bytes()),
            "npm/all.zip" => Some(osv(&[("npm", "a"), ("npm", "b"), maven]).into_bytes()),
            _ => None,
        }
    });
    update(&names(&["maven"]), &store(&folder), &options(&server, 0));
    assert!(store(&folder).segment("npm").unwrap().is_none(), "a fragment is not npm's whole");
    let report = update(&names(&["npm"]), &store(&folder), &options(&server, 0));
    let written: Vec<&str> = report.imported.streams.iter().map(|s| s.stream.as_str()).collect();
    assert_eq!(written, ["npm"], "{report:?}");
    assert_eq!(says(&store(&folder), "maven", "org.b:b"), 1);
    assert_eq!(says(&store(&folder), "npm", "b"), 1);
}

/// What the user imported from another source is the authority, though a neighbor is fetched.
#[test]
fn a_fetch_writes_no_stream_of_another_source() {
    let folder = TempDir::new().unwrap();
    let record = folder.path().join("1.json");
    let text = r#"{"id": "DSA-1-1", "modified": "2024-01-02T03:04:05Z", "upstream": ["CVE-2024-9"],
        "affected": [{"package": {"ecosystem": "Debian:11", "name": "curl"}, "ranges": [{"type":
        "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9"}]}]}]}"#;
    fs::write(&record, text).unwrap();
    import(&[record], &store(&folder), &Options::new(day(0))).unwrap();
    let server = serving(|path| {
        let states = |release: &str| {
            format!(
                r#""{release}": {{"status": "resolved", "repositories": {{"{release}": "1"}},
                "fixed_version": "1", "urgency": "low"}}"#
            )
        };
        let (twelve, eleven) = (states("bookworm"), states("bullseye"));
        let body =
            format!(r#"{{"curl": {{"CVE-2024-0001": {{"releases": {{{twelve}, {eleven}}}}}}}}}"#);
        (path == TRACKER).then(|| body.into_bytes())
    });
    let report = update(&names(&["debian-12"]), &store(&folder), &options(&server, 1));
    assert_eq!(report.imported.problems, []);
    let source =
        |stream: &str| store(&folder).segment(stream).unwrap().unwrap().meta().source.clone();
    assert_eq!(
        (source("debian-11").as_str(), source("debian-12").as_str()),
        ("debian-osv", "debian-tracker")
    );
}

#[test]
fn what_is_not_whole_is_fetched_again_however_young() {
    let folder = TempDir::new().unwrap();
    let cut = folder.path().join("cut.json");
    let whole = tracker("1");
    let two = whole.trim_end_matches('}').to_owned() + "}}}},\"bash\": {";
    fs::write(&cut, two).unwrap();
    import(&[cut], &store(&folder), &Options::new(day(0))).unwrap();
    assert!(store(&folder).segment("debian-12").unwrap().unwrap().meta().incomplete.is_some());
    let server = serving(|path| (path == TRACKER).then(|| tracker("1").into_bytes()));
    let debian = names(&["debian-12"]);
    assert_eq!(ensure(&debian, &store(&folder), &options(&server, 0)), []);
    assert_eq!(server.requests().len(), 1);
}

/// `oracle-oval` reads like a release of Oracle Linux, and was asked for as `…elsa-oloval.xml.bz2`.
#[test]
fn a_source_is_no_release_of_its_family() {
    let folder = TempDir::new().unwrap();
    let server = Server::new(|_| Reply::new(404, ""));
    let sources =
        ["almalinux-osv", "azurelinux-oval", "oracle-oval", "photon-cve", "rocky-updateinfo"];
    let report = update(&names(&sources), &store(&folder), &options(&server, 0));
    let told: Vec<&str> = report.imported.problems.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(told, sources);
    assert!(report.imported.problems[0].message.contains("no stream of this source is installed"));
    assert!(server.requests().is_empty());
    // This one is both.
    update(&names(&["epss"]), &store(&folder), &options(&server, 0));
    assert_eq!(server.requests().len(), 1);
}
