//! Why something was not done.

use std::path::PathBuf;

use model::Response;

use crate::entry::Id;

/// Nothing was done, or what was begun was taken back, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{what} is not possible from inside of a container's namespaces")]
    NotOfHost { what: &'static str },
    #[error("state folder `{}`: {why}", path.display())]
    State { path: PathBuf, why: String },
    #[error("journal `{}`: {error}", path.display())]
    Journal {
        path: PathBuf,
        #[source]
        error: std::io::Error,
    },
    #[error("there is no {what} `{name}`")]
    NotFound { what: &'static str, name: String },
    #[error("`{name}` may be any of {}", found.join(", "))]
    Ambiguous { name: String, found: Vec<String> },
    #[error("`{subject}` is protected: {why}")]
    Protected { subject: String, why: String },
    #[error("{response} cannot be done to {target}", response = name(*response))]
    Senseless { response: Response, target: String },
    #[error("{what} has no time limit", what = name(*response))]
    NoLimit { response: Response },
    #[error("`{target}` is under {what} already, by {id}", what = name(*response))]
    Already { response: Response, target: String, id: Id },
    #[error("it has not ended after {seconds} s, and is left to itself")]
    Late { seconds: u64 },
    #[error("{why}")]
    Hangs { why: &'static str },
    #[error("{id} is {state}")]
    NotNow { id: Id, state: &'static str, hint: &'static str },
    #[error("{what} {subject}: {why}")]
    Failed { what: &'static str, subject: String, why: String, hint: Option<&'static str> },
}

/// As users call it.
pub(crate) fn name(response: Response) -> &'static str {
    match response {
        Response::Quarantine => "quarantine",
        Response::Isolate => "isolate",
        Response::Pause => "pause",
        Response::Kill => "kill",
        Response::Stop => "stop",
    }
}

impl Refusal {
    pub(crate) fn failed(
        what: &'static str,
        subject: impl Into<String>,
        why: &impl ToString,
    ) -> Self {
        Self::Failed { what, subject: subject.into(), why: why.to_string(), hint: None }
    }

    #[must_use]
    pub(crate) fn hinting(self, hint: &'static str) -> Self {
        match self {
            Self::Failed { what, subject, why, .. } => {
                Self::Failed { what, subject, why, hint: Some(hint) }
            }
            other => other,
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotOfHost { .. } => {
                Some("run it on the host, or with --cgroupns=host --pid=host")
            }
            Self::State { .. } => Some("a folder of root's own, mode 0700: see --state"),
            Self::Journal { .. } => Some(
                "nothing is done that cannot be written down: make room, or name another --state",
            ),
            Self::NotFound { what: "process" | "running container", .. } => {
                Some("a number is a process, anything else a running container's name or id")
            }
            Self::NotFound {
                what: "response" | "isolated container" | "container paused by us",
                ..
            } => Some("`lazaret respond list` shows them all"),
            Self::NotFound { .. } => None,
            Self::Ambiguous { .. } => Some("write more of the id"),
            Self::Protected { .. } => Some("who means it does it with the service's own tools"),
            Self::Senseless { .. } => Some("`lazaret respond --help` says what goes with what"),
            Self::NoLimit { .. } => {
                Some("limits are for what can be undone: pause, isolate, quarantine")
            }
            Self::Already { .. } => Some("`lazaret respond undo ID` first, then again"),
            Self::Late { .. } | Self::Hangs { .. } => {
                Some("a file system or a process there does not answer: kill its container")
            }
            Self::NotNow { hint, .. } => Some(hint),
            Self::Failed { hint, .. } => *hint,
        }
    }
}
