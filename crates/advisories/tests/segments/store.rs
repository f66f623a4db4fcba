//! A directory of segments: what replaces what, what a kill or a full disk leaves behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::random::Random;
use advisories::{Segment, SegmentErrorKind, SegmentMeta, SegmentWriter, Store, StoreError};

fn writer(stream: &str, source: &str, records: u64) -> SegmentWriter {
    let meta = SegmentMeta {
        stream: stream.to_owned(),
        source: source.to_owned(),
        ..SegmentMeta::default()
    };
    Random::new(records).records(records).write(meta)
}

fn files(directory: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_found_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("not/yet/there"));
    assert!(store.list().unwrap().is_empty());
    assert!(store.segment("debian-12").unwrap().is_none());

    assert_eq!(store.write(writer("debian-12", "first", 50)).unwrap(), None);
    let first = store.segment("debian-12").unwrap().unwrap();
    let replaced = store.write(writer("debian-12", "second", 60)).unwrap();
    assert_eq!(replaced.unwrap().source, "first");
    // Who holds the old one goes on reading it; who asks anew gets the new one.
    first.verify().unwrap();
    assert_eq!(store.segment("debian-12").unwrap().unwrap().meta().source, "second");

    assert_eq!(store.checked_at("debian-12"), None);
    store.mark_checked("debian-12", "2026-11-22T00:00:00Z").unwrap();
    let installed = store.list().unwrap();
    assert_eq!(installed.len(), 1);
    assert_eq!(installed[0].checked_at.as_deref(), Some("2026-11-22T00:00:00Z"));
    assert_eq!(installed[0].meta.as_ref().unwrap().source, "second");
    assert_eq!(files(store.dir()), ["debian-12.checked", "debian-12.seg"]);

    assert!(store.remove("debian-12").unwrap());
    assert!(!store.remove("debian-12").unwrap());
    assert!(store.segment("debian-12").unwrap().is_none());
    assert_eq!(files(store.dir()), [""; 0]);
}

#[test]
fn names_that_are_paths_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("db"));
    for name in ["", ".", "..", "../x", "a/b", "/etc/passwd", ".hidden", "a\0b", "é"] {
        assert!(store.segment(name).unwrap().is_none(), "{name:?}");
        assert!(!store.remove(name).unwrap(), "{name:?}");
        assert!(store.mark_checked(name, "now").is_err(), "{name:?}");
        assert!(store.write(writer(name, "test", 1)).is_err(), "{name:?}");
        assert!(store.install(name, b"").is_err(), "{name:?}");
    }
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn a_damaged_segment_is_listed_and_the_others_work() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path());
    store.write(writer("debian-12", "test", 50)).unwrap();
    fs::write(folder.path().join("rhel-9.seg"), "garbage".repeat(100)).unwrap();
    fs::write(folder.path().join("README.txt"), "not a segment").unwrap();
    let installed = store.list().unwrap();
    let names: Vec<&str> = installed.iter().map(|one| one.stream.as_str()).collect();
    assert_eq!(names, ["debian-12", "rhel-9"]);
    let error = installed[1].meta.as_ref().unwrap_err();
    assert_eq!(error.kind, SegmentErrorKind::NotASegment);
    assert_eq!(store.segment("rhel-9").unwrap_err().problem().subject, "rhel-9");
    assert!(store.segment("debian-12").unwrap().is_some());
    // The damaged one can be replaced.
    assert_eq!(store.write(writer("rhel-9", "test", 9)).unwrap(), None);
    assert!(store.segment("rhel-9").unwrap().is_some());
}

#[test]
fn only_sound_bytes_are_installed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("db"));
    let sound = writer("debian-12", "mirror", 50).into_bytes().unwrap();
    let mut damaged = sound.clone();
    damaged[100] ^= 1;
    let file = folder.path().join("any.name");

    fs::write(&file, &damaged).unwrap();
    assert!(matches!(store.install("debian-12", &damaged), Err(StoreError::Segment(_))));
    assert!(matches!(store.install_file("debian-12", &file), Err(StoreError::Segment(_))));
    assert!(matches!(store.install("debian-11", &sound), Err(StoreError::OtherStream { .. })));
    assert!(store.list().unwrap().is_empty());

    fs::write(&file, &sound).unwrap();
    assert_eq!(store.install("debian-12", &sound).unwrap(), None);
    let replaced = store.install_file("debian-12", &file).unwrap().unwrap();
    assert_eq!(replaced.source, "mirror");
    assert_eq!(files(store.dir()), ["debian-12.seg"]);
    let mode = fs::metadata(store.dir().join("debian-12.seg")).unwrap().permissions().mode();
    assert_eq!(mode & 0o400, 0o400);
}

