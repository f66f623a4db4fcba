//! From a deed to its alert at the sink: passwords' hashes read in a container, and the guard's
//! standard output, read as it is written.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::quantile;
use super::stage::{LOADED, OTHER, Stage, said};

/// Deeds, and the microseconds between two of them.
const DEEDS: usize = 600;
const APART: &str = "12000";
/// The rule that tells them, which comes with the guard.
const RULE: &str = "credentials-password-file";

pub(super) fn run(stage: &Stage) -> Result<(), String> {
    println!(
        "| from deed to alert | alerts of {DEEDS} deeds | median | 99 % | most |\n|---|---|---|---|---|"
    );
    measure(stage, "nothing else", &[])?;
    measure(stage, "beside an open storm", &["open", "9", "0"])?;
    println!();
    Ok(())
}

fn measure(stage: &Stage, what: &str, beside: &[&str]) -> Result<(), String> {
    let mut guard = stage.telling_guard()?;
    let output = guard.output().ok_or("the guard has no output")?;
    let arrivals = thread::spawn(move || arrivals(output));
    let storm = (!beside.is_empty()).then(|| begin(stage, beside)).transpose()?;
    let deeds = said(&mut stage.storm(LOADED, &["deed", &DEEDS.to_string(), APART]))?;
    if let Some(mut storm) = storm {
        storm.wait().map_err(|error| format!("a storm: {error}"))?;
    }
    guard.end()?;
    let deeds: Vec<f64> = deeds.lines().filter_map(|line| line.parse().ok()).collect();
    let arrivals =
        arrivals.join().unwrap_or_else(|_| Err("whoever read the alerts died".to_owned()))?;
    let times: Vec<f64> =
        arrivals.iter().zip(&deeds).map(|(arrival, deed)| (arrival - deed) / 1e6).collect();
    let [median, most, all] = [0.5, 0.99, 1.0].map(|part| quantile(&times, part));
    println!("| {what} | {} | {median:.1} ms | {most:.1} ms | {all:.1} ms |", arrivals.len());
    Ok(())
}

fn begin(stage: &Stage, words: &[&str]) -> Result<Child, String> {
    let mut command = stage.storm(OTHER, words);
    command.stdout(Stdio::null()).spawn().map_err(|error| format!("{command:?}: {error}"))
}

/// When each alert of the rule could be read, until the guard ends: nanoseconds since the epoch.
fn arrivals(output: ChildStdout) -> Result<Vec<f64>, String> {
    let mut all = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line.map_err(|error| format!("reading alerts: {error}"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let alert: Value = serde_json::from_str(&line).map_err(|error| error.to_string())?;
        if alert["rule"] == RULE {
            all.push(now.as_secs_f64() * 1e9);
        }
    }
    Ok(all)
}
