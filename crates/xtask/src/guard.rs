//! The guard as a task starts it: a process of the release build, told to end as Ctrl-C does.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Programs are checked by the kernel as they are loaded; seconds on a machine with other work.
const START_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(5);
/// What it says once it watches.
const READY: &str = "Ctrl-C ends";

/// Killed when dropped, unless it was ended.
pub(crate) struct Guard {
    child: Child,
    said: PathBuf,
    /// From its start until it watched.
    pub(crate) start_up: Duration,
}

impl Guard {
    /// Returns once it watches. What it says goes into a file in `folder`, alerts where `arguments`
    /// say; what they send to the standard output waits for [`Self::output`].
    pub(crate) fn start(lazaret: &Path, arguments: &[&str], folder: &Path) -> Result<Self, String> {
        let said = folder.join("guard.said");
        let failed = |error: std::io::Error| format!("starting the guard: {error}");
        let errors = File::create(&said).map_err(failed)?;
        let mut command = Command::new(lazaret);
        command.arg("guard").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let begin = Instant::now();
        let child = command.stderr(errors).spawn().map_err(failed)?;
        let mut guard = Self { child, said, start_up: Duration::ZERO };
        while !guard.said().contains(READY) {
            if let Ok(Some(status)) = guard.child.try_wait() {
                return Err(format!("the guard ended with {status}\n{}", guard.said()));
            }
            if begin.elapsed() > START_LIMIT {
                return Err(format!("the guard does not begin to watch\n{}", guard.said()));
            }
            thread::sleep(POLL);
        }
        guard.start_up = begin.elapsed();
        Ok(guard)
    }

    /// Of alerts, once. Whoever sends them there has to read it.
    pub(crate) fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its notes so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// It and the processes that it began.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut at = 0;
        while let Some(pid) = all.get(at) {
            let path = format!("/proc/{pid}/task/{pid}/children");
            let children = fs::read_to_string(path).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            at += 1;
        }
        all
    }

    /// Its last note: what it saw and what was lost.
    pub(crate) fn end(mut self) -> Result<String, String> {
        let failed = |error: std::io::Error| format!("ending the guard: {error}");
        kill_process(Pid::from_child(&self.child), Signal::INT).map_err(|it| failed(it.into()))?;
        let status = self.child.wait().map_err(failed)?;
        let said = self.said();
        if !status.success() {
            return Err(format!("the guard ended with {status}\n{said}"));
        }
        Ok(said.lines().last().unwrap_or_default().to_owned())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Of one that was ended, the number may be another's by now: `try_wait` knows.
        if let Ok(None) = self.child.try_wait() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
