//! Bytes of a ring buffer → [`Record`].

use std::sync::Arc;

use model::event::{Call, Capabilities, Text};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::object::{directory, executable, handle, peer, socket};
use super::wire::{self, part};
use super::{
    Abi, CallRecord, Deed, Exec, Exit, Fork, Group, Handle, Held, Identity, Part, Place, ProcessId,
    Record, Root,
};

/// Why bytes are no record. It means that programs and reader are not of one version, or that the
/// buffer was written to by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("a record of {length} bytes ends inside its {what}")]
    Short { what: &'static str, length: usize },
    #[error("a record says it has {said} bytes and has {length}")]
    Length { said: u32, length: usize },
    #[error("a record of unknown kind {0}")]
    Kind(u16),
    #[error("a part of unknown kind {0}")]
    PartKind(u16),
    #[error("a part of unknown place {0}")]
    Place(u8),
    #[error("an unknown call {number}")]
    Call { number: u32 },
}

impl Record {
    /// # Errors
    /// If the bytes are not exactly one record.
    pub fn read(bytes: &[u8]) -> Result<Self, Damage> {
        let mut rest = Bytes { rest: bytes, length: bytes.len() };
        let head: wire::Head = rest.fixed("head")?;
        if usize::try_from(head.size) != Ok(bytes.len()) {
            return Err(Damage::Length { said: head.size, length: bytes.len() });
        }
        let deed = match head.kind {
            wire::EXEC => Deed::Exec(Box::new(exec(&mut rest)?)),
            wire::FORK => Deed::Fork(Box::new(fork(&mut rest)?)),
            wire::EXIT => {
                let body: wire::ExitBody = rest.fixed("exit")?;
                Deed::Exit(Exit { status: body.status })
            }
            wire::CALL => Deed::Call(Box::new(call(&mut rest)?)),
            wire::GROUP => Deed::Group(group(&mut rest)?),
            kind => return Err(Damage::Kind(kind)),
        };
        Ok(Self {
            time: head.time,
            processor: head.processor,
            thread: head.thread,
            process: ProcessId { pid: head.process, started: head.started },
            parent: ProcessId { pid: head.parent, started: head.parent_started },
            virtual_thread: head.virtual_thread,
            virtual_process: head.virtual_process,
            control_group: head.control_group,
            name: until_zero(&head.name),
            cut: head.marks & wire::RECORD_CUT != 0,
            deed,
        })
    }
}

/// What is left of a record.
struct Bytes<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Bytes<'a> {
    fn fixed<T: FromBytes + Immutable + KnownLayout>(
        &mut self,
        what: &'static str,
    ) -> Result<T, Damage> {
        let (value, rest) = T::read_from_prefix(self.rest).map_err(|_short| self.short(what))?;
        self.rest = rest;
        Ok(value)
    }

    /// The next part: its head and its bytes. The last one need not be filled up to eight.
    fn part(&mut self) -> Result<Option<(wire::PartHead, &'a [u8])>, Damage> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let head: wire::PartHead = self.fixed("part")?;
        let short = self.short("part");
        let size = usize::try_from(head.size).map_err(|_too_large| short)?;
        let (bytes, rest) = self.rest.split_at_checked(size).ok_or(short)?;
        let filling = size.next_multiple_of(8) - size;
        self.rest = rest.get(filling..).unwrap_or_default();
        Ok(Some((head, bytes)))
    }

    fn short(&self, what: &'static str) -> Damage {
        Damage::Short { what, length: self.length }
    }
}

/// The struct that a part begins with, and the text behind it.
pub(super) fn split<T: FromBytes + Immutable + KnownLayout>(
    bytes: &[u8],
) -> Result<(T, &[u8]), Damage> {
    T::read_from_prefix(bytes).map_err(|_short| Damage::Short { what: "part", length: bytes.len() })
}

