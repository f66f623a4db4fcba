//! Sinks that are down, stall, refuse, and come back.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn letter(text: impl Into<String>) -> Letter {
    Letter { time: 1, severity: 4, text: text.into() }
}

/// A sink that takes letters while it is up, and what it took.
fn sink(up: &Arc<AtomicBool>) -> (Carry, Receiver<String>) {
    let (took, taken) = mpsc::channel();
    let up = Arc::clone(up);
    let carry = move |letter: &Letter| match up.load(Ordering::Relaxed) {
        true => {
            took.send(letter.text.clone()).unwrap();
            Outcome::Taken
        }
        false => {
            Outcome::Later { why: "it is down".to_owned(), after: Some(Duration::from_millis(10)) }
        }
    };
    (Box::new(carry), taken)
}

fn wait_until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(2));
    }
}

fn standing_of(outbox: &Outbox) -> Standing {
    loop {
        if let Some(standing) = outbox.standing() {
            return standing;
        }
        thread::yield_now();
    }
}

const TIME: Duration = Duration::from_secs(10);

#[test]
fn what_a_sink_missed_comes_in_its_order_when_it_is_back() {
    let up = Arc::new(AtomicBool::new(false));
    let (carry, taken) = sink(&up);
    let outbox = Outbox::start(carry, None).unwrap();
    for number in 0..100 {
        outbox.give(letter(number.to_string()));
    }
    wait_until(|| outbox.is_settled() && standing_of(&outbox).trouble.is_some());
    let standing = standing_of(&outbox);
    assert_eq!((standing.lost, standing.waiting), (0, 100));
    assert_eq!(standing.trouble.as_deref(), Some("it is down"));
    up.store(true, Ordering::Relaxed);
    wait_until(|| standing_of(&outbox).waiting == 0);
    assert_eq!(standing_of(&outbox), Standing::default());
    assert_eq!(outbox.finish(TIME), Left { lost: 0, kept: 0 });
    let taken: Vec<String> = taken.iter().collect();
    assert_eq!(taken, (0..100).map(|it| it.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_waits_at_the_end_is_lost_or_kept() {
    let down = Arc::new(AtomicBool::new(false));
    let outbox = Outbox::start(sink(&down).0, None).unwrap();
    outbox.give(letter("one"));
    assert_eq!(outbox.finish(TIME), Left { lost: 1, kept: 0 });

    let folder = tempfile::tempdir().unwrap();
    let spool = || Some(Spool::open(folder.path()).unwrap());
    let outbox = Outbox::start(sink(&down).0, spool()).unwrap();
    outbox.give(letter("one"));
    outbox.give(letter("two"));
    assert_eq!(outbox.finish(TIME), Left { lost: 0, kept: 2 });
    down.store(true, Ordering::Relaxed);
    let (carry, taken) = sink(&down);
    // The thread that held the folder is about to end.
    wait_until(|| Spool::open(folder.path()).is_ok());
    let outbox = Outbox::start(carry, spool()).unwrap();
    assert_eq!(outbox.finish(TIME), Left { lost: 0, kept: 0 });
    assert_eq!(taken.iter().collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn a_stalled_sink_costs_neither_time_nor_more_memory_than_is_said() {
    let (go, stalled) = mpsc::channel::<()>();
    let carry = move |_: &Letter| {
        // Until the test is over.
        let _over = stalled.recv();
        Outcome::Taken
    };
    let outbox = Outbox::start(Box::new(carry), None).unwrap();
    let begun = Instant::now();
    for _ in 0..200 {
        outbox.give(letter("x".repeat(1 << 20)));
    }
    let left = outbox.finish(Duration::from_millis(300));
    assert!(begun.elapsed() < TIME, "{:?}", begun.elapsed());
    assert_eq!(left, Left { lost: 200, kept: 0 });
    drop(go);
}

#[test]
fn a_disk_that_stalls_is_waited_for_by_nobody() {
    let down = Arc::new(AtomicBool::new(false));
    let outbox = Outbox::start(sink(&down).0, None).unwrap();
    outbox.give(letter("one"));
    wait_until(|| outbox.is_settled());
    let shared = Arc::clone(&outbox.shared);
    let disk = shared.lock();
    outbox.give(letter("two"));
    assert_eq!(outbox.standing(), None);
    let begun = Instant::now();
    let left = outbox.finish(Duration::from_millis(10));
    assert!(begun.elapsed() < TIME, "{:?}", begun.elapsed());
    assert_eq!(left, Left { lost: 2, kept: 0 });
    drop(disk);
}

#[test]
fn a_refused_letter_is_lost_and_the_next_comes() {
    let carry = |letter: &Letter| match &*letter.text {
        "bad" => Outcome::Refused("it does not want it".to_owned()),
        _ => Outcome::Taken,
    };
    let outbox = Outbox::start(Box::new(carry), None).unwrap();
    outbox.give(letter("bad"));
    wait_until(|| standing_of(&outbox).lost == 1);
    assert_eq!(standing_of(&outbox).refusal.as_deref(), Some("it does not want it"));
    outbox.give(letter("good"));
    assert_eq!(outbox.finish(TIME), Left { lost: 1, kept: 0 });
}

#[test]
fn pauses_double_to_a_minute() {
    for (failures, seconds) in [(1, 1), (2, 2), (5, 16), (7, 60), (u32::MAX, 60)] {
        let whole = Duration::from_secs(seconds);
        let pause = pause(failures);
        assert!(pause >= whole / 2 && pause <= whole * 3 / 2, "{failures}: {pause:?}");
    }
}
