//! Pause: nothing runs, whatever the runtime says; and what the runtime paused stays so.

use std::time::Duration;

use jiff::Timestamp;
use model::Response;
use respond::{Entry, Job, Order, Refusal, State, Target, Task, Worker};

use crate::container::{Container, order, until};

const COUNTS: &str = "while :; do echo; sleep 0.01; done";

/// Whether it writes anything within some time in which it would.
fn is_running(container: &Container) -> bool {
    let lines = || container.docker(&["logs", &container.name]).len() + log_length(container);
    let before = lines();
    std::thread::sleep(Duration::from_millis(300));
    lines() > before
}

fn log_length(container: &Container) -> usize {
    let path = container.told(".LogPath");
    usize::try_from(std::fs::metadata(path).map_or(0, |file| file.len())).expect("a length")
}

#[test]
fn a_container_stands_still_and_goes_on() {
    let Some(container) = Container::run(&[], COUNTS) else { return };
    until("it counts", || log_length(&container) > 0);
    // By the beginning of its id, and by a process in it.
    let whom = [
        Target::Container(container.id.chars().take(6).collect()),
        Target::Process { pid: container.pid(), started: None },
    ];
    for target in &whom {
        let entry = container.act(Response::Pause, target).expect("it is frozen");
        assert_eq!((entry.state, &*entry.note), (State::Active, "frozen"));
        assert_eq!(entry.target, Target::Container(container.id.clone()));
        assert!(!is_running(&container));
        let again = container.act(Response::Pause, &container.target()).expect_err("it is already");
        assert!(matches!(again, Refusal::Already { id, .. } if id == entry.id), "{again}");
        let stop = container.act(Response::Stop, &container.target()).expect_err("it would hang");
        assert!(stop.to_string().contains("paused"), "{stop}");
        let responder = container.responder();
        let found = responder.holding(Response::Pause, &container.name).expect("it is known");
        assert_eq!(found, entry.id);
        assert_eq!(responder.undo(found, "a test").expect("it resumes").state, State::Undone);
        assert!(is_running(&container));
        let twice = container.undo(&entry).expect_err("it was undone");
        assert!(matches!(twice, Refusal::NotNow { state: "undone", .. }), "{twice}");
    }
}

#[test]
fn what_the_runtime_paused_stays_paused() {
    let Some(container) = Container::run(&[], COUNTS) else { return };
    container.docker(&["pause", &container.name]);
    let entry = container.act(Response::Pause, &container.target()).expect("it is frozen");
    assert_eq!(container.undo(&entry).expect("it is undone").note, "left paused, as it was before");
    assert!(!is_running(&container));
    container.docker(&["unpause", &container.name]);
    assert!(is_running(&container));
}

#[test]
fn a_container_that_is_gone_is_no_trouble() {
    let Some(container) = Container::run(&[], COUNTS) else { return };
    let entry = container.act(Response::Pause, &container.target()).expect("it is frozen");
    container.act(Response::Kill, &container.target()).expect("it is killed");
    until("Docker notices", || container.told(".State.Status") == "exited");
    let listed = container.responder().list().expect("a journal").entries;
    assert!(listed[0].is_lapsed() && !listed[1].is_lapsed());
    // Anew, in a group of the same name: what holds no more is in nobody's way.
    container.docker(&["start", &container.name]);
    let anew = container.act(Response::Pause, &container.target()).expect("it is frozen");
    assert!(!is_running(&container));
    assert!(matches!(container.undo(&anew), Ok(entry) if entry.note == "runs again"));
    let undone = container.undo(&entry);
    assert!(matches!(undone, Ok(ref entry) if entry.note == "the container is gone"), "{undone:?}");
}

#[test]
fn time_limits_are_met_by_whoever_looks() {
    let Some(container) = Container::run(&[], COUNTS) else { return };
    let in_a_minute = Timestamp::now() + Duration::from_secs(60);
    let limited = Order { until: Some(in_a_minute), ..order() };
    let responder = container.responder();
    let entry =
        responder.act(Response::Pause, &container.target(), &limited).expect("it is frozen");
    assert!(responder.expire(Timestamp::now(), &|_| false).expect("a journal").is_empty());
    let later = in_a_minute + Duration::from_secs(1);
    assert!(responder.list().expect("a journal").entries[0].is_overdue(later));
    let expired = responder.expire(later, &|_| false).expect("a journal");
    assert!(matches!(&*expired, [(id, Ok(_))] if *id == entry.id), "{expired:?}");
    assert!(is_running(&container));
    assert!(responder.expire(later, &|_| false).expect("a journal").is_empty());

    // The guard's way.
    let (tell, told) = std::sync::mpsc::channel();
    let tell = move |_: Option<&Task>, done: Result<Entry, Refusal>| {
        tell.send(done.map(|entry| entry.state)).expect("it is heard");
    };
    let worker = Worker::start(responder, "a test", tell).expect("threads");
    let soon = Order { until: Some(Timestamp::now() + Duration::from_secs(2)), ..order() };
    let target = container.target();
    let job = Job { response: Response::Pause, target, order: soon };
    worker.ask(Task::Act(Box::new(job)));
    let patience = Duration::from_secs(30);
    let states: Vec<_> = (0..2).map(|_| told.recv_timeout(patience).expect("it is told")).collect();
    assert!(matches!(&*states, [Ok(State::Active), Ok(State::Undone)]), "{states:?}");
    assert_eq!(worker.finish(patience), 0);
    assert!(is_running(&container));
}
