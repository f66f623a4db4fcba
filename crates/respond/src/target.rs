//! Whom a response is meant for.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::process::ProcessId;

/// A process, a container, a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// With its birth in nanoseconds since boot; whoever knows only a number means whoever has it now.
    Process { pid: u32, started: Option<u64> },
    /// By its whole id, its name, or the beginning of its id.
    Container(String),
    /// A path as the container shows it, or the host.
    File {
        container: Option<String>,
        #[serde(with = "crate::path")]
        path: PathBuf,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told: Option<Told>,
    },
}

/// What whoever saw a file knows of it beside its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// In whose root the path is meant, with its birth in nanoseconds since boot.
    pub pid: u32,
    pub started: u64,
    /// Which file it is: device (major in the upper, minor in the lower 32 bits) and inode.
    pub file: Option<(u64, u64)>,
}

impl Told {
    pub(crate) fn process(self) -> ProcessId {
        ProcessId { pid: self.pid, started: self.started }
    }
}

impl Target {
    /// Whether doing something to both is doing it once.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let parts = |target: &Self| match target {
            Self::File { container, path, told } => {
                Some((container.clone(), path.clone(), told.and_then(|told| told.file)))
            }
            _ => None,
        };
        match (parts(self), parts(other)) {
            (None, None) => self == other,
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, .. } => write!(f, "process {pid}"),
            Self::Container(name) => write!(f, "container {name}"),
            Self::File { container: None, path, .. } => write!(f, "file {}", path.display()),
            Self::File { container: Some(name), path, .. } => {
                write!(f, "file {name}:{}", path.display())
            }
        }
    }
}
