//! The machine: two processors that are computed, memory, two serial ports, no disk and no network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::init::PASSED;

const EMULATOR: &str = "qemu-system-x86_64";
/// A panic is the end, at once; x32 calls are what the tests make.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 quiet panic=-1 syscall.x32=y";
const POLL: Duration = Duration::from_millis(100);

pub(super) struct Machine {
    pub(super) kernel: PathBuf,
    pub(super) files: PathBuf,
    /// Written by the machine's second serial port.
    pub(super) verdict: PathBuf,
}

impl Machine {
    /// True if its tests passed. What they print goes where our own output goes, as they print it.
    pub(super) fn run(&self, deadline: Duration) -> Result<bool, String> {
        // That of the run before is not ours.
        fs::write(&self.verdict, "").map_err(|error| failed(&self.verdict, &error))?;
        let mut child = self.start()?;
        let begin = Instant::now();
        let status = loop {
            let ended = child.try_wait().map_err(|error| format!("{EMULATOR}: {error}"))?;
            if let Some(status) = ended {
                break status;
            }
            if begin.elapsed() > deadline {
                stop(&mut child);
                return Err(format!("the machine did not finish in {} s", deadline.as_secs()));
            }
            thread::sleep(POLL);
        };
        if !status.success() {
            return Err(format!("{EMULATOR}: {status}"));
        }
        let verdict = fs::read_to_string(&self.verdict);
        Ok(verdict.map_err(|error| failed(&self.verdict, &error))?.trim() == PASSED)
    }

    fn start(&self) -> Result<Child, String> {
        let mut command = Command::new(EMULATOR);
        command.args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2G"]);
        command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        command.args(["-append", KERNEL_ARGUMENTS, "-kernel"]).arg(&self.kernel);
        command.arg("-initrd").arg(&self.files).args(["-serial", "stdio", "-serial"]);
        let mut verdict = std::ffi::OsString::from("file:");
        verdict.push(&self.verdict);
        command.arg(verdict).stdin(Stdio::null());
        command.spawn().map_err(|error| {
            format!("running `{EMULATOR}`: {error}\nhint: `cargo xtask test install`")
        })
    }
}

fn stop(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait().map(drop)) {
        eprintln!("stopping process {}: {error}", child.id());
    }
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
