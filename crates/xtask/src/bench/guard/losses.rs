//! What is told and what is lost, by class, while one container opens files and another starts
//! programs without end.

use std::process::{Command, Stdio};

use super::stage::{LOADED, OTHER, Stage};

const SECONDS: &str = "10";
/// Openings a second.
const RATE: &str = "100000";

pub(super) fn run(stage: &Stage) -> Result<(), String> {
    let guard = stage.guard(&[])?;
    let (opens, execs) = storms(stage)?;
    let summary = guard.end()?;
    println!(
        "{SECONDS} s of {opens} openings a second in one container (asked: {RATE}), and {execs} starts of \
         programs a second in another: {summary}\n"
    );
    Ok(())
}

/// Both at the same time; what each reached a second.
pub(super) fn storms(stage: &Stage) -> Result<(String, String), String> {
    let start = |command: &mut Command| {
        let child = command.stdout(Stdio::piped()).spawn();
        child.map_err(|error| format!("{command:?}: {error}"))
    };
    let open = start(&mut stage.storm(LOADED, &["open", SECONDS, RATE]))?;
    let exec = start(&mut stage.storm(OTHER, &["exec", SECONDS]))?;
    let mut said = [open, exec].into_iter().map(|child| {
        let output = child.wait_with_output().map_err(|error| format!("a storm: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if said.is_empty() { Err("a storm told nothing".to_owned()) } else { Ok(said) }
    });
    let mut next = || said.next().unwrap_or_else(|| Err("no storm".to_owned()));
    Ok((next()?, next()?))
}
