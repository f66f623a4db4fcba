//! What a sink makes of a letter. One file a sink.

pub(crate) mod file;
pub(crate) mod http;
pub(crate) mod syslog;

use std::time::Duration;

use crate::letter::Letter;

/// Takes a letter to its sink, waiting as long as that takes within bounds of its own.
pub type Carry = Box<dyn FnMut(&Letter) -> Outcome + Send>;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sink has it, as far as such a sink says so.
    Taken,
    /// The sink will never take this one.
    Refused(String),
    /// The sink takes none now; `after` is when it wants to be asked again.
    Later { why: String, after: Option<Duration> },
}

impl Outcome {
    pub(crate) fn later(why: impl std::fmt::Display) -> Self {
        Self::Later { why: why.to_string(), after: None }
    }
}
