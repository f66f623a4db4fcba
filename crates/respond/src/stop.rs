//! Stop: a container, by its runtime, so that the runtime knows why it ended.
//!
//! Docker and Podman are asked through their API. Of others the first process is told to end, and
//! after a while everything is killed: the runtime sees that it ended, and may start it again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::event::ContainerRuntime;
use rustix::process::Signal;
use sensor::containers::{Places, http};
use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::kill::Killing;
use crate::process::{Handle, ProcessId};
use crate::refusal::Refusal;

/// What a container has to end by itself, as runtimes give it by default.
const GRACE: Duration = Duration::from_secs(10);
/// Beyond that, for the runtime's own work.
const WORK: Duration = Duration::from_secs(10);
/// Of a daemon's reason.
const REASON_CHARS_MAX: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stopping {
    container: String,
    /// Of a runtime that can be asked.
    socket: Option<PathBuf>,
    first: ProcessId,
    rest: Killing,
}

impl Stopping {
    pub(crate) fn plan(container: &Container, places: &Places) -> Result<Self, Refusal> {
        let freezer = container.freezer()?;
        if freezer.is_frozen().unwrap_or(false) {
            let refusal = Refusal::failed("stopping", container.title(), &"it is paused");
            return Err(refusal.hinting("resume it first; `kill` ends a paused one"));
        }
        Ok(Self {
            container: container.id.clone(),
            socket: socket(container, places),
            first: container.first_process()?.id,
            rest: Killing::of_container(container)?,
        })
    }

    pub(crate) fn perform(&self) -> Result<String, Refusal> {
        match &self.socket {
            Some(socket) => self.ask(socket),
            None => self.end(),
        }
    }

    fn ask(&self, socket: &Path) -> Result<String, Refusal> {
        let path = format!("/containers/{}/stop?t={}", self.container, GRACE.as_secs());
        let failed = |why: &dyn ToString| {
            Refusal::failed("stopping", &self.container, &why.to_string())
                .hinting("`kill` needs no runtime")
        };
        let answer =
            http::ask(socket, "POST", &path, GRACE + WORK).map_err(|error| failed(&error))?;
        match answer {
            (204, _) => Ok("stopped by its runtime".to_owned()),
            (304, _) => Ok("it had stopped".to_owned()),
            (status, body) => {
                let said: String =
                    String::from_utf8_lossy(&body).chars().take(REASON_CHARS_MAX).collect();
                Err(failed(&format!("its runtime says {status}: {}", said.trim())))
            }
        }
    }

    fn end(&self) -> Result<String, Refusal> {
        let failed = |error| Refusal::failed("stopping", &self.container, &error);
        let Some(first) = Handle::take(self.first).map_err(failed)? else {
            return Ok("it had ended".to_owned());
        };
        first.signal(Signal::TERM).map_err(failed)?;
        const NOT_ASKED: &str = "its runtime was not asked, and may start it again";
        if first.ends_within(GRACE) {
            return Ok(format!("its first process ended; {NOT_ASKED}"));
        }
        let killed = self.rest.perform()?;
        Ok(format!("it did not end by itself: {killed}; {NOT_ASKED}"))
    }
}

/// The host's daemon, which knows nothing of a user's own containers.
fn socket(container: &Container, places: &Places) -> Option<PathBuf> {
    let mut groups = container.freezer.iter().chain(&container.unified);
    if groups.any(|group| group.to_string_lossy().contains("/user.slice/")) {
        return None;
    }
    let sockets = match container.runtime {
        ContainerRuntime::Docker => &places.docker,
        ContainerRuntime::Podman => &places.podman,
        ContainerRuntime::Containerd | ContainerRuntime::Crio | ContainerRuntime::Other => {
            return None;
        }
    };
    sockets.iter().find(|socket| socket.exists()).cloned()
}
