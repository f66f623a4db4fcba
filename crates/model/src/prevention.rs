//! What the guard refuses before it is done, and what it does afterwards.
//!
//! A [`Prevention`] is the part of a guard policy that a kernel can hold while a call waits: no
//! condition of a rule language, but a kind of act, the objects it may not have, and (by number)
//! the control groups it is meant for. What a condition finds can only be answered by a
//! [`Response`], after the act.

use core::net::IpAddr;
use core::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::event::Text;

/// One thing that some processes may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prevention {
    /// As the policy calls it.
    pub id: String,
    pub act: Refused,
}

/// What is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// To execute these files.
    Execute(Vec<Place>),
    /// To execute what an image did not bring: a file of an overlay's upper layer, of a file
    /// system that the container wrote to, or of memory.
    ExecuteForeign,
    /// To execute any file but these. A script counts as what interprets it, and what a program
    /// maps (libraries) does not count.
    ExecuteExcept(Vec<Place>),
    /// To open these for reading.
    Read(Vec<Place>),
    /// To open these for writing; to make, rename, link or remove them, to change mode or owner.
    Write(Vec<Place>),
    /// To connect or send to these.
    Connect(Vec<Network>),
    /// To mount, by the old interface or the new.
    Mount,
    /// To trace another process or to write to its memory.
    Trace,
    LoadModule,
    LoadBpf,
}

impl Refused {
    /// The files that it is about; none where it is about none, or about what has no path.
    pub fn places(&self) -> &[Place] {
        match self {
            Self::Execute(places)
            | Self::ExecuteExcept(places)
            | Self::Read(places)
            | Self::Write(places) => places,
            Self::ExecuteForeign
            | Self::Connect(_)
            | Self::Mount
            | Self::Trace
            | Self::LoadModule
            | Self::LoadBpf => &[],
        }
    }
}

/// Files by their path as the mount namespace of whoever asks shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Exactly(Text),
    /// And everything below; written without a slash at its end.
    Below(Text),
}

/// Addresses, and the ports there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    /// Bits of the address that count: at most 32 or 128.
    pub prefix: u8,
    /// Every port if there is none.
    pub ports: Vec<RangeInclusive<u16>>,
}

/// A prevention that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The prevention's id.
    pub prevention: String,
    /// Nanoseconds since the Unix epoch.
    pub time: u64,
    /// The process, and when it was born in nanoseconds since boot.
    pub pid: u32,
    pub started: u64,
    /// The thread's short name.
    pub name: Text,
    pub control_group: u64,
    /// What it was refused: a path, an address with its port; empty where the act has none.
    pub object: Text,
    /// False where the policy only observes: the act was let through.
    pub refused: bool,
}

/// What is done after an act, on a verdict alone. From the mildest to the gravest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Takes the file that was written or executed away, so that it can be put back.
    Quarantine,
    /// Cuts the container from every network but those an operator keeps.
    Isolate,
    /// Freezes the container's processes.
    Pause,
    /// The process and all that descends from it.
    Kill,
    /// The container, by its runtime.
    Stop,
}
