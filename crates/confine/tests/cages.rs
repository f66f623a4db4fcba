//! What is forbidden really fails, and what is allowed works: each act in a process of its own, which is
//! this test program again.

#![expect(unsafe_code, reason = "calls that no library makes are what is to be refused")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use confine::{Cage, CapabilitySet, Files, Grant, Network, Otherwise, Resource, list};

/// Says in a child's environment which act of which cage it is to do.
const ACT: &str = "CONFINE_ACT";
/// A folder of the test's own.
const FOLDER: &str = "CONFINE_FOLDER";
/// A port that is listened at.
const PORT: &str = "CONFINE_PORT";

const SIGSYS: i32 = libc::SIGSYS;

/// What became of an act.
#[derive(Debug, PartialEq)]
enum Fate {
    Done,
    Failed(i32),
    /// Ended by a signal.
    Ended(i32),
}
use Fate::{Done, Ended, Failed};

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).unwrap().into()
}

fn port() -> u16 {
    std::env::var(PORT).unwrap().parse().unwrap()
}

/// Reads what strangers wrote, and may do nothing else.
fn parser() -> Cage {
    Cage {
        capabilities: CapabilitySet::empty(),
        files: Files::Only(Vec::new()),
        network: Network::Ports(Vec::new()),
        calls: vec![&list::RUN, &list::THREADS, &list::STREAMS, &list::STREAMS_OLDER, &list::READ],
        declined: Vec::new(),
        otherwise: Otherwise::Kill,
        limits: vec![(Resource::As, 1 << 30), (Resource::Nofile, 64)],
    }
}

/// Connects to one port, and writes to one folder.
fn carrier() -> Cage {
    let mut cage = parser();
    cage.files = Files::Only(vec![
        Grant::Write(folder().join("spool")),
        Grant::Read(folder().join("ca.pem")),
        Grant::Read(PathBuf::from("/nowhere")),
    ]);
    cage.network = Network::Ports(vec![port()]);
    cage.calls.extend([&list::WRITE, &list::FILES_OLDER, &list::CONNECT]);
    cage.declined.push(&list::NO_LOCAL_SOCKETS);
    cage
}

/// Keeps one capability and all files.
fn watcher() -> Cage {
    Cage {
        capabilities: CapabilitySet::DAC_READ_SEARCH,
        files: Files::All,
        network: Network::Any,
        calls: vec![
            &list::RUN,
            &list::THREADS,
            &list::STREAMS,
            &list::STREAMS_OLDER,
            &list::READ,
            &list::WRITE,
            &list::FILES_OLDER,
        ],
        declined: Vec::new(),
        otherwise: Otherwise::Refuse,
        limits: Vec::new(),
    }
}

