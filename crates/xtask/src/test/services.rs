//! The daemons that tests talk to: started where they do not run yet, and then stopped again.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Done, Session};

/// containerd first: the Docker Engine uses one that runs, and else starts its own.
const DAEMONS: &[Daemon] = &[
    Daemon { command: &["containerd"], socket: "/run/containerd/containerd.sock" },
    Daemon { command: &["dockerd"], socket: "/var/run/docker.sock" },
];

/// dockerd sets up its storage and network before it answers; some seconds on a slow disk.
const START_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
/// How much of a log an error shows.
const LOG_LINES: usize = 10;

struct Daemon {
    command: &'static [&'static str],
    socket: &'static str,
}

pub(super) fn start(session: &mut Session<'_>) -> Result<Done, String> {
    let logs = session.root.join("target/xtask");
    for Daemon { command, socket } in DAEMONS {
        let socket = Path::new(socket);
        if answers(socket) {
            println!("{} runs", command.join(" "));
            continue;
        }
        session.services.push(Service::start(command, socket, &logs)?);
        println!("{} started; it is stopped at the end", command.join(" "));
    }
    Ok(Done::Passed)
}

/// A daemon that was started here.
pub(super) struct Service {
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Returns once the daemon listens at `socket`. Its output goes into a file in `logs`.
    fn start(command: &[&str], socket: &Path, logs: &Path) -> Result<Self, String> {
        let (program, args) = command.split_first().ok_or("an empty command")?;
        let log = logs.join(program).with_extension("log");
        let failed = |error| format!("starting `{program}`: {error}");
        fs::create_dir_all(logs).map_err(failed)?;
        let output = File::create(&log).map_err(failed)?;
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(failed)?)
            .stderr(output)
            .spawn()
            .map_err(failed)?;
        let mut service = Self { child, log };
        service.wait_for(socket).map_err(|error| format!("starting `{program}`: {error}"))?;
        Ok(service)
    }

    fn wait_for(&mut self, socket: &Path) -> Result<(), String> {
        let begin = Instant::now();
        while !answers(socket) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("it ended with {status}\n{}", self.end_of_log()));
            }
            if begin.elapsed() > START_LIMIT {
                let seconds = START_LIMIT.as_secs();
                return Err(format!("no answer in {seconds} s\n{}", self.end_of_log()));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn end_of_log(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines
            .iter()
            .skip(lines.len().saturating_sub(LOG_LINES))
            .map(|line| format!("{line}\n"))
            .collect()
    }
}

impl Drop for Service {
    /// Asks it to end, and waits, so that it can unmount what it mounted.
    fn drop(&mut self) {
        let stopped = match self.child.try_wait() {
            // The number of a process that has ended may be another's by now.
            Ok(Some(_)) => return,
            _ => kill_process(Pid::from_child(&self.child), Signal::TERM),
        };
        if let Err(error) = stopped.map_err(Into::into).and_then(|()| self.child.wait()) {
            eprintln!("stopping process {}: {error}", self.child.id());
        }
    }
}

fn answers(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_service_that_ends_early_shows_its_log() {
        let logs = logs("ends");
        let command = ["sh", "-c", "echo no space left >&2; exit 3"];
        let result = Service::start(&command, &logs.join("socket"), &logs);
        let message = result.err().expect("it never listened");
        assert!(message.contains("exit status: 3\nno space left"), "{message}");
        fs::remove_dir_all(logs).unwrap();
    }

    #[test]
    fn a_service_is_stopped_when_dropped() {
        let logs = logs("stops");
        fs::create_dir_all(&logs).unwrap();
        let socket = logs.join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let script = "trap 'echo asked to end; exit' TERM; echo runs; while :; do sleep 0.1; done";
        let service = Service::start(&["sh", "-c", script], &socket, &logs).unwrap();
        let log = service.log.clone();
        while fs::read_to_string(&log).unwrap() != "runs\n" {
            thread::sleep(POLL);
        }
        drop(service);
        assert_eq!(fs::read_to_string(log).unwrap(), "runs\nasked to end\n");
        fs::remove_dir_all(logs).unwrap();
    }
}
