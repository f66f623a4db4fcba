//! Whom a response is meant for.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A process, a container, a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// With its birth in nanoseconds since boot; whoever knows only a number means whoever has it now.
    Process { pid: u32, started: Option<u64> },
    /// By its whole id, its name, or the beginning of its id.
    Container(String),
    /// A path as the container shows it, or the host.
    File { container: Option<String>, path: PathBuf },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, .. } => write!(f, "process {pid}"),
            Self::Container(name) => write!(f, "container {name}"),
            Self::File { container: None, path } => write!(f, "file {}", path.display()),
            Self::File { container: Some(name), path } => {
                write!(f, "file {name}:{}", path.display())
            }
        }
    }
}
