//! What was done, with everything that the call was given and that the kernel made of it.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Descriptor, Process, Text};
use crate::{MalwareEngine, Severity};

/// The deed of an event. Paths are absolute in the process' own root; `raw` is what it wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// As [`Self::Exec`], in recordings of before: whoever reads them makes that of it.
    ExecAlone {
        file: PathArgument,
    },
    /// A new process, not a thread.
    Fork {
        child: u32,
    },
    /// Status as `wait` gives it: the signal in the low seven bits, else the code in the second
    /// byte.
    Exit {
        status: i32,
    },
    Open {
        descriptor: Descriptor,
        path: PathArgument,
        flags: OpenFlags,
        mode: u32,
    },
    Close {
        descriptor: Descriptor,
    },
    /// Bytes read from or written to something; `data` is a beginning, at most 80 bytes.
    Read {
        descriptor: Descriptor,
        data: Text,
    },
    Write {
        descriptor: Descriptor,
        data: Text,
    },
    Rename {
        from: PathArgument,
        to: PathArgument,
    },
    Link {
        from: PathArgument,
        to: PathArgument,
    },
    /// `target` is text that nobody resolves.
    Symlink {
        target: Text,
        path: PathArgument,
    },
    Unlink {
        path: PathArgument,
    },
    MakeDirectory {
        path: PathArgument,
        mode: u32,
    },
    RemoveDirectory {
        path: PathArgument,
    },
    MakeNode {
        path: PathArgument,
        mode: u32,
        device: u64,
    },
    Chmod {
        path: PathArgument,
        mode: u32,
    },
    Chown {
        path: PathArgument,
        uid: Option<u32>,
        gid: Option<u32>,
    },
    SetAttribute {
        path: PathArgument,
        name: Text,
    },
    ChangeDirectory {
        path: PathArgument,
    },
    ChangeRoot {
        path: PathArgument,
    },
    PivotRoot {
        new: PathArgument,
        old: PathArgument,
    },
    /// `domain`, `kind` without its flags, and `protocol` are the numbers of `socket(2)`.
    Socket {
        descriptor: Descriptor,
        domain: i32,
        kind: i32,
        protocol: i32,
    },
    Connect {
        descriptor: Descriptor,
    },
    Bind {
        descriptor: Descriptor,
    },
    Listen {
        descriptor: Descriptor,
    },
    /// The descriptor is the new connection's.
    Accept {
        descriptor: Descriptor,
    },
    Send {
        descriptor: Descriptor,
        questions: Vec<Question>,
    },
    Receive {
        descriptor: Descriptor,
        questions: Vec<Question>,
    },
    /// `to` then stands for what `from` stood for.
    Duplicate {
        from: i32,
        to: i32,
        descriptor: Descriptor,
    },
    SetId(SetId),
    SetCapabilities {
        before: Capabilities,
        after: Capabilities,
    },
    /// `kinds` are `CLONE_NEW…` bits.
    SetNamespace {
        descriptor: i32,
        kinds: u64,
    },
    Unshare {
        kinds: u64,
    },
    Mount(MountAct),
    Unmount {
        path: PathArgument,
        flags: u64,
    },
    /// `request` is the number of `ptrace(2)`; the process is that of the tracee.
    Trace {
        request: u64,
        process: u32,
    },
    ReadMemory {
        process: u32,
    },
    WriteMemory {
        process: u32,
    },
    /// Anonymous memory as a file.
    MakeMemoryFile {
        descriptor: Descriptor,
        name: Text,
        flags: u64,
    },
    /// Pages were made writable and executable, or executable after they were writable.
    Protect {
        address: u64,
        length: u64,
        protection: u64,
    },
    /// The file is empty where the module came from memory alone.
    LoadModule {
        path: PathArgument,
        name: Text,
    },
    /// `command` is the number of `bpf(2)`; the name is the program's or the map's.
    Bpf {
        command: u64,
        name: Text,
    },
    OpenPerformanceCounter {
        kind: u32,
    },
    HandlePageFaults {
        flags: u64,
    },
    SetUpRing {
        entries: u32,
    },
    OpenByHandle {
        descriptor: Descriptor,
        flags: OpenFlags,
    },
    Keyring {
        command: u64,
    },
    LoadKernel {
        flags: u64,
    },
    Reboot {
        command: u64,
    },
    Kill {
        process: i64,
        signal: i32,
    },
    /// A system call of which only the number and the arguments are known.
    Other {
        number: u64,
        arguments: [u64; 6],
    },
    /// A container was seen for the first time, with what is known of it.
    Container,
    /// Events that the sensor could not deliver.
    Lost(Loss),
    // Recordings know acts by their place here: new ones stand at the end.
    /// A file was given another length; the text that was beyond it is gone.
    Truncate {
        path: PathArgument,
        length: u64,
    },
    /// The beginning of a mount by the new calls: a file system of a kind, not configured yet.
    OpenFilesystem {
        descriptor: Descriptor,
        filesystem: Text,
        flags: u64,
    },
    /// `command` is the number of `fsconfig(2)`; the value is empty where it is no text.
    ConfigureFilesystem {
        descriptor: i32,
        command: u64,
        key: Text,
        value: Text,
    },
    /// A mount that has no place yet: of what was configured (an empty path), or, if `flags` say so,
    /// a copy of one that is there.
    OpenMount {
        descriptor: Descriptor,
        path: PathArgument,
        flags: u64,
    },
    /// The content of a file was found to be malware after it was written or executed. Rules name
    /// the event `malware`; the process is the one that did it.
    Malware(Suspicion),
    /// The program is the event's process; `file` is what the call named, before the kernel
    /// followed links or an interpreter line. `streams` are those of descriptors 0 to 2 that stood for
    /// something as it began.
    Exec {
        file: PathArgument,
        streams: Vec<Descriptor>,
    },
    /// Another process holds a connection and the other end of what the event's process has for its input.
    /// Worked out of events that were there before: rules name it `relay`, and recordings do not hold it.
    Relay(Relay),
}

