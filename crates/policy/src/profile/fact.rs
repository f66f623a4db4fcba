//! One thing that a workload did: what a profile is made of, and what deviates from one.

use core::fmt;

use super::{Origin, Parent, Pattern, Port, Target};

/// A fact about a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    Program {
        path: Pattern,
        origin: Origin,
        parent: Parent,
    },
    Written(Pattern),
    Read(Pattern),
    Destination {
        target: Target,
        port: Port,
        /// What an address is called, and who said so.
        names: Vec<(Target, Target)>,
    },
    Listen(Port),
    Capability(String),
    Call {
        architecture: String,
        name: String,
    },
}

impl Fact {
    /// The section of a profile that it belongs to.
    pub fn section(&self) -> &'static str {
        match self {
            Self::Program { .. } => "programs",
            Self::Written(_) => "written",
            Self::Read(_) => "read",
            Self::Destination { .. } => "destinations",
            Self::Listen(_) => "listens",
            Self::Capability(_) => "capabilities",
            Self::Call { .. } => "calls",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { path, origin, parent } => {
                write!(f, "{path} ({}), started by {parent}", origin.name())
            }
            Self::Written(path) | Self::Read(path) => path.fmt(f),
            Self::Destination { target, port, names } => {
                write!(f, "{target}")?;
                if !matches!(target, Target::Socket(_)) {
                    write!(f, " {port}")?;
                }
                match names.first() {
                    Some((name, _)) => write!(f, " ({name})"),
                    None => Ok(()),
                }
            }
            Self::Listen(port) => port.fmt(f),
            Self::Capability(name) => f.write_str(name),
            Self::Call { architecture, name } => write!(f, "{name} ({architecture})"),
        }
    }
}
