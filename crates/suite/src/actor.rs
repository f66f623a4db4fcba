//! The actors: this program again, started under another name to do what a case says.
//!
//! ```text
//! stage → chain::start(first, rest) → … → the last process: resources, steps, scripts → Report
//! ```
//!
//! What an actor has to do comes on its standard input, what became of it goes to its standard
//! output. Only the last process of a chain, and what it starts, carries the mark of its case.
//!
//! Actors are a copy of this program that ends with a seal: the variable alone, which anybody may set,
//! makes none of any other.

mod call;
mod capability;
pub(crate) mod chain;
mod connection;
mod credentials;
pub(crate) mod keeper;
mod resource;
mod work;

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

pub(crate) use self::capability::mask as capability_mask;
use crate::case::{Program, Work};

/// The variable that makes a sealed copy of this program an actor. Its value marks the case, or is
/// one of those below.
pub const MARK: &str = "LAZARET_SUITE";
/// The value for processes that are there for others alone.
pub(crate) const UNMARKED: &str = "stage";
/// The value for the first process of a container.
pub(crate) const KEEPER: &str = "keep";

/// A plan has to fit into a pipe before anybody reads it (64 KiB unless the machine says less).
pub(crate) const PLAN_BYTES_MAX: usize = 60 << 10;

/// What an actor does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Plan {
    /// Start the first of the processes, and wait for it.
    Chain(Chain),
    /// Become another user, then that program.
    Become { program: Program, file: String, mark: String, next: Box<Self> },
    /// Be there until killed.
    Stay,
}

/// The processes that are still to be started, and what the last one does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Chain {
    pub(crate) processes: Vec<Program>,
    pub(crate) work: Work,
    pub(crate) mark: String,
    /// For executable files whose place does not matter.
    pub(crate) folder: String,
    /// How many processes there were before: each has a folder of its own.
    pub(crate) depth: usize,
}

/// A line on an actor's standard output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// This is about to be made, and goes before the actor ends.
    Makes(String),
    Done,
    /// A step failed, or a script.
    Failed(String),
    /// This machine cannot do it.
    Unable(String),
}

/// Why an actor could not go on.
#[derive(Debug)]
pub(crate) enum Stumble {
    Failed(String),
    Unable(String),
}

impl Stumble {
    pub(crate) fn unable(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Unable(format!("{what}: {why}"))
    }
}

/// How a copy of this program ends that may be an actor. Nothing reads what stands behind a program.
const SEAL: &[u8; 16] = b"\0lazaret actor\0\n";

/// Copies this program to where the actors are started from.
pub(crate) fn seal(copy: &Path) -> std::io::Result<()> {
    std::fs::copy(chain::SELF, copy)?;
    OpenOptions::new().append(true).open(copy)?.write_all(SEAL)
}

fn is_sealed(program: &Path) -> std::io::Result<bool> {
    let mut file = File::open(program)?;
    let begins = file.metadata()?.len().checked_sub(SEAL.len() as u64);
    let Some(begins) = begins else { return Ok(false) };
    let mut end = [0; SEAL.len()];
    file.seek(SeekFrom::Start(begins))?;
    file.read_exact(&mut end)?;
    Ok(end == *SEAL)
}

/// What an actor does instead of anything else when [`MARK`] is in its environment; None if this
/// program is no actor.
pub fn act(mark: &str) -> Option<ExitCode> {
    // What cannot be read is not ours.
    let is_actor = is_sealed(Path::new(chain::SELF)).unwrap_or(false);
    is_actor.then(|| if mark == KEEPER { keeper::keep() } else { play() })
}

fn play() -> ExitCode {
    // Before anything is done with descriptors: a step may put another one in its place.
    let Ok(out) = work::Out::of_stdout() else { return ExitCode::FAILURE };
    // Whoever started this one is gone, and so is the case.
    let signal = rustix::process::Signal::KILL;
    if rustix::process::set_parent_process_death_signal(Some(signal)).is_err() {
        return ExitCode::FAILURE;
    }
    let mut plan = Vec::new();
    let limit = PLAN_BYTES_MAX as u64;
    let read = std::io::stdin().take(limit).read_to_end(&mut plan).map(drop);
    let plan = read
        .map_err(|error| error.to_string())
        .and_then(|()| serde_json::from_slice::<Plan>(&plan).map_err(|error| error.to_string()));
    let done = match plan {
        Ok(Plan::Stay) => loop {
            std::thread::park();
        },
        Ok(Plan::Become { program, file, mark, next }) => {
            Err(credentials::become_it(&program, &file, &mark, &next))
        }
        Ok(Plan::Chain(chain)) if chain.processes.is_empty() => work::work(&chain, &out),
        // The last process reports.
        Ok(Plan::Chain(chain)) => {
            match chain::start(chain, chain::Output::Inherited, chain::SELF.as_ref()) {
                Ok(started) => {
                    return if started.wait() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
                }
                Err(stumble) => Err(stumble),
            }
        }
        Err(why) => Err(Stumble::unable("its plan cannot be read", why)),
    };
    let report = match done {
        Ok(()) => Report::Done,
        Err(Stumble::Failed(why)) => Report::Failed(why),
        Err(Stumble::Unable(why)) => Report::Unable(why),
    };
    if out.tell(&report).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_makes_no_actor_of_a_program() {
        assert!(act(KEEPER).is_none() && act("1-0").is_none(), "this is a test");
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy");
        seal(&copy).unwrap();
        assert!(is_sealed(&copy).unwrap() && !is_sealed(Path::new(chain::SELF)).unwrap());
        std::fs::write(&copy, "short").unwrap();
        assert!(!is_sealed(&copy).unwrap());
    }
}
