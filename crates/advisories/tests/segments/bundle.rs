//! Bundles: what is exported is imported, and nothing else is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::random::Random;
use advisories::bundle::{self, BundleError, Terms};
use advisories::{Index, PrivateKey, PublicKey, SegmentMeta, Store, oci};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

const STREAMS: [&str; 3] = ["alpine-3.20", "debian-12", "epss"];

fn terms(trusted: &[PublicKey]) -> Terms<'_> {
    Terms { trusted, allow_older: false, now: Timestamp::UNIX_EPOCH }
}

fn filled(directory: &Path, source: &str) -> Store {
    let store = Store::open(directory);
    for (seed, stream) in (1..).zip(STREAMS) {
        let meta = SegmentMeta {
            stream: stream.to_owned(),
            source: source.to_owned(),
            ..SegmentMeta::default()
        };
        store.write(Random::new(seed).records(200).write(meta)).unwrap();
    }
    store
}

fn sources(store: &Store) -> Vec<(String, String)> {
    let installed = store.list().unwrap();
    installed.into_iter().map(|one| (one.stream, one.meta.unwrap().source)).collect()
}

fn exported(key: Option<&PrivateKey>) -> (TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    bundle::export(&filled(&folder.path().join("db"), "new"), &[], &path, key).unwrap();
    let bytes = fs::read(path).unwrap();
    (folder, bytes)
}

#[test]
fn what_is_exported_is_imported() {
    let (folder, bytes) = exported(None);
    assert!(bundle::recognizes(&bytes[..512]));
    assert!(!bundle::recognizes(b"{}"));
    let old = filled(&folder.path().join("other"), "old");
    old.remove("epss").unwrap();
    let imported = bundle::import(&folder.path().join("bundle"), &old, &terms(&[])).unwrap();
    let told: Vec<(&str, Option<&str>)> = imported
        .installed
        .iter()
        .map(|one| (&*one.meta.stream, one.replaced.as_ref().map(|old| &*old.source)))
        .collect();
    assert_eq!(told, [("alpine-3.20", Some("old")), ("debian-12", Some("old")), ("epss", None)]);
    assert!(sources(&old).iter().all(|(_, source)| source == "new"));

    let again = folder.path().join("again");
    bundle::export(&old, &[], &again, None).unwrap();
    assert!(fs::read(&again).unwrap() == bytes, "the same segments are the same bundle");

    let some = ["debian-12".to_owned(), "debian-12".to_owned()];
    let index = bundle::export(&old, &some, &again, None).unwrap();
    assert_eq!(index.segments.len(), 1);
    let missing = bundle::export(&old, &["rhel-9".to_owned()], &again, None);
    assert!(matches!(missing, Err(BundleError::Missing(stream)) if stream == "rhel-9"));
}

#[test]
fn a_bundle_unpacked_by_tar_is_a_mirror() {
    let (folder, _) = exported(None);
    let directory = folder.path().join("mirror");
    fs::create_dir(&directory).unwrap();
    let tar = Command::new("tar").args(["xf", "../bundle"]).current_dir(&directory).status();
    assert!(tar.unwrap().success());
    let index = Index::parse(&fs::read(directory.join(Index::FILE_NAME)).unwrap()).unwrap();
    assert_eq!(index, Index::of_store(&Store::open(&directory), &[]).unwrap());
    let streams: Vec<&str> = index.segments.iter().map(|entry| &*entry.stream).collect();
    assert_eq!(streams, STREAMS);
    for entry in &index.segments {
        let digest = Store::open(&directory).sha256(&entry.stream).unwrap();
        assert_eq!(digest.as_ref(), Some(&entry.sha256));
    }
}

