//! What a workload did and its profile does not hold, in words.

use super::{Fact, Mode, Profile};

/// A fact that is not part of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    pub fact: Fact,
    /// A fragment: `runs /tmp/x (written), started by /bin/sh`.
    pub text: String,
}

impl Profile {
    /// Whether the fact deviates. What is still learnt deviates from nothing, and neither does what
    /// the profile never looked at.
    pub fn deviates(&self, fact: &Fact) -> Option<Deviation> {
        let is_looked_at = match fact {
            Fact::Capability(_) => self.capabilities.is_some(),
            Fact::Call { .. } => self.calls.is_some(),
            _ => true,
        };
        if self.mode == Mode::Learn || !is_looked_at || self.covers(fact) {
            return None;
        }
        Some(Deviation { fact: fact.clone(), text: self.words(fact) })
    }

    fn words(&self, fact: &Fact) -> String {
        match fact {
            Fact::Program { path, origin, parent } => {
                if !self.programs.names(path) {
                    format!("runs {fact}")
                } else if !self.programs.knows_origin(path, *origin) {
                    format!("runs {path}, which is `{}` now", origin.name())
                } else {
                    format!("runs {path}, started by {parent}")
                }
            }
            Fact::Written(path) => format!("writes {path}"),
            Fact::Read(path) => format!("reads {path}"),
            Fact::Destination { .. } => format!("talks to {fact}"),
            Fact::Listen(port) => format!("listens on {port}"),
            Fact::Capability(name) => format!("uses the capability {name}"),
            Fact::Call { .. } => format!("makes the system call {fact}"),
        }
    }
}
