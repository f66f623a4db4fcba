//! What tiers cost, measured in turn: `cargo xtask vm-test --measure`. On an emulated machine the
//! ratios say something, the times do not.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use model::event::Call;
use sensor::kernel::{Kernel, Settings, Tier};

use crate::watch::{acts, kernel};

const ROUNDS: usize = 5;
const CALLS: u32 = 300_000;
/// Loops of `acts` over calls that nobody wants.
const LOOPS: [&str; 2] = ["getpids", "closes"];

#[test]
#[ignore = "a measurement"]
fn of_calls_that_nobody_wants() {
    let of = |tier| kernel(&Settings { tier: Some(tier), ..Settings::new() });
    let Some(program) = acts() else { return };
    let (Some(mut fentry), Some(mut tracepoints)) = (of(Tier::Fentry), of(Tier::Tracepoints))
    else {
        return;
    };
    for name in LOOPS {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            let time = || {
                let begin = Instant::now();
                let status = Command::new(program).args([name, &CALLS.to_string()]).status();
                assert!(status.expect("it runs").success());
                begin.elapsed()
            };
            times[0].push(time());
            times[1].push(with(&mut fentry, time));
            times[2].push(with(&mut tracepoints, time));
        }
        let [none, fentry, tracepoints] = times.map(median);
        println!("{name}: {CALLS} calls, medians of {ROUNDS} rounds");
        println!("  no tier      {none:>12.2?}");
        println!("  fentry       {fentry:>12.2?}  {:.2}", ratio(fentry, none));
        println!("  tracepoints  {tracepoints:>12.2?}  {:.2}", ratio(tracepoints, none));
    }
}

/// While opened files are wanted.
fn with(kernel: &mut Kernel, time: impl Fn() -> Duration) -> Duration {
    kernel.watch(&BTreeSet::from([Call::Openat])).expect("it is watched");
    let taken = time();
    kernel.watch(&BTreeSet::new()).expect("nothing is watched");
    taken
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ratio(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64()
}

/// How long it takes until so many calls are wanted, and until none is.
#[test]
#[ignore = "a measurement"]
fn of_coming_and_going() {
    let begin = Instant::now();
    let Some(mut kernel) = kernel(&Settings::new()) else { return };
    println!("{}: {:.2?} to start", kernel.tier().0.name(), begin.elapsed());
    let mut wanted = BTreeSet::new();
    let begin = Instant::now();
    for calls in Call::ALL.chunks(20) {
        wanted.extend(calls);
        kernel.watch(&wanted).expect("they are watched");
        println!("  {} calls after {:.2?}", wanted.len(), begin.elapsed());
    }
    let begin = Instant::now();
    kernel.watch(&BTreeSet::new()).expect("none is watched");
    println!("  none after {:.2?}", begin.elapsed());
}