fn exec(rest: &mut Bytes<'_>) -> Result<Exec, Damage> {
    let mut exec = Exec::default();
    let mut interpreted = false;
    while let Some((head, bytes)) = rest.part()? {
        let cut = head.marks & (wire::PART_CUT | wire::PART_UNREADABLE) != 0;
        match head.kind {
            part::NAMED => exec.named = bytes.into(),
            part::INTERPRETER => {
                interpreted = true;
                exec.interpreter = bytes.into();
            }
            part::ARGUMENTS => {
                let (arguments, is_whole) = list(bytes);
                exec.arguments = arguments;
                exec.arguments_cut = cut || !is_whole;
            }
            part::ENVIRONMENT => {
                let (environment, is_whole) = list(bytes);
                exec.environment = environment;
                exec.environment_cut = cut || !is_whole;
            }
            part::EXECUTABLE => exec.executable = executable(bytes)?,
            part::DIRECTORY => exec.directory = directory(bytes)?,
            part::IDENTITY => exec.identity = identity(bytes)?,
            part::FILE | part::SOCKET | part::CLOSED => {
                let handle = read_handle(head.kind, bytes)?;
                if handle.held != Held::Unknown {
                    exec.standard.push(handle);
                }
            }
            part::PEER => connect_peer(exec.standard.last_mut(), bytes)?,
            kind => return Err(Damage::PartKind(kind)),
        }
    }
    if !interpreted {
        exec.interpreter = exec.named.clone();
    }
    Ok(exec)
}

fn fork(rest: &mut Bytes<'_>) -> Result<Fork, Damage> {
    let body: wire::ForkBody = rest.fixed("fork")?;
    let mut fork = Fork {
        child: ProcessId { pid: body.child, started: body.started },
        virtual_child: body.virtual_child,
        parent: ProcessId { pid: body.parent, started: body.parent_started },
        control_group: body.control_group,
        ..Fork::default()
    };
    while let Some((head, bytes)) = rest.part()? {
        match head.kind {
            part::EXECUTABLE => fork.executable = executable(bytes)?,
            part::DIRECTORY => fork.directory = directory(bytes)?,
            part::IDENTITY => fork.identity = identity(bytes)?,
            kind => return Err(Damage::PartKind(kind)),
        }
    }
    Ok(fork)
}

fn group(rest: &mut Bytes<'_>) -> Result<Group, Damage> {
    let body: wire::GroupBody = rest.fixed("group")?;
    match rest.part()? {
        Some((wire::PartHead { kind: part::NAMED, .. }, bytes)) => {
            Ok(Group { number: body.number, path: bytes.into() })
        }
        Some((head, _)) => Err(Damage::PartKind(head.kind)),
        None => Err(rest.short("group")),
    }
}

fn call(rest: &mut Bytes<'_>) -> Result<CallRecord, Damage> {
    let body: wire::CallBody = rest.fixed("call")?;
    let abi = match body.abi {
        wire::ABI_COMPAT => Abi::Compat,
        wire::ABI_X32 => Abi::X32,
        _ => Abi::Native,
    };
    let call =
        crate::calls::of_number(abi, body.number).ok_or(Damage::Call { number: body.number })?;
    let mut parts: Vec<(Place, Part)> = Vec::new();
    while let Some((head, bytes)) = rest.part()? {
        if head.kind == part::PEER {
            let last = parts.iter_mut().rev().find_map(|(_, part)| match part {
                Part::Handle(handle) => Some(handle),
                _ => None,
            });
            connect_peer(last, bytes)?;
        } else if let Some(part) = call_part(head, bytes)? {
            parts.push((place(head.place)?, part));
        }
    }
    mark_sides(call, &mut parts);
    let wire::CallBody { arguments, result, number, .. } = body;
    Ok(CallRecord { call, abi, number, arguments, result, parts })
}

