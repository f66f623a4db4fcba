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
}

impl Cause {
    pub(crate) fn network(why: impl Into<String>) -> Self {
        Self { failure: Failure::Network, why: why.into() }
    }

    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self { failure: Failure::Damaged, why: why.into() }
    }

    pub(crate) fn local(why: impl Into<String>) -> Self {
        Self { failure: Failure::Local, why: why.into() }
    }

    pub(crate) fn stopped() -> Self {
        Self { failure: Failure::Stopped, why: "interrupted, or the time limit passed".to_owned() }
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
