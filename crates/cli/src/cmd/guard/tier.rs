//! The tier that sees calls: chosen by the user or by what the kernel allows, and said.

use clap::ValueEnum;
use sensor::kernel::{Kernel, Tier};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Choice {
    /// The best that this kernel allows
    Auto,
    /// Programs at the functions of wanted calls
    Fentry,
    /// A program at the end of every call
    Tracepoints,
}

impl Choice {
    pub(super) fn tier(self) -> Option<Tier> {
        match self {
            Self::Auto => None,
            Self::Fentry => Some(Tier::Fentry),
            Self::Tracepoints => Some(Tier::Tracepoints),
        }
    }
}

/// The tier in use, and why it is not a better one.
pub(super) fn sentence(kernel: &Kernel) -> String {
    let (tier, because) = kernel.tier();
    match because {
        Some(because) => format!("{} (not {}: {because})", tier.name(), Tier::Fentry.name()),
        None => tier.name().to_owned(),
    }
}

/// Wanted calls that it does not tell.
pub(super) fn unseen(kernel: &Kernel) -> Option<String> {
    let unseen: Vec<&str> = kernel.unseen().into_iter().map(model::event::Call::name).collect();
    let names = unseen.join(", ");
    let why = "this kernel has no function of it that is known, for programs of each kind";
    (!unseen.is_empty()).then(|| format!("not seen: {names} ({why})"))
}
