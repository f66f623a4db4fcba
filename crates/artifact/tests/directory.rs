//! The walk through a directory: what a tar of it would show, and nothing outside it.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use artifact::{Image, Options, open};
use model::{ArtifactKind, ProblemKind};
use testkit::Recorder;

fn open_dir(path: &Path) -> Image {
    open(&format!("dir:{}", path.display()), &Options::default()).unwrap()
}

fn read(image: &Image) -> (Recorder, Vec<model::Problem>) {
    let mut read = image.read(&[0], &Recorder::default).unwrap();
    let layer = read.remove(0);
    (layer.visitor, layer.problems)
}

/// Entries that a directory and a tar of it both show: without the order, the sizes of
/// directories, and owners that a test cannot choose.
fn comparable(recorder: &Recorder) -> Vec<String> {
    let mut lines = recorder.lines.clone();
    lines.sort();
    lines
}

#[test]
fn nothing_outside_the_root_is_reached() {
    let directory = tempfile::tempdir().unwrap();
    let (outside, root) = (directory.path().join("outside"), directory.path().join("root"));
    fs::create_dir_all(outside.join("secret")).unwrap();
    fs::write(outside.join("secret/key"), "key").unwrap();
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/os-release"), "ID=x").unwrap();
    symlink(&outside, root.join("directory")).unwrap();
    symlink("../../outside/secret/key", root.join("etc/file")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    fs::write(root.join("etc/.wh.name"), "an ordinary name here").unwrap();
    assert!(Command::new("mkfifo").arg(root.join("fifo")).status().unwrap().success());
    let image = open_dir(&root);
    assert_eq!(image.artifact().kind, ArtifactKind::Dir);
    assert_eq!(image.cache_key(0), None);
    let (recorder, problems) = read(&image);
    assert_eq!(problems, []);
    let paths = ["directory", "etc", "etc/.wh.name", "etc/file", "etc/os-release", "fifo", "loop"];
    assert_eq!(recorder.paths(), paths);
    let contents: Vec<_> = recorder.contents.keys().collect();
    assert_eq!(contents, ["etc/.wh.name", "etc/os-release"]);
    assert!(recorder.lines[0].ends_with(&format!("directory -> {}", outside.display())));
    assert!(recorder.lines[5].starts_with("special"));
}

#[test]
fn further_names_of_a_file_are_hard_links() {
    let directory = tempfile::tempdir().unwrap();
    let (outside, root) = (directory.path().join("outside"), directory.path().join("root"));
    fs::create_dir_all(root.join("b")).unwrap();
    fs::write(&outside, "elsewhere").unwrap();
    fs::write(root.join("b/one"), "content").unwrap();
    fs::hard_link(root.join("b/one"), root.join("a")).unwrap();
    fs::hard_link(root.join("b/one"), root.join("b/two")).unwrap();
    fs::hard_link(&outside, root.join("c")).unwrap();
    let (recorder, problems) = read(&open_dir(&root));
    assert_eq!((recorder.paths(), problems), (vec!["a", "b", "b/one", "b/two", "c"], vec![]));
    let contents: Vec<_> = recorder.contents.keys().collect();
    assert_eq!(contents, ["a", "c"], "each is read once");
    assert!(recorder.lines[2].ends_with("b/one => a"), "{:?}", recorder.lines);
    assert!(recorder.lines[3].ends_with("b/two => a"), "{:?}", recorder.lines);
}

#[test]
fn the_root_itself_may_be_a_symlink() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("root")).unwrap();
    fs::write(directory.path().join("root/a"), "").unwrap();
    symlink("root", directory.path().join("link")).unwrap();
    let (recorder, problems) = read(&open_dir(&directory.path().join("link")));
    assert_eq!((recorder.paths(), problems), (vec!["a"], vec![]));
}

#[test]
fn directories_too_deep_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut path = directory.path().to_owned();
    for _ in 0..300 {
        path.push("d");
    }
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("deep"), "").unwrap();
    fs::write(directory.path().join("last"), "").unwrap();
    let (recorder, problems) = read(&open_dir(directory.path()));
    assert_eq!(recorder.paths().last(), Some(&"last"));
    assert!(!recorder.paths().iter().any(|path| path.ends_with("deep")));
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].kind, ProblemKind::LimitReached);
}

#[test]
fn what_may_not_be_read_is_told() {
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: root may read everything");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::write(directory.path().join("open"), "x").unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let (recorder, problems) = read(&open_dir(directory.path()));
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    assert_eq!(recorder.paths(), ["closed", "open"]);
    assert_eq!(problems.len(), 1);
    assert_eq!(
        (problems[0].kind, problems[0].subject.as_str()),
        (ProblemKind::Unreadable, "closed")
    );
    assert_eq!(problems[0].layer, None);
}

/// GNU tar in every format it writes, with sparse files as every version stores them: the archive
/// shows what the directory shows.
#[test]
fn archives_of_gnu_tar_show_the_directory_they_were_made_of() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("a/file"), "content").unwrap();
    fs::write(root.join("a/empty"), "").unwrap();
    fs::write(root.join("a/block"), vec![1; 512]).unwrap();
    fs::write(root.join("a/b").join("n".repeat(200)), "long").unwrap();
    fs::write(root.join("a/ünïcode"), "ü").unwrap();
    fs::set_permissions(root.join("a/file"), Permissions::from_mode(0o4751)).unwrap();
    symlink("t".repeat(150), root.join("a/symlink")).unwrap();
    for (name, segments) in [("few", 2), ("many", 40)] {
        use std::os::unix::fs::FileExt;
        let file = fs::File::create(root.join(name)).unwrap();
        file.set_len(20 << 20).unwrap();
        for segment in 0..segments {
            file.write_all_at(&[b'x'; 5000], segment * 400_000).unwrap();
        }
    }
    let (from_directory, problems) = read(&open_dir(&root));
    assert_eq!(problems, []);
    for arguments in [
        &["--format=gnu"][..],
        &["--format=gnu", "--sparse"],
        &["--format=pax"],
        &["--format=pax", "--sparse", "--sparse-version=0.0"],
        &["--format=pax", "--sparse", "--sparse-version=0.1"],
        &["--format=pax", "--sparse", "--sparse-version=1.0"],
    ] {
        let path = directory.path().join("archive.tar");
        let made = Command::new("tar")
            .args(arguments)
            .arg("--numeric-owner")
            .arg("-cf")
            .arg(&path)
            .arg("-C")
            .arg(&root)
            .arg(".")
            .status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: no GNU tar here");
            return;
        }
        let image = open(path.to_str().unwrap(), &Options::default()).unwrap();
        let (from_archive, problems) = read(&image);
        assert_eq!(problems, [], "{arguments:?}");
        assert_eq!(comparable(&from_archive), comparable(&from_directory), "{arguments:?}");
        assert!(from_archive.contents == from_directory.contents, "{arguments:?}");
    }
}
