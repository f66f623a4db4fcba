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
///
/// It is run by this program again: a child's peak counts what its parent had when it began, and that
/// is as much as a bench made of its inputs.
pub(super) fn once(command: &mut Command) -> Result<Run, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{command:?}: {error}");
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut again = Command::new(program);
    again.args(["bench", "--timed"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => again.env(name, value),
            None => again.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        again.current_dir(folder);
    }
    let output = again.output().map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Run::read(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| failed(&"nothing was measured"))
}

/// The same as a child of this very process, as a line that [`once`] reads.
pub(super) fn here(command: &mut Command) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let ended = child.wait4().map_err(|error| format!("{command:?}: {error}"))?;
    let wall = begin.elapsed();
    if ended.status.code().is_none_or(|code| code >= 100) {
        return Err(format!("{command:?} ended with {}", ended.status));
    }
    let usage = ended.rusage;
    let (wall, processor) = (wall.as_nanos(), (usage.utime + usage.stime).as_nanos());
    Ok(format!("{wall} {processor} {}", usage.maxrss))
}

impl Run {
    fn read(line: &str) -> Option<Self> {
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        let [wall, processor] = [next()?, next()?].map(Duration::from_nanos);
        Some(Self { wall, processor, peak_bytes: next()? })
    }
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
