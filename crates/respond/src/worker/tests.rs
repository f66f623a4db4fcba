//! The lanes with hands that hang when they are told to.

use std::sync::mpsc::Sender;

use super::queue::TASKS_MAX;
use super::*;

/// Long enough for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(10);

fn act(response: Response, target: Target) -> Task {
    Task::Act(Box::new(Job { response, target, order: Order::default() }))
}

fn file(path: &str) -> Task {
    let (container, path) = (Some("web".to_owned()), path.into());
    act(Response::Quarantine, Target::File { container, path, told: None })
}

fn process(pid: u32) -> Task {
    act(Response::Kill, Target::Process { pid, started: Some(7) })
}

/// What hears, and where what hangs is let go by being dropped.
struct Bench {
    worker: Worker,
    told: Receiver<String>,
    _hang: Sender<()>,
}

/// Quarantines hang until the bench is dropped.
fn bench(patience: Duration) -> Bench {
    let (hang, hangs) = mpsc::channel::<()>();
    let hangs = Mutex::new(Some(hangs));
    let (tell, told) = mpsc::channel();
    let act = move |task: &Task| {
        if task.response() == Response::Quarantine {
            let hangs = hangs.lock().unwrap().take();
            // The first one alone.
            hangs.map(|it| it.recv());
        }
        Err(Refusal::NotFound { what: "process", name: "x".to_owned() })
    };
    let tell = move |task: Option<&Task>, done: Result<Entry, Refusal>| {
        let what = task.map(|task| match task {
            Task::Act(job) => job.target.to_string(),
            Task::Finish(id, _) | Task::Undo(id, _) => id.to_string(),
        });
        drop(tell.send(format!("{}: {}", what.unwrap_or_default(), done.unwrap_err())));
    };
    let hands =
        Hands { act: Box::new(act), due: Box::new(|_| Ok(Vec::new())), tell: Box::new(tell) };
    let worker = Worker::with(hands, [PATIENCE, PATIENCE, patience]).unwrap();
    Bench { worker, told, _hang: hang }
}

fn wait(told: &Receiver<String>) -> String {
    told.recv_timeout(PATIENCE).expect("it is told")
}

#[test]
fn nothing_quick_waits_for_a_file_that_never_answers() {
    let bench = bench(PATIENCE);
    bench.worker.ask(file("/fuse/a"));
    for pid in 1..=3 {
        bench.worker.ask(process(pid));
        assert_eq!(wait(&bench.told), format!("process {pid}: there is no process `x`"));
    }
    bench.worker.ask(act(Response::Stop, Target::Container("web".to_owned())));
    assert_eq!(wait(&bench.told), "container web: there is no process `x`");
    assert_eq!(bench.worker.finish(Duration::from_millis(50)), 1, "the file");
}

#[test]
fn what_is_late_is_left_and_its_neighbours_are_not_begun() {
    let bench = bench(Duration::from_millis(50));
    bench.worker.ask(file("/fuse/a"));
    assert!(wait(&bench.told).starts_with("file web:/fuse/a: it has not ended after"));
    bench.worker.ask(file("/fuse/b"));
    assert_eq!(wait(&bench.told), "file web:/fuse/b: another one there has not ended");
    let elsewhere = Target::File { container: None, path: "/c".into(), told: None };
    bench.worker.ask(act(Response::Quarantine, elsewhere));
    assert_eq!(wait(&bench.told), "file /c: there is no process `x`");
    let Bench { worker, told, _hang: hang } = bench;
    drop(hang);
    assert_eq!(wait(&told), "file web:/fuse/a: there is no process `x`", "in the end");
    // It is told a moment before its thread has ended.
    let again = || {
        worker.ask(file("/fuse/b"));
        wait(&told)
    };
    let since = Instant::now();
    while again() != "file web:/fuse/b: there is no process `x`" {
        assert!(since.elapsed() < PATIENCE);
    }
    assert_eq!(worker.finish(PATIENCE), 0);
}

#[test]
fn a_flood_of_equal_orders_takes_one_place() {
    let bench = bench(PATIENCE);
    bench.worker.ask(file("/fuse/a"));
    // So that none of the others is begun.
    let since = Instant::now();
    while bench.worker.lanes.queues.iter().any(|queue| !queue.is_empty()) {
        assert!(since.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(1));
    }
    for _ in 0..10 * TASKS_MAX {
        bench.worker.ask(file("/fuse/a"));
        bench.worker.ask(file("/fuse/b"));
    }
    assert_eq!(bench.worker.dropped(), 0);
    for number in 0..TASKS_MAX {
        bench.worker.ask(file(&format!("/{number}")));
    }
    assert_eq!(bench.worker.dropped(), 2, "two waited already");
    let Bench { worker, told, _hang: hang } = bench;
    drop(hang);
    assert_eq!(worker.finish(PATIENCE), 2, "what found no room");
    assert_eq!(told.iter().count(), 1 + TASKS_MAX);
}

#[test]
fn what_fails_is_tried_later_and_later() {
    let mut later = Later::default();
    assert!(!later.waits(Id(1)));
    for pause in [10, 20, 40, 80] {
        later.note(Id(1), true);
        assert!(later.waits(Id(1)));
        assert_eq!(later.0[&Id(1)].1, Duration::from_secs(pause));
    }
    later.note(Id(1), false);
    assert!(!later.waits(Id(1)));
}