#[test]
fn signatures_are_checked_before_anything_else() {
    let (mine, foreign) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    let (folder, signed) = exported(Some(&mine));
    let (_, unsigned) = exported(None);
    let tampered = {
        let mut bytes = signed.clone();
        // In the index: the source of a stream.
        let at = bytes.windows(5).position(|five| five == b"\"new\"").unwrap();
        bytes[at + 1] = b'N';
        bytes
    };
    let path = folder.path().join("tried");
    let store = Store::open(folder.path().join("empty"));
    let import = |bytes: &[u8], trusted: &[&PrivateKey]| {
        fs::write(&path, bytes).unwrap();
        let trusted: Vec<_> = trusted.iter().map(|key| key.public()).collect();
        bundle::import(&path, &store, &terms(&trusted)).map(|imported| imported.installed.len())
    };
    let cases: [(&[u8], &[&PrivateKey]); 3] =
        [(&signed, &[&foreign]), (&unsigned, &[&mine]), (&tampered, &[&mine])];
    for (bytes, trusted) in cases {
        assert!(matches!(import(bytes, trusted), Err(BundleError::Signature { .. })));
    }
    assert!(store.list().unwrap().is_empty());
    assert_eq!(import(&signed, &[&foreign, &mine]).unwrap(), STREAMS.len());
    assert_eq!(import(&signed, &[]).unwrap(), STREAMS.len());
}

#[test]
fn a_damaged_bundle_changes_nothing() {
    let (folder, sound) = exported(None);
    let store = filled(&folder.path().join("other"), "old");
    let before = sources(&store);
    let path = folder.path().join("tried");
    // The two blocks of zeros at the end are tar's; without them nothing is missing.
    let last = sound.len() - 1024;
    let mut tried = vec![Vec::new(), sound[..600].to_vec(), b"{}".to_vec()];
    tried.extend((1..30).map(|part| sound[..last * part / 30].to_vec()));
    for at in (0..last).step_by(397) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x41;
        tried.push(bytes);
    }
    let mut refused = 0;
    for bytes in &tried {
        fs::write(&path, bytes).unwrap();
        match bundle::import(&path, &store, &terms(&[])) {
            Err(_) => {
                refused += 1;
                assert_eq!(sources(&store), before);
            }
            // Only padding and what an index says for people may differ unnoticed.
            Ok(imported) => {
                assert_eq!(imported.installed.len(), STREAMS.len());
                filled(&folder.path().join("other"), "old");
            }
        }
    }
    assert!(refused * 10 > tried.len() * 9, "{refused} of {}", tried.len());
    let left = fs::read_dir(store.dir()).unwrap().count();
    assert_eq!(left, STREAMS.len(), "no temporary files are left");
}

/// The same bundle packed by gzip, and as the folder that it unpacks to.
#[test]
fn a_bundle_is_known_by_its_content_packed_or_unpacked() {
    let key = PrivateKey::generate().unwrap();
    let (folder, bytes) = exported(Some(&key));
    let place = |name: &str| folder.path().join(name);
    let run = |program: &str, arguments: &[&str]| {
        let status = Command::new(program).args(arguments).current_dir(folder.path()).status();
        assert!(status.unwrap().success(), "{arguments:?}");
    };
    run("gzip", &["-k", "bundle"]);
    fs::create_dir(place("mirror")).unwrap();
    run("tar", &["xf", "bundle", "-C", "mirror"]);
    let trusted = [key.public()];
    for name in ["bundle", "bundle.gz", "mirror"] {
        assert!(bundle::is_at(&place(name)), "{name}");
        let store = Store::open(place(&format!("store-{name}")));
        let outcome = bundle::import(&place(name), &store, &terms(&trusted)).unwrap();
        assert_eq!(outcome.installed.len(), STREAMS.len(), "{name}");
    }
    for name in ["db", "nothing", "."] {
        assert!(!bundle::is_at(&place(name)), "{name}");
    }
    // Damaged in any of them, nothing is installed.
    let store = Store::open(place("store"));
    let packed = fs::read(place("bundle.gz")).unwrap();
    fs::write(place("bundle.gz"), &packed[..packed.len() / 2]).unwrap();
    let stranger = [PrivateKey::generate().unwrap().public()];
    let cases: [(&str, &[PublicKey], &str); 4] = [
        ("bundle.gz", &trusted, ""),
        ("mirror", &stranger, "none of the trusted keys"),
        ("mirror", &trusted, "another digest"),
        ("mirror", &trusted, "`epss.seg` is not in it"),
    ];
    for (name, trusted, why) in cases {
        match why {
            "another digest" => {
                let mut segment = fs::read(place("mirror/epss.seg")).unwrap();
                segment[100] ^= 1;
                fs::write(place("mirror/epss.seg"), segment).unwrap();
            }
            "`epss.seg` is not in it" => fs::remove_file(place("mirror/epss.seg")).unwrap(),
            _ => {}
        }
        let error = bundle::import(&place(name), &store, &terms(trusted)).unwrap_err();
        assert!(error.to_string().contains(why), "{name}: {error}");
        assert!(store.list().unwrap().is_empty(), "{name}");
    }
    assert!(fs::read(place("bundle")).unwrap() == bytes);
    // What unpacks to far more than it is ends there.
    let mut bomb = bytes[..512].to_vec();
    bomb.resize(50 << 20, 0);
    fs::write(place("bomb"), bomb).unwrap();
    run("gzip", &["bomb"]);
    bundle::import(&place("bomb.gz"), &store, &terms(&[])).unwrap_err();
}

