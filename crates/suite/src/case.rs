//! The nouns: what a case asks for. They travel to the actors as JSON.

use std::collections::BTreeMap;

use detect::Place;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// One thing that happens, and what has to come of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// That of the test; of a template's cases, with a number.
    pub name: String,
    /// The values that a template was filled with: `name=value`.
    pub values: Vec<String>,
    /// The rule that has to fire.
    pub rule: String,
    /// Where the test stands.
    pub place: Place,
    /// It is not meant for this kind of machine.
    pub elsewhere: bool,
    /// None for the host.
    pub container: Option<Wanted>,
    pub(crate) processes: Vec<Program>,
    pub(crate) work: Work,
    pub outcome: Outcome,
}

/// The container that a case is in. Those that want the same one share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub(crate) image: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) environment: BTreeMap<String, String>,
}

/// A process of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    /// Where its executable file is; somewhere if it does not matter.
    pub(crate) path: Option<String>,
    pub(crate) arguments: Vec<String>,
    /// The zeroth argument.
    pub(crate) zeroth: Option<String>,
    /// As the kernel calls it.
    pub(crate) name: Option<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) user: Option<String>,
    pub(crate) capabilities: Option<String>,
}

/// What the last process of the chain does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) before: Option<String>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) steps: Vec<Step>,
    pub(crate) after: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) kind: ResourceKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ResourceKind {
    Connection { protocol: Protocol, address: String },
    File { path: String },
    Folder { path: String },
    Pipe,
    Event,
    Signals,
    Poll,
    Watch,
    Memory { name: String },
    Process { program: Box<Program>, from_memory: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Protocol {
    Tcp4,
    Tcp6,
    Udp4,
    Udp6,
    Unix,
}

/// A system call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) call: String,
    pub(crate) arguments: BTreeMap<String, Argument>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Argument {
    Number(i64),
    Text(String),
    /// What a resource or an earlier step shows: `cs.client.fd`.
    Bound(String),
}

impl ResourceKind {
    /// What steps may bind to.
    pub(crate) fn shows(&self) -> &'static [&'static str] {
        match self {
            Self::Connection { .. } => &["client.fd", "server.fd"],
            Self::Pipe => &["readFd", "writeFd"],
            Self::Process { .. } => &["pid"],
            Self::File { .. }
            | Self::Folder { .. }
            | Self::Event
            | Self::Signals
            | Self::Poll
            | Self::Watch
            | Self::Memory { .. } => &["fd"],
        }
    }
}
