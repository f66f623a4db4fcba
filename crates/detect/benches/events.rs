//! How long an event takes with our rules, with Falco's 93 about system calls, and with both.
//!
//! `cargo bench -p detect`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../tests/events/mod.rs"]
mod events;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use detect::{Engine, RuleFile, Ruleset};
use model::event::Event;

/// Of how many events each time is the mean, and how many times are taken.
const EVENTS: u32 = 200;
const BATCHES: usize = 500;
const NAMES: [&str; 8] =
    ["shell", "ls", "read-shadow", "open-failed", "truncate", "connect", "datagram", "write"];
const FILES: [&str; 3] =
    ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"];

fn main() {
    let only = std::env::args().nth(1).filter(|it| !it.starts_with('-'));
    let names: Vec<&str> =
        NAMES.into_iter().filter(|name| only.as_deref().is_none_or(|it| it == *name)).collect();
    let ours = ours();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/falco/rules");
    let falco: Result<Vec<_>, _> = FILES.into_iter().map(|it| fs::read(folder.join(it))).collect();
    measure("ours", &ours, &names);
    let Ok(falco) = falco else {
        return println!("skipped: Falco's rule files are not beside the repository");
    };
    measure("Falco's", &falco, &names);
    measure("both", &[ours, falco].concat(), &names);
}

/// The rules that come with lazaret.
fn ours() -> Vec<Vec<u8>> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/detections")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yaml") {
                files.extend(fs::read(&path));
            }
        }
    }
    files
}

fn measure(whose: &str, files: &[Vec<u8>], names: &[&str]) {
    let files: Vec<_> = files.iter().map(|bytes| RuleFile { name: whose, bytes }).collect();
    let begun = Instant::now();
    let (ruleset, _) = Ruleset::load(&files);
    let loaded = begun.elapsed();
    let engine = Engine::new(&ruleset);
    println!(
        "{whose}, {} rules: loaded in {:.1} ms, made ready in {:.1} ms",
        ruleset.rules().len(),
        loaded.as_secs_f64() * 1e3,
        (begun.elapsed() - loaded).as_secs_f64() * 1e3
    );
    for name in names {
        let event = events::event(name);
        let found = engine.judge(&event).len();
        println!("  {name}: {:.0} ns, {found} detections", time(&engine, &event));
    }
}

/// Nanoseconds. On a machine that has other things to do, the fast ones are those that were left
/// alone.
fn time(engine: &Engine, event: &Event) -> f64 {
    let batch = || {
        let begun = Instant::now();
        for _ in 0..EVENTS {
            black_box(engine.judge(black_box(event)));
        }
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(EVENTS)
    };
    let mut times: Vec<f64> = (0..BATCHES).map(|_| batch()).collect();
    times.sort_by(f64::total_cmp);
    times.get(BATCHES / 10).copied().unwrap_or_default()
}
