//! What the kernel tells acts apart by: a number for each kind of [`Refused`].

use model::Refused;

/// In the order of `enum act` in `bpf/prevent_wire.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    Execute,
    ExecuteForeign,
    ExecuteExcept,
    Read,
    Write,
    Connect,
    Mount,
    Trace,
    LoadModule,
    LoadBpf,
}

impl Act {
    pub const ALL: [Self; 10] = [
        Self::Execute,
        Self::ExecuteForeign,
        Self::ExecuteExcept,
        Self::Read,
        Self::Write,
        Self::Connect,
        Self::Mount,
        Self::Trace,
        Self::LoadModule,
        Self::LoadBpf,
    ];

    pub fn of(refused: &Refused) -> Self {
        match refused {
            Refused::Execute(_) => Self::Execute,
            Refused::ExecuteForeign => Self::ExecuteForeign,
            Refused::ExecuteExcept(_) => Self::ExecuteExcept,
            Refused::Read(_) => Self::Read,
            Refused::Write(_) => Self::Write,
            Refused::Connect(_) => Self::Connect,
            Refused::Mount => Self::Mount,
            Refused::Trace => Self::Trace,
            Refused::LoadModule => Self::LoadModule,
            Refused::LoadBpf => Self::LoadBpf,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::ExecuteForeign => "execute-foreign",
            Self::ExecuteExcept => "execute-except",
            Self::Read => "read",
            Self::Write => "write",
            Self::Connect => "connect",
            Self::Mount => "mount",
            Self::Trace => "trace",
            Self::LoadModule => "load-module",
            Self::LoadBpf => "load-bpf",
        }
    }

    /// The bits of its preventions, by each act's number.
    pub(super) fn bits(preventions: &[model::Prevention]) -> [u64; Self::ALL.len()] {
        Self::ALL.map(|act| {
            let of_act = preventions.iter().enumerate();
            let of_act = of_act.filter(|(_, prevention)| Self::of(&prevention.act) == act);
            of_act.fold(0, |bits, (index, _)| bits | 1 << index)
        })
    }
}
