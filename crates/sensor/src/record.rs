//! What one BPF program saw, as plain values: the kernel's answer before anybody enriched it.
//!
//! ```text
//! ring buffer → Record::read(bytes) → process table, containers → model::event::Event
//! ```
//!
//! A record says only what was in the kernel, or in the process' memory, at that moment. It is read
//! from bytes that are taken for hostile: a length that leads outside is an error, never a panic, and
//! nothing is allocated that the bytes do not hold.

mod object;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod wire;

pub use read::Damage;
pub(crate) use read::TEXTS_MAX;

use std::sync::Arc;

use model::event::{Call, Capabilities, File, FileKind, Layering, Object, Socket, Text};

/// One act of one thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Nanoseconds since boot, sleep included (`CLOCK_BOOTTIME`).
    pub time: u64,
    pub processor: u32,
    /// Of the initial namespace.
    pub thread: u32,
    pub process: ProcessId,
    /// The parent that `wait` would tell; pid 0 for the first process of a namespace's tree.
    pub parent: ProcessId,
    /// Thread and process as their own namespace numbers them.
    pub virtual_thread: u32,
    pub virtual_process: u32,
    pub control_group: u64,
    /// `comm` of the thread.
    pub name: Text,
    /// Some text or list was longer than its limit, or a path deeper; the parts say which.
    pub cut: bool,
    pub deed: Deed,
}

/// A process for ever: the number is used again, with its start it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    pub pid: u32,
    /// Nanoseconds since boot at which its first thread was forked (`/proc/PID/stat` shows the same
    /// in clock ticks).
    pub started: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A program was started; the record's process is the new program already.
    Exec(Box<Exec>),
    /// The record's process made a process (threads are not told).
    Fork(Box<Fork>),
    /// The last thread of the process is gone.
    Exit(Exit),
    /// A system call returned.
    Call(Box<CallRecord>),
    /// A control group was made, in the hierarchy that tells containers apart.
    Group(Group),
}

/// A new program and everything that tells whose it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exec {
    /// As the call named it; `/dev/fd/N…` where it was given a descriptor.
    pub named: Text,
    /// What runs: the interpreter of a script, else the same as `named`.
    pub interpreter: Text,
    pub executable: Inode,
    pub arguments: Arc<[Text]>,
    pub environment: Arc<[Text]>,
    /// There are more of them than the record holds.
    pub arguments_cut: bool,
    pub environment_cut: bool,
    pub directory: Walk,
    pub identity: Identity,
    /// What 0, 1 and 2 stand for, where they are open.
    pub standard: Vec<Handle>,
}

/// Numbers of a process that belong together: asked at fork, exec and change of credentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    pub uid: u32,
    pub gid: u32,
    pub effective_uid: u32,
    pub effective_gid: u32,
    pub saved_uid: u32,
    pub saved_gid: u32,
    pub capabilities: Capabilities,
    /// `loginuid`; None where nobody was logged in.
    pub login_uid: Option<u32>,
    pub session: u32,
    pub virtual_session: u32,
    pub group: u32,
    pub virtual_group: u32,
    /// Device number of the controlling terminal as `stat` gives it, 0 without one.
    pub terminal: u32,
    /// Inodes of the namespaces that tell containers apart.
    pub mount_namespace: u32,
    pub pid_namespace: u32,
    pub user_namespace: u32,
    pub root: Root,
}

/// Where a process' paths begin: a mount, and the folder in it, which is 0 where it is the mount's
/// own (an overlay tells two numbers for that).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Root {
    pub mount: u32,
    pub inode: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fork {
    pub child: ProcessId,
    pub virtual_child: u32,
    /// The child's; with `CLONE_PARENT` the parent of the record's process rather than that itself.
    pub parent: ProcessId,
    /// Where the child is, which need not be where the parent is.
    pub control_group: u64,
    pub identity: Identity,
    pub executable: Inode,
    pub directory: Walk,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// As `wait` gives it.
    pub status: i32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// What records of its processes carry.
    pub number: u64,
    /// From the root of the hierarchy.
    pub path: Text,
}

/// Which numbers and sizes a call was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abi {
    Native,
    /// 32-bit: `int 0x80` and programs for i386, or arm on aarch64.
    Compat,
    X32,
}

/// One system call after it returned.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// `socketcall` is told as the call that it stands for.
    pub call: Call,
    pub abi: Abi,
    pub number: u32,
    /// As the registers had them; 32-bit ones without sign.
    pub arguments: [u64; 6],
    pub result: i64,
    pub parts: Vec<(Place, Part)>,
}

