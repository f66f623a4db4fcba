//! What is held stays held when the guard is killed, and goes over to the next one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::{Denial, Network, Prevention, Refused};
use sensor::prevent::{Preventions, Settings};

use super::stage::REFUSED;
use crate::group::Group;

/// Tells the test below to be a guard: where it pins, and the group that it holds.
const GUARD: &str = "LAZARET_TEST_GUARD";
const PATIENCE: Duration = Duration::from_secs(120);

fn prevention(id: &str, address: [u8; 4]) -> Prevention {
    let network = Network { address: address.into(), prefix: 32, ports: Vec::new() };
    Prevention { id: id.to_owned(), act: Refused::Connect(vec![network]) }
}

fn settings(folder: &Path) -> Settings {
    Settings { pins: Some(folder.to_owned()), lock: None, ..Settings::new() }
}

/// A guard that never ends by itself; a test of nothing where nobody asks for one.
#[test]
fn guard_that_is_killed() {
    let Ok(told) = std::env::var(GUARD) else { return };
    let (folder, group) = told.rsplit_once(' ').expect("a folder and a group");
    let all = [prevention("first", [127, 0, 0, 7]), prevention("second", [127, 0, 0, 8])];
    let mut kernel = Preventions::start(&all, &settings(folder.as_ref())).expect("it loads");
    assert_eq!(kernel.ends_with_us(), None);
    kernel.set(group.parse().expect("a number"), 0b11, true).expect("the kernel takes it");
    std::fs::write(ready(folder.as_ref()), "").expect("a file");
    loop {
        std::thread::sleep(PATIENCE);
    }
}

/// Beside the file system of pins, which takes no files.
fn ready(folder: &Path) -> PathBuf {
    folder.parent().expect("a folder").with_extension("ready")
}

fn start_guard(folder: &Path, group: &Group) -> Child {
    let mut guard = Command::new(std::env::current_exe().expect("this program"));
    guard.args(["--exact", "prevent::pins::guard_that_is_killed"]);
    guard.env(GUARD, format!("{} {}", folder.display(), group.number));
    let guard = guard.spawn().expect("it starts");
    let since = Instant::now();
    while !ready(folder).exists() {
        assert!(since.elapsed() < PATIENCE, "the guard does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    guard
}

/// The kernel takes a program away a moment after its last link is gone.
fn is_let_through(group: &Group, address: &str) -> bool {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        match reach(group, address) {
            Some(REFUSED) => std::thread::sleep(Duration::from_millis(20)),
            code => return code == Some(0),
        }
    }
    false
}

fn reach(group: &Group, address: &str) -> Option<i32> {
    group.deed(&["reach-udp-send", address, "9"].map(str::to_owned))
}

#[test]
fn a_guard_that_is_killed_leaves_no_gap() {
    if !rustix::process::geteuid().is_root() || !Path::new("/sys/kernel/btf/vmlinux").exists() {
        testkit::skip("BPF programs want root and the kernel's type information");
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let pinned = Pinned::mount(&place.path().join("bpf"));
    let folder = pinned.0.join("lazaret");
    let group = Group::make("killed");
    assert_eq!(reach(&group, "127.0.0.7"), Some(0));
    let mut guard = start_guard(&folder, &group);
    assert_eq!(reach(&group, "127.0.0.7"), Some(REFUSED));
    guard.kill().expect("it is killed");
    guard.wait().expect("it is gone");
    assert_eq!(reach(&group, "127.0.0.7"), Some(REFUSED), "nobody is there");

    // The next one calls them the other way round, and one of them is not there any more.
    let all = [prevention("third", [127, 0, 0, 6]), prevention("second", [127, 0, 0, 8])];
    let mut next = Preventions::start(&all, &settings(&folder)).expect("it loads");
    assert_eq!(reach(&group, "127.0.0.8"), Some(REFUSED), "nobody has set it again");
    assert!(is_let_through(&group, "127.0.0.7"), "nobody asks for it any more");
    assert_eq!(reach(&group, "127.0.0.6"), Some(0));
    let mut told: Vec<Denial> = Vec::new();
    next.denials(&mut |denial| told.push(denial));
    told.retain(|denial| denial.control_group == group.number);
    let mut told: Vec<&str> = told.iter().map(|denial| denial.prevention.as_str()).collect();
    // Refused by the old programs, told by the new guard; then refused by its own.
    assert_eq!(told.get(..2), Some(&["first", "first"][..]));
    told.dedup();
    assert_eq!(told, ["first", "second"]);

    next.release();
    assert!(is_let_through(&group, "127.0.0.8"), "it ended");
    let left = std::fs::read_dir(&folder).expect("the folder").count();
    assert_eq!(left, 0);
}

/// What is refused by both is refused all the time; what the former ones alone refuse ends with them.
#[test]
fn others_take_the_place_of_some_without_a_gap() {
    const TURNS: usize = 4;
    let all = [prevention("0", [127, 0, 0, 7]), prevention("gone", [127, 0, 0, 8])];
    let Some(mut kernel) = super::stage::preventions(&all) else { return };
    let settings = Settings { pins: None, ..Settings::new() };
    let group = Group::make("beside");
    kernel.set(group.number, 0b11, true).expect("the kernel takes it");
    assert_eq!(reach(&group, "127.0.0.7"), Some(REFUSED));
    let mut held = Some(kernel);
    let is_over = AtomicBool::new(false);
    let mut told: Vec<Denial> = Vec::new();
    let tries = std::thread::scope(|scope| {
        let tries = scope.spawn(|| {
            let mut tries = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                tries.push(reach(&group, "127.0.0.7"));
            }
            tries
        });
        for turn in 1..=TURNS {
            let all = [prevention(&turn.to_string(), [127, 0, 0, 7])];
            let mut former = held.take().expect("the former ones");
            let mut next = former.beside(&all, &settings).expect("it loads");
            next.set(group.number, 0b1, true).expect("the kernel takes it");
            former.denials(&mut |denial| told.push(denial));
            next.retire(former);
            let kernel = held.insert(next);
            std::thread::sleep(Duration::from_millis(200));
            kernel.denials(&mut |denial| told.push(denial));
        }
        is_over.store(true, Ordering::Relaxed);
        tries.join().expect("it ends")
    });
    let mut kernel = held.expect("the last ones");
    assert!(tries.len() > TURNS, "{}", tries.len());
    assert!(tries.iter().all(|code| *code == Some(REFUSED)), "{tries:?}");
    assert!(is_let_through(&group, "127.0.0.8"), "nobody asks for it any more");
    kernel.denials(&mut |denial| told.push(denial));
    told.retain(|denial| denial.control_group == group.number);
    for turn in 0..=TURNS {
        assert!(told.iter().any(|denial| denial.prevention == turn.to_string()), "{turn}");
    }
    let untold = kernel.untold().expect("counts");
    assert!(told.len() as u64 + untold.over_budget >= tries.len() as u64, "{untold:?}");
}

/// A file system for pins of our own.
struct Pinned(PathBuf);

impl Pinned {
    fn mount(place: &Path) -> Self {
        std::fs::create_dir_all(place).expect("a folder");
        let status = Command::new("mount").args(["-t", "bpf", "none"]).arg(place).status();
        assert!(status.expect("mount runs").success());
        Self(place.to_owned())
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let status = Command::new("umount").arg(&self.0).status();
        assert!(status.is_ok_and(|status| status.success()), "it is unmounted");
    }
}
