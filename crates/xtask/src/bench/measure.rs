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
#[derive(Clone, Copy)]
pub(super) struct Contender<'a> {
    pub(super) name: &'a str,
    pub(super) command: &'a dyn Fn() -> Command,
}

/// Runs a command to its end; its output is thrown away. It has to succeed, or to say that it has not all
/// ([`PARTS`]): the time of an error says nothing.
///
/// It is run by this program again: a child's peak counts what its parent had when it began, and that
/// is as much as a bench made of its inputs.
pub(super) fn once(command: &mut Command) -> Result<Run, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{command:?}: {error}");
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut again = Command::new(program);
    again.args(["bench", "--timed"]);
    run_by(&mut again, command);
    let output = again.output().map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Run::read(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| failed(&"nothing was measured"))
}

/// Has a program run a command that it takes as its last arguments.
pub(super) fn run_by(outer: &mut Command, command: &Command) {
    outer.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
}

/// Exit codes of results that lack something, as `docs/exit-codes.md` tells.
const PARTS: [i32; 2] = [20, 21];

/// The same as a child of this very process, as a line that [`once`] reads.
pub(super) fn here(command: &mut Command) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let ended = child.wait4().map_err(|error| format!("{command:?}: {error}"))?;
    let wall = begin.elapsed();
    if !ended.status.code().is_some_and(|code| code == 0 || PARTS.contains(&code)) {
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

/// A command that takes longer is run once where ours takes less: its own variance no longer
/// matters beside ours. The longest of our own scans of files takes two thirds of that.
const SLOW: Duration = Duration::from_secs(30);

/// Runs the contenders in turn, ours first, A B C A B C …, once unmeasured and then `runs` times;
/// prints a row each, and returns what was counted.
pub(super) fn in_turn(contenders: &[Contender<'_>], runs: usize) -> Result<Vec<Vec<Run>>, String> {
    let mut results = vec![Vec::new(); contenders.len()];
    let mut ours = None;
    for round in 0..=runs {
        for (contender, results) in contenders.iter().zip(&mut results) {
            let once_will_do = |run: &Run| run.wall > SLOW && ours.is_some_and(|ours| ours <= SLOW);
            if results.first().is_some_and(once_will_do) {
                continue;
            }
            let run = once(&mut (contender.command)())?;
            if round > 0 || once_will_do(&run) {
                results.push(run);
            }
            ours = ours.or(Some(run.wall));
        }
    }
    println!("| | wall, median (min – max) | processor | peak memory |\n|---|---|---|---|");
    for (contender, results) in contenders.iter().zip(&results) {
        println!("| {} | {} |", contender.name, row(results));
    }
    Ok(results)
}

/// The most of all runs.
pub(super) fn peak(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.peak_bytes).max().unwrap_or_default()
}

/// How many times as long as theirs ours took, round by round.
pub(super) fn ratio(ours: &[Run], theirs: &[Run]) -> String {
    let round = |(ours, theirs): (&Run, &Run)| ours.wall.as_secs_f64() / theirs.wall.as_secs_f64();
    let mut ratios: Vec<f64> = ours.iter().zip(theirs).map(round).collect();
    ratios.sort_by(f64::total_cmp);
    match (ratios.first(), median(&ratios), ratios.last()) {
        (Some(first), Some(middle), Some(last)) => {
            format!("{middle:.2} ({first:.2} – {last:.2})")
        }
        _ => "no round".to_owned(),
    }
}

fn row(runs: &[Run]) -> String {
    let peak = peak(runs);
    let mut runs = runs.to_vec();
    runs.sort_by_key(|run| run.processor);
    let processor = median(&runs).map(|run| run.processor).unwrap_or_default();
    runs.sort_by_key(|run| run.wall);
    let (Some(first), Some(middle), Some(last)) = (runs.first(), median(&runs), runs.last()) else {
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

fn median<T>(sorted: &[T]) -> Option<&T> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: i32) -> Result<String, String> {
        here(Command::new("sh").args(["-c", &format!("exit {code}")]))
    }

    #[test]
    fn an_error_is_no_measurement() {
        assert!(Run::read(&exit(0).unwrap()).is_some());
        assert!(exit(21).is_ok());
        assert_eq!(exit(1).unwrap_err(), "\"sh\" \"-c\" \"exit 1\" ended with exit status: 1");
        assert!(exit(31).is_err());
    }

    #[test]
    fn ratios_are_of_rounds() {
        let runs = |seconds: &[u64]| -> Vec<Run> {
            let run = |wall: &u64| Run {
                wall: Duration::from_secs(*wall),
                processor: Duration::ZERO,
                peak_bytes: 0,
            };
            seconds.iter().map(run).collect()
        };
        assert_eq!(ratio(&runs(&[2, 9, 5]), &runs(&[1, 3, 5])), "2.00 (1.00 – 3.00)");
        assert_eq!(ratio(&runs(&[2]), &runs(&[])), "no round");
    }
}
