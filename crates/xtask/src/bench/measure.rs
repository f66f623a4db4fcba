//! Commands timed as whole processes: wall time, processor time and peak memory as the operating
//! system accounts for them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) wall: Duration,
    /// User and system time of all its threads.
    pub(super) processor: Duration,
    pub(super) peak_bytes: u64,
}

/// A command under a name, made anew for each run.
pub(super) struct Contender<'a> {
    pub(super) name: &'a str,
    pub(super) command: &'a dyn Fn() -> Command,
}

/// Runs a command to its end; its output is thrown away. Any exit code below 100 is an answer.
pub(super) fn once(command: &mut Command) -> Result<Run, String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let ended = child.wait4().map_err(|error| format!("{command:?}: {error}"))?;
    let wall = begin.elapsed();
    if ended.status.code().is_none_or(|code| code >= 100) {
        return Err(format!("{command:?} ended with {}", ended.status));
    }
    let usage = ended.rusage;
    Ok(Run { wall, processor: usage.utime + usage.stime, peak_bytes: usage.maxrss })
}

/// A command that takes longer is measured once: its own variance no longer matters beside ours.
const SLOW: Duration = Duration::from_secs(20);

/// Runs the contenders in turn, A B C A B C …, once unmeasured and then `runs` times, and prints
/// a row each.
pub(super) fn in_turn(contenders: &[Contender<'_>], runs: usize) -> Result<(), String> {
    let mut results = vec![Vec::new(); contenders.len()];
    for round in 0..=runs {
        for (contender, results) in contenders.iter().zip(&mut results) {
            if results.first().is_some_and(|run: &Run| run.wall > SLOW) {
                continue;
            }
            let run = once(&mut (contender.command)())?;
            if round > 0 {
                results.push(run);
            }
        }
    }
    println!("| | wall, median (min – max) | processor | peak memory |\n|---|---|---|---|");
    for (contender, results) in contenders.iter().zip(&mut results) {
        println!("| {} | {} |", contender.name, row(results));
    }
    Ok(())
}

fn row(runs: &mut [Run]) -> String {
    let peak = runs.iter().map(|run| run.peak_bytes).max().unwrap_or_default();
    runs.sort_by_key(|run| run.processor);
    let processor = median(runs).map(|run| run.processor).unwrap_or_default();
    runs.sort_by_key(|run| run.wall);
    let (Some(first), Some(middle), Some(last)) = (runs.first(), median(runs), runs.last()) else {
        return "no run".to_owned();
    };
    format!(
        "{} ({} – {}) | {} | {} MB",
        seconds(middle.wall),
        seconds(first.wall),
        seconds(last.wall),
        seconds(processor),
        peak >> 20
    )
}

fn median(sorted: &[Run]) -> Option<&Run> {
    sorted.get(sorted.len() / 2)
}

pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.3} s", duration.as_secs_f64())
}

/// Runs a command that has to succeed, showing its errors.
pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}
