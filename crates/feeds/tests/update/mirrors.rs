//! Ready segments from a mirror, a registry or a bundle: only sound ones, and as old as they are.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use advisories::bundle::{self, Terms};
use advisories::{Index, PrivateKey, Store, oci};
use feeds::{Options, import, update};
use model::ProblemKind;
use tempfile::TempDir;
use testkit::{Reply, Server};

use crate::{TRACKER, day, ensure, fixed, names, options, serving, store, tracker};

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

/// A segment that replaces another does not inherit that somebody had just asked for news of it.
#[test]
fn a_bundle_is_as_old_as_it_is() {
    let folder = TempDir::new().unwrap();
    let feed = folder.path().join("tracker.json");
    fs::write(&feed, tracker("1")).unwrap();
    let made = Store::open(folder.path().join("made"));
    import(std::slice::from_ref(&feed), &made, &Options::new(day(0))).unwrap();
    let file = folder.path().join("bundle.lzb");
    bundle::export(&made, &[], &file, None).unwrap();

    let server = serving(|path| (path == TRACKER).then(|| tracker("1").into_bytes()));
    let debian = names(&["debian-12"]);
    update(&debian, &store(&folder), &options(&server, 300));
    let unchanged = update(&debian, &store(&folder), &options(&server, 365)).unchanged;
    assert_eq!(unchanged, debian);
    let terms = Terms { trusted: &[], allow_older: true, now: day(365) };
    bundle::import(&file, &store(&folder), &terms).unwrap();
    let offline = Options { offline: true, ..options(&server, 365) };
    let problems = ensure(&debian, &store(&folder), &offline);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].message.contains("365 days old"), "{}", problems[0].message);
}

/// A mirror that nobody updates any more answers as ever; the age is that of its data. One whose
/// publishers had nothing new says so.
#[test]
fn a_mirror_is_as_young_as_its_publishers_were_heard() {
    for (heard, told) in [(None, true), (Some(day(300)), false)] {
        let folder = TempDir::new().unwrap();
        let made = Store::open(folder.path().join("made"));
        let feed = folder.path().join("tracker.json");
        fs::write(&feed, tracker("1")).unwrap();
        import(&[feed], &made, &Options::new(day(0))).unwrap();
        if let Some(heard) = heard {
            made.mark_checked("debian-12", &heard.to_string()).unwrap();
        }
        let index = Index::of_store(&made, &[]).unwrap().to_json();
        let segment = fs::read(made.dir().join("debian-12.seg")).unwrap();
        let server = serving(move |path| match path {
            "/index.json" => Some(index.clone()),
            "/debian-12.seg" => Some(segment.clone()),
            _ => None,
        });
        let db_url = Some(format!("http://{}", server.host()));
        let mirror = Options { db_url, ..Options::new(day(300)) };
        let debian = names(&["debian-12"]);
        for _first_and_again in 0..2 {
            let problems = ensure(&debian, &store(&folder), &mirror);
            assert_eq!(!problems.is_empty(), told, "{problems:?}");
            if let Some(problem) = problems.first() {
                assert_eq!(problem.kind, ProblemKind::AdvisoriesStale);
                assert!(problem.message.contains("300 days old"), "{problem:?}");
            }
        }
    }
}

/// It says no length, and goes on as long as somebody reads.
#[test]
fn an_index_without_an_end_is_read_as_far_as_one_makes_sense() {
    const MOST: u64 = 64 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/m/", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let _head = client.read(&mut request).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").unwrap();
        let mut sent = 0;
        while sent < MOST && client.write_all(&[b' '; 64 << 10]).is_ok() {
            sent += 64 << 10;
        }
        sent
    });
    let folder = TempDir::new().unwrap();
    let mirror = Options { db_url: Some(url), ..Options::new(day(1)) };
    let problems = ensure(&names(&["debian-12"]), &store(&folder), &mirror);
    assert!(problems[0].message.contains("is longer than 16777216 bytes"), "{problems:?}");
    assert!(serving.join().unwrap() < MOST);
}
