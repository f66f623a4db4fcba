//! Kill and stop: who has to die dies, and nobody else.

use std::process::Command;

use model::Response;
use respond::{Refusal, State, Target};

use crate::container::{Container, order, responder, runs, until};

#[test]
fn a_tree_dies_and_its_neighbours_live() {
    // One tree of three generations that goes on forking, and one that has nothing to do with it.
    let script = "sleep 1000 & \
        (sh -c 'while :; do sh -c \"sleep 0.01 & sleep 1000\" & sleep 0.02; done'; :) & \
        sleep 1000 & wait";
    let Some(container) = Container::run(&[], script) else { return };
    until("it forks", || container.pids().len() > 20);
    let first = container.pid();
    let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap();
    let children: Vec<u32> = children.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    let [before, root, after] = *children else { unreachable!("{children:?}") };
    let target = Target::Process { pid: root, started: None };
    let entry = container.act(Response::Kill, &target).expect("it is killed");
    assert_eq!(entry.state, State::Done);
    assert!(entry.note.ends_with(" killed"), "{}", entry.note);
    assert!(entry.subject.contains(&container.name), "{}", entry.subject);
    let mut left = container.pids();
    left.sort_unstable();
    let mut expected = vec![first, before, after];
    expected.sort_unstable();
    // Children of a moment, whose parent had ended, are nobody's descendants.
    left.retain(|pid| expected.contains(pid));
    assert_eq!(left, expected);
    until("nobody forks any more", || container.pids().len() == 3);
    let refusal = container.undo(&entry).expect_err("it is for good");
    assert!(refusal.hint().unwrap().contains("cannot be undone"), "{refusal}");
}

#[test]
fn on_the_host_a_tree_is_stopped_first() {
    let Some(container) = Container::run(&[], "sleep 1000") else { return };
    let script = "while :; do sh -c 'sleep 1000' & sleep 0.001; done";
    let mut shell = Command::new("sh").args(["-c", script]).spawn().expect("a shell");
    let pid = shell.id();
    let children = || {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>()
    };
    until("it forks", || children().len() > 30);
    let seen = children();
    container.act(Response::Kill, &Target::Process { pid, started: None }).expect("it is killed");
    shell.wait().expect("it ended");
    assert!(seen.iter().all(|pid| !runs(*pid)));
    let sleeps = testkit::run("ps", &["-e", "-o", "pid=,ppid=,args="]);
    let orphans = sleeps.lines().filter(|line| line.trim_end().ends_with(" 1 sleep 1000"));
    assert_eq!(orphans.count(), 0, "{sleeps}");
}

#[test]
fn a_whole_container_dies_even_if_it_is_paused() {
    for is_paused in [false, true] {
        let script = "setsid sh -c 'sleep 1000 & sleep 1000' & sleep 1000; :";
        let Some(container) = Container::run(&[], script) else { return };
        until("it runs", || container.pids().len() == 4);
        let pids = container.pids();
        if is_paused {
            container.docker(&["pause", &container.name]);
        }
        let entry = container.act(Response::Kill, &container.target()).expect("it is killed");
        assert_eq!(entry.note, "4 killed");
        assert!(pids.iter().all(|pid| !runs(*pid)), "paused: {is_paused}");
        until("Docker notices", || container.told(".State.Status") == "exited");
    }
}

#[test]
fn a_number_that_was_used_again_is_nobody() {
    let Some(container) = Container::run(&[], "sleep 1000") else { return };
    let pid = container.pid();
    let target = Target::Process { pid, started: Some(1) };
    let refusal = container.act(Response::Kill, &target).expect_err("another one is meant");
    assert!(matches!(refusal, Refusal::NotFound { .. }), "{refusal}");
    assert!(runs(pid));
}

#[test]
fn the_host_is_protected_from_us() {
    let Some(container) = Container::run(&[], "exec sleep 1000") else { return };
    let shim = std::fs::read_to_string(format!("/proc/{}/stat", container.pid())).expect("it runs");
    let shim =
        shim.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)).expect("a parent");
    let shim: u32 = shim.parse().expect("a number");
    for (pid, why) in [
        (1, "the host's first process"),
        (2, "a thread of the kernel"),
        (std::process::id(), "of ourselves"),
        (std::os::unix::process::parent_id(), "one that we were started by"),
        (shim, "hold the containers of this host"),
    ] {
        let target = Target::Process { pid, started: None };
        let refusal = container.act(Response::Kill, &target).expect_err("it is protected");
        assert!(matches!(refusal, Refusal::Protected { .. }), "{pid}: {refusal}");
        assert!(refusal.to_string().contains(why), "{pid}: {refusal}");
        assert!(runs(pid));
    }
    // In a container anybody may call himself that.
    let mask = "cat /bin/busybox > /tmp/dockerd; chmod 755 /tmp/dockerd; \
        ln -s dockerd /tmp/sleep; exec /tmp/sleep 1000";
    let Some(masked) = Container::run(&[], mask) else { return };
    let exe = || std::fs::read_link(format!("/proc/{}/exe", masked.pid())).unwrap_or_default();
    until("it is masked", || exe().ends_with("dockerd"));
    let target = Target::Process { pid: masked.pid(), started: None };
    masked.act(Response::Kill, &target).expect("it is killed");
    until("it is gone", || masked.told(".State.Status") == "exited");
}

#[test]
fn a_container_is_stopped_by_its_runtime_or_without_it() {
    let script = "trap 'exit 7' TERM; while :; do sleep 0.1; done";
    for by_runtime in [true, false] {
        let Some(container) = Container::run(&[], script) else { return };
        until("it listens", || container.exec(&["true"]).status.success());
        let nowhere = std::path::Path::new("/nonexistent/socket");
        let socket = if by_runtime { container.socket() } else { nowhere };
        let target = Target::Container(container.id.clone());
        let stopped = responder(&container.state(), socket).act(Response::Stop, &target, &order());
        let entry = stopped.expect("it stops");
        assert_eq!(entry.note == "stopped by its runtime", by_runtime, "{}", entry.note);
        until("Docker notices", || container.told(".State.Status") == "exited");
        assert_eq!(container.told(".State.ExitCode"), "7", "it ended by itself");
        let refusal = container.undo(&entry).expect_err("it is for good");
        assert!(refusal.hint().unwrap().contains("start the container"), "{refusal}");
    }
}

#[test]
fn what_cannot_be_undone_has_no_limit_and_nobody_is_not_found() {
    let Some(container) = Container::run(&[], "sleep 1000") else { return };
    let limited = respond::Order { until: Some(jiff::Timestamp::MAX), ..order() };
    let responder = container.responder();
    let refusal = responder.act(Response::Kill, &container.target(), &limited).expect_err("no");
    assert!(matches!(refusal, Refusal::NoLimit { .. }), "{refusal}");
    for name in ["no-such-container", "", "resp"] {
        let target = Target::Container(name.to_owned());
        let refusal = container.act(Response::Pause, &target).expect_err("nobody");
        assert!(matches!(refusal, Refusal::NotFound { .. }), "{name}: {refusal}");
    }
    assert!(runs(container.pid()));
    assert!(responder.list().expect("a journal").entries.is_empty());
}