fn call(number: libc::c_long, arguments: [libc::c_long; 4]) -> io::Result<()> {
    let [a, b, c, d] = arguments;
    // SAFETY: the numbers and addresses that are given are null, or of nothing that the call writes to.
    match unsafe { libc::syscall(number, a, b, c, d, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn open(path: &str) -> io::Result<()> {
    File::open(path).map(drop)
}

fn spawn() -> io::Result<()> {
    Command::new("/bin/true").status().map(drop)
}

fn grow() -> io::Result<()> {
    let mut bytes: Vec<u8> = Vec::new();
    bytes.try_reserve_exact(2 << 30).map_err(|_full| io::Error::from_raw_os_error(libc::ENOMEM))
}

fn execute_memory() -> io::Result<()> {
    call(libc::SYS_mmap, [0, 4_096, 5, 0x22])
}

/// The first thread of a process, with a signal that does nothing.
fn signal_thread(process: u32) -> io::Result<()> {
    call(libc::SYS_tgkill, [process.into(), process.into(), 0, 0])
}

fn thread() -> io::Result<()> {
    std::thread::Builder::new().spawn(|| ())?.join().unwrap();
    Ok(())
}

fn connect(port: u16) -> io::Result<()> {
    TcpStream::connect(("127.0.0.1", port)).map(drop)
}

fn put(path: &str) -> io::Result<()> {
    let path = folder().join(path);
    fs::write(&path, "x")?;
    File::open(&path)?.sync_all()?;
    fs::remove_file(&path)
}

fn has_no_capability() -> io::Result<()> {
    let status = fs::read_to_string("/proc/thread-self/status")?;
    let is_empty = |name: &str| {
        status.lines().any(|line| line.starts_with(name) && line.ends_with("\t0000000000000004"))
    };
    let is_bounded = ["CapPrm", "CapEff", "CapBnd"].iter().all(|name| is_empty(name));
    let has_privileges = !status.contains("NoNewPrivs:\t1");
    if is_bounded && !has_privileges { Ok(()) } else { Err(io::Error::other(status)) }
}

type Act = (&'static str, fn() -> Cage, fn() -> io::Result<()>, Fate);

/// Every act, and what is to become of it.
fn acts() -> Vec<Act> {
    let eacces = || Failed(libc::EACCES);
    let killed = || Ended(SIGSYS);
    vec![
        ("parser reads nothing", parser, || open("/etc/shadow"), eacces()),
        ("parser lists nothing", parser, || fs::read_dir("/").map(drop), eacces()),
        ("parser has no more memory", parser, grow, Failed(libc::ENOMEM)),
        ("parser has threads", parser, thread, Done),
        ("parser has a socket", parser, || UdpSocket::bind("127.0.0.1:0").map(drop), killed()),
        ("parser executes", parser, spawn, killed()),
        ("parser executes memory", parser, execute_memory, killed()),
        ("parser writes", parser, || fs::remove_file("/tmp/none"), killed()),
        ("parser traces", parser, || call(libc::SYS_ptrace, [0; 4]), killed()),
        ("parser signals", parser, || call(libc::SYS_kill, [1, 0, 0, 0]), killed()),
        ("parser signals a thread", parser, || signal_thread(1), killed()),
        ("parser signals itself", parser, || signal_thread(std::process::id()), Done),
        ("parser has others signalled", parser, || call(libc::SYS_fcntl, [0, 8, 1, 0]), killed()),
        ("parser mounts", parser, || call(libc::SYS_mount, [0; 4]), killed()),
        ("parser loads BPF", parser, || call(libc::SYS_bpf, [0; 4]), killed()),
        ("parser has a namespace", parser, || call(libc::SYS_unshare, [0; 4]), killed()),
        ("parser forks", parser, || call(libc::SYS_clone, [0x11, 0, 0, 0]), killed()),
        ("parser forks anew", parser, || call(libc::SYS_clone3, [0; 4]), Failed(libc::ENOSYS)),
        ("parser has x32", parser, || call(0x4000_0027, [0; 4]), killed()),
        ("parser has a keyring", parser, || call(libc::SYS_add_key, [0; 4]), killed()),
        ("parser has io_uring", parser, || call(libc::SYS_io_uring_setup, [0; 4]), killed()),
        ("parser writes others", parser, || call(libc::SYS_process_vm_writev, [0; 4]), killed()),
        ("carrier connects", carrier, || connect(port()), Done),
        ("carrier connects elsewhere", carrier, || connect(1), eacces()),
        ("carrier listens", carrier, || TcpListener::bind("127.0.0.1:0").map(drop), eacces()),
        ("carrier writes its folder", carrier, || put("spool/a"), Done),
        ("carrier writes beside it", carrier, || put("a"), eacces()),
        ("carrier reads", carrier, || File::open(folder().join("ca.pem")).map(drop), Done),
        ("carrier writes what it reads", carrier, || put("ca.pem"), eacces()),
        ("carrier reads passwords", carrier, || open("/etc/shadow"), eacces()),
        ("carrier executes", carrier, spawn, killed()),
        (
            "carrier asks a runtime",
            carrier,
            || UnixStream::connect("/run/docker.sock").map(drop),
            Failed(libc::EAFNOSUPPORT),
        ),
        ("carrier has raw sockets", carrier, || call(libc::SYS_socket, [17, 3, 0, 0]), killed()),
        ("watcher reads passwords", watcher, || open("/etc/shadow"), Done),
        ("watcher has the capability", watcher, has_no_capability, Done),
        ("watcher looks at itself", watcher, || open("/proc/self/maps"), Done),
        ("watcher executes", watcher, spawn, Failed(libc::EPERM)),
        ("watcher mounts", watcher, || call(libc::SYS_mount, [0; 4]), Failed(libc::EPERM)),
        ("watcher traces", watcher, || call(libc::SYS_ptrace, [0; 4]), Failed(libc::EPERM)),
    ]
}

/// The child: does one act, and says what came of it. Alone, it does nothing.
#[test]
fn act() {
    let Ok(name) = std::env::var(ACT) else { return };
    let (_, cage, act, _) = acts().into_iter().find(|(known, ..)| *known == name).unwrap();
    let mut stderr = io::stderr();
    // The harness has a thread beside the test's.
    cage().close_thread().unwrap();
    let fate = match act() {
        Ok(()) => "0".to_owned(),
        Err(error) => error.raw_os_error().map_or_else(|| error.to_string(), |it| it.to_string()),
    };
    writeln!(stderr, "\nfate {fate}").unwrap();
}

fn fate(name: &str, folder: &std::path::Path, port: u16) -> Fate {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "act", "--test-threads=1", "--nocapture"])
        .env(ACT, name)
        .env(FOLDER, folder)
        .env(PORT, port.to_string())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    if let Some(signal) = output.status.signal() {
        return Ended(signal);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let fate = said.lines().find_map(|line| line.strip_prefix("fate "));
    assert!(fate.is_some(), "{name}: {said}");
    match fate.and_then(|fate| fate.parse().ok()).unwrap() {
        0 => Done,
        number => Failed(number),
    }
}

#[test]
fn what_is_forbidden_fails_and_what_is_allowed_works() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("spool")).unwrap();
    fs::write(folder.path().join("ca.pem"), "x").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut wrong = Vec::new();
    for (name, _, _, expected) in acts() {
        let became = fate(name, folder.path(), port);
        if became != expected {
            wrong.push(format!("{name}: {became:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_cage_is_not_closed_around_half_of_a_process() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || wait.recv());
    assert!(matches!(parser().close(), Err(confine::CageError::NotAlone)));
    drop(go);
    assert!(other.join().unwrap().is_err());
}