/// Whose part it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Counted from 0.
    Argument(u8),
    Result,
    /// The process itself, after the call.
    Process,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text from the process' memory: a path as written, the name of a memfd. It may have changed
    /// since the kernel used it.
    Text { text: Text, cut: bool },
    /// The directory that a relative path begins at: of the descriptor before it, or the current
    /// one. Only where the text is relative.
    Base(Walk),
    /// What a descriptor stands for.
    Handle(Handle),
    /// A `sockaddr` from the process' memory.
    Address(Text),
    /// The beginning of what was written, sent, read or received.
    Data(Text),
    /// Numbers that an argument points to: `open_how`, `pipe` …
    Words(Vec<u64>),
    /// Of the process, after a call that may change it.
    Identity(Box<Identity>),
    /// Where the process is after a call that changes directory or root.
    Directory(Walk),
}

/// A descriptor and what the kernel's table holds for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Handle {
    pub number: i32,
    /// The flags of the open file as the kernel keeps them (`f_flags`).
    pub flags: u32,
    pub held: Held,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Held {
    File(Inode),
    Memory(Inode),
    Socket {
        inode: u64,
        socket: Socket,
        state: u8,
        /// Each message has an address of its own, or may have.
        is_datagram: bool,
    },
    Pipe {
        inode: u64,
    },
    Anonymous {
        name: Text,
    },
    /// Nothing was open under the number.
    #[default]
    Unknown,
}

/// A file as its inode tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inode {
    pub walk: Walk,
    /// Major in the upper, minor in the lower 32 bits.
    pub device: u64,
    pub inode: u64,
    /// Type and permissions as `stat` gives them.
    pub mode: u32,
    pub links: u32,
    pub uid: u32,
    pub gid: u32,
    /// Nanoseconds since the Unix epoch.
    pub changed: u64,
    pub modified: u64,
    pub layering: Layering,
    /// Its name was removed.
    pub unlinked: bool,
    /// Anonymous memory (`memfd_create`).
    pub from_memory: bool,
    /// The filesystem's magic number.
    pub filesystem: u64,
    /// It carries `security.capability`; None where this kernel does not say.
    pub file_capabilities: Option<bool>,
}

/// A path, found by going from the file upwards in the kernel's own tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Begins with `/` where the way ended at a root; else it is the end of the path.
    pub path: Text,
    pub end: WalkEnd,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WalkEnd {
    /// At the top of the process' mounts, by way of its own root: where that is another one (chroot),
    /// the path begins above it.
    Root,
    /// At the top of mounts without meeting the process' root: it is outside.
    Outside,
    /// No tree: memory, a pipe, a detached mount.
    Detached,
    /// Deeper or longer than the limits.
    Cut,
    #[default]
    Nothing,
}

impl CallRecord {
    pub fn failed(&self) -> bool {
        self.result < 0
    }

    /// The parts of one place, in the order of the kernel.
    pub fn parts_of(&self, place: Place) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |(at, _)| *at == place).map(|(_, part)| part)
    }

    pub fn text(&self, argument: u8) -> Option<&Text> {
        self.parts_of(Place::Argument(argument)).find_map(|part| match part {
            Part::Text { text, .. } => Some(text),
            _ => None,
        })
    }

    /// What a relative text of this argument is relative to; of an absolute one, the root of a process
    /// that took another one than its mounts have.
    pub fn base(&self, argument: u8) -> Option<&Walk> {
        self.parts_of(Place::Argument(argument)).find_map(|part| match part {
            Part::Base(walk) => Some(walk),
            _ => None,
        })
    }

    pub fn handle(&self, place: Place) -> Option<&Handle> {
        self.parts_of(place).find_map(|part| match part {
            Part::Handle(handle) => Some(handle),
            _ => None,
        })
    }
}

impl Inode {
    pub fn kind(&self) -> FileKind {
        const TYPE: u32 = 0o170_000;
        match self.mode & TYPE {
            0o040_000 => FileKind::Directory,
            0o120_000 => FileKind::Symlink,
            0o020_000 => FileKind::CharacterDevice,
            0o060_000 => FileKind::BlockDevice,
            0o010_000 => FileKind::Fifo,
            0o140_000 => FileKind::Socket,
            _ => FileKind::Regular,
        }
    }
}

impl Held {
    /// In the nouns of events.
    pub fn object(&self) -> Object {
        match self {
            Self::File(inode) => Object::File(File {
                path: inode.walk.path.clone(),
                kind: inode.kind(),
                device: inode.device,
                inode: inode.inode,
                layering: inode.layering,
            }),
            Self::Memory(inode) => Object::Memory { name: inode.walk.path.clone() },
            Self::Socket { socket, .. } => Object::Socket(socket.clone()),
            Self::Pipe { inode } => Object::Pipe { inode: *inode },
            Self::Anonymous { name } => Object::Anonymous { name: name.clone() },
            Self::Unknown => Object::Unknown,
        }
    }
}
