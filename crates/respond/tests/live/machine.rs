//! Isolate where there is no engine, as in the machine of `cargo xtask vm-test`: a control group that is
//! called as a container's is one to the responder.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use model::Response;
use respond::{Order, Responder, Target};
use sensor::containers::Places;

use crate::container::{order, until};

/// What a dropped packet's sender is told.
const DROPPED: i32 = 1;

/// Gone with this, and who is in it.
struct Group {
    folder: PathBuf,
    inside: Child,
}

impl Group {
    fn make(name: &str, acts: &Path) -> Self {
        let folder = Path::new("/sys/fs/cgroup/docker").join(name);
        std::fs::create_dir_all(&folder).expect("a control group");
        let inside = enter(&folder, acts).arg("wait").spawn().expect("a shell");
        let group = Self { folder, inside };
        until("a process is in the group", || group.is_populated());
        group
    }

    fn is_populated(&self) -> bool {
        let processes = std::fs::read_to_string(self.folder.join("cgroup.procs"));
        !processes.expect("the group").is_empty()
    }

    /// What a process in it is told that sends a datagram.
    fn send(&self, acts: &Path, address: &str) -> Option<i32> {
        let mut sender = enter(&self.folder, acts);
        sender.args(["deed", "reach-udp-send", address, "9"]);
        sender.status().expect("a shell").code()
    }
}

fn enter(folder: &Path, acts: &Path) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\""]).arg(folder).arg(acts);
    shell
}

impl Drop for Group {
    fn drop(&mut self) {
        self.inside.kill().expect("it is there");
        self.inside.wait().expect("it ends");
        until("the group goes", || std::fs::remove_dir(&self.folder).is_ok());
    }
}

#[test]
fn a_group_of_a_container_is_cut_from_networks_but_those_that_are_kept() {
    let Some(acts) = std::env::var_os("LAZARET_TEST_ACTS") else {
        testkit::lack("`cargo xtask vm-test` isolates without an engine, other tests with one");
        return;
    };
    let acts = Path::new(&acts);
    let id = format!("{:064x}", std::process::id());
    let group = Group::make(&id, acts);
    let state = tempfile::tempdir().expect("a folder");
    let responder =
        Responder::open(&state.path().join("state"), Places::default()).expect("a state folder");
    let all = ["127.0.0.1", "127.0.0.9", "::1"];
    let sent = || all.map(|address| group.send(acts, address));
    assert_eq!(sent(), [Some(0); 3]);
    let keep = vec!["127.0.0.9".parse().expect("a network")];
    let order = Order { keep, ..order() };
    let entry =
        responder.act(Response::Isolate, &Target::Container(id), &order).expect("it is isolated");
    assert_eq!(sent(), [Some(DROPPED), Some(0), Some(DROPPED)]);
    responder.undo(entry.id, "a test").expect("it is undone");
    assert_eq!(sent(), [Some(0); 3]);
}
