//! Against a clamd that keeps to the protocol, one that does not, one that is silent, and the real
//! one if it is installed.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// A clamd that gives these answers, one a file, and then closes the session; sessions begin anew.
fn fake(folder: &Path, answers: &'static [&'static str]) -> Address {
    let path = folder.join("clamd.ctl");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), answers);
        }
    });
    Address::Unix(path)
}

fn serve(mut stream: UnixStream, answers: &[&str]) {
    let mut begin = [0; 11];
    stream.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"zIDSESSION\0");
    for (number, answer) in (1..).zip(answers) {
        let mut command = [0; 10];
        if stream.read_exact(&mut command).is_err() {
            return;
        }
        assert_eq!(&command, b"zINSTREAM\0");
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length).unwrap();
            let length = u32::from_be_bytes(length) as usize;
            if length == 0 {
                break;
            }
            stream.read_exact(&mut vec![0; length]).unwrap();
        }
        write!(stream, "{number}: stream: {answer}\0").unwrap();
    }
}

#[test]
fn answers_are_hits_clean_files_and_failures() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::new(fake(
        folder.path(),
        &["OK", "Eicar-Signature FOUND", "Size limit reached. ERROR"],
    ));
    let mut connection = None;
    assert_eq!(clamd.ask(&mut connection, b"clean"), None);
    assert_eq!(clamd.ask(&mut connection, &vec![1; 300_000]).as_deref(), Some("Eicar-Signature"));
    assert_eq!(clamd.problems(), []);
    assert_eq!(clamd.ask(&mut connection, b"x"), None);
    assert_eq!(clamd.problems()[0].message, "1 files could not be looked at: Size limit reached");
    // The next is another matter.
    assert_eq!(clamd.ask(&mut connection, b"clean"), None);
    assert_eq!(clamd.ask(&mut connection, b"x").as_deref(), Some("Eicar-Signature"));
}

#[test]
fn a_session_that_ended_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::new(fake(folder.path(), &["A FOUND", "OK"]));
    let mut connection = None;
    let found: Vec<bool> = (0..6).map(|_| clamd.ask(&mut connection, b"x").is_some()).collect();
    assert_eq!(found, [true, false, true, false, true, false]);
    assert_eq!(clamd.problems(), []);
}

#[test]
fn nobody_there_and_nonsense_are_problems_and_are_asked_once() {
    let folder = tempfile::tempdir().unwrap();
    let absent = Address::Unix(folder.path().join("nobody"));
    for address in [absent, fake(folder.path(), &["what is that"])] {
        let clamd = Clamd::new(address);
        let mut connection = None;
        assert_eq!(clamd.ask(&mut connection, b"x"), None);
        assert_eq!(clamd.ask(&mut connection, b"y"), None);
        let problems = clamd.problems();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].kind.makes_incomplete());
        assert!(problems[0].message.starts_with("2 files were not looked at: "), "{problems:?}");
    }
}

#[test]
fn one_that_hangs_is_left_after_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let _listener = UnixListener::bind(&path).unwrap();
    let mut clamd = Clamd::new(Address::Unix(path));
    clamd.patience = Duration::from_millis(200);
    let begin = Instant::now();
    let mut connection = None;
    assert_eq!(clamd.ask(&mut connection, b"x"), None);
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert!(clamd.problems()[0].message.contains("no answer"), "{:?}", clamd.problems());
}

#[test]
fn files_that_are_too_large_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::new(fake(folder.path(), &["OK"]));
    assert_eq!(clamd.ask(&mut None, &vec![0; FILE_BYTES_MAX + 1]), None);
    assert_eq!(clamd.problems()[0].kind, ProblemKind::LimitReached);
}

#[test]
fn addresses_are_sockets_or_hosts_with_ports() {
    let read = |text: &str| text.parse::<Address>().map(|it| it.to_string());
    assert_eq!(read("/run/clamd.ctl").unwrap(), "/run/clamd.ctl");
    assert_eq!(read("unix:/run/clamd.ctl").unwrap(), "/run/clamd.ctl");
    assert_eq!(read("localhost:3310").unwrap(), "localhost:3310");
    assert_eq!(read("tcp:[::1]:3310").unwrap(), "[::1]:3310");
    for wrong in ["", "localhost", ":3310", "localhost:x"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

/// The real daemon with a database of one signature.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn the_real_one_hits_its_signature() {
    if !Path::new("/usr/sbin/clamd").exists() {
        eprintln!("skipped: clamav-daemon is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("db")).unwrap();
    std::fs::write(at("db/test.ndb"), "Test.Needle:0:*:6e6565646c652d696e2d61\n").unwrap();
    let settings = format!(
        "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\nLogFile {}\n",
        at("ctl").display(),
        at("db").display(),
        at("log").display()
    );
    std::fs::write(at("conf"), settings).unwrap();
    let daemon = Command::new("/usr/sbin/clamd")
        .arg(format!("--config-file={}", at("conf").display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _daemon = Daemon(daemon);
    let begin = Instant::now();
    while UnixStream::connect(at("ctl")).is_err() {
        let log = std::fs::read_to_string(at("log")).unwrap_or_default();
        assert!(begin.elapsed() < Duration::from_secs(60), "clamd does not start: {log}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let clamd = Clamd::new(Address::Unix(at("ctl")));
    let mut connection = None;
    assert_eq!(clamd.ask(&mut connection, b"hay"), None);
    let found = clamd.ask(&mut connection, b"a needle-in-a haystack");
    assert_eq!(found.as_deref(), Some("Test.Needle.UNOFFICIAL"));
    assert_eq!(clamd.problems(), []);
}
