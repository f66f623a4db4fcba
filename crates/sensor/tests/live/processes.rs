//! Programs started, processes made and gone.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use sensor::kernel::Settings;
use sensor::record::{Deed, WalkEnd};

use crate::watch::{act, kernel, run};

#[test]
fn a_program_is_told_with_odd_arguments() {
    let Some(mut kernel) = kernel(&Settings::new()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let odd = OsStr::from_bytes(b"\xff\xfe \n");
    let mut command = Command::new("/bin/true");
    command.args([odd, OsStr::new(""), OsStr::new("last")]);
    command.env_clear().env("ONE", "1").env("TWO", "").current_dir(folder.path());
    let seen = run(&mut kernel, &[], &mut command);
    let execs = seen.execs();
    let [exec] = *execs else { panic!("{:#?}", seen.records) };
    assert_eq!(exec.named, "/bin/true");
    assert_eq!(exec.interpreter, exec.named);
    let arguments: Vec<&[u8]> = exec.arguments.iter().map(|text| text.as_slice()).collect();
    assert_eq!(arguments, [b"/bin/true".as_slice(), b"\xff\xfe \n", b"", b"last"]);
    assert!(!exec.arguments_cut);
    let mut environment = exec.environment.to_vec();
    environment.sort();
    assert_eq!(environment, ["ONE=1", "TWO="]);
    assert_eq!(exec.directory.path, folder.path().as_os_str().as_bytes());
    assert_eq!(exec.directory.end, WalkEnd::Root);

    let real = std::fs::canonicalize("/bin/true").expect("it is there");
    let known = std::fs::metadata(&real).expect("it is there");
    assert_eq!(exec.executable.walk.path, real.as_os_str().as_bytes());
    assert_eq!(exec.executable.inode, known.ino());
    assert_eq!(exec.executable.mode, known.mode());
    assert_eq!(u64::from(exec.executable.links), known.nlink());
    assert_eq!(i128::from(exec.executable.modified), time(known.mtime(), known.mtime_nsec()));
    assert_eq!(i128::from(exec.executable.changed), time(known.ctime(), known.ctime_nsec()));
    assert!(!exec.executable.from_memory && !exec.executable.unlinked);
    assert_eq!(exec.identity.effective_uid, 0);
    assert_ne!(exec.identity.capabilities.effective, 0);
    let standard: Vec<i32> = exec.standard.iter().map(|handle| handle.number).collect();
    assert_eq!(standard, [0, 1, 2]);
}

fn time(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

#[test]
fn too_many_arguments_are_cut_and_say_so() {
    let Some(mut kernel) = kernel(&Settings::new()) else { return };
    let long = "x".repeat(100_000);
    let seen = run(&mut kernel, &[], Command::new("/bin/true").args([&long, "never seen"]));
    let exec = seen.execs()[0];
    assert!(exec.arguments_cut);
    assert_eq!(exec.arguments.iter().map(|text| text.len() + 1).sum::<usize>(), 8001);
    assert!(!exec.environment.is_empty());
}

#[test]
fn thousands_of_empty_arguments_are_cut_and_say_so() {
    let Some(mut kernel) = kernel(&Settings::new()) else { return };
    let seen = run(&mut kernel, &[], Command::new("/bin/true").args([""; 7_000]));
    let exec = seen.execs()[0];
    assert!(exec.arguments_cut);
    assert_eq!(exec.arguments.len(), 1_024);
}

#[test]
fn a_script_is_told_with_its_interpreter() {
    let Some(mut kernel) = kernel(&Settings::new()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/bin/sh\nexit 3\n").expect("a script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("its mode");
    let seen = run(&mut kernel, &[], &mut Command::new(&script));
    let exec = seen.execs()[0];
    assert_eq!(exec.named, script.as_os_str().as_bytes());
    assert_eq!(exec.interpreter, "/bin/sh");
    let shell = std::fs::canonicalize("/bin/sh").expect("a shell");
    assert_eq!(exec.executable.walk.path, shell.as_os_str().as_bytes());
    let Some(Deed::Exit(exit)) = seen.records.last().map(|record| &record.deed) else {
        panic!("no exit")
    };
    assert_eq!(exit.status, 3 << 8);
}

#[test]
fn a_program_from_memory_is_known_as_that() {
    let Some(seen) = act::<&str>(&[], &["memory"]) else { return };
    let execs = seen.execs();
    let exec = execs.last().expect("a second program");
    assert!(exec.executable.from_memory, "{exec:#?}");
    assert_eq!(exec.executable.walk.path, "memfd:nothing");
    assert_eq!(exec.executable.walk.end, WalkEnd::Detached);
    assert!(exec.executable.unlinked);
    assert_eq!(*exec.arguments, ["true"]);
}

#[test]
fn a_process_of_a_moment_is_told_from_fork_to_exit() {
    let Some(seen) = act::<&str>(&[], &["fork"]) else { return };
    let forks = seen.records.iter().filter_map(|record| match &record.deed {
        Deed::Fork(fork) if record.process.pid == seen.pid => Some(&**fork),
        _ => None,
    });
    let forks: Vec<_> = forks.collect();
    let [fork] = *forks else { panic!("{:#?}", seen.records) };
    assert_eq!(fork.parent.pid, seen.pid);
    assert_eq!(fork.virtual_child, fork.child.pid);
    assert!(fork.executable.walk.path.ends_with(b"/acts"));
    let gone = seen.records.iter().find(|record| record.process == fork.child).expect("its exit");
    let Deed::Exit(exit) = &gone.deed else { panic!("{gone:#?}") };
    assert_eq!(exit.status, 7 << 8);
    assert_eq!(gone.parent.pid, seen.pid);
}

#[test]
fn a_killed_process_tells_its_signal() {
    let Some(seen) = act::<&str>(&[], &["killed"]) else { return };
    let Some(Deed::Exit(exit)) = seen.records.last().map(|record| &record.deed) else {
        panic!("no exit")
    };
    assert_eq!(exit.status & 0x7f, 9);
}
