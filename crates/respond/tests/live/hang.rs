//! A file system that never answers: whoever is on the other side of it only has to be silent.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use model::Response;
use respond::{Entry, Job, Refusal, Responder, Target, Task, Worker};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use sensor::containers::Places;

use crate::container::{order, runs};

const PATIENCE: Duration = Duration::from_secs(30);

/// Mounted, and answered by nobody. Whoever waits for it is let go when this is dropped.
struct Silent {
    folder: tempfile::TempDir,
    device: Option<File>,
}

impl Silent {
    fn mount() -> Option<Self> {
        let device = File::options().read(true).write(true).open("/dev/fuse").ok()?;
        let folder = tempfile::tempdir().expect("a folder");
        let data = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
        let data = std::ffi::CString::new(data).expect("a text");
        mount("silent", folder.path(), "fuse", MountFlags::NOSUID, Some(&*data)).ok()?;
        Some(Self { folder, device: Some(device) })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        drop(self.device.take());
        unmount(self.folder.path(), UnmountFlags::DETACH).expect("it is mounted");
    }
}

#[test]
fn a_silent_file_system_keeps_nobody_alive() {
    let Some(silent) = Silent::mount() else {
        testkit::skip("nobody here may mount a FUSE file system");
        return;
    };
    let state = tempfile::tempdir().expect("a folder");
    let responder = Responder::open(&state.path().join("state"), Places::default());
    let (tell, told) = mpsc::channel();
    let tell = move |task: Option<&Task>, done: Result<Entry, Refusal>| {
        let response = task.map(Task::response);
        tell.send((response, done.map(|entry| entry.note))).expect("it is heard");
    };
    let worker = Worker::start(responder.expect("a state"), "a test", tell).expect("threads");
    let ask = |response, target| {
        worker.ask(Task::Act(Box::new(Job { response, target, order: order() })));
    };
    let path = silent.folder.path().join("file");
    for _ in 0..10_000 {
        let file = Target::File { container: None, path: path.clone(), told: None };
        ask(Response::Quarantine, file);
    }
    let mut victim = Command::new("sleep").arg("1000").spawn().expect("a victim");
    ask(Response::Kill, Target::Process { pid: victim.id(), started: None });
    let (response, note) = told.recv_timeout(PATIENCE).expect("the kill is told");
    assert_eq!(response, Some(Response::Kill));
    assert_eq!(note.expect("it is killed"), "1 killed");
    victim.wait().expect("it ended");
    assert!(!runs(victim.id()));
    assert_eq!(worker.dropped(), 0, "equal ones wait once");
    // Where it is gone, who waits hears it.
    drop(silent);
    let (response, failed) = told.recv_timeout(PATIENCE).expect("the quarantine is told");
    assert_eq!(response, Some(Response::Quarantine));
    failed.expect_err("there is no such file");
    assert_eq!(worker.finish(PATIENCE), 0);
}