/// Who stands between a connection and a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relay {
    pub carrier: Box<Process>,
    /// As it was when the carrier made it.
    pub connection: Descriptor,
}

/// What one rule for malware says of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspicion {
    /// The file; it has no number.
    pub descriptor: Descriptor,
    /// It was executed; else it was written.
    pub executed: bool,
    pub rule: Text,
    /// `webshell`, `miner` …; empty if the rule does not say.
    pub family: Text,
    pub title: Text,
    pub engine: MalwareEngine,
    pub severity: Severity,
    /// Which member of an archive was matched; empty for the file itself.
    pub within: Text,
    /// Of what was matched, in hexadecimal; empty where the file is longer than what was read of it.
    pub sha256: Text,
}

/// A path as the process gave it and as the kernel understood it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathArgument {
    /// Empty where the sensor sees only what the kernel resolved.
    pub raw: Text,
    /// Absolute, links followed; where the call failed, `raw` against the directory it is relative
    /// to, cleaned of `.` and `..`.
    pub path: Text,
    /// The kernel resolved it: it cannot have been changed after the look.
    pub resolved: bool,
}

/// The flags of `open(2)`, as Linux numbers them on x86-64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFlags {
    pub bits: u32,
    /// The call made the file.
    pub created: bool,
}

impl OpenFlags {
    const ACCESS: u32 = 0o3;
    const WRITE_ONLY: u32 = 0o1;
    const READ_WRITE: u32 = 0o2;
    const PATH: u32 = 0o10_000_000;

    pub fn reads(self) -> bool {
        self.bits & Self::PATH == 0 && self.bits & Self::ACCESS != Self::WRITE_ONLY
    }

    pub fn writes(self) -> bool {
        self.bits & Self::PATH == 0
            && matches!(self.bits & Self::ACCESS, Self::WRITE_ONLY | Self::READ_WRITE)
    }
}

/// User or group ids after a call that sets some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetId {
    /// Group ids rather than user ids.
    pub group: bool,
    /// What the call asked for: real, effective, saved. None where it leaves one alone.
    pub asked: [Option<u32>; 3],
}

/// Sets of Linux capabilities, bit n for capability n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
}

/// A mount, by the old call or by the last step of the new ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountAct {
    pub source: Text,
    pub target: PathArgument,
    /// `ext4`, `proc`; empty for a bind mount.
    pub filesystem: Text,
    pub flags: u64,
}

/// One question of DNS, and what it was answered where the event is an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Without the last dot, as asked.
    pub name: Text,
    /// The number of the record's type: 1 for A, 28 for AAAA.
    pub kind: u16,
    pub answers: Vec<IpAddr>,
}

/// For whom something was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Not known any more.
    Anyone,
    /// By the identity of its control group.
    ControlGroup(u64),
}

/// Events of one class that never arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// `exec`, `open`, `connect` …: the class in which they were counted.
    pub class: String,
    pub of: Audience,
    pub count: u64,
    /// `buffer full`, `over budget`, `cut off` …
    pub cause: String,
}
