//! Folders that stand for roots, and a root that does not answer.

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};

use super::*;

const SOON: Duration = Duration::from_secs(20);

/// Of a folder that stands for a root.
fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, OwnedFd) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let root = File::open(folder.path()).unwrap().into();
    (folder, root)
}

#[test]
fn what_decides_much_is_read_and_nothing_else() {
    let (_folder, root) = folder(&[
        ("etc/passwd", b"root:x:0:0::/root:/bin/sh\n"),
        ("etc/cron.d/job", b"* * * * * root id\n"),
        ("etc/cron.d/more/job", b""),
        ("root/.ssh/authorized_keys", b"ssh-ed25519 AAAA\n"),
        ("home/web/.bashrc", b"alias a=b\n"),
        ("etc/hostname", b"shop\n"),
        ("usr/bin/id", b"\x7fELF"),
    ]);
    let files = all(&root);
    let names: Vec<String> = files.keys().map(ToString::to_string).collect();
    assert_eq!(
        names,
        ["/etc/cron.d/job", "/etc/passwd", "/home/web/.bashrc", "/root/.ssh/authorized_keys"]
    );
    let passwd = &files[&Text::from("/etc/passwd")];
    assert_eq!(passwd.content.as_deref(), Some(&b"root:x:0:0::/root:/bin/sh\n"[..]));
    assert_eq!(passwd.size, 26);
}

#[test]
fn a_root_is_bounded_whatever_lies_in_it() {
    let long = vec![b'a'; CONTENT_BYTES_MAX + 1];
    let exact = vec![b'a'; CONTENT_BYTES_MAX];
    let (folder, root) = folder(&[("etc/passwd", &long), ("etc/group", &exact)]);
    for number in 0..2 * ENTRIES_MAX {
        let path = folder.path().join(format!("etc/cron.d-{number}"));
        std::fs::write(path, "").unwrap();
    }
    std::fs::create_dir_all(folder.path().join("etc/pam.d")).unwrap();
    for number in 0..ENTRIES_MAX + 10 {
        let path = folder.path().join(format!("etc/pam.d/{number}"));
        std::fs::write(path, &exact).unwrap();
    }
    let files = all(&root);
    let content = |name: &str| files[&Text::from(name)].content.is_some();
    assert!(!content("/etc/passwd") && content("/etc/group"));
    assert_eq!(files.len(), 2 + ENTRIES_MAX);
    let kept: usize = files.values().filter_map(|it| it.content.as_ref()).map(|it| it.len()).sum();
    assert!(kept <= ROOT_BYTES_MAX, "{kept}");
    let passwd = &files[&Text::from("/etc/passwd")];
    let digest: [u8; 32] = Sha256::digest(&long).into();
    assert_eq!((passwd.size, passwd.sha256), (long.len() as u64, Some(digest)));
}

#[test]
fn no_link_leads_out_and_nothing_is_waited_for() {
    let (folder, root) = folder(&[("etc/real", b"inside\n")]);
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    };
    link("/etc/real", "etc/passwd");
    link("../../../../../../etc/shadow", "etc/shadow");
    link("/proc/self/environ", "etc/group");
    let fifo = folder.path().join("etc/sudoers");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
    let files = all(&root);
    assert_eq!(files.len(), 1, "{files:?}");
    let passwd = &files[&Text::from("/etc/passwd")];
    assert_eq!(passwd.content.as_deref(), Some(&b"inside\n"[..]));
    assert_eq!(one(&root, b"etc/nothing"), None);
}

#[test]
fn what_is_read_is_known_by_its_name() {
    let (_folder, root) = folder(&[
        ("etc/passwd", b""),
        ("etc/pam.d/su", b""),
        ("etc/pam.d/more/su", b""),
        ("root/.bashrc", b""),
        ("root/notes", b""),
        ("home/web/.ssh/authorized_keys", b""),
        ("home/web/more/.profile", b""),
        ("usr/bin/id", b""),
    ]);
    let read: Vec<Text> = all(&root).into_keys().collect();
    for path in [
        "etc/passwd",
        "etc/pam.d/su",
        "etc/pam.d/more/su",
        "root/.bashrc",
        "root/notes",
        "home/web/.ssh/authorized_keys",
        "home/web/more/.profile",
        "usr/bin/id",
    ] {
        let path = Text::from(format!("/{path}"));
        assert_eq!(is_watched(&path), read.contains(&path), "{path}");
    }
    assert_eq!(read.len(), 4);
    assert!(!is_watched(b"etc/passwd") && !is_watched(b"") && !is_watched(b"/home/web"));
}

/// A process that has the host's root is not the one of a container.
#[test]
fn a_root_is_read_for_whom_it_is_of() {
    let pid = HOST;
    let path = Some(Text::from("/etc/passwd"));
    let place = Place { pid, mount: None };
    let answer = read(Question { number: 3, place, path: path.clone() });
    let place = answer.place.unwrap();
    assert_eq!((answer.number, answer.files.len()), (3, 1));
    let elsewhere = Place { mount: place.mount.map(|it| it + 1), ..place };
    assert!(read(Question { number: 4, place: elsewhere, path: path.clone() }).place.is_err());
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let place = Place { pid: child.id(), mount: None };
    assert!(read(Question { number: 5, place, path: path.clone() }).place.is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(read(Question { number: 6, place, path }).place.is_err());
}

#[test]
fn questions_are_answered_in_their_order() {
    let mut roots = Roots::default();
    let place = Place { pid: HOST, mount: None };
    for number in 0..3 {
        let path = Some(Text::from("/etc/passwd"));
        assert!(roots.ask(Question { number, place, path }));
    }
    let begun = Instant::now();
    let mut numbers = Vec::new();
    while numbers.len() < 3 && begun.elapsed() < Duration::from_secs(10) {
        numbers.extend(roots.answers().iter().map(|answer| answer.number));
    }
    assert_eq!((numbers, roots.is_asked()), (vec![0, 1, 2], false));
}

/// One that does not answer costs its own answer and those behind it, each of which says so.
#[test]
fn a_root_that_does_not_answer_is_left_and_every_question_is_answered() {
    static WAITS: Mutex<Option<Receiver<()>>> = Mutex::new(None);
    let (go, waits) = mpsc::channel();
    *WAITS.lock().unwrap() = Some(waits);
    let hang = |Question { number, place, .. }: Question| {
        let waits = WAITS.lock().unwrap().take();
        waits.into_iter().for_each(|waits| assert!(waits.recv().is_err(), "it is let go"));
        Answer { number, place: Ok(place), files: BTreeMap::new() }
    };
    let mut roots = Roots { reader: Reader::new("test", QUESTIONS_MAX, hang), ..Roots::default() };
    let question = |number: u32| Question {
        number: number.into(),
        place: Place { pid: number, mount: None },
        path: None,
    };
    assert!(roots.ask(question(1)) && roots.ask(question(2)));
    let begun = Instant::now();
    let mut answers = Vec::new();
    while answers.len() < 2 && begun.elapsed() < SOON {
        answers.extend(roots.answers().into_iter().map(|it| (it.number, it.place.err())));
    }
    assert_eq!(answers, [(1, Some(Unread::Late)), (2, Some(Unread::Late))]);
    assert!(!roots.ask(question(1)), "it would hang again");
    assert!(roots.ask(question(2)));
    drop(go);
    while !roots.ask(question(1)) {
        assert!(begun.elapsed() < SOON, "it came back, and may be asked again");
        answers.extend(roots.answers().into_iter().map(|it| (it.number, it.place.err())));
    }
}
