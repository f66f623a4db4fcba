//! On the host's own files, with somebody dying at every step; in containers it is `tests/live`.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use rustix::fs::{XattrFlags, setxattr};
use tempfile::TempDir;

use super::*;

const CONTENT: &[u8] = b"#!/bin/sh\nexit 1\n";

fn plan(path: &Path, state: &Path, linked: bool) -> Result<Quarantine, Refusal> {
    let root = Root::find(None, None, None).unwrap();
    Quarantine::plan(root, path, None, state, linked)
}

struct Case {
    folder: TempDir,
    state: TempDir,
}

impl Case {
    fn new() -> Self {
        let case =
            Self { folder: tempfile::tempdir().unwrap(), state: tempfile::tempdir().unwrap() };
        fs::write(case.path(), CONTENT).unwrap();
        fs::set_permissions(case.path(), fs::Permissions::from_mode(0o4751)).unwrap();
        setxattr(case.path(), "user.lazaret", b"\0kept", XattrFlags::empty()).unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 7);
        File::options().write(true).open(case.path()).unwrap().set_modified(time).unwrap();
        case
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    fn plan(&self) -> Quarantine {
        plan(&self.path(), self.state.path(), false).unwrap()
    }

    fn refusal(&self, path: &Path) -> String {
        plan(path, self.state.path(), false).unwrap_err().to_string()
    }

    /// Nothing but the file, as it was.
    fn check(&self, said: &str) {
        let names = |folder: &Path| -> Vec<_> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(names(self.folder.path()), ["file"], "{said}");
        let sealed = self.state.path().join("quarantine");
        assert!(!sealed.exists() || names(&sealed).is_empty(), "{said}");
        let found = fs::metadata(self.path()).unwrap();
        assert_eq!(fs::read(self.path()).unwrap(), CONTENT, "{said}");
        assert_eq!(found.mode() & 0o7777, 0o4751, "{said}");
        assert_eq!((found.mtime(), found.mtime_nsec()), (1_000_000_000, 7), "{said}");
        let mut value = [0; 16];
        let length = rustix::fs::getxattr(self.path(), "user.lazaret", &mut value).unwrap();
        assert_eq!(&value[..length], b"\0kept", "{said}");
    }
}

#[test]
fn a_file_goes_and_comes_back() {
    let case = Case::new();
    let plan = case.plan();
    plan.perform().unwrap();
    assert!(!case.path().exists() && plan.holds());
    let sealed = fs::read(&plan.sealed).unwrap();
    assert!(!sealed.windows(9).any(|window| window == b"#!/bin/sh"));
    for private in [&plan.sealed, &plan.key] {
        assert_eq!(fs::metadata(private).unwrap().mode() & 0o777, 0o600);
    }
    plan.perform().unwrap();
    assert_eq!(plan.revert().unwrap(), "put back");
    case.check("after all");
    assert_eq!(plan.revert().unwrap(), "it was never taken away");
    assert!(!plan.holds());
}

/// What is on disk at each moment at which somebody may die, and what both ways out make of it.
#[test]
fn whoever_dies_leaves_the_original_or_a_copy() {
    type Step = fn(&Case, &Quarantine);
    let steps: [(&str, Step); 6] = [
        ("nothing done", |_, _| {}),
        ("half a copy", |case, plan| {
            make_private(&case.state.path().join("quarantine")).unwrap();
            fs::write(plan.sealed.with_extension("part"), "LZQ1").unwrap();
        }),
        ("a whole copy", |_, plan| {
            let place = plan.place().unwrap();
            plan.seal(&place.hold(&place.name).unwrap()).unwrap();
        }),
        ("under our name", |case, plan| {
            let place = plan.place().unwrap();
            plan.seal(&place.hold(&place.name).unwrap()).unwrap();
            fs::rename(case.path(), case.folder.path().join(&plan.passing)).unwrap();
        }),
        ("half put back", |case, plan| {
            plan.take_away().unwrap();
            fs::write(case.folder.path().join(&plan.passing), "#!").unwrap();
        }),
        ("put back, and still sealed", |_, plan| {
            plan.take_away().unwrap();
            let place = plan.place().unwrap();
            plan.restore(&place, OsStr::new(&plan.passing)).unwrap();
        }),
    ];
    for (said, step) in &steps {
        let case = Case::new();
        let plan = case.plan();
        step(&case, &plan);
        plan.revert().unwrap();
        case.check(said);
    }
    // The last two are of who was putting it back.
    for (said, step) in &steps[..4] {
        let case = Case::new();
        let plan = case.plan();
        step(&case, &plan);
        plan.perform().unwrap();
        assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 0, "{said}");
        plan.revert().unwrap();
        case.check(said);
    }
}

