//! The cage: all that a process keeps in one value, and closing it in the order that works.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use thiserror::Error;

use crate::calls::{Group, Otherwise};
use crate::files::{Files, Network};
use crate::{CapabilitySet, capability, files, filter};

/// What a process keeps. All else it gives up.
#[derive(Clone, Debug)]
pub struct Cage {
    pub capabilities: CapabilitySet,
    pub files: Files,
    pub network: Network,
    /// The system calls that it may make.
    pub calls: Vec<&'static Group>,
    /// Calls that are answered with an error although libraries try them.
    pub declined: Vec<&'static Group>,
    /// What becomes of all other calls.
    pub otherwise: Otherwise,
    /// What it may take at most; what stands here cannot be raised again without `CAP_SYS_RESOURCE`.
    pub limits: Vec<(Resource, u64)>,
}

/// No memory of the process is ever written to a file of a core.
pub const LIMITS: [(Resource, u64); 1] = [(Resource::Core, 0)];

/// Something that this kernel does not hold, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap(pub String);

/// Why a cage could not be closed. Whoever gets it must not go on.
#[derive(Debug, Error)]
pub enum CageError {
    #[error("the process has threads already, which would stay outside")]
    NotAlone,
    #[error("cannot {what}")]
    Refused {
        what: &'static str,
        #[source]
        cause: io::Error,
    },
    #[error("cannot restrict files and sockets")]
    Landlock(#[source] landlock::RulesetError),
    #[error("cannot restrict system calls")]
    Seccomp(#[source] seccompiler::Error),
}

impl CageError {
    pub(crate) fn of(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |cause| Self::Refused { what, cause: cause.into() }
    }
}

impl Cage {
    /// Closes it around the whole process, which must have one thread only.
    pub fn close(&self) -> Result<Vec<Gap>, CageError> {
        if !capability::is_alone() {
            return Err(CageError::NotAlone);
        }
        self.close_thread()
    }

    /// Closes it around this thread and those that it starts from now on.
    pub fn close_thread(&self) -> Result<Vec<Gap>, CageError> {
        for (resource, most) in LIMITS.iter().chain(&self.limits) {
            let limit = Rlimit { current: Some(*most), maximum: Some(*most) };
            setrlimit(*resource, limit).map_err(CageError::of("set a limit"))?;
        }
        // Nobody else of this user traces it, looks into its memory, or has a core of it.
        set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(CageError::of("hide its memory"))?;
        capability::bound(self.capabilities).map_err(CageError::of("bound capabilities"))?;
        rustix::thread::set_no_new_privs(true).map_err(CageError::of("refuse new privileges"))?;
        let gaps = files::close(&self.files, &self.network).map_err(CageError::Landlock)?;
        capability::keep(self.capabilities).map_err(CageError::of("give up capabilities"))?;
        // The last, since it may refuse all of the above.
        filter::close(self).map_err(CageError::Seccomp)?;
        Ok(gaps)
    }
}
