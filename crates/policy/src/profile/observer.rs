//! Events → facts about the workload whose process did it.
//!
//! What a container's runtime does inside of it before the container's program runs is not the
//! workload's: a process counts from when it executed a program within the container, with all that it
//! forks. Of containers that ran before the first event all processes count but a runtime's own.

use core::net::IpAddr;
use std::collections::HashMap;

use model::event::{
    Act, Descriptor, Endpoint, Event, File, FileKind, Layering, Object, PathArgument, Process,
    Protocol, Question, Socket, Text,
};

use super::{Fact, Origin, Parent, Pattern, Port, Target};

/// Processes of containers that are remembered: a large host has fewer. Beyond, all are forgotten,
/// and those that live count as if they had been there from the beginning.
const PROCESSES_MAX: usize = 65_536;
/// Addresses whose names are remembered, of all containers.
const NAMES_MAX: usize = 32_768;
/// Names of one address that are remembered: what many share is known by the first.
const NAMES_OF_ONE_MAX: usize = 4;
/// `EINPROGRESS`, and what a call gives that a signal cut short: the connection is being made.
const IN_PROGRESS: i64 = -115;

/// What has to be remembered between events.
#[derive(Debug, Default)]
pub struct Observer {
    /// The time of the first event.
    began: Option<u64>,
    /// By pid.
    processes: HashMap<u32, Known>,
    /// The last event executed the first program within the container of a process.
    has_entered: bool,
    /// By container and address: names, and the server that told each.
    names: HashMap<(String, IpAddr), Vec<(Target, Target)>>,
}

#[derive(Debug)]
struct Known {
    /// When it was born; 0 until it does something itself.
    started: u64,
    /// It is a container's own, and not its runtime's.
    is_inside: bool,
}

impl Observer {
    /// What the event tells of its container; nothing for an event of the host, of a runtime, or for
    /// what failed.
    pub fn facts(&mut self, event: &Event) -> Vec<Fact> {
        self.began.get_or_insert(event.time);
        self.has_entered = false;
        let Some(container) = &event.container else {
            // A process that left, or a number that is used again.
            self.processes.remove(&event.process.pid);
            if let Act::Fork { child } = event.act {
                self.processes.remove(&child);
            }
            return Vec::new();
        };
        let is_inside = self.is_inside(event);
        match event.act {
            Act::Exit { .. } => {
                self.processes.remove(&event.process.pid);
            }
            // When it was born is told by what it does.
            Act::Fork { child } => {
                self.processes.insert(child, Known { started: 0, is_inside });
            }
            _ => {}
        }
        if event.denied || !is_inside {
            return Vec::new();
        }
        if let Act::Receive { descriptor, questions } = &event.act {
            self.note_names(&container.id, descriptor, questions);
            return Vec::new();
        }
        let names = |address: IpAddr| {
            self.names.get(&(container.id.clone(), address)).cloned().unwrap_or_default()
        };
        of_act(event, &self.processes, &names)
    }

    /// Whether the event, whose facts were asked for last, is a runtime's execution of a container's
    /// first program. What that executes in its own place is no other start.
    pub fn is_start(&self, event: &Event) -> bool {
        self.has_entered && event.process.virtual_pid == 1
    }

    fn is_inside(&mut self, event: &Event) -> bool {
        if self.processes.len() >= PROCESSES_MAX {
            self.processes.clear();
            self.began = Some(event.time);
        }
        let Process { pid, started, .. } = *event.process;
        let known = self.of(&event.process);
        let is_inside = match (&event.act, known) {
            // What is within stays so, whatever it calls the next program.
            (Act::Exec { .. }, _) if !event.failed() => {
                let is_inside = known == Some(true) || !is_runtime(&event.process);
                self.has_entered = is_inside && known != Some(true);
                is_inside
            }
            (_, Some(known)) => known,
            (_, None) => self.was_inside(event),
        };
        self.processes.insert(pid, Known { started, is_inside });
        is_inside
    }

