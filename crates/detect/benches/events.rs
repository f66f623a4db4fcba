//! How long an event takes with Falco's 93 rules about system calls.
//!
//! `cargo bench -p detect`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../tests/events/mod.rs"]
mod events;

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use detect::{Engine, RuleFile, Ruleset};

const EVENTS: u32 = 200_000;
const NAMES: [&str; 8] =
    ["shell", "ls", "read-shadow", "open-failed", "truncate", "connect", "datagram", "write"];
const FILES: [&str; 3] =
    ["falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml"];

fn main() {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/falco/rules"));
    let files: Result<Vec<_>, _> = FILES.into_iter().map(|it| fs::read(folder.join(it))).collect();
    let Ok(files) = files else {
        return println!("skipped: Falco's rule files are not beside the repository");
    };
    let files: Vec<_> = files.iter().map(|bytes| RuleFile { name: "falco", bytes }).collect();
    let begun = Instant::now();
    let (ruleset, _) = Ruleset::load(&files);
    let loaded = begun.elapsed();
    let engine = Engine::new(&ruleset);
    println!(
        "{} rules: loaded in {:.1} ms, made ready in {:.1} ms",
        ruleset.rules().len(),
        loaded.as_secs_f64() * 1e3,
        (begun.elapsed() - loaded).as_secs_f64() * 1e3
    );
    for name in NAMES {
        let event = events::event(name);
        let found = engine.judge(&event).len();
        let begun = Instant::now();
        for _ in 0..EVENTS {
            black_box(engine.judge(black_box(&event)));
        }
        let nanoseconds = begun.elapsed().as_secs_f64() * 1e9 / f64::from(EVENTS);
        println!("{name}: {nanoseconds:.0} ns, {found} detections");
    }
}
