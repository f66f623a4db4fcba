//! What overlay file systems leave in the upper directory of a container in place of files and
//! directories: marks that lead to the layers beneath.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use artifact::{Environment, Image, Options, open};
use model::{Problem, ProblemKind};
use rustix::fs::XattrFlags;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{ImageBuilder, LayerBuilder, Recorder, Reply, Server, TarBuilder, skip};

/// A daemon with one container, whose directories are those of the test.
struct Daemon {
    _server: Server,
    directory: TempDir,
}

impl Daemon {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lower = TarBuilder::new().file("a/f", "lower");
        let built = ImageBuilder::new("app:1").layer(LayerBuilder::plain(lower));
        let id = testkit::sha256(&built.config()).to_string();
        let at = |name: &str| directory.path().join("store").join(name).join("diff");
        for name in ["upper", "top", "base"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        let lower = format!("{}:{}", at("top").display(), at("base").display());
        let graph = json!({ "UpperDir": at("upper"), "LowerDir": lower });
        let container = json!({ "Id": "c1", "Image": id, "GraphDriver": { "Data": graph } });
        let image = json!({
            "Id": id, "Os": "linux", "Architecture": "amd64",
            "RootFS": { "Layers": [built.layers[0].diff_id.to_string()] },
            "GraphDriver": { "Data": { "UpperDir": "/nonexistent/1" } },
        });
        let export = built.docker_archive();
        let flat = TarBuilder::new().file("flat", "all of it").finish();
        let server = Server::on_socket(&directory.path().join("d.sock"), move |request| {
            let answer = |it: &Value| Reply::new(200, it.to_string());
            match request.path.as_str() {
                "/containers/c1/json" => answer(&container),
                "/containers/c1/export" => Reply::new(200, flat.clone()),
                path if path.ends_with("/get") => Reply::new(200, export.clone()),
                path if path.ends_with("/history") => {
                    answer(&json!([{ "CreatedBy": "ADD a", "Size": 9 }]))
                }
                _ => answer(&image),
            }
        });
        Self { _server: server, directory }
    }

    fn at(&self, name: &str, path: &str) -> PathBuf {
        self.directory.path().join("store").join(name).join("diff").join(path)
    }