    /// What nobody saw being born: it was there before, or its birth is told late or was lost.
    fn was_inside(&self, event: &Event) -> bool {
        let process = &event.process;
        let Some(parent) = event.ancestors.first() else {
            return self.began > Some(process.started) && !is_runtime(process);
        };
        // A runtime's own processes have a parent outside.
        self.of(parent).unwrap_or_else(|| {
            let is_of_container =
                parent.control_group == process.control_group || self.began > Some(process.started);
            is_of_container && !is_runtime(process)
        })
    }

    fn of(&self, process: &Process) -> Option<bool> {
        let known = self.processes.get(&process.pid)?;
        known.is(process).then_some(known.is_inside)
    }

    fn note_names(&mut self, container: &str, descriptor: &Descriptor, questions: &[Question]) {
        let Object::Socket(Socket { remote: Some(Endpoint::Internet(server)), .. }) =
            &descriptor.object
        else {
            return;
        };
        let server = Target::address(server.ip());
        for question in questions {
            let Some(name) = Target::domain(&question.name) else { continue };
            for address in &question.answers {
                if self.names.len() >= NAMES_MAX {
                    self.names.clear();
                }
                let key = (container.to_owned(), address.to_canonical());
                let names = self.names.entry(key).or_default();
                let told = (name.clone(), server.clone());
                // The last that was told counts first.
                names.retain(|it| *it != told);
                names.insert(0, told);
                names.truncate(NAMES_OF_ONE_MAX);
            }
        }
    }
}

impl Known {
    fn is(&self, process: &Process) -> bool {
        self.started == process.started || self.started == 0
    }
}

/// A runtime at work in the container: by what runc calls its threads, and by the copy of itself that
/// it executes.
fn is_runtime(process: &Process) -> bool {
    process.name.starts_with(b"runc:[") || process.executable.path.starts_with(b"memfd:runc_cloned")
}

type Names<'a> = &'a dyn Fn(IpAddr) -> Vec<(Target, Target)>;

fn of_act(event: &Event, processes: &HashMap<u32, Known>, names: Names<'_>) -> Vec<Fact> {
    let of_path = |path: &PathArgument| written(&path.path);
    // A program that could not be started, a file that could not be opened: nothing was done.
    let has_failed = event.failed() && event.result != Some(IN_PROGRESS);
    match &event.act {
        Act::Connect { descriptor } => destination(descriptor, names),
        _ if has_failed => Vec::new(),
        Act::Exec { .. } => vec![program(event, processes)],
        Act::Open { descriptor, path, flags, .. } => {
            const TRUNCATE: u32 = 0o1000;
            let Object::File(file) = &descriptor.object else { return Vec::new() };
            let path = if file.path.is_empty() { &path.path } else { &file.path };
            if is_terminal(file) {
                Vec::new()
            } else if flags.writes() || flags.created || flags.bits & TRUNCATE != 0 {
                written(path).into_iter().collect()
            } else if flags.reads() && is_of_mount(file) {
                vec![Fact::Read(Pattern::of(path))]
            } else {
                Vec::new()
            }
        }
        Act::OpenByHandle { descriptor, flags } if flags.writes() => match &descriptor.object {
            Object::File(file) => written(&file.path).into_iter().collect(),
            _ => Vec::new(),
        },
        Act::Rename { from, to } => [of_path(from), of_path(to)].into_iter().flatten().collect(),
        Act::Link { to: path, .. }
        | Act::Symlink { path, .. }
        | Act::Unlink { path }
        | Act::MakeDirectory { path, .. }
        | Act::RemoveDirectory { path }
        | Act::MakeNode { path, .. }
        | Act::Chmod { path, .. }
        | Act::Chown { path, .. }
        | Act::SetAttribute { path, .. }
        | Act::Truncate { path, .. } => of_path(path).into_iter().collect(),
        // With a connection, that was told.
        Act::Send { descriptor, .. } => match &descriptor.object {
            Object::Socket(socket) if socket.connected != Some(true) => {
                destination(descriptor, names)
            }
            _ => Vec::new(),
        },
        Act::Listen { descriptor } => own_port(descriptor, Protocol::Tcp),
        Act::Bind { descriptor } => own_port(descriptor, Protocol::Udp),
        _ => Vec::new(),
    }
}