/// A bundle that knows less than what is installed of the same source is not taken by itself.
#[test]
fn what_is_older_stays_behind_unless_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let now: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    let path = folder.path().join("bundle");
    let write = |store: &Store, source: &str, built: &str, incomplete: Option<&str>| {
        let meta = SegmentMeta {
            stream: "epss".to_owned(),
            source: source.to_owned(),
            built_at: format!("{built}T00:00:00Z"),
            incomplete: incomplete.map(str::to_owned),
            ..SegmentMeta::default()
        };
        store.write(Random::new(1).records(20).write(meta)).unwrap();
    };
    // What is installed, when it was built and last asked for, whether it is whole; whether a
    // bundle of 2025-12-01 stays behind.
    let cases = [
        ("first", "2026-01-01", "", None, true),
        ("first", "2025-11-01", "2026-01-01T00:00:00Z", None, true),
        ("first", "2025-11-01", "", None, false),
        ("other", "2026-01-01", "", None, false),
        ("first", "2026-01-01", "", Some("it was cut"), false),
        ("first", "2099-01-01", "", None, false),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let (source, built, checked, incomplete, stays) = case;
        let made = Store::open(folder.path().join(format!("made-{number}")));
        write(&made, "first", "2025-12-01", None);
        bundle::export(&made, &[], &path, None).unwrap();
        let store = Store::open(folder.path().join(format!("store-{number}")));
        write(&store, source, built, incomplete);
        if !checked.is_empty() {
            store.mark_checked("epss", checked).unwrap();
        }
        let before = store.sha256("epss").unwrap();
        let strict = Terms { now, ..terms(&[]) };
        let outcome = bundle::import(&path, &store, &strict).unwrap();
        assert_eq!(
            (outcome.older.len(), outcome.installed.len()),
            match stays {
                true => (1, 0),
                false => (0, 1),
            },
            "{case:?}"
        );
        assert_eq!(store.sha256("epss").unwrap() == before, stays, "{case:?}");
        let outcome =
            bundle::import(&path, &store, &Terms { allow_older: true, ..strict }).unwrap();
        assert_eq!(outcome.installed.len(), 1, "{case:?}");
        assert_eq!(store.sha256("epss").unwrap(), made.sha256("epss").unwrap(), "{case:?}");

        // The same bytes are as young as they were here.
        store.mark_checked("epss", "2026-01-15T00:00:00Z").unwrap();
        let outcome = bundle::import(&path, &store, &strict).unwrap();
        assert_eq!((outcome.older.len(), outcome.installed.len()), (0, 1), "{case:?}");
        assert_eq!(store.checked_at("epss").as_deref(), Some("2026-01-15T00:00:00Z"));
    }
}

/// A sound segment under the digest of another.
#[test]
fn a_segment_is_held_against_its_digest() {
    let (folder, mut bytes) = exported(None);
    let at = bytes.windows(7).position(|seven| seven == b"sha256:").unwrap() + 7;
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    let path = folder.path().join("tried");
    fs::write(&path, bytes).unwrap();
    let store = Store::open(folder.path().join("empty"));
    let error = bundle::import(&path, &store, &terms(&[])).unwrap_err();
    assert!(error.to_string().contains("another digest"), "{error}");
    assert!(store.list().unwrap().is_empty());
}

