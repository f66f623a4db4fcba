//! What the guard costs those who live below it: each load without it, below the least that anybody
//! pays who looks at system calls, and below the guard, in turn; then what it costs by itself.
//!
//! Loads run in containers, or are asked of servers in containers by the host. Everything stops by
//! itself, and what other guards of the machine do is in the figures, so there should be none.

mod cover;
mod facts;
mod footprint;
mod latency;
mod load;
mod losses;
mod programs;
mod rates;
mod rules;
mod stage;

use std::process::{Command, Stdio};

use super::Session;
use stage::Stage;

/// What it asks of the machine, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 3] =
    [("redis-benchmark", "redis-tools"), ("wrk", "wrk"), ("bpftool", "bpftool")];

pub(super) fn run(session: &Session) -> Result<(), String> {
    programs_are_there()?;
    let stage = Stage::make(session)?;
    println!("{}\n", facts::facts());
    rates::run(&stage, session.runs)?;
    programs::run(&stage)?;
    losses::run(&stage)?;
    latency::run(&stage)?;
    footprint::run(&stage)?;
    rules::run(&stage)?;
    println!("\nAt the end: {}", facts::load());
    Ok(())
}

/// Before anything is measured: the last of them would be missed after ten minutes.
fn programs_are_there() -> Result<(), String> {
    let is_missing = |(program, _): &&(&str, &str)| {
        let started = Command::new(program).arg("--version").stdout(Stdio::null()).output();
        started.is_err()
    };
    let missing: Vec<&(&str, &str)> = PROGRAMS.iter().filter(is_missing).collect();
    let [programs, packages] = [
        missing.iter().map(|(program, _)| *program).collect::<Vec<_>>().join(", "),
        missing.iter().map(|(_, package)| *package).collect::<Vec<_>>().join(" "),
    ];
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("{programs} not found\nhint: apt-get install {packages}"))
}

/// Of numbers, those that are none left out.
fn median(numbers: &[f64]) -> f64 {
    quantile(numbers, 0.5)
}

fn quantile(numbers: &[f64], part: f64) -> f64 {
    let mut sorted: Vec<f64> =
        numbers.iter().copied().filter(|number| number.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    // Of a place in a list of measurements, which is small.
    let at = (0..=last).find(|at| *at as f64 >= part * last as f64).unwrap_or(last);
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_measurements() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[1.0, f64::NAN]), 1.0);
        assert_eq!(quantile(&[5.0, 1.0, 2.0, 3.0, 4.0], 0.99), 5.0);
        assert!(median(&[]).is_nan());
    }
}
