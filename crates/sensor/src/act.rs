//! A system call with its arguments → the deed that it was.
//!
//! What the kernel's tables say goes before what the process' memory says: a path is the opened
//! file's own where there is one. What is not known stays empty.

mod path;
mod socket;

use model::event::{
    Act, Call, Descriptor, File, MountAct, Object, OpenFlags, PathArgument, Process, SetId, Text,
};

use crate::record::{CallRecord, Handle, Held, Part, Place};

/// What was done. `before` is the process before the call, `after` what it is now.
pub(crate) fn of_call(call: &CallRecord, before: &Process, after: &Process) -> Act {
    let read = Reading { call, before };
    read.of_file(after)
        .or_else(|| read.of_descriptor())
        .or_else(|| read.of_process(after))
        .or_else(|| read.of_kernel())
        .unwrap_or_else(|| Act::Other { number: u64::from(call.number), arguments: call.arguments })
}

/// What the call is told as: one that connects as it sends (TCP Fast Open) is a `connect`.
pub(crate) fn told_as(call: &CallRecord) -> Call {
    if opens(call) { Call::Connect } else { call.call }
}

/// Whether it sends and connects by that: of streams alone, for others the flag means nothing.
fn opens(call: &CallRecord) -> bool {
    const FAST_OPEN: u32 = 0x2000_0000;
    let flags = match call.call {
        Call::Sendmsg => 2,
        Call::Sendto | Call::Sendmmsg => 3,
        _ => return false,
    };
    let flags = call.arguments.get(flags).map_or(0, |flags| low(*flags));
    let held = call.handle(Place::Argument(0)).map(|handle| &handle.held);
    flags & FAST_OPEN != 0 && matches!(held, Some(Held::Socket { is_datagram: false, .. }))
}

/// A path as a call names it, in the process' own directory.
pub(crate) fn path_in(raw: &Text, directory: &Text) -> PathArgument {
    path::argument(raw, directory)
}

struct Reading<'a> {
    call: &'a CallRecord,
    before: &'a Process,
}

