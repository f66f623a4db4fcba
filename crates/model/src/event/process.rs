//! Who did it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Capabilities, Text};

/// A process (a thread group) as it was at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// In the initial namespace. With `started`, an identity that is never used twice.
    pub pid: u32,
    /// Nanoseconds since the Unix epoch at which it was forked.
    pub started: u64,
    /// Nanoseconds since boot at which it was, which no setting of a clock changes. Not recorded: 0
    /// where it is not known.
    #[serde(skip)]
    pub born: u64,
    /// At which its present program began; `started` if it never executed one.
    pub executed: u64,
    /// 0 if it has none that can be seen.
    pub parent: u32,
    /// The pid in its own namespace.
    pub virtual_pid: u32,
    pub session: u32,
    pub virtual_session: u32,
    pub group: u32,
    pub virtual_group: u32,
    /// The kernel's `comm`: at most 15 bytes, and the process may change it.
    pub name: Text,
    /// With the zeroth; cut at the sensor's limit. A process that is forked shares them with its
    /// maker.
    pub arguments: Arc<[Text]>,
    /// `NAME=value`; cut and shared as arguments are.
    pub environment: Arc<[Text]>,
    /// Arguments or environment are longer than what is here.
    pub cut: bool,
    pub directory: Text,
    /// The controlling terminal's device number, 0 without one.
    pub terminal: u32,
    pub executable: Executable,
    pub credentials: Credentials,
    /// The kernel's identity of its control group in the hierarchy that tells containers apart.
    pub control_group: u64,
}

/// The file that a process executes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executable {
    /// Absolute in the process' root, links followed. `memfd:NAME` for anonymous memory.
    pub path: Text,
    pub device: u64,
    pub inode: u64,
    /// Nanoseconds since the Unix epoch.
    pub changed: u64,
    pub modified: u64,
    pub layering: Layering,
    pub from_memory: bool,
    /// The process' user may write to it.
    pub writable: bool,
    /// No name leads to it any more.
    pub unlinked: bool,
    pub sets_user: bool,
    pub sets_group: bool,
    pub file_capabilities: bool,
}

/// Where on an overlay file system a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layering {
    /// Not on an overlay, or not known.
    #[default]
    None,
    /// Written since the container began.
    Upper,
    /// As the image brought it.
    Lower,
    /// A program that is on none and was executed in other mounts than its parent's: what a container
    /// begins with from memory or a volume, and not what makes the container.
    Inside,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub uid: u32,
    pub gid: u32,
    pub effective_uid: u32,
    pub effective_gid: u32,
    pub saved_uid: u32,
    pub saved_gid: u32,
    pub capabilities: Capabilities,
    /// As whom the session was logged in (`loginuid`); None where nobody was.
    pub login_uid: Option<u32>,
    /// Names are those of the process' own root where it can be read. None where there is none.
    pub user: Option<User>,
    pub login_user: Option<User>,
    pub group: Option<Text>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub name: Text,
    pub home: Text,
    pub shell: Text,
}
