//! Quarantine within a container's own root, which its processes can make look like anything.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use model::Response;
use respond::{Refusal, State};

use crate::container::{Container, until};

const PREPARE: &str = "echo evil > /tmp/evil; chmod 4755 /tmp/evil; ln -s / /tmp/up; \
    ln -s /tmp/evil /tmp/link; ln -s /proc/1/root /tmp/magic; ln /tmp/evil /tmp/other; \
    echo only > /tmp/only; echo ready > /tmp/ready; sleep 1000";

fn prepared() -> Option<Container> {
    let container = Container::run(&[], PREPARE)?;
    until("it is prepared", || container.exec(&["cat", "/tmp/ready"]).status.success());
    Some(container)
}

fn seen(container: &Container, path: &str) -> PathBuf {
    format!("/proc/{}/root{path}", container.pid()).into()
}

#[test]
fn a_containers_file_goes_and_comes_back() {
    let Some(container) = prepared() else { return };
    let (only, busybox) = (seen(&container, "/tmp/only"), seen(&container, "/bin/busybox"));
    // One that it wrote, and one of its image, which all its programs are.
    for (path, file) in [("/tmp/only", &only), ("/tmp/up/bin/busybox", &busybox)] {
        let (before, was) = (std::fs::read(file).unwrap(), std::fs::metadata(file).unwrap());
        let entry = container.act(Response::Quarantine, &container.file(path)).expect("it goes");
        assert_eq!(entry.state, State::Active);
        assert!(!file.exists(), "{path}");
        let elsewhere = container.state().join("elsewhere");
        container.responder().write_to(entry.id, &elsewhere).expect("a copy to look at");
        assert_eq!(std::fs::read(&elsewhere).unwrap(), before);
        std::fs::remove_file(&elsewhere).unwrap();
        assert_eq!(container.undo(&entry).expect("it comes back").note, "put back");
        let is = std::fs::metadata(file).unwrap();
        assert_eq!(std::fs::read(file).unwrap(), before, "{path}");
        let of =
            |it: &std::fs::Metadata| (it.mode(), it.uid(), it.gid(), it.mtime(), it.mtime_nsec());
        assert_eq!(of(&is), of(&was), "{path}");
    }
    assert!(container.exec(&["true"]).status.success(), "its programs run again");
}

#[test]
fn a_container_leads_nobody_out_of_its_root() {
    let Some(container) = prepared() else { return };
    let refusal = |path: &str| match container.act(Response::Quarantine, &container.file(path)) {
        Err(refusal) => refusal.to_string(),
        Ok(entry) => unreachable!("{entry:?}"),
    };
    assert!(refusal("/tmp/link").contains("link"));
    assert!(refusal("/tmp").contains("folder"));
    assert!(refusal("/dev/null").contains("device"));
    assert!(refusal("/tmp/evil").contains("other names"));
    assert!(refusal("/tmp/none").contains("there is no file"));
    refusal("/tmp/magic/etc/hostname");
    // It is there on the host, and not in the container.
    let outside = container.state().join("outside");
    container.responder();
    std::fs::write(&outside, "outside").unwrap();
    refusal(&format!("/tmp/up{}", outside.display()));
    refusal(&format!("/../../..{}", outside.display()));
    assert_eq!(std::fs::read(&outside).unwrap(), b"outside");
}

#[test]
fn without_its_container_a_file_waits() {
    let Some(container) = prepared() else { return };
    let entry = container.act(Response::Quarantine, &container.file("/tmp/only")).expect("it goes");
    container.docker(&["kill", &container.name]);
    let refusal = container.undo(&entry).expect_err("there is nowhere to put it");
    assert!(refusal.hint().unwrap().contains("--to"), "{refusal}");
    let listed = container.responder().list().expect("a journal").entries;
    assert_eq!(listed[0].state, State::Active, "it is still there");
    container.docker(&["start", &container.name]);
    // Its script writes the file again.
    until("it is prepared", || seen(&container, "/tmp/only").exists());
    let refusal = container.undo(&entry).expect_err("there is another one");
    assert!(refusal.hint().unwrap().contains("something else"), "{refusal}");
    std::fs::remove_file(seen(&container, "/tmp/only")).unwrap();
    container.undo(&entry).expect("it comes back");
    assert_eq!(std::fs::read(seen(&container, "/tmp/only")).unwrap(), b"only\n");
}

/// A state folder on a disk that is full.
#[test]
fn a_full_disk_leaves_the_original() {
    let Some(container) = prepared() else { return };
    let state = container.state();
    container.responder();
    let at = state.display().to_string();
    testkit::run("mount", &["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", &at]);
    let unmount = Unmount(at);
    let large = seen(&container, "/tmp/large");
    let content = vec![7; 4 << 20];
    std::fs::write(&large, &content).unwrap();
    let refused = container.act(Response::Quarantine, &container.file("/tmp/large"));
    let Err(refusal) = refused else { unreachable!("{refused:?}") };
    assert!(matches!(refusal, Refusal::Failed { .. } | Refusal::Journal { .. }), "{refusal}");
    assert!(refusal.to_string().contains("No space"), "{refusal}");
    assert_eq!(std::fs::read(&large).unwrap(), content);
    // There is room for the journal all the same, and so for what needs no other.
    let entry = container.act(Response::Pause, &container.target()).expect("it is frozen");
    container.undo(&entry).expect("it is resumed");
    drop(unmount);
}

struct Unmount(String);

impl Drop for Unmount {
    fn drop(&mut self) {
        testkit::run("umount", &[&self.0]);
    }
}
