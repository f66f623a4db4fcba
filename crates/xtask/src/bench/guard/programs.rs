//! Nanoseconds of each program of the guard a run, as the kernel counts them while storms go on.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::load;
use super::stage::{Stage, said};
use crate::guard::Guard;

/// Whether the kernel counts the time of programs, which costs each run some.
const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

pub(super) fn run(stage: &Stage) -> Result<(), String> {
    let former = fs::read_to_string(SWITCH).map_err(|error| format!("{SWITCH}: {error}"))?;
    set("1")?;
    let counted = count(stage);
    set(former.trim())?;
    println!("| program in the kernel | runs | ns a run |\n|---|---|---|");
    for (name, (runs, time)) in counted? {
        if let Some(each) = time.checked_div(runs) {
            println!("| `{name}` | {runs} | {each} |");
        }
    }
    println!();
    Ok(())
}

fn set(value: &str) -> Result<(), String> {
    fs::write(SWITCH, value).map_err(|error| format!("{SWITCH}: {error}"))
}

/// Each load once, without pauses.
fn count(stage: &Stage) -> Result<BTreeMap<String, (u64, u64)>, String> {
    let guard = stage.guard(&[])?;
    for load in load::ALL {
        (load.run)(stage)?;
    }
    let counts = counts(&guard)?;
    guard.end()?;
    Ok(counts)
}

/// From the descriptors that the guard has of its programs, so that nobody else's are counted.
fn counts(guard: &Guard) -> Result<BTreeMap<String, (u64, u64)>, String> {
    let mut programs = BTreeMap::new();
    for process in guard.processes() {
        let folder = format!("/proc/{process}/fdinfo");
        let failed = |error: std::io::Error| format!("{folder}: {error}");
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // It may be closed by now.
            let text = fs::read_to_string(path).unwrap_or_default();
            let field = |name: &str| -> Option<u64> {
                let (_, rest) = text.split_once(&format!("\n{name}:\t"))?;
                rest.lines().next()?.trim().parse().ok()
            };
            if let (Some(id), Some(time), Some(runs)) =
                (field("prog_id"), field("run_time_ns"), field("run_cnt"))
            {
                programs.insert(id, (runs, time));
            }
        }
    }
    programs.into_iter().map(|(id, counts)| Ok((name(id)?, counts))).collect()
}

fn name(program: u64) -> Result<String, String> {
    let id = program.to_string();
    let text = said(Command::new("bpftool").args(["--json", "prog", "show", "id", &id]))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|it| it.to_string())?;
    Ok(value["name"].as_str().unwrap_or("without a name").to_owned())
}