impl Reading<'_> {
    fn of_file(&self, after: &Process) -> Option<Act> {
        Some(match self.call.call {
            Call::Open => self.open(0, self.low(1), self.low(2)),
            Call::Openat => self.open(1, self.low(2), self.low(3)),
            Call::Openat2 => {
                let how = self.words(2);
                let word = |index: usize| how.get(index).copied().unwrap_or(0);
                self.open(1, low(word(0)), low(word(1)))
            }
            Call::Creat => {
                const CREATE_WRITE_TRUNCATE: u32 = 0o1101;
                self.open(0, CREATE_WRITE_TRUNCATE, self.low(1))
            }
            Call::Rename => Act::Rename { from: self.path(0), to: self.path(1) },
            Call::Renameat | Call::Renameat2 => {
                Act::Rename { from: self.path(1), to: self.path(3) }
            }
            Call::Link => Act::Link { from: self.path(0), to: self.path(1) },
            Call::Linkat => Act::Link { from: self.path(1), to: self.path(3) },
            Call::Symlink => Act::Symlink { target: self.text(0), path: self.path(1) },
            Call::Symlinkat => Act::Symlink { target: self.text(0), path: self.path(2) },
            Call::Unlink => Act::Unlink { path: self.path(0) },
            Call::Unlinkat => {
                const REMOVE_DIRECTORY: u32 = 0x200;
                let path = self.path(1);
                match self.low(2) & REMOVE_DIRECTORY {
                    0 => Act::Unlink { path },
                    _ => Act::RemoveDirectory { path },
                }
            }
            Call::Rmdir => Act::RemoveDirectory { path: self.path(0) },
            Call::Mkdir => Act::MakeDirectory { path: self.path(0), mode: self.low(1) },
            Call::Mkdirat => Act::MakeDirectory { path: self.path(1), mode: self.low(2) },
            Call::Mknod => self.make_node(0),
            Call::Mknodat => self.make_node(1),
            Call::Chmod => Act::Chmod { path: self.path(0), mode: self.low(1) },
            Call::Fchmod => Act::Chmod { path: self.opened(0), mode: self.low(1) },
            Call::Fchmodat | Call::Fchmodat2 => {
                Act::Chmod { path: self.path(1), mode: self.low(2) }
            }
            Call::Chown | Call::Lchown => self.chown(self.path(0), 1),
            Call::Fchown => self.chown(self.opened(0), 1),
            Call::Fchownat => self.chown(self.path(1), 2),
            Call::Setxattr | Call::Lsetxattr => {
                Act::SetAttribute { path: self.path(0), name: self.text(1) }
            }
            Call::Fsetxattr => Act::SetAttribute { path: self.opened(0), name: self.text(1) },
            Call::Chdir => Act::ChangeDirectory { path: self.arrived(self.path(0), after) },
            Call::Fchdir => Act::ChangeDirectory { path: self.opened(0) },
            Call::Chroot => Act::ChangeRoot { path: self.path(0) },
            Call::PivotRoot => Act::PivotRoot { new: self.path(0), old: self.path(1) },
            Call::Mount => Act::Mount(MountAct {
                source: self.text(0),
                target: self.path(1),
                filesystem: self.text(2),
                flags: self.argument(3),
            }),
            Call::MoveMount => Act::Mount(MountAct {
                source: self.path(1).path,
                target: self.path(3),
                filesystem: Text::default(),
                flags: self.low(4).into(),
            }),
            Call::Truncate => Act::Truncate { path: self.path(0), length: self.argument(1) },
            Call::Ftruncate => Act::Truncate { path: self.opened(0), length: self.argument(1) },
            Call::Umount2 => Act::Unmount { path: self.path(0), flags: self.low(1).into() },
            _ => return None,
        })
    }

    fn of_descriptor(&self) -> Option<Act> {
        Some(match self.call.call {
            Call::Close => Act::Close { descriptor: self.descriptor(0) },
            Call::Read => Act::Read { descriptor: self.descriptor(0), data: self.data(1) },
            Call::Write if self.is_for_names() => self.send(self.descriptor(0)),
            Call::Write => Act::Write { descriptor: self.descriptor(0), data: self.data(1) },
            Call::Socket => Act::Socket {
                descriptor: self.made(),
                domain: self.signed(0),
                // Above the low bits are SOCK_NONBLOCK and SOCK_CLOEXEC.
                kind: self.signed(1) & 0xf,
                protocol: self.signed(2),
            },
            Call::Sendto if opens(self.call) => self.connect(4),
            Call::Sendmsg | Call::Sendmmsg if opens(self.call) => self.connect(1),
            Call::Connect => self.connect(1),
            Call::Bind => Act::Bind { descriptor: self.with_address(0, 1, Side::Local) },
            Call::Listen => Act::Listen { descriptor: self.descriptor(0) },
            Call::Accept | Call::Accept4 => Act::Accept { descriptor: self.made() },
            Call::Sendto => self.send(self.with_address(0, 4, Side::Message)),
            Call::Sendmsg | Call::Sendmmsg => self.send(self.with_address(0, 1, Side::Message)),
            Call::Recvfrom => self.receive(self.with_address(0, 4, Side::Message)),
            Call::Recvmsg => self.receive(self.with_address(0, 1, Side::Message)),
            Call::Dup | Call::Dup2 | Call::Dup3 => self.duplicate(),
            Call::Fcntl if self.is_duplicate() => self.duplicate(),
            Call::MemfdCreate => Act::MakeMemoryFile {
                descriptor: self.made(),
                name: self.text(0),
                flags: self.low(1).into(),
            },
            Call::OpenByHandleAt => Act::OpenByHandle {
                descriptor: self.made(),
                flags: OpenFlags { bits: self.low(2), created: false },
            },
            Call::Fsopen => Act::OpenFilesystem {
                descriptor: self.made(),
                filesystem: self.text(0),
                flags: self.low(1).into(),
            },
            Call::Fsconfig => self.configure(),
            Call::Fsmount => Act::OpenMount {
                descriptor: self.made(),
                path: PathArgument::default(),
                flags: self.low(1).into(),
            },
            Call::OpenTree => Act::OpenMount {
                descriptor: self.made(),
                path: self.path(1),
                flags: self.low(2).into(),
            },
            Call::FinitModule => Act::LoadModule { path: self.opened(0), name: Text::default() },
            Call::InitModule => {
                Act::LoadModule { path: PathArgument::default(), name: Text::default() }
            }
            _ => return None,
        })
    }

    fn of_process(&self, after: &Process) -> Option<Act> {
        let id = |index: usize| Some(self.low(index)).filter(|id| *id != u32::MAX);
        let set = |group, asked| Act::SetId(SetId { group, asked });
        Some(match self.call.call {
            Call::Execve => Act::Exec { file: self.path(0), streams: Vec::new() },
            Call::Execveat => Act::Exec { file: self.path(1), streams: Vec::new() },
            Call::Setuid => set(false, [id(0), None, None]),
            Call::Setgid => set(true, [id(0), None, None]),
            Call::Setreuid => set(false, [id(0), id(1), None]),
            Call::Setregid => set(true, [id(0), id(1), None]),
            Call::Setresuid => set(false, [id(0), id(1), id(2)]),
            Call::Setresgid => set(true, [id(0), id(1), id(2)]),
            Call::Capset => Act::SetCapabilities {
                before: self.before.credentials.capabilities,
                after: after.credentials.capabilities,
            },
            Call::Setns => {
                Act::SetNamespace { descriptor: self.signed(0), kinds: self.low(1).into() }
            }
            Call::Unshare => Act::Unshare { kinds: self.argument(0) },
            Call::Ptrace => Act::Trace { request: self.argument(0), process: self.low(1) },
            Call::ProcessVmReadv => Act::ReadMemory { process: self.low(0) },
            Call::ProcessVmWritev => Act::WriteMemory { process: self.low(0) },
            Call::Mprotect => Act::Protect {
                address: self.argument(0),
                length: self.argument(1),
                protection: self.argument(2),
            },
            Call::Kill | Call::Tkill => {
                Act::Kill { process: i64::from(self.signed(0)), signal: self.signed(1) }
            }
            Call::Tgkill => {
                Act::Kill { process: i64::from(self.signed(0)), signal: self.signed(2) }
            }
            _ => return None,
        })
    }

    fn of_kernel(&self) -> Option<Act> {
        Some(match self.call.call {
            Call::Bpf => Act::Bpf { command: self.low(0).into(), name: Text::default() },
            Call::PerfEventOpen => Act::OpenPerformanceCounter {
                kind: self.words(0).first().map_or(0, |word| low(*word)),
            },
            Call::Userfaultfd => Act::HandlePageFaults { flags: self.low(0).into() },
            Call::IoUringSetup => Act::SetUpRing { entries: self.low(0) },
            Call::Keyctl => Act::Keyring { command: self.low(0).into() },
            Call::KexecLoad => Act::LoadKernel { flags: self.argument(3) },
            Call::KexecFileLoad => Act::LoadKernel { flags: self.argument(4) },
            Call::Reboot => Act::Reboot { command: self.low(2).into() },
            _ => return None,
        })
    }

    fn open(&self, argument: u8, bits: u32, mode: u32) -> Act {
        const CREATE: u32 = 0o100;
        const EXCLUSIVE: u32 = 0o200;
        let descriptor = self.made();
        let path = match &descriptor.object {
            Object::File(File { path, .. }) if path.starts_with(b"/") => {
                path::resolved(&self.text(argument), path)
            }
            _ => self.path(argument),
        };
        // Without O_EXCL it is not known whether the file was there before.
        let both = CREATE | EXCLUSIVE;
        let created = bits & both == both && !self.call.failed();
        Act::Open { descriptor, path, flags: OpenFlags { bits, created }, mode }
    }

    fn configure(&self) -> Act {
        // Flags, blobs and descriptors are no text, whatever the register holds.
        const STRING: u32 = 1;
        const PATHS: [u32; 2] = [3, 4];
        let command = self.low(1);
        let has_text = command == STRING || PATHS.contains(&command);
        Act::ConfigureFilesystem {
            descriptor: self.signed(0),
            command: command.into(),
            key: self.text(2),
            value: if has_text { self.text(3) } else { Text::default() },
        }
    }

    fn make_node(&self, argument: u8) -> Act {
        let next = usize::from(argument) + 1;
        let device = u64::from(self.low(next + 1));
        // The kernel's own notation: twelve bits of major between eight and twelve of minor.
        let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xf_ff00);
        let device = major << 32 | minor;
        Act::MakeNode { path: self.path(argument), mode: self.low(next), device }
    }

    fn chown(&self, path: PathArgument, first: usize) -> Act {
        let id = |index| Some(self.low(index)).filter(|id| *id != u32::MAX);
        Act::Chown { path, uid: id(first), gid: id(first + 1) }
    }

    fn duplicate(&self) -> Act {
        let descriptor = self.made();
        Act::Duplicate { from: self.signed(0), to: descriptor.number, descriptor }
    }

    fn is_duplicate(&self) -> bool {
        const DUPLICATE: u32 = 0;
        const DUPLICATE_CLOSE_ON_EXEC: u32 = 1030;
        [DUPLICATE, DUPLICATE_CLOSE_ON_EXEC].contains(&self.low(1))
    }

    /// Where the process is after it went there.
    fn arrived(&self, path: PathArgument, after: &Process) -> PathArgument {
        let knows = self.call.parts_of(Place::Process).any(|it| matches!(it, Part::Directory(_)));
        if self.call.failed() || !knows {
            return path;
        }
        path::resolved(&path.raw, &after.directory)
    }

    /// As wide as the call takes it: a `long`, an address. What it takes as an `int` is `low`, for
    /// the other half of the register is whatever the process left there.
    fn argument(&self, index: usize) -> u64 {
        self.call.arguments.get(index).copied().unwrap_or(0)
    }

    /// An argument that is an `unsigned int`.
    fn low(&self, index: usize) -> u32 {
        low(self.argument(index))
    }

    /// An argument that is an `int`.
    fn signed(&self, index: usize) -> i32 {
        self.low(index).cast_signed()
    }

    fn text(&self, argument: u8) -> Text {
        self.call.text(argument).cloned().unwrap_or_default()
    }

    fn path(&self, argument: u8) -> PathArgument {
        let Some(raw) = self.call.text(argument) else { return PathArgument::default() };
        let base = self.call.base(argument).map(|walk| &walk.path);
        match base {
            Some(root) if raw.starts_with(b"/") => path::below(raw, root),
            base => path::argument(raw, base.unwrap_or(&self.before.directory)),
        }
    }

    /// The path of the file that a descriptor stands for.
    fn opened(&self, argument: u8) -> PathArgument {
        match self.call.handle(Place::Argument(argument)).map(|handle| &handle.held) {
            Some(Held::File(inode)) => path::resolved(b"", &inode.walk.path),
            _ => PathArgument::default(),
        }
    }

    fn descriptor(&self, argument: u8) -> Descriptor {
        let number = self.signed(usize::from(argument));
        let handle = self.call.handle(Place::Argument(argument));
        Descriptor { number, object: handle.map(|it| it.held.object()).unwrap_or_default() }
    }

    /// The descriptor that the call made.
    fn made(&self) -> Descriptor {
        let number = i32::try_from(self.call.result).ok().filter(|number| *number >= 0);
        let handle = self.call.handle(Place::Result);
        let object = handle.map(|Handle { held, .. }| held.object()).unwrap_or_default();
        Descriptor { number: number.unwrap_or(-1), object }
    }

    fn data(&self, argument: u8) -> Text {
        let data = self.call.parts_of(Place::Argument(argument)).find_map(|part| match part {
            Part::Data(data) => Some(data.clone()),
            _ => None,
        });
        data.unwrap_or_default()
    }

    fn words(&self, argument: u8) -> Vec<u64> {
        let words = self.call.parts_of(Place::Argument(argument)).find_map(|part| match part {
            Part::Words(words) => Some(words.clone()),
            _ => None,
        });
        words.unwrap_or_default()
    }
}

/// What an address that a call was given is of.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Local,
    Peer,
    /// Whom one message goes to, or comes from.
    Message,
}

/// The low half: what a call makes of an argument that is an `int` to it.
fn low(value: u64) -> u32 {
    u32::try_from(value & 0xffff_ffff).unwrap_or(0)
}

/// What the process may after a change of credentials that the record tells.
pub(crate) fn identity(call: &CallRecord) -> Option<&crate::record::Identity> {
    call.parts_of(Place::Process).find_map(|part| match part {
        Part::Identity(identity) => Some(&**identity),
        _ => None,
    })
}

/// Where it is after a change of directory or root.
pub(crate) fn directory(call: &CallRecord) -> Option<&Text> {
    call.parts_of(Place::Process).find_map(|part| match part {
        Part::Directory(walk) => Some(&walk.path),
        _ => None,
    })
}

/// What a program began with.
pub(crate) fn descriptor_of(handle: &Handle) -> Descriptor {
    Descriptor { number: handle.number, object: handle.held.object() }
}

/// For the fuzzer.
pub(crate) fn fuzz(bytes: &[u8]) {
    drop(socket::endpoint(bytes));
    drop(socket::questions(bytes));
    drop(path::argument(bytes, b"/base"));
}