    /// Puts a file into one of the directories.
    fn file(&self, name: &str, path: &str, content: &[u8]) -> PathBuf {
        let path = self.at(name, path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Puts a file that has a size only, and whose content is beneath.
    fn copied_up(&self, name: &str, path: &str, size: u64) -> PathBuf {
        let path = self.file(name, path, b"");
        File::options().write(true).open(&path).unwrap().set_len(size).unwrap();
        mark(&path, "metacopy", b"");
        path
    }

    fn open(&self) -> Image {
        let address = format!("unix://{}", self.directory.path().join("d.sock").display());
        let environment = Environment::default()
            .with_system("/nonexistent")
            .with("DOCKER_HOST", address)
            .with("CONTAINER_HOST", "unix:///nonexistent")
            .with("CONTAINERD_ROOT", "/nonexistent");
        open("container:c1", &Options { environment, ..Options::default() }).unwrap()
    }

    /// What the last layer shows.
    fn read(&self) -> (Recorder, Vec<Problem>) {
        let image = self.open();
        let last = u32::try_from(image.artifact().layers.len() - 1).unwrap();
        let read = image.read(&[last], &Recorder::default).unwrap().pop().unwrap();
        (read.visitor, read.problems)
    }
}

fn mark(path: &Path, name: &str, value: &[u8]) {
    mark_as("trusted", path, name, value);
}

fn mark_as(space: &str, path: &Path, name: &str, value: &[u8]) {
    rustix::fs::setxattr(path, format!("{space}.overlay.{name}"), value, XattrFlags::empty())
        .unwrap();
}

/// Whether marks can be made here: that is root's.
fn is_able() -> bool {
    let is_able = rustix::process::geteuid().is_root();
    if !is_able {
        skip("marks of overlay file systems are root's to make");
    }
    is_able
}

#[test]
fn content_that_was_not_copied_up_is_read_beneath() {
    if !is_able() {
        return;
    }
    let daemon = Daemon::new();
    daemon.file("base", "app/one", b"of the base");
    daemon.file("top", "app/two", b"of the top");
    daemon.file("base", "app/two", b"of the base, hidden");
    daemon.file("base", "app/three", b"through two");
    daemon.copied_up("top", "app/three", 11);
    daemon.file("base", "was/four", b"renamed");
    daemon.copied_up("upper", "app/one", 11);
    daemon.copied_up("upper", "app/two", 10);
    daemon.copied_up("upper", "app/three", 11);
    mark(&daemon.copied_up("upper", "app/four", 7), "redirect", b"/was/four");
    daemon.file("top", "app/five", b"beside");
    mark(&daemon.copied_up("upper", "app/5", 6), "redirect", b"five");
    daemon.file("upper", "app/own", b"its own");
    let (seen, problems) = daemon.read();
    assert_eq!(problems, []);
    for (path, content) in [
        ("app/one", "of the base"),
        ("app/two", "of the top"),
        ("app/three", "through two"),
        ("app/four", "renamed"),
        ("app/5", "beside"),
        ("app/own", "its own"),
    ] {
        assert_eq!(String::from_utf8_lossy(&seen.contents[path]), content, "{path}");
    }
}

#[test]
fn content_that_is_not_found_beneath_is_told() {
    if !is_able() {
        return;
    }
    let daemon = Daemon::new();
    daemon.copied_up("upper", "nowhere", 5);
    daemon.file("base", "size", b"12345");
    daemon.copied_up("upper", "size", 4);
    // Hidden by what stands above it: a link, a directory without the layers beneath, a file.
    daemon.file("base", "link/f", b"12345");
    std::os::unix::fs::symlink("base", daemon.at("top", "link")).unwrap();
    daemon.copied_up("upper", "link/f", 5);
    daemon.file("base", "opaque/f", b"12345");
    fs::create_dir(daemon.at("top", "opaque")).unwrap();
    mark(&daemon.at("top", "opaque"), "opaque", b"y");
    daemon.copied_up("upper", "opaque/f", 5);
    daemon.file("base", "file/f", b"12345");
    daemon.file("top", "file", b"");
    daemon.copied_up("upper", "file/f", 5);
    // Moved there by another name, and out of the root.
    daemon.file("base", "moved/f", b"12345");
    fs::create_dir(daemon.at("top", "moved")).unwrap();
    mark(&daemon.at("top", "moved"), "redirect", b"/old");
    daemon.copied_up("upper", "moved/f", 5);
    mark(&daemon.copied_up("upper", "out", 5), "redirect", b"/../base/diff/size");
    let (seen, problems) = daemon.read();
    let mut told: Vec<&str> = problems.iter().map(|it| it.subject.as_str()).collect();
    told.sort_unstable();
    let expected = ["file/f", "link/f", "moved/f", "nowhere", "opaque/f", "out", "size"];
    assert_eq!(told, expected, "{problems:?}");
    for problem in &problems {
        assert_eq!(problem.kind, ProblemKind::Unreadable);
        assert!(!seen.contents.contains_key(&problem.subject), "{problem}");
    }
}

/// A directory that was moved leaves what is in it where it was, so the daemon is asked.
#[test]
fn directories_that_were_moved_are_the_daemons_matter() {
    if !is_able() {
        return;
    }
    let daemon = Daemon::new();
    daemon.file("base", "app/f", b"x");
    fs::create_dir_all(daemon.at("upper", "a/moved")).unwrap();
    mark(&daemon.at("upper", "a/moved"), "redirect", b"/app");
    let image = daemon.open();
    assert_eq!(image.problems().len(), 1, "{:?}", image.problems());
    assert!(image.problems()[0].message.contains("read as one layer"));
    assert_eq!(daemon.read().0.paths(), ["flat"]);
}

/// One that is moved after that, or where there is no daemon to ask.
#[test]
fn a_directory_that_was_moved_since_is_told() {
    if !is_able() {
        return;
    }
    let daemon = Daemon::new();
    fs::create_dir_all(daemon.at("upper", "moved")).unwrap();
    daemon.file("base", "app/f", b"12345");
    daemon.copied_up("upper", "moved/f", 5);
    let image = daemon.open();
    mark(&daemon.at("upper", "moved"), "redirect", b"/app");
    let read = image.read(&[1], &Recorder::default).unwrap().pop().unwrap();
    let told: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(read.problems[0].kind, ProblemKind::Unsupported);
    assert!(told[0].contains("moved here from `/app`"), "{told:?}");
    assert!(told[1].starts_with("`moved/f`"), "{told:?}");
}

/// Marks under `user.` are for the layers of users: in those of root anybody can make them.
#[test]
fn marks_of_users_count_in_stores_of_users() {
    if !is_able() {
        return;
    }
    for (owner, content) in [(0, "\0\0\0\0\0"), (1000, "lower")] {
        let daemon = Daemon::new();
        let store = daemon.at("upper", "").parent().unwrap().to_owned();
        std::os::unix::fs::chown(store, Some(owner), Some(owner)).unwrap();
        daemon.file("base", "a/f", b"lower");
        let path = daemon.file("upper", "a/f", b"\0\0\0\0\0");
        mark_as("user", &path, "metacopy", b"");
        let (seen, problems) = daemon.read();
        assert_eq!(problems, []);
        assert_eq!(String::from_utf8_lossy(&seen.contents["a/f"]), content, "{owner}");
        assert_eq!(seen.contents.len(), 1);
    }
}
