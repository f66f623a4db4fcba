//! What kept an import or an update from doing all of its work, by what it asks of the user.

use std::fmt;

/// A kind of failure. Of several, the greatest is the one to tell first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// A server could not be reached, refused, or broke off.
    Network,
    /// What came is damaged, or not what its source serves.
    Damaged,
    /// A local operation failed: a full disk, a missing permission.
    Local,
    /// The user or the time limit ended the work.
    Stopped,
}

/// A failure and why, a lower-case fragment.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) struct Cause {
    pub(crate) failure: Failure,
    pub(crate) why: String,
    /// The server answered, and does not have it.
    pub(crate) is_absent: bool,
}

impl Cause {
    pub(crate) fn network(why: impl Into<String>) -> Self {
        Self::new(Failure::Network, why)
    }

    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self::new(Failure::Damaged, why)
    }

    pub(crate) fn local(why: impl Into<String>) -> Self {
        Self::new(Failure::Local, why)
    }

    pub(crate) fn stopped() -> Self {
        Self::new(Failure::Stopped, "interrupted, or the time limit passed")
    }

    /// That a server does not have what it was asked for.
    pub(crate) fn absent(why: impl Into<String>) -> Self {
        Self { is_absent: true, ..Self::network(why) }
    }

    fn new(failure: Failure, why: impl Into<String>) -> Self {
        Self { failure, why: why.into(), is_absent: false }
    }

    /// The same about something that is named.
    pub(crate) fn of(self, subject: &str) -> Self {
        Self { why: format!("`{subject}`: {}", self.why), ..self }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