/// None where the sensor does not know which file it was.
fn written(path: &Text) -> Option<Fact> {
    path.starts_with(b"/").then(|| Fact::Written(Pattern::of(path)))
}

fn program(event: &Event, processes: &HashMap<u32, Known>) -> Fact {
    let file = &event.process.executable;
    let parent = event.ancestors.first().filter(|parent| {
        let known = processes.get(&parent.pid);
        match known.filter(|known| known.is(parent)) {
            Some(known) => known.is_inside,
            // It did nothing since the first event; then it is in the same group, or it is not known.
            None => parent.control_group == event.process.control_group && !is_runtime(parent),
        }
    });
    let parent = match parent {
        Some(parent) => Parent::Program(Pattern::of(&parent.executable.path)),
        None => Parent::Runtime,
    };
    Fact::Program { path: Pattern::of(&file.path), origin: Origin::of(file), parent }
}

/// What everybody writes to, and nobody keeps.
fn is_terminal(file: &File) -> bool {
    const OF_ALL: [&[u8]; 9] = [
        b"/dev/null",
        b"/dev/zero",
        b"/dev/full",
        b"/dev/random",
        b"/dev/urandom",
        b"/dev/tty",
        b"/dev/console",
        b"/dev/ptmx",
        b"/dev/pts/ptmx",
    ];
    file.kind == FileKind::CharacterDevice
        && (OF_ALL.contains(&file.path.as_slice()) || file.path.starts_with(b"/dev/pts/"))
}

/// A file that no layer of the image has: of a volume, a secret, a folder of the host.
fn is_of_mount(file: &File) -> bool {
    let is_of_kernel = [b"/proc/".as_slice(), b"/sys/", b"/dev/"];
    file.kind == FileKind::Regular
        && file.layering == Layering::None
        && file.path.starts_with(b"/")
        && !is_of_kernel.iter().any(|folder| file.path.starts_with(folder))
}

fn destination(descriptor: &Descriptor, names: Names<'_>) -> Vec<Fact> {
    let Object::Socket(socket) = &descriptor.object else { return Vec::new() };
    match &socket.remote {
        // Nobody is asked: it tells which of its own addresses would be used.
        Some(Endpoint::Internet(address)) if address.port() == 0 => Vec::new(),
        Some(Endpoint::Internet(address)) => {
            let Some(port) = port(socket, address.port(), None) else { return Vec::new() };
            let names = names(address.ip().to_canonical());
            vec![Fact::Destination { target: Target::address(address.ip()), port, names }]
        }
        Some(Endpoint::Unix(path)) => {
            let name = match path.split_first() {
                Some((0, name)) => [b"@".as_slice(), name].concat(),
                _ => path.to_vec(),
            };
            let target = Target::Socket(Pattern::of(&name));
            vec![Fact::Destination { target, port: Port::Any, names: Vec::new() }]
        }
        None => Vec::new(),
    }
}

fn own_port(descriptor: &Descriptor, wanted: Protocol) -> Vec<Fact> {
    let Object::Socket(socket) = &descriptor.object else { return Vec::new() };
    let number = socket.local.as_ref().and_then(Endpoint::port).filter(|number| *number != 0);
    let port = number.and_then(|number| port(socket, number, Some(wanted)));
    port.map(|port| Fact::Listen(port.own())).into_iter().collect()
}

/// None for what has no ports, or is not `wanted`.
fn port(socket: &Socket, number: u16, wanted: Option<Protocol>) -> Option<Port> {
    if wanted.is_some_and(|wanted| wanted != socket.protocol) {
        return None;
    }
    match socket.protocol {
        Protocol::Tcp => Some(Port::Tcp(number)),
        Protocol::Udp => Some(Port::Udp(number)),
        Protocol::Icmp | Protocol::Raw | Protocol::Other => Some(Port::Any),
    }
}
