//! Where cases happen: the host, or containers that several share.
//!
//! ```text
//! Case → Plan → actor (a process here, or the keeper of a container) → Report
//! ```
//!
//! A stage starts nothing that outlives it: dropped, its processes, containers, images, files and
//! folders are gone.

mod container;
mod conversation;
mod engine;
mod image;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use self::container::Containers;
use self::conversation::{Ending, listen};
use crate::actor::chain::{self, Output};
use crate::actor::{self, Chain, Report, Stumble};
use crate::case::Case;

/// What one case may take; those of Falco take some milliseconds.
const CASE_TIME: Duration = Duration::from_secs(30);
/// What it may take still after the user said stop.
const STOP_TIME: Duration = Duration::from_secs(2);

/// What a stage has to know of its surroundings.
pub struct Environment<'s> {
    /// For the folder of executable files: other users have to be allowed to execute there.
    pub temporary: PathBuf,
    /// For what actors look for by name.
    pub search_path: String,
    /// Sockets of engines that speak Docker's API; the first that is there is used.
    pub engines: Vec<PathBuf>,
    /// Whether the user said stop.
    pub stopped: &'s (dyn Fn() -> bool + Sync),
}

/// Why a case did not happen as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A step or a script of it failed.
    #[error("{0}")]
    Failed(String),
    /// This machine cannot do it.
    #[error("could not run: {0}")]
    Unable(String),
}

impl From<Stumble> for Trouble {
    fn from(stumble: Stumble) -> Self {
        match stumble {
            Stumble::Failed(why) => Self::Failed(why),
            Stumble::Unable(why) => Self::Unable(why),
        }
    }
}

pub struct Stage<'s> {
    environment: Environment<'s>,
    folder: tempfile::TempDir,
    /// The program of all actors.
    actor: PathBuf,
    containers: Containers,
    cases: usize,
}

impl<'s> Stage<'s> {
    /// `cases` are those that will be run: an image has the users that they name.
    ///
    /// # Errors
    /// If there is no room for a folder.
    pub fn new(environment: Environment<'s>, cases: &[Case]) -> std::io::Result<Self> {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        let folder = tempfile::Builder::new()
            .prefix("lazaret-suite-")
            .permissions(permissions)
            .tempdir_in(&environment.temporary)?;
        // One copy; what actors are called are names of it, and what scripts do to it is done to it
        // alone.
        let actor = folder.path().join("actor");
        actor::seal(&actor)?;
        let engines = environment.engines.clone();
        let containers = Containers::new(engines, folder.path(), actor.clone(), cases);
        Ok(Self { environment, folder, actor, containers, cases: 0 })
    }

    /// Does what a case says; `mark` is found in the environment of who does it.
    ///
    /// # Errors
    /// If it did not happen.
    pub fn run(&mut self, case: &Case, mark: &str) -> Result<(), Trouble> {
        self.cases += 1;
        let mut chain = Chain {
            processes: case.processes.clone(),
            work: case.work.clone(),
            mark: mark.to_owned(),
            folder: String::new(),
            depth: 0,
        };
        let deadline =
            Deadline { late: Instant::now() + CASE_TIME, stopped: self.environment.stopped };
        if let Some(wanted) = &case.container {
            chain.folder = format!("/tmp/{}", self.cases);
            return self.containers.run(wanted, chain, deadline);
        }
        let folder = self.folder.path().join(self.cases.to_string());
        chain.folder = folder.display().to_string();
        let ran = self.run_here(chain, deadline);
        // Whatever is in it was made for this case alone.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let stays = || format!("`{}` stays: {error}", folder.display());
                ran.and_then(|()| Err(Trouble::Failed(stays())))
            }
            _ => ran,
        }
    }

    fn run_here(&self, chain: Chain, deadline: Deadline<'_>) -> Result<(), Trouble> {
        let files = named_files(&chain);
        let path = self.environment.search_path.clone();
        let mut started = chain::start(chain, Output::Group { path }, &self.actor)?;
        let Some(output) = started.child.stdout.take() else {
            return Err(Trouble::Unable("an actor has no output".to_owned()));
        };
        let heard = listen(output, deadline);
        // Who came to its end has removed what it made.
        if heard.ending == Ending::Closed && heard.report.is_some() {
            started.wait();
            return heard.verdict();
        }
        let group = i32::try_from(started.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // They may have ended meanwhile.
            let _killed = kill_process_group(group, Signal::KILL);
        }
        started.wait();
        for made in heard.made.iter().chain(&files).rev() {
            // Who made it may have come to it.
            let _removed = fs::remove_file(made).or_else(|_| fs::remove_dir(made));
        }
        heard.verdict()
    }
}

/// The executable files with a place of their own, which whoever is killed does not remove.
fn named_files(chain: &Chain) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for program in &chain.processes {
        let Some(path) = program.path.as_ref().map(PathBuf::from) else { continue };
        files.extend(path.ancestors().filter(|it| !it.exists()).map(PathBuf::from));
        let link = program.name.as_ref().map(|name| path.with_file_name(name));
        files.extend(link.filter(|link| !link.exists()));
    }
    // The outermost first.
    files.sort();
    files
}

/// When a case has to be done.
#[derive(Clone, Copy)]
struct Deadline<'s> {
    late: Instant,
    stopped: &'s (dyn Fn() -> bool + Sync),
}

impl Deadline<'_> {
    /// Sooner, once the user said stop.
    fn look(&mut self) -> bool {
        if (self.stopped)() {
            self.late = self.late.min(Instant::now() + STOP_TIME);
            self.stopped = &|| false;
        }
        Instant::now() >= self.late
    }
}

impl From<Report> for Result<(), Trouble> {
    fn from(report: Report) -> Self {
        match report {
            Report::Done | Report::Makes(_) => Ok(()),
            Report::Failed(why) => Err(Trouble::Failed(why)),
            Report::Unable(why) => Err(Trouble::Unable(why)),
        }
    }
}

/// For the fuzzer: the body of an answer.
pub(crate) fn fuzz(bytes: &[u8]) -> Option<&[u8]> {
    engine::parse(bytes).map(|(_, body)| body)
}