/// None for text that could not be read.
fn call_part(head: wire::PartHead, bytes: &[u8]) -> Result<Option<Part>, Damage> {
    if head.marks & wire::PART_UNREADABLE != 0 {
        return Ok(None);
    }
    Ok(Some(match head.kind {
        part::TEXT => Part::Text { text: bytes.into(), cut: head.marks & wire::PART_CUT != 0 },
        part::BASE => Part::Base(directory(bytes)?),
        part::DIRECTORY => Part::Directory(directory(bytes)?),
        part::ADDRESS => Part::Address(bytes.into()),
        part::DATA => Part::Data(bytes.into()),
        part::IDENTITY => Part::Identity(Box::new(identity(bytes)?)),
        part::WORDS => Part::Words(
            bytes.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word)).collect(),
        ),
        kind => Part::Handle(read_handle(kind, bytes)?),
    }))
}

fn read_handle(kind: u16, bytes: &[u8]) -> Result<Handle, Damage> {
    match kind {
        part::FILE => handle(bytes),
        part::SOCKET => socket(bytes),
        part::CLOSED => {
            let (closed, _): (wire::ClosedPart, _) = split(bytes)?;
            Ok(Handle { number: closed.number, ..Handle::default() })
        }
        kind => Err(Damage::PartKind(kind)),
    }
}

fn connect_peer(handle: Option<&mut Handle>, bytes: &[u8]) -> Result<(), Damage> {
    let found = peer(bytes)?;
    if let Some(Handle { held: Held::Socket { socket, .. }, .. }) = handle {
        socket.remote = found;
        socket.connected = Some(true);
    }
    Ok(())
}

/// Which side a socket is on is known by the call that made it so.
fn mark_sides(call: Call, parts: &mut [(Place, Part)]) {
    let server = match call {
        Call::Accept | Call::Accept4 | Call::Listen => true,
        Call::Connect => false,
        _ => return,
    };
    for (_, part) in parts {
        if let Part::Handle(Handle { held: Held::Socket { socket, .. }, .. }) = part {
            socket.server = Some(server);
        }
    }
}

fn place(number: u8) -> Result<Place, Damage> {
    match number {
        0..wire::PLACE_RESULT => Ok(Place::Argument(number)),
        wire::PLACE_RESULT => Ok(Place::Result),
        wire::PLACE_PROCESS => Ok(Place::Process),
        _ => Err(Damage::Place(number)),
    }
}

fn identity(bytes: &[u8]) -> Result<Identity, Damage> {
    let (part, _): (wire::IdentityPart, _) = split(bytes)?;
    Ok(Identity {
        uid: part.uid,
        gid: part.gid,
        effective_uid: part.effective_uid,
        effective_gid: part.effective_gid,
        saved_uid: part.saved_uid,
        saved_gid: part.saved_gid,
        capabilities: Capabilities {
            effective: part.effective,
            permitted: part.permitted,
            inheritable: part.inheritable,
        },
        login_uid: (part.login_uid != u32::MAX).then_some(part.login_uid),
        session: part.session,
        virtual_session: part.virtual_session,
        group: part.group,
        virtual_group: part.virtual_group,
        terminal: part.terminal,
        mount_namespace: part.mount_namespace,
        pid_namespace: part.pid_namespace,
        user_namespace: part.user_namespace,
        root: Root { mount: part.root_mount, inode: part.root_inode },
    })
}

/// Texts of one list. An empty one is a byte in the kernel and 24 here, so thousands of them would
/// make a process of a moment a burden; command lines of linkers and `find -exec … +` are shorter.
pub(crate) const TEXTS_MAX: usize = 1_024;

/// Texts that each end with a zero byte, and whether that is all of them; the last one may have
/// been cut.
fn list(bytes: &[u8]) -> (Arc<[Text]>, bool) {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    if bytes.is_empty() {
        return (Arc::default(), true);
    }
    let mut texts = bytes.split(|byte| *byte == 0);
    let list = texts.by_ref().take(TEXTS_MAX).map(Text::from).collect();
    (list, texts.next().is_none())
}

fn until_zero(bytes: &[u8]) -> Text {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default().into()
}
