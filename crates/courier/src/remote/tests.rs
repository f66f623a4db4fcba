//! Helpers that die, hang, lie and start anew, by processes of our own.

use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};

use super::*;
use crate::serve::{Served, serve};
use crate::sink::Outcome;
use crate::spool::Spool;
use crate::{Outbox, refuse};

const STALE: i32 = 75;
const SOON: Duration = Duration::from_secs(20);

fn letter(number: usize) -> Letter {
    Letter { time: 1, severity: 4, text: number.to_string() }
}

/// A process that ends only when it is killed.
fn child() -> Child {
    Command::new("sleep").arg("600").spawn().unwrap()
}

/// Helpers that are threads: each takes so many letters, and then its line breaks.
fn helpers(lives: Vec<usize>, spool: Option<std::path::PathBuf>) -> (Start, Receiver<String>) {
    let (tell, told) = mpsc::channel();
    let mut lives = lives.into_iter();
    let start = move || {
        let (ours, theirs) = UnixStream::pair()?;
        let life = lives.next().unwrap_or(usize::MAX);
        let (tell, spool) = (Sender::clone(&tell), spool.clone());
        thread::spawn(move || {
            let line = theirs.try_clone().unwrap();
            let mut taken = 0;
            let carry = move |letter: &Letter| {
                if taken == life {
                    let _closed = line.shutdown(Shutdown::Both);
                    return Outcome::Later { why: "gone".to_owned(), after: None };
                }
                taken += 1;
                tell.send(letter.text.clone()).unwrap();
                Outcome::Taken
            };
            let spool = spool.map(|path| {
                loop {
                    match Spool::open(&path) {
                        Ok(spool) => break spool,
                        Err(_locked) => thread::sleep(Duration::from_millis(10)),
                    }
                }
            });
            let outbox = Outbox::start(Box::new(carry), spool).unwrap();
            let _broken = serve(&theirs, outbox, Duration::ZERO, &|| false);
        });
        Ok(Helper { line: ours, child: child() })
    };
    (Box::new(start), told)
}

fn numbers(told: &Receiver<String>, upto: usize) -> Vec<usize> {
    let mut numbers = Vec::new();
    while numbers.last() != Some(&upto) {
        numbers.push(told.recv_timeout(SOON).unwrap().parse().unwrap());
    }
    numbers
}

#[test]
fn letters_go_through_a_helper_in_their_order() {
    let (start, told) = helpers(vec![], None);
    let remote = Remote::start(start, STALE, false).unwrap();
    (0..2_000).for_each(|number| remote.give(letter(number)));
    assert_eq!(numbers(&told, 1_999), (0..2_000).collect::<Vec<_>>());
    assert_eq!(remote.finish(SOON), Left { lost: 0, kept: 0 });
}

#[test]
fn a_helper_that_ends_costs_no_letter() {
    for folder in [None, Some(tempfile::tempdir().unwrap())] {
        let spool = folder.as_ref().map(|it| it.path().join("spool"));
        let (start, told) = helpers(vec![10, 0, 5], spool);
        let remote = Remote::start(start, STALE, false).unwrap();
        (0..100).for_each(|number| remote.give(letter(number)));
        let mut numbers = numbers(&told, 99);
        assert!(!remote.ends().is_empty(), "who ended before it was ready was not one");
        // What was in the spool may be carried before its helper says that it is ready.
        while remote.process() == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let left = remote.finish(SOON);
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>(), "each at least once");
        assert_eq!(left.lost, 0);
    }
}

#[test]
fn what_finds_no_room_is_counted_while_a_helper_is_stuck() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    Word::Report(0, Standing::default()).write(&mut &theirs).unwrap();
    let mut helper = Some(Helper { line: ours, child: child() });
    let start = Box::new(move || helper.take().ok_or_else(|| io::Error::other("no more")));
    let remote = Remote::start(start, STALE, false).unwrap();
    let begun = Instant::now();
    (0..QUEUE + 10).for_each(|number| remote.give(letter(number)));
    assert_eq!(remote.standing().lost, 10);
    let left = remote.finish(Duration::from_millis(200));
    assert_eq!(left, Left { lost: QUEUE as u64 + 10, kept: 0 });
    assert!(begun.elapsed() < SOON, "nobody waits for it");
}

/// What it says is left at its end is counted once, also where its end is noticed before anybody asks.
#[test]
fn what_a_helper_leaves_is_counted_once() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    Word::Report(0, Standing::default()).write(&mut &theirs).unwrap();
    let mut helper = Some(Helper { line: ours, child: child() });
    let start = Box::new(move || helper.take().ok_or_else(|| io::Error::other("no more")));
    let remote = Remote::start(start, STALE, false).unwrap();
    remote.give(letter(1));
    let framed = letter(1).framed().unwrap().len();
    io::Read::read_exact(&mut &theirs, &mut vec![0; framed]).unwrap();
    Word::Left(Left { lost: 1, kept: 0 }).write(&mut &theirs).unwrap();
    drop(theirs);
    let begun = Instant::now();
    while remote.process() != 0 && begun.elapsed() < SOON {
        thread::sleep(Duration::from_millis(1));
    }
    remote.give(letter(2));
    assert_eq!(remote.finish(SOON), Left { lost: 2, kept: 0 });
}

#[test]
fn one_that_is_stale_is_replaced_without_a_word() {
    let (go, told) = mpsc::channel();
    let start = move || {
        let (ours, theirs) = UnixStream::pair()?;
        Word::Report(0, Standing::default()).write(&mut &theirs)?;
        go.send(()).unwrap();
        // Its line breaks as it ends.
        let line = std::os::fd::OwnedFd::from(theirs);
        let child = Command::new("sh").args(["-c", &format!("exit {STALE}")]).stdin(line).spawn();
        Ok(Helper { line: ours, child: child? })
    };
    let remote = Remote::start(Box::new(start), STALE, false).unwrap();
    for _ in 0..3 {
        told.recv_timeout(SOON).unwrap();
    }
    assert_eq!(remote.ends(), [""; 0]);
    remote.finish(Duration::ZERO);
}

#[test]
fn why_nothing_can_be_carried_is_said_at_once() {
    let start = || {
        let (ours, theirs) = UnixStream::pair()?;
        refuse(&theirs, "cannot write to `x`")?;
        Ok(Helper { line: ours, child: child() })
    };
    let error = Remote::start(Box::new(start), STALE, false).unwrap_err();
    assert_eq!(error.to_string(), "cannot write to `x`");
}

#[test]
fn a_helper_accounts_for_no_more_than_it_was_given() {
    let mut state = State::default();
    state.letters.extend((0..3).map(|number| Arc::new(letter(number))));
    state.bytes = state.letters.iter().map(|letter| letter.bytes()).sum();
    state.sent = 2;
    state.account(u64::MAX, Standing::default());
    assert_eq!((state.letters.len(), state.sent), (1, 0));
    state.account(1, Standing::default());
    assert_eq!(state.letters.len(), 1);
}

#[test]
fn the_serving_end_says_when_it_is_stale() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let carry = |_: &Letter| Outcome::Later { why: "down".to_owned(), after: None };
    let outbox = Outbox::start(Box::new(carry), None).unwrap();
    io::Write::write_all(&mut &ours, &letter(1).framed().unwrap()).unwrap();
    let served = serve(&theirs, outbox, Duration::ZERO, &|| true).unwrap();
    assert_eq!(served, Served::Stale);
}
