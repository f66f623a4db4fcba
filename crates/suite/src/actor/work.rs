//! What the last process of a chain does: a script, resources, steps, a script. Whatever becomes of
//! them, what was made is undone.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use super::call::{self, Shown};
use super::resource::Held;
use super::{Chain, MARK, Report, Stumble};

/// Beyond the descriptors that a case may name.
const OUT_FD_LEAST: i32 = 100;

/// Where reports go.
pub(super) struct Out {
    descriptor: std::fs::File,
}

impl Out {
    pub(super) fn new(descriptor: OwnedFd) -> Self {
        Self { descriptor: descriptor.into() }
    }

    pub(super) fn of_stdout() -> rustix::io::Result<Self> {
        let out = rustix::io::fcntl_dupfd_cloexec(std::io::stdout(), OUT_FD_LEAST)?;
        Ok(Self::new(out))
    }

    pub(super) fn tell(&self, report: &Report) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(report)?;
        line.push(b'\n');
        (&self.descriptor).write_all(&line)
    }
}

pub(super) fn work(chain: &Chain, out: &Out) -> Result<(), Stumble> {
    let work = &chain.work;
    let mut held = Held::new(&chain.folder, out);
    let mut shown = Shown::default();
    let done = script(work.before.as_deref())
        .and_then(|()| work.resources.iter().try_for_each(|it| held.make(it, &mut shown)))
        .and_then(|()| work.steps.iter().try_for_each(|step| call::make(step, &mut shown)));
    let after = script(work.after.as_deref());
    drop(held);
    done.and(after)
}

/// A script is not marked: what it does is not what has to be found.
fn script(text: Option<&str>) -> Result<(), Stumble> {
    let Some(text) = text else { return Ok(()) };
    let mut command = Command::new("bash");
    command.args(["-c", text]).env_remove(MARK);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output =
        command.output().map_err(|why| Stumble::unable("`bash` cannot be started", why))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("it says nothing");
    Err(Stumble::Failed(format!("a script ends with {}: {first}", output.status)))
}
