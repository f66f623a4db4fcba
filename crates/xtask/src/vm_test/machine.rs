//! The machine: two processors that are computed, memory, two serial ports, no disk and no network.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::architecture::Facts;
use super::init::PASSED;

const POLL: Duration = Duration::from_millis(100);

pub(super) struct Machine {
    pub(super) facts: &'static Facts,
    pub(super) name: &'static str,
    pub(super) kernel: PathBuf,
    pub(super) files: PathBuf,
    /// Written by the machine's second serial port.
    pub(super) verdict: PathBuf,
}

impl Machine {
    /// True if its tests passed. What they print goes where our own output goes, as they print it, with
    /// the machine's name before each line.
    pub(super) fn run(&self, deadline: Duration) -> Result<bool, String> {
        // That of the run before is not ours.
        fs::write(&self.verdict, "").map_err(|error| failed(&self.verdict, &error))?;
        let mut child = self.start()?;
        let console = child.stdout.take().ok_or("the machine has no console")?;
        thread::scope(|scope| {
            scope.spawn(|| self.print(console));
            self.wait(&mut child, deadline)
        })
    }

    /// Its console may say anything: a line that is no text is shown as well as can be.
    fn print(&self, console: ChildStdout) {
        for line in BufReader::new(console).split(b'\n').map_while(Result::ok) {
            println!("{:11} {}", self.name, String::from_utf8_lossy(&line).trim_end());
        }
    }

    fn wait(&self, child: &mut Child, deadline: Duration) -> Result<bool, String> {
        let emulator = self.facts.emulator;
        let begin = Instant::now();
        let status = loop {
            let ended = child.try_wait().map_err(|error| format!("{emulator}: {error}"))?;
            if let Some(status) = ended {
                break status;
            }
            if begin.elapsed() > deadline {
                stop(child);
                return Err(format!(
                    "the machine `{}` did not finish in {} s",
                    self.name,
                    deadline.as_secs()
                ));
            }
            thread::sleep(POLL);
        };
        if !status.success() {
            return Err(format!("{emulator}: {status}"));
        }
        let verdict = fs::read_to_string(&self.verdict);
        let passed = verdict.map_err(|error| failed(&self.verdict, &error))?.trim() == PASSED;
        println!("{:11} {}", self.name, if passed { PASSED } else { "FAILED" });
        Ok(passed)
    }

    fn start(&self) -> Result<Child, String> {
        let facts = self.facts;
        let mut command = Command::new(facts.emulator);
        command.args(["-accel", "tcg,thread=multi", "-smp", "2", "-m", "2G"]).args(facts.machine);
        command.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        command.args(["-append", facts.kernel_arguments, "-kernel"]).arg(&self.kernel);
        command.arg("-initrd").arg(&self.files).args(["-serial", "stdio", "-chardev"]);
        // A comma would begin the next of its options.
        let verdict = self.verdict.to_string_lossy().replace(',', ",,");
        command.arg(format!("file,id=verdict,path={verdict}")).args(facts.verdict);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().map_err(|error| {
            let emulator = facts.emulator;
            let hint = match emulator {
                "qemu-system-aarch64" => "as root, `apt-get install qemu-system-arm`",
                _ => "`cargo xtask test install`",
            };
            format!("running `{emulator}`: {error}\nhint: {hint}")
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
