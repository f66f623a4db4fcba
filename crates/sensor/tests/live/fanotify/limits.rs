//! A responder that hangs or dies, a flood, and what an answer costs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use model::{Place, Refused};
use sensor::prevent::fanotify::{Fanotify, Settings};

use super::cage::Cages;
use super::{denials, prevention};

const FOREVER: Duration = Duration::from_secs(3_600);
/// A program in a container of a busy machine.
const SOON: Duration = Duration::from_secs(20);

fn ran() -> Refused {
    Refused::Execute(vec![Place::Exactly("/opt/ran".into())])
}

#[test]
fn an_answer_that_does_not_come_is_yes_after_the_deadline() {
    let Some(cages) = Cages::ready() else { return };
    let cage = cages.start(&[]);
    let deadline = Duration::from_millis(300);
    let settings = Settings { deadline, delay: Duration::from_secs(30), ..Settings::new() };
    let mut guard = Fanotify::start(&[prevention("ran", ran())], settings).expect("it starts");
    guard.set(cage.group(), 1, true);
    assert_eq!(guard.ended(), None);
    let begun = Instant::now();
    assert!(cage.exec(&["/opt/ran"]).ran(), "it is let through");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(guard.ended().is_some_and(|why| why.contains("deadline")));
    assert_eq!(denials(&mut guard, 0), [], "what was let through is not told as refused");
    // Its thread sleeps on, and nobody waits for it; the next guard does not mind.
    drop(guard);
    let mut next = super::start(&[prevention("ran", ran())]);
    next.set(cage.group(), 1, true);
    assert!(cage.exec(&["/opt/ran"]).was_refused());
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

/// Started by the test below, as another process.
const ROLE: &str = "LAZARET_TEST_FANOTIFY_VICTIM";

#[test]
fn who_waits_for_a_guard_that_is_killed_goes_on() {
    if std::env::var_os(ROLE).is_some() {
        return never_answer();
    }
    let Some(cages) = Cages::ready() else { return };
    let cage = cages.start(&[]);
    let this = std::env::current_exe().expect("this program");
    let name = "fanotify::limits::who_waits_for_a_guard_that_is_killed_goes_on";
    let mut victim = Command::new(this)
        .args(["--exact", name, "--nocapture"])
        .env(ROLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(victim.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line == "ready")));
    let waiting = cage.command(&["/opt/ran"]).stdout(Stdio::piped()).spawn();
    let mut waiting = waiting.expect("docker starts");
    std::thread::sleep(Duration::from_secs(1));
    assert!(waiting.try_wait().expect("a child").is_none(), "it waits for an answer");
    victim.kill().expect("SIGKILL");
    victim.wait().expect("it ends");
    let begun = Instant::now();
    let output = waiting.wait_with_output().expect("it goes on");
    assert_eq!((&*output.stdout, output.status.success()), (b"ran\n".as_slice(), true));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

fn never_answer() {
    let settings = Settings { deadline: FOREVER, delay: FOREVER, ..Settings::new() };
    let mut guard = Fanotify::start(&[prevention("ran", ran())], settings).expect("it starts");
    guard.default(1, true);
    println!("ready");
    std::io::stdout().flush().expect("it is read");
    std::thread::sleep(FOREVER);
}

/// Programs and opens of several processes at once: each is answered, and right.
#[test]
fn a_flood_is_answered_to_the_last() {
    const PROCESSES: usize = 4;
    const ROUNDS: usize = 200;
    let Some(cages) = Cages::ready() else { return };
    let cage = cages.start(&[]);
    let secret = Refused::Read(vec![Place::Exactly("/etc/secret".into())]);
    let mut guard = super::start(&[prevention("ran", ran()), prevention("secret", secret)]);
    guard.set(cage.group(), 0b11, true);
    let script = format!(
        "for process in 1 2 3 4; do (i=0; while [ $i -lt {ROUNDS} ]; do /opt/ran; /bin/true || echo \
         failed; true < /etc/secret; true < /opt/ran || echo failed; i=$((i+1)); done) & done; wait"
    );
    let begun = Instant::now();
    let said = cage.shell(&script);
    let took = begun.elapsed();
    assert!(!said.ran() && !said.text.contains("failed"), "{said:?}");
    let told = denials(&mut guard, PROCESSES * ROUNDS * 2);
    let of = |id: &str| told.iter().filter(|denial| denial.prevention == id).count();
    assert_eq!((of("ran"), of("secret")), (PROCESSES * ROUNDS, PROCESSES * ROUNDS));
    let counts = guard.counts();
    assert_eq!((counts.denials_lost, counts.unreadable), (0, 0), "{counts:?}");
    println!("{counts:?} in {took:?}");
}
