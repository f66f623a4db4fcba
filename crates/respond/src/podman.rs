//! Podman's own command, where its API service does not run, which is how it is installed.
//!
//! A user's Podman is run as that user: it reads files of his, and must not do so as root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sensor::containers::Account;

/// Where distributions have it; the caller's own `PATH` is not asked.
const PROGRAM: &str = "/usr/bin/podman";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const LOOK: Duration = Duration::from_millis(20);

/// Whether it can be asked at all.
pub(crate) fn is_installed() -> bool {
    Path::new(PROGRAM).is_file()
}

/// Has the container end by itself within `grace`, and by force then.
///
/// # Errors
/// If it does not say within `limit` that it has.
pub(crate) fn stop(
    id: &str,
    account: Option<&Account>,
    grace: Duration,
    limit: Duration,
) -> Result<(), String> {
    let mut command = Command::new(PROGRAM);
    command.args(["stop", "--time", &grace.as_secs().to_string(), id]);
    command.env_clear().env("PATH", PATH).current_dir("/");
    if let Some(Account { uid, group, home, runtime }) = account {
        // Other groups of ours are given up with that.
        command.uid(*uid).gid(*group).env("HOME", home).env("XDG_RUNTIME_DIR", runtime);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().map_err(|error| format!("running `{PROGRAM}`: {error}"))?;
    wait(child, limit)
}

fn wait(mut child: Child, limit: Duration) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`{PROGRAM}` ended with {status}")),
            Ok(None) if begun.elapsed() < limit => thread::sleep(LOOK),
            Ok(None) => {
                // It may end at this very moment.
                let _gone = child.kill();
                let _reaped = child.wait();
                return Err(format!("`{PROGRAM}` does not end"));
            }
            Err(error) => return Err(format!("waiting for `{PROGRAM}`: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_not_waited_for() {
        let start = |script: &str| Command::new("sh").args(["-c", script]).spawn().unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(wait(start("exit 0"), second * 20), Ok(()));
        assert!(wait(start("exit 3"), second * 20).unwrap_err().contains("status: 3"));
        let begun = Instant::now();
        assert!(wait(start("exec sleep 60"), second).unwrap_err().contains("does not end"));
        assert!(begun.elapsed() < second * 20);
    }
}
