//! What of a profile is wider than what was seen, and why: a limit was reached.

use core::fmt;

use super::path::Pattern;
use super::{destination, program, tree};

/// The limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Names,
    Paths,
    Programs,
    Parents,
    Addresses,
    Domains,
    Destinations,
    Ports,
}

impl Reason {
    pub fn text(self) -> String {
        let (limit, what) = match self {
            Self::Names => (tree::NAMES_MAX, "names"),
            Self::Paths => (tree::PATHS_MAX, "paths"),
            Self::Programs => (program::PROGRAMS_MAX, "programs"),
            Self::Parents => (program::PARENTS_MAX, "programs that start it"),
            Self::Addresses => (destination::NEIGHBOURS_MAX, "addresses or networks"),
            Self::Domains => (destination::SIBLINGS_MAX, "domains"),
            Self::Destinations => (destination::DESTINATIONS_MAX, "destinations"),
            Self::Ports => (destination::PORTS_MAX, "ports"),
        };
        format!("more than {limit} {what}")
    }
}

/// Takes what became wider.
pub(super) type Widen<'a> = &'a mut dyn FnMut(Pattern, Reason);

/// One of them, as the file has it: `written /tmp/*: more than 16 names`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Widening(pub(super) String);

impl Widening {
    pub(super) fn new(section: &str, what: &dyn fmt::Display, reason: Reason) -> Self {
        Self(format!("{section} {what}: {}", reason.text()))
    }
}

impl fmt::Display for Widening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
