//! Stop: a container, by its runtime, so that the runtime knows why it ended.
//!
//! Docker and Podman are asked through their API, and Podman by its command where that does not run. Of
//! others the first process is told to end, and after a while everything is killed: the runtime sees
//! that it ended, and may start it again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::event::ContainerRuntime;
use rustix::process::Signal;
use sensor::containers::{Account, Places, http};
use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::kill::Killing;
use crate::podman;
use crate::process::{Handle, ProcessId};
use crate::refusal::Refusal;

/// What a container has to end by itself, as runtimes give it by default.
const GRACE: Duration = Duration::from_secs(10);
/// Beyond that, for the runtime's own work.
const WORK: Duration = Duration::from_secs(10);
/// What a container that is said to have ended has to be gone.
const LOOK: Duration = Duration::from_secs(1);
/// Of a daemon's reason.
const REASON_CHARS_MAX: usize = 300;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stopping {
    container: String,
    /// Of a runtime that can be asked.
    socket: Option<PathBuf>,
    /// Podman's command, where nobody listens.
    #[serde(default)]
    podman: Option<Podman>,
    first: ProcessId,
    rest: Killing,
}

/// As whom it is run; as ourselves for the host's containers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Podman {
    account: Option<Account>,
}

impl Stopping {
    pub(crate) fn plan(container: &Container, places: &Places) -> Result<Self, Refusal> {
        let freezer = container.freezer()?;
        if freezer.is_frozen().unwrap_or(false) {
            let refusal = Refusal::failed("stopping", container.title(), &"it is paused");
            return Err(refusal.hinting("resume it first; `kill` ends a paused one"));
        }
        let socket = socket(container, places);
        Ok(Self {
            container: container.id.clone(),
            podman: Podman::of(container, places).filter(|_| socket.is_none()),
            socket,
            first: container.first_process()?.id,
            rest: Killing::of_container(container)?,
        })
    }

    pub(crate) fn perform(&self) -> Result<String, Refusal> {
        let failed = |error| Refusal::failed("stopping", &self.container, &error);
        // What was started anew since the order is not what it was about.
        if Handle::take(self.first).map_err(failed)?.is_none() {
            return Ok("it had stopped".to_owned());
        }
        match (&self.socket, &self.podman) {
            (Some(socket), _) => self.ask(socket),
            (None, Some(podman)) => self.run(podman),
            (None, None) => self.end("its runtime was not asked"),
        }
    }

    /// A user's Podman may say what it likes, so the container is looked at.
    fn run(&self, Podman { account }: &Podman) -> Result<String, Refusal> {
        let failed = |error| Refusal::failed("stopping", &self.container, &error);
        let first = Handle::take(self.first).map_err(failed)?;
        match podman::stop(&self.container, account.as_ref(), GRACE, GRACE + WORK) {
            Ok(()) if first.is_none_or(|first| first.ends_within(LOOK)) => {
                Ok("stopped by its runtime".to_owned())
            }
            Ok(()) => self.end("its runtime says that it stopped, which it has not"),
            Err(why) => self.end(&why),
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

    /// Without its runtime.
    fn end(&self, why: &str) -> Result<String, Refusal> {
        let failed = |error| Refusal::failed("stopping", &self.container, &error);
        let Some(first) = Handle::take(self.first).map_err(failed)? else {
            return Ok("it had ended".to_owned());
        };
        first.signal(Signal::TERM).map_err(failed)?;
        if first.ends_within(GRACE) {
            return Ok(format!("its first process ended; {why}, and may start it again"));
        }
        let killed = self.rest.perform()?;
        Ok(format!("it did not end by itself: {killed}; {why}, and may start it again"))
    }
}

impl Podman {
    /// None where it is another runtime's, there is no Podman, or its user has no account.
    fn of(container: &Container, places: &Places) -> Option<Self> {
        let is_its = container.runtime == ContainerRuntime::Podman && podman::is_installed();
        let account = container.user.map(|user| places.account_of(user));
        // A user without an account is not the host.
        let is_known = account.as_ref().is_none_or(Option::is_some);
        (is_its && is_known).then(|| Self { account: account.flatten() })
    }
}

/// The host's daemon, which knows nothing of a user's own containers.
fn socket(container: &Container, places: &Places) -> Option<PathBuf> {
    if container.user.is_some() {
        return None;
    }
    let sockets = match container.runtime {
        ContainerRuntime::Docker => &places.docker,
        ContainerRuntime::Podman => &places.podman,
        ContainerRuntime::Containerd | ContainerRuntime::Crio | ContainerRuntime::Other => {
            return None;
        }
    };
    sockets.iter().find(|socket| http::listens(socket)).cloned()
}