/// What a killed writer left is known by the lock that nobody holds any more, however young it is.
#[test]
fn abandoned_temporary_files_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let (left, written) = (".lazaret-left.partial", ".lazaret-written.partial");
    for name in [left, written, "other.partial"] {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    std::os::unix::fs::symlink("other.partial", folder.path().join(".lazaret-a.partial")).unwrap();
    let writing = fs::File::open(folder.path().join(written)).unwrap();
    writing.lock().unwrap();
    Store::open(folder.path()).write(writer("debian-12", "test", 5)).unwrap();
    let kept = [".lazaret-a.partial", written, "debian-12.seg", "other.partial"];
    assert_eq!(files(folder.path()), kept);

    drop(writing);
    Store::open(folder.path()).write(writer("debian-12", "test", 5)).unwrap();
    assert_eq!(files(folder.path()), [".lazaret-a.partial", "debian-12.seg", "other.partial"]);
}

#[test]
fn writers_at_once_leave_one_whole_segment() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer_number in 0..4_u64 {
            let directory = folder.path();
            scope.spawn(move || {
                for round in 0..10 {
                    let records = 10 + writer_number * 100 + round;
                    Store::open(directory).write(writer("debian-12", "test", records)).unwrap();
                }
            });
        }
        for _ in 0..200 {
            let segment = Store::open(folder.path()).segment("debian-12").unwrap();
            segment.iter().for_each(|segment| segment.verify().unwrap());
        }
    });
    assert_eq!(files(folder.path()), ["debian-12.seg"]);
}

/// The child of the tests below: this test program run again, told the directory by its working
/// directory. It writes one segment after another until something ends it.
#[test]
#[ignore = "run by the tests of kills and full disks"]
fn child_writes_for_ever() {
    let store = Store::open("db");
    for round in 0.. {
        if let Err(error) = store.write(writer("debian-12", "child", 400 + round % 7)) {
            eprintln!("{error}");
            return;
        }
    }
}

/// Runs the child in a shell after `preparation`.
fn child(preparation: &str, directory: &Path) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{preparation}; exec \"$0\" \"$@\"")).arg(program);
    command.args(["--ignored", "--exact", "store::child_writes_for_ever", "--nocapture"]);
    command.current_dir(directory).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

#[test]
fn a_kill_at_any_moment_leaves_a_whole_segment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db/debian-12.seg");
    for round in 0..10_u64 {
        let mut running = child(":", folder.path()).spawn().unwrap();
        let begun = Instant::now();
        while !path.exists() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Spread over several writes, so that kills fall between any two steps of one.
        std::thread::sleep(Duration::from_micros(Random::new(round).below(200_000)));
        running.kill().unwrap();
        running.wait().unwrap();
        Segment::open(&path).unwrap().verify().unwrap();
    }
}

/// A file size limit kills the child in the middle of writing, at a byte of our choice.
#[test]
fn a_kill_in_the_middle_of_writing_leaves_the_old_segment() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("db"));
    store.write(writer("debian-12", "before", 5)).unwrap();
    for half_kilobytes in [0, 1, 2, 5, 9, 16, 23, 31] {
        let limit = format!("ulimit -c 0; ulimit -f {half_kilobytes}");
        let ended = child(&limit, folder.path()).output().unwrap().status;
        assert_eq!(ended.signal(), Some(25), "SIGXFSZ at {half_kilobytes}");
        let segment = Segment::open(&store.dir().join("debian-12.seg")).unwrap();
        segment.verify().unwrap();
        assert_eq!(segment.meta().source, "before");
    }
    assert!(files(store.dir()).iter().any(|name| name.ends_with(".partial")));
    store.write(writer("debian-12", "after", 5)).unwrap();
    assert_eq!(files(store.dir()), ["debian-12.seg"], "what they left goes with the next write");
}

/// The same limit stands for a disk that is full where the signal is ignored: the write fails in
/// the middle.
#[test]
fn a_full_disk_is_an_error_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("db"));
    store.write(writer("debian-12", "before", 5)).unwrap();
    let output = child("trap '' XFSZ; ulimit -f 16", folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot write `db/debian-12.seg`: File too large"), "{said}");
    assert_eq!(files(store.dir()), ["debian-12.seg"]);
    assert_eq!(store.segment("debian-12").unwrap().unwrap().meta().source, "before");
}
