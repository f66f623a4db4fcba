//! What the guard is by itself: how long it takes to start, its memory, and its time while nothing is
//! asked of it.

use std::fs;
use std::thread;
use std::time::Duration;

use super::losses;
use super::median;
use super::stage::Stage;
use crate::guard::Guard;

const STARTS: usize = 5;
/// How long it is left alone.
const IDLE: Duration = Duration::from_secs(60);
/// What the kernel counts the time of processes in.
const TICKS_A_SECOND: f64 = 100.0;

pub(super) fn run(stage: &Stage) -> Result<(), String> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let guard = stage.guard(&[])?;
        starts.push(guard.start_up.as_secs_f64());
        guard.end()?;
    }
    let guard = stage.guard(&[])?;
    let begun = Memory::of(&guard)?;
    let (machine, before) = (busy()?, time(&guard)?);
    thread::sleep(IDLE);
    let (machine, used) = (busy()? - machine, time(&guard)? - before);
    let (opens, execs) = losses::storms(stage)?;
    let stormed = Memory::of(&guard)?;
    let processes = guard.processes().len();
    let summary = guard.end()?;
    let part = |time: f64| 100.0 * time / IDLE.as_secs_f64();
    println!("| the guard by itself | |\n|---|---|");
    println!("| start-up, median of {STARTS} | {:.2} s |", median(&starts));
    println!("| memory at the beginning, {processes} processes | {begun} |");
    println!(
        "| memory after storms ({opens} openings, {execs} starts a second; {summary}) | {stormed} |"
    );
    println!(
        "| processor, {} s without a load of ours | {:.2} % of one; all of the machine: {:.0} % of one |",
        IDLE.as_secs(),
        part(used),
        part(machine)
    );
    Ok(())
}

/// Kilobytes, of all its processes.
#[derive(Default)]
struct Memory {
    resident: u64,
    proportional: u64,
}

impl Memory {
    fn of(guard: &Guard) -> Result<Self, String> {
        let mut all = Self::default();
        for process in guard.processes() {
            let path = format!("/proc/{process}/smaps_rollup");
            let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
            let field = |name: &str| -> u64 {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                let number = line.and_then(|rest| rest.split_whitespace().next());
                number.and_then(|number| number.parse().ok()).unwrap_or_default()
            };
            all.resident += field("Rss:");
            all.proportional += field("Pss:");
        }
        Ok(all)
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} MB RSS, {} MB PSS", self.resident >> 10, self.proportional >> 10)
    }
}

/// Seconds of a processor that its processes used.
fn time(guard: &Guard) -> Result<f64, String> {
    let mut ticks = 0.0;
    for process in guard.processes() {
        let path = format!("/proc/{process}/stat");
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        // Behind the name, which may hold anything: user and system time are the 12th and the 13th.
        let (_, rest) = text.rsplit_once(')').unwrap_or_default();
        let fields = rest.split_whitespace().skip(11).take(2);
        ticks += fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>();
    }
    Ok(ticks / TICKS_A_SECOND)
}

/// Seconds of processors that anybody used.
fn busy() -> Result<f64, String> {
    let text = fs::read_to_string("/proc/stat").map_err(|error| format!("/proc/stat: {error}"))?;
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<f64> =
        line.split_whitespace().skip(1).filter_map(|it| it.parse().ok()).collect();
    // Of user, nice, system, idle, iowait, irq, softirq …, all that is not waiting.
    let busy = fields.iter().enumerate().filter(|(at, _)| ![3, 4].contains(at)).map(|(_, it)| it);
    Ok(busy.sum::<f64>() / TICKS_A_SECOND)
}