/// Entries that a bundle of ours never has, made with the real tar.
#[test]
fn what_is_not_listed_is_refused() {
    let (folder, _) = exported(None);
    let directory = folder.path().join("mirror");
    fs::create_dir(&directory).unwrap();
    let tar = |arguments: &[&str]| {
        let status = Command::new("tar").args(arguments).current_dir(&directory).status();
        assert!(status.unwrap().success(), "{arguments:?}");
    };
    tar(&["xf", "../bundle"]);
    fs::write(directory.join("evil"), "x").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", directory.join("link.seg")).unwrap();
    let segments = ["alpine-3.20.seg", "debian-12.seg", "epss.seg"];
    let cases: [(&[&str], &str); 6] = [
        (&["index.json", segments[0], segments[1], segments[2]], ""),
        (&["index.json", segments[0], segments[1]], "is not in it"),
        (&["index.json", segments[0], segments[0]], "twice"),
        (&["index.json", segments[0], "evil"], "not listed"),
        (&["index.json", "link.seg"], "not listed"),
        (&[segments[0], "index.json"], "does not begin with an index"),
    ];
    for (number, (files, wanted)) in cases.into_iter().enumerate() {
        let path = folder.path().join("made");
        let mut arguments = vec!["cf", "../made", "--hard-dereference"];
        arguments.extend(files);
        tar(&arguments);
        let store = Store::open(folder.path().join(format!("store-{number}")));
        match bundle::import(&path, &store, &terms(&[])) {
            Ok(imported) => assert_eq!((imported.installed.len(), wanted), (3, ""), "{files:?}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!wanted.is_empty() && said.contains(wanted), "{files:?}: {said}");
                assert!(store.list().unwrap().is_empty());
            }
        }
    }
}

/// The layers of the artifact, put under their titles, are a mirror.
#[test]
fn an_exported_layout_holds_a_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder.path().join("db"), "new");
    let layout = folder.path().join("layout");
    let key = PrivateKey::generate().unwrap();
    let index = oci::export(&store, &[], &layout, Some(&key)).unwrap();
    let blob = |descriptor: &Value| {
        let bytes = fs::read(blob_path(&layout, descriptor)).unwrap();
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    };
    let read = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(layout.join(path)).unwrap()).unwrap()
    };
    assert_eq!(read("oci-layout")["imageLayoutVersion"], "1.0.0");
    let manifest: Value =
        serde_json::from_slice(&blob(&read("index.json")["manifests"][0])).unwrap();
    assert_eq!(manifest["artifactType"], oci::ARTIFACT_TYPE);
    assert_eq!(blob(&manifest["config"]), b"{}");

    let mirror = folder.path().join("mirror");
    fs::create_dir(&mirror).unwrap();
    for layer in manifest["layers"].as_array().unwrap() {
        let title = layer["annotations"]["org.opencontainers.image.title"].as_str().unwrap();
        fs::write(mirror.join(title), blob(layer)).unwrap();
    }
    let json = fs::read(mirror.join(Index::FILE_NAME)).unwrap();
    assert_eq!(Index::parse(&json).unwrap(), index);
    assert_eq!(index, Index::of_store(&Store::open(&mirror), &[]).unwrap());
    let signature = fs::read(mirror.join(Index::SIGNATURE_FILE_NAME)).unwrap();
    PublicKey::check(&[key.public()], &json, Some(&signature)).unwrap();

    let again = oci::export(&store, &["rhel-9".to_owned()], &layout, None);
    assert!(matches!(again, Err(BundleError::Missing(stream)) if stream == "rhel-9"));
    assert_eq!(read("index.json")["manifests"][0]["mediaType"], manifest["mediaType"]);
}

fn blob_path(layout: &Path, descriptor: &Value) -> PathBuf {
    layout.join("blobs").join(descriptor["digest"].as_str().unwrap().replace(':', "/"))
}

/// `/dev/stdout` is no name to be replaced, and a folder that is not there a mistake.
#[test]
fn what_is_no_regular_file_is_written_to_and_no_folder_is_made() {
    let folder = TempDir::new().unwrap();
    let (fifo, store) = (folder.path().join("fifo"), filled(&folder.path().join("db"), "new"));
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let read = std::thread::scope(|scope| {
        let reader = scope.spawn(|| fs::read(&fifo).unwrap());
        bundle::export(&store, &[], &fifo, None).unwrap();
        reader.join().unwrap()
    });
    assert!(bundle::recognizes(&read));
    assert!(!fs::metadata(&fifo).unwrap().is_file());
    let missing = folder.path().join("missing/bundle");
    assert!(bundle::export(&store, &[], &missing, None).is_err());
    assert!(!folder.path().join("missing").exists());
}
