//! Whoever responds may be killed at any moment. He is another process here: this program again.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use model::Response;
use respond::{State, Target};

use crate::container::{Container, order, responder, runs, until};

/// What the other one is told, in one variable: state folder, socket, response, target.
const TOLD: &str = "LAZARET_TEST_RESPOND";

/// Not a test: what the other one does.
#[test]
#[ignore = "run by the tests below"]
fn act_as_told() {
    let told = std::env::var(TOLD).expect("something to do");
    let [state, socket, response, target]: [&str; 4] =
        told.split('\n').collect::<Vec<_>>().try_into().expect("four lines");
    let response: Response = serde_json::from_str(response).expect("a response");
    let target: Target = serde_json::from_str(target).expect("a target");
    let responder = responder(Path::new(state), Path::new(socket));
    drop(responder.act(response, &target, &order()));
}

fn act_elsewhere(container: &Container, response: Response, target: &Target) -> Child {
    let told = [
        container.state().display().to_string(),
        container.socket().display().to_string(),
        serde_json::to_string(&response).expect("a response"),
        serde_json::to_string(target).expect("a target"),
    ];
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "deaths::act_as_told", "--ignored", "--nocapture", "--quiet"]);
    command.stdout(std::process::Stdio::null());
    command.env(TOLD, told.join("\n")).spawn().expect("it starts")
}

/// The journal without its last line, as if who did it had died before writing that.
fn forget_the_outcome(container: &Container) {
    let path = container.state().join("journal.jsonl");
    let text = std::fs::read_to_string(&path).expect("a journal");
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.pop().is_some_and(|line| line.contains("\"step\":\"done\"")), "{text}");
    std::fs::write(&path, lines.join("\n") + "\n").expect("a journal");
}

fn acted_and_died(container: &Container, response: Response, target: &Target) -> respond::Id {
    assert!(act_elsewhere(container, response, target).wait().expect("it ends").success());
    forget_the_outcome(container);
    let entry = container.responder().list().expect("a journal").entries.pop().expect("one");
    assert_eq!((entry.response, entry.state), (response, State::Unfinished));
    entry.id
}

#[test]
fn what_is_unfinished_is_finished_or_undone() {
    let Some(container) = Container::run(&[], "echo > /tmp/file; sleep 1000 & sleep 1000 & wait")
    else {
        return;
    };
    until("it runs", || container.pids().len() == 3);
    let file = container.file("/tmp/file");
    for (response, target) in [
        (Response::Pause, container.target()),
        (Response::Isolate, container.target()),
        (Response::Quarantine, file),
    ] {
        for is_finished in [true, false] {
            let id = acted_and_died(&container, response, &target);
            let responder = container.responder();
            if is_finished {
                let entry = responder.finish(id, "a test").expect("it is finished");
                assert_eq!(entry.state, State::Active, "{response:?}");
                responder.finish(id, "a test").expect_err("once");
            }
            let entry = responder.undo(id, "a test").expect("it is undone");
            assert_eq!(entry.state, State::Undone, "{response:?}");
        }
    }
    assert!(container.exec(&["cat", "/tmp/file"]).status.success(), "it is as it was");
    // One that stopped whom it was going to kill.
    let victim = *container.pids().iter().find(|pid| **pid != container.pid()).expect("a child");
    let target = Target::Process { pid: victim, started: None };
    testkit::run("kill", &["-STOP", &victim.to_string()]);
    let id = {
        let twin = *container.pids().last().expect("another child");
        acted_and_died(&container, Response::Kill, &Target::Process { pid: twin, started: None })
    };
    let entry = container.responder().finish(id, "a test").expect("it is finished");
    assert_eq!((entry.state, &*entry.note), (State::Done, "it had ended"));
    container.act(Response::Kill, &target).expect("a stopped one dies as well");
    until("it is gone", || !runs(victim));
}

/// At forty moments, from before the journal is written to after all is done.
#[test]
fn whenever_one_dies_there_is_the_file_or_its_copy() {
    let Some(container) = Container::run(&[], "sleep 1000") else { return };
    let path = format!("/proc/{}/root/tmp/large", container.pid());
    let content: Vec<u8> = (0..=250).cycle().take(24 << 20).collect();
    std::fs::write(&path, &content).expect("a file");
    let target = container.file("/tmp/large");
    let mut states = std::collections::BTreeMap::new();
    for step in 0..40 {
        let written = || std::fs::read_to_string(container.state().join("journal.jsonl"));
        let lines = || written().unwrap_or_default().lines().count();
        let before = lines();
        let mut other = act_elsewhere(&container, Response::Quarantine, &target);
        // The first few before anything is written down, the others after it was.
        if step >= 4 {
            until("it is written down", || lines() > before);
        }
        std::thread::sleep(Duration::from_millis(6 * step));
        other.kill().expect("it can be killed");
        other.wait().expect("it is gone");
        let responder = container.responder();
        let newest = responder.list().expect("a journal").entries.pop();
        let newest = newest.filter(|entry| !matches!(entry.state, State::Undone | State::Failed));
        *states.entry(newest.as_ref().map(|entry| entry.state.name())).or_insert(0) += 1;
        if let Some(entry) = newest {
            responder.undo(entry.id, "a test").expect("it is undone");
        }
        assert!(
            std::fs::read(&path).is_ok_and(|there| there == content),
            "after {step}: {states:?}"
        );
        let sealed = container.state().join("quarantine");
        assert!(!sealed.exists() || std::fs::read_dir(sealed).expect("it is there").count() == 0);
    }
    assert!(states.contains_key(&Some("unfinished")), "at the right moments: {states:?}");
}
