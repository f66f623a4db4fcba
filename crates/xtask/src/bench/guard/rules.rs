//! What rules cost an event, without a kernel: a recording replayed with them, and with none that
//! asks anything, in turn.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::measure::once;
use super::median;
use super::stage::Stage;

const ROUNDS: usize = 5;
/// Of the recording, as one of hours takes minutes: some million events.
const BYTES: u64 = 200 << 20;
const RECORDING: &str = "target/noise/noise.lzr";
/// Beside the repository.
const FALCO: &str = "../shared/data/falco/rules";
/// Of no event.
const NONE: &str = "\
- rule: Never
  desc: nothing is asked
  condition: evt.type = reboot
  output: never
  priority: NOTICE
";

pub(super) fn run(stage: &Stage) -> Result<(), String> {
    let Ok(whole) = File::open(stage.root.join(RECORDING)) else {
        println!("What rules cost was not measured: `cargo xtask noise` makes a recording.");
        return Ok(());
    };
    let recording = stage.folder.join("part.lzr");
    let failed = |error: io::Error| format!("{}: {error}", recording.display());
    let mut part = File::create(&recording).map_err(failed)?;
    io::copy(&mut whole.take(BYTES), &mut part).map_err(failed)?;
    let none = stage.folder.join("none.yaml");
    std::fs::write(&none, NONE).map_err(|error| error.to_string())?;
    let ours = stage.root.join("content/detections");
    let falco = stage.root.join(FALCO);
    let mut sets = vec![("no rule that asks", vec![none]), ("default rules", vec![ours.clone()])];
    if falco.exists() {
        sets.push(("default rules and Falco's", vec![ours, falco]));
    }
    let events = events(stage, &recording)?;
    let mut times = vec![Vec::new(); sets.len()];
    for round in 0..=ROUNDS {
        for ((_, rules), times) in sets.iter().zip(&mut times) {
            let run = once(&mut replay(stage, rules, &recording))?;
            if round > 0 {
                times.push(run.processor.as_secs_f64() * 1e9 / events);
            }
        }
    }
    println!("\n| {events} events replayed | ns an event | of which rules |\n|---|---|---|");
    let base = times.first().map(|times| median(times)).unwrap_or(f64::NAN);
    for ((name, _), times) in sets.iter().zip(&times) {
        println!("| {name} | {:.0} | {:.0} |", median(times), median(times) - base);
    }
    Ok(())
}

fn replay(stage: &Stage, rules: &[PathBuf], recording: &Path) -> Command {
    let mut command = stage.lazaret();
    command.args(["rules", "replay"]);
    rules.iter().for_each(|path| {
        command.arg("--rules").arg(path);
    });
    command.arg(recording);
    command
}

/// As many as the recording holds.
fn events(stage: &Stage, recording: &Path) -> Result<f64, String> {
    let mut command = replay(stage, &[stage.folder.join("none.yaml")], recording);
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let count = said.lines().last().and_then(|line| line.split_once(" event"));
    let count =
        count.map(|(count, _)| count.chars().filter(char::is_ascii_digit).collect::<String>());
    count.and_then(|count| count.parse().ok()).ok_or_else(|| format!("no count in: {said}"))
}
