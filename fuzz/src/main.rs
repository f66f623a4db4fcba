//! The stable fuzzer: every target for some seconds, a process each, two at a time.
//!
//! `cargo run --release -- [--seconds N] [--seed N] [TARGET…]`. A run is repeatable from its seed;
//! the input that broke a target is written to `artifacts/`. Watches for panics, crashes, inputs
//! that take too long, and memory that does not stay in proportion.

mod memory;
mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser as _;
use clap::builder::PossibleValuesParser;
use mutate::{Random, mutate};
use targets::{Target, targets};

/// An input of 64 KiB that takes longer is a hang waiting to be scaled up.
const TIME_MAX: Duration = Duration::from_secs(2);
/// What a whole scan may hold, whatever it is given; a parser of 64 KiB has no right to more.
const MEMORY_MAX: usize = 256 << 20;

/// The stable fuzzer: every target for some seconds.
#[derive(clap::Parser)]
struct Options {
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 5)]
    seconds: u64,
    /// A run is repeatable from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run this one target in this process.
    #[arg(long, hide = true)]
    child: bool,
    /// All by default
    #[arg(value_parser = names())]
    targets: Vec<String>,
}

fn names() -> PossibleValuesParser {
    targets().into_iter().map(|target| target.name).collect::<Vec<_>>().into()
}

fn main() -> ExitCode {
    let options = Options::parse();
    let all = targets();
    let wanted = |target: &&Target| {
        options.targets.is_empty() || options.targets.iter().any(|name| name == target.name)
    };
    let chosen: Vec<&Target> = all.iter().filter(wanted).collect();
    if options.child {
        return chosen.first().map_or(ExitCode::from(2), |target| run_here(target, &options));
    }
    let failed = run_all(&chosen, &options);
    println!("{} passed, {failed} failed", chosen.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Two children at a time; returns how many failed.
fn run_all(chosen: &[&Target], options: &Options) -> usize {
    let mut failed = 0;
    for pair in chosen.chunks(2) {
        let children: Vec<_> = pair.iter().map(|target| (target, start(target, options))).collect();
        for (target, child) in children {
            let ended = child.and_then(|mut child| child.wait());
            if !ended.as_ref().is_ok_and(|status| status.success()) {
                println!("{}: FAILED ({ended:?}, seed {})", target.name, options.seed);
                failed += 1;
            }
        }
    }
    failed
}

fn start(target: &Target, options: &Options) -> std::io::Result<std::process::Child> {
    Command::new(std::env::current_exe()?)
        .args(["--child", target.name, "--seconds", &options.seconds.to_string()])
        .args(["--seed", &options.seed.to_string()])
        .spawn()
}

fn run_here(target: &Target, options: &Options) -> ExitCode {
    let mut seeds = vec![Vec::new()];
    read_seeds(&repository().join(&target.seeds), &mut seeds);
    let mut random = Random::new(options.seed);
    let (begun, mut runs) = (Instant::now(), 0_u64);
    // Seeds themselves come first, unchanged.
    let mut inputs = seeds.clone().into_iter();
    while begun.elapsed() < Duration::from_secs(options.seconds) {
        let input = inputs.next().unwrap_or_else(|| mutate(&seeds, &mut random));
        if let Err(what) = try_one(target, &input) {
            let path = keep(target, &input);
            println!(
                "{}: {what} after {runs} runs; the input is in {}",
                target.name,
                path.display()
            );
            return ExitCode::FAILURE;
        }
        runs += 1;
    }
    println!("{}: {runs} runs from {} seeds", target.name, seeds.len());
    ExitCode::SUCCESS
}

fn try_one(target: &Target, input: &[u8]) -> Result<(), String> {
    memory::reset_peak();
    let begun = Instant::now();
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).map_err(|_| "panic".to_owned())?;
    let (took, peak) = (begun.elapsed(), memory::peak());
    if took > TIME_MAX {
        return Err(format!("took {took:?}"));
    }
    if peak > MEMORY_MAX {
        return Err(format!("held {} MB", peak >> 20));
    }
    Ok(())
}

fn read_seeds(path: &Path, seeds: &mut Vec<Vec<u8>>) {
    if path.is_file() {
        seeds.extend(std::fs::read(path));
        return;
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    entries.sort();
    entries.iter().for_each(|entry| read_seeds(entry, seeds));
}

fn keep(target: &Target, input: &[u8]) -> PathBuf {
    let folder = repository().join("fuzz/artifacts");
    let path = folder.join(target.name);
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    if let Err(error) = kept {
        eprintln!("cannot keep the input: {error}");
    }
    path
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
