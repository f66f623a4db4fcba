//! Which tier sees calls: the best that this kernel lets load, unless somebody chose.

use std::collections::BTreeSet;

use aya::programs::ProgramError;
use aya::{Btf, Ebpf};
use model::event::Call;

use super::functions::Functions;
use super::tracepoints::EveryCall;
use super::{Refusal, preemption, reason};

/// How calls are seen, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// At the end of the functions of the wanted calls: nothing else is slowed down.
    Fentry,
    /// At the end of every call of the machine.
    Tracepoints,
}

impl Tier {
    pub const ALL: [Self; 2] = [Self::Fentry, Self::Tracepoints];

    pub fn name(self) -> &'static str {
        match self {
            Self::Fentry => "fentry",
            Self::Tracepoints => "tracepoints",
        }
    }
}

/// The tier in use.
pub(super) struct Calls {
    programs: Programs,
    /// Why it is not a better one.
    pub(super) because: Option<String>,
    may_fall_back: bool,
}

enum Programs {
    Functions(Functions),
    EveryCall(EveryCall),
}

impl Calls {
    /// Tries them, or takes the one that is chosen, which is an error if it does not load.
    pub(super) fn start(
        chosen: Option<Tier>,
        ebpf: &mut Ebpf,
        types: &Btf,
    ) -> Result<Self, Refusal> {
        let (functions, because) = match chosen {
            Some(Tier::Fentry) => (Some(Functions::start(ebpf, types)?), None),
            Some(Tier::Tracepoints) => (None, Some("it was chosen".to_owned())),
            None => try_functions(ebpf, types),
        };
        let programs = functions.map_or_else(Programs::every_call, Programs::Functions);
        Ok(Self { programs, because, may_fall_back: chosen.is_none() })
    }

    pub(super) fn tier(&self) -> Tier {
        match self.programs {
            Programs::Functions(_) => Tier::Fentry,
            Programs::EveryCall(_) => Tier::Tracepoints,
        }
    }

    /// Where a function refuses its program, all calls go to the lower tier; it begins before the
    /// other one ends, so that calls are told twice rather than not at all.
    pub(super) fn watch(
        &mut self,
        ebpf: &mut Ebpf,
        types: &Btf,
        wanted: &BTreeSet<Call>,
    ) -> Result<(), Refusal> {
        let refusal = match &mut self.programs {
            Programs::EveryCall(program) => {
                return program.watch(ebpf, types, !wanted.is_empty());
            }
            Programs::Functions(functions) => match functions.watch(ebpf, types, wanted) {
                Err(refusal) if self.may_fall_back => refusal,
                result => return result,
            },
        };
        let mut program = EveryCall::default();
        program.watch(ebpf, types, !wanted.is_empty())?;
        self.programs = Programs::EveryCall(program);
        self.because = Some(in_short(&refusal));
        Ok(())
    }

    pub(super) fn functions(&self) -> Option<&Functions> {
        match &self.programs {
            Programs::Functions(functions) => Some(functions),
            Programs::EveryCall(_) => None,
        }
    }

    /// The name of its program, if that is one for all calls.
    pub(super) fn every_call(&self) -> Option<&'static str> {
        match &self.programs {
            Programs::Functions(_) => None,
            Programs::EveryCall(program) => program.loaded(),
        }
    }
}

impl Programs {
    fn every_call() -> Self {
        Self::EveryCall(EveryCall::default())
    }
}

/// A kernel that loads it may still be one on which it sees less.
fn try_functions(ebpf: &mut Ebpf, types: &Btf) -> (Option<Functions>, Option<String>) {
    match Functions::start(ebpf, types) {
        Err(refusal) => (None, Some(in_short(&refusal))),
        Ok(functions) => match preemption::reason() {
            Some(reason) => (None, Some(reason)),
            None => (Some(functions), None),
        },
    }
}

/// Without what the verifier says.
fn in_short(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Function { name, error: ProgramError::LoadError { io_error, .. } } => {
            format!("loading it for the function `{name}`: {io_error}")
        }
        Refusal::Function { name, error } => {
            format!("function `{name}`: {}", reason::in_short(error))
        }
        refusal => refusal.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}