#[test]
fn what_is_no_plain_file_is_refused() {
    let case = Case::new();
    let at = |name: &str| case.folder.path().join(name);
    symlink("file", at("link")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    File::create(at("large")).unwrap().set_len(BYTES_MAX + 1).unwrap();
    for (name, why) in [
        ("link", "it is a link"),
        ("folder", "it is a folder"),
        ("fifo", "a device, a socket or a FIFO"),
        ("large", "larger than 512 MiB"),
        ("none", "there is no file"),
    ] {
        let refusal = case.refusal(&at(name));
        assert!(refusal.contains(why), "{name}: {refusal}");
    }
    assert!(case.refusal(Path::new("/dev/null")).contains("device"));
    assert!(case.refusal(Path::new("file")).contains("not the path of a file"));
    fs::hard_link(at("file"), at("other")).unwrap();
    assert!(case.refusal(&at("file")).contains("other names"));
    let linked = plan(&at("file"), case.state.path(), true).unwrap();
    linked.perform().unwrap();
    assert_eq!((at("file").exists(), fs::read(at("other")).unwrap()), (false, CONTENT.to_vec()));
}

#[test]
fn what_changes_meanwhile_stays() {
    let case = Case::new();
    let plan = case.plan();
    fs::write(case.path(), "another one").unwrap();
    assert!(plan.perform().unwrap_err().to_string().contains("changed meanwhile"));
    // After the copy was made.
    let plan = case.plan();
    let place = plan.place().unwrap();
    plan.seal(&place.hold(&place.name).unwrap()).unwrap();
    fs::write(case.path(), "a third").unwrap();
    assert!(plan.perform().unwrap().contains("another file has its name"));
    assert_eq!(fs::read(case.path()).unwrap(), b"a third");
}

/// A run that was killed before it could say that it was done left the only copy.
#[test]
fn what_was_sealed_before_is_never_thrown_away() {
    let case = Case::new();
    let plan = case.plan();
    plan.perform().unwrap();
    fs::write(case.path(), "of somebody else").unwrap();
    assert!(plan.perform().unwrap().contains("another file has its name"));
    assert!(plan.holds());
    assert_eq!(fs::read(case.path()).unwrap(), b"of somebody else");
    fs::remove_file(case.path()).unwrap();
    plan.revert().unwrap();
    assert_eq!(fs::read(case.path()).unwrap(), CONTENT);
}

#[test]
fn nothing_is_overwritten_by_what_comes_back() {
    let case = Case::new();
    let plan = case.plan();
    plan.perform().unwrap();
    fs::write(case.path(), "new").unwrap();
    let refusal = plan.revert().unwrap_err();
    assert!(refusal.hint().unwrap().contains("something else"), "{refusal}");
    assert_eq!(fs::read(case.path()).unwrap(), b"new");
    let elsewhere = case.folder.path().join("elsewhere");
    plan.write_to(&elsewhere).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), CONTENT);
    assert_eq!(fs::metadata(&elsewhere).unwrap().mode() & 0o777, 0o600);
    assert!(plan.write_to(&elsewhere).is_err(), "it is there");
    fs::remove_file(&elsewhere).unwrap();
    fs::remove_file(case.path()).unwrap();
    plan.revert().unwrap();
    case.check("in the end");
}

#[test]
fn a_copy_that_was_changed_does_not_come_back() {
    let case = Case::new();
    let plan = case.plan();
    plan.perform().unwrap();
    let mut sealed = fs::read(&plan.sealed).unwrap();
    *sealed.last_mut().unwrap() ^= 1;
    fs::write(&plan.sealed, sealed).unwrap();
    assert!(plan.revert().unwrap_err().to_string().contains("changed"));
    assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 0, "nor a part of it");
}

#[test]
fn no_more_is_kept_than_the_folder_may_have() {
    let case = Case::new();
    let folder = case.state.path().join("quarantine");
    fs::create_dir(&folder).unwrap();
    let kept = File::create(folder.join("0123456789abcdef")).unwrap();
    let room = KEPT_BYTES_MAX - CONTENT.len() as u64;
    // A hole, which takes no room of this disk.
    kept.set_len(room).unwrap();
    assert!(plan(&case.path(), case.state.path(), false).is_ok());
    kept.set_len(room + 1).unwrap();
    let refusal = case.refusal(&case.path());
    assert!(refusal.contains("4 GiB are kept already"), "{refusal}");
}
