//! Preventions by fanotify on containers of the real Docker: what is refused did not happen, and all
//! else did.

mod cage;
mod contents;
mod cost;
mod drift;
mod except;
mod execute;
mod limits;
mod read;

use std::time::{Duration, Instant};

use model::{Denial, Prevention, Refused};
use sensor::prevent::fanotify::{Fanotify, Settings};

/// Longer than any answer is on its way.
const PATIENCE: Duration = Duration::from_secs(10);

fn prevention(id: &str, act: Refused) -> Prevention {
    Prevention { id: id.to_owned(), act }
}

fn start(preventions: &[Prevention]) -> Fanotify {
    Fanotify::start(preventions, Settings::new()).expect("the kernel asks")
}

/// As many denials as are expected at least, and those that came with them.
fn denials(guard: &mut Fanotify, expected: usize) -> Vec<Denial> {
    let mut all = Vec::new();
    let begun = Instant::now();
    loop {
        guard.denials(&mut |denial| all.push(denial));
        if all.len() >= expected || begun.elapsed() > PATIENCE {
            return all;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn gaps(guard: &mut Fanotify) -> Vec<String> {
    let mut all = Vec::new();
    guard.gaps(&mut |gap| all.push(gap.why));
    all
}
