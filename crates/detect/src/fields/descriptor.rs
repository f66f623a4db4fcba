//! `fd.*`: the descriptor that a call made or used, and what is behind it.

use core::net::IpAddr;

use model::event::{
    Act, Call, Descriptor, Endpoint, Event, File, FileKind, Layering, Object, Protocol, Socket,
    SocketFamily,
};

use crate::field::{Argument, Field, Kind, OfCall, Shape};
use crate::value::Value;

pub(super) const FIELDS: &[Field] = &[
    field("fd.num", Kind::Number, "its number, -1 where the call failed", |event, _| {
        of(event).map(|it| it.number).into()
    }),
    field("fd.type", Kind::Text, "file, directory, ipv4, ipv6, unix, pipe …", |event, _| {
        of(event).and_then(kind).map(|(name, _)| name).into()
    }),
    field("fd.typechar", Kind::Text, "the type as one character", |event, _| {
        of(event).map(|it| kind(it).map_or("o", |(_, character)| character)).into()
    }),
    field("fd.name", Kind::Text, "path, or both ends of a connection", |event, _| {
        of(event).map_or(Value::Absent, name)
    }),
    field("fd.nameraw", Kind::Text, "path as it was written", |event, _| {
        match (&event.act, of(event)) {
            (Act::Open { path, .. }, _) if !path.raw.is_empty() => (&path.raw).into(),
            (_, Some(descriptor)) => name(descriptor),
            (_, None) => Value::Absent,
        }
    }),
    field("fd.host.name", Kind::Text, "its path on the host, by the container's mounts", |e, _| {
        let file = of(e).and_then(file);
        file.map_or(Value::Absent, |file| super::mounted::value(e, (&file.path).into()))
    }),
    field("fd.directory", Kind::Text, "the file's folder", |event, _| {
        let file = of(event).and_then(file);
        file.map(|file| Value::text(directory(file))).unwrap_or(Value::Absent)
    }),
    field("fd.filename", Kind::Text, "the file's name without its folder", |event, _| {
        let file = of(event).and_then(file).filter(|file| file.kind != FileKind::Directory);
        file.map(|file| Value::text(base(&file.path))).unwrap_or(Value::Absent)
    }),
    field("fd.containername", Kind::Text, "container id and name", |event, _| {
        within(event, |descriptor| Some(name(descriptor)))
    }),
    field("fd.containerdirectory", Kind::Text, "container id and folder", |event, _| {
        within(event, |descriptor| file(descriptor).map(|it| Value::text(directory(it))))
    }),
    field("fd.uid", Kind::Text, "thread id and number", |event, _| {
        let told = |it: &Descriptor| Value::made(format!("{}{}", event.thread, it.number));
        of(event).map_or(Value::Absent, told)
    }),
    field("fd.dev", Kind::Number, "device of the file", |event, _| {
        of(event).and_then(file).map(device).into()
    }),
    field("fd.dev.major", Kind::Number, "its major number", |event, _| {
        of(event).and_then(file).map(|file| file.device >> 32).into()
    }),
    field("fd.dev.minor", Kind::Number, "its minor number", |event, _| {
        of(event).and_then(file).map(|file| file.device & 0xffff_ffff).into()
    }),
    field("fd.ino", Kind::Number, "inode of the file", |event, _| {
        of(event).and_then(file).map(|file| file.inode).into()
    }),
    field("fd.is_upper_layer", Kind::Bool, "written since the container began", |e, _| {
        of(e).and_then(file).map(|file| file.layering == Layering::Upper).into()
    }),
    field("fd.is_lower_layer", Kind::Bool, "as the image brought it", |event, _| {
        of(event).and_then(file).map(|file| file.layering == Layering::Lower).into()
    }),
    field(
        "fd.file_kind",
        Kind::Text,
        "regular, directory, block, character, fifo …",
        |event, _| of(event).and_then(file).map(|file| file_kind(file.kind)).into(),
    ),
    field(
        "fd.is_of_other_process",
        Kind::Bool,
        "of `/proc/PID`, of another process",
        |event, _| of(event).and_then(file).map(|file| is_of_other(event, &file.path)).into(),
    ),
    field("fd.l4proto", Kind::Text, "tcp, udp, icmp or raw", |event, _| {
        of(event).map(protocol).into()
    }),
    field("fd.sockfamily", Kind::Text, "ip or unix", |event, _| {
        let family = socket(event).map(|socket| socket.family);
        match family {
            Some(SocketFamily::Inet4 | SocketFamily::Inet6) => "ip".into(),
            Some(SocketFamily::Unix) => "unix".into(),
            _ => Value::Absent,
        }
    }),
    field("fd.is_server", Kind::Bool, "this side accepts", |event, _| {
        of(event).map(|_| socket(event).is_some_and(|it| it.server == Some(true))).into()
    }),
    field("fd.connected", Kind::Bool, "it has one peer", |event, _| {
        of(event).map(|_| socket(event).is_some_and(is_connected)).into()
    }),
    field("fd.name_changed", Kind::Bool, "the call gave it another peer", |event, _| {
        of(event).map(|_| socket(event).is_some_and(|socket| changes_peer(event, socket))).into()
    }),
    field("fd.ip", Kind::Address, "address of either end", |e, _| either_ip(e))
        .shape(Shape::Either),
    field("fd.cip", Kind::Address, "address of the client", |e, _| client(e).0),
    field("fd.sip", Kind::Address, "address of the server", |e, _| server(e).0),
    field("fd.lip", Kind::Address, "address of this side", |e, _| local(e).0),
    field("fd.rip", Kind::Address, "address of the other side", |e, _| remote(e).0),
    field("fd.net", Kind::Network, "network of either end", |e, _| either_ip(e))
        .shape(Shape::Either),
    field("fd.cnet", Kind::Network, "network of the client", |e, _| client(e).0),
    field("fd.snet", Kind::Network, "network of the server", |e, _| server(e).0),
    field("fd.lnet", Kind::Network, "network of this side", |e, _| local(e).0),
    field("fd.rnet", Kind::Network, "network of the other side", |e, _| remote(e).0),
    field("fd.port", Kind::Number, "port of either end", |event, _| {
        let both = [local(event).1, remote(event).1];
        Value::list(both.into_iter().filter(|it| !it.is_absent()))
    })
    .shape(Shape::Either),
    field("fd.cport", Kind::Number, "port of the client", |e, _| client(e).1),
    field("fd.sport", Kind::Number, "port of the server", |e, _| server(e).1),
    field("fd.lport", Kind::Number, "port of this side", |e, _| local(e).1),
    field("fd.rport", Kind::Number, "port of the other side", |e, _| remote(e).1),
    Field::never("fd.rip.name", Kind::Text, NO_NAMES),
    Field::never("fd.sip.name", Kind::Text, NO_NAMES),
    Field::never("fd.cip.name", Kind::Text, NO_NAMES),
    Field::never("fd.lip.name", Kind::Text, NO_NAMES),
    Field::never("fd.proto", Kind::Text, NO_SERVICE),
    Field::never("fd.cproto", Kind::Text, NO_SERVICE),
    Field::never("fd.sproto", Kind::Text, NO_SERVICE),
    Field::never("fd.lproto", Kind::Text, NO_SERVICE),
    Field::never("fd.rproto", Kind::Text, NO_SERVICE),
];

const NO_NAMES: &str = "names of addresses are not learnt yet: ask for the address";
const NO_SERVICE: &str = "ports are numbers here: ask for the port";

/// A field that only calls with descriptors have.
const fn field(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    extract: for<'a> fn(&'a Event, &'a Argument) -> Value<'a>,
) -> Field {
    Field::event(name, kind, doc, extract).of_call(OfCall::Has(has))
}

fn has(call: Call, _: &Argument) -> bool {
    use Call as C;
    matches!(
        call,
        C::Open
            | C::Openat
            | C::Openat2
            | C::Creat
            | C::OpenByHandleAt
            | C::Fsopen
            | C::Fsmount
            | C::OpenTree
            | C::Close
            | C::Read
            | C::Write
            | C::Socket
            | C::Connect
            | C::Bind
            | C::Listen
            | C::Accept
            | C::Accept4
            | C::Sendto
            | C::Sendmsg
            | C::Sendmmsg
            | C::Recvfrom
            | C::Recvmsg
            | C::Dup
            | C::Dup2
            | C::Dup3
            | C::Fcntl
            | C::Malware
            | C::MemfdCreate
            | C::Other
            | C::Relay
    )
}

/// The descriptor that an event is about.
pub(super) fn of(event: &Event) -> Option<&Descriptor> {
    match &event.act {
        Act::Open { descriptor, .. }
        | Act::Close { descriptor }
        | Act::Read { descriptor, .. }
        | Act::Write { descriptor, .. }
        | Act::Socket { descriptor, .. }
        | Act::Connect { descriptor }
        | Act::Bind { descriptor }
        | Act::Listen { descriptor }
        | Act::Accept { descriptor }
        | Act::Send { descriptor, .. }
        | Act::Receive { descriptor, .. }
        | Act::Duplicate { descriptor, .. }
        | Act::MakeMemoryFile { descriptor, .. }
        | Act::OpenFilesystem { descriptor, .. }
        | Act::OpenMount { descriptor, .. }
        | Act::OpenByHandle { descriptor, .. } => Some(descriptor),
        Act::Malware(suspicion) => Some(&suspicion.descriptor),
        Act::Relay(relay) => Some(&relay.connection),
        _ => None,
    }
}

pub(super) fn file(descriptor: &Descriptor) -> Option<&File> {
    match &descriptor.object {
        Object::File(file) => Some(file),
        _ => None,
    }
}

fn socket(event: &Event) -> Option<&Socket> {
    match &of(event)?.object {
        Object::Socket(socket) => Some(socket),
        _ => None,
    }
}

/// Its type as a word and as a character.
pub(super) fn kind(descriptor: &Descriptor) -> Option<(&str, &str)> {
    Some(match &descriptor.object {
        Object::File(File { kind: FileKind::Directory, .. }) => ("directory", "d"),
        Object::File(_) => ("file", "f"),
        Object::Socket(socket) => match socket.family {
            SocketFamily::Unix => ("unix", "u"),
            SocketFamily::Inet4 => ("ipv4", "4"),
            SocketFamily::Inet6 => ("ipv6", "6"),
            SocketFamily::Netlink => ("netlink", "n"),
            SocketFamily::Packet | SocketFamily::Other => return None,
        },
        Object::Pipe { .. } => ("pipe", "p"),
        Object::Memory { .. } => ("memfd", "m"),
        Object::Anonymous { name } => match name.as_slice() {
            b"eventfd" => ("event", "e"),
            b"eventpoll" | b"epoll" => ("eventpoll", "l"),
            b"inotify" => ("inotify", "i"),
            b"signalfd" => ("signalfd", "s"),
            b"timerfd" => ("timerfd", "t"),
            b"io_uring" => ("io_uring", "r"),
            b"userfaultfd" => ("userfaultfd", "u"),
            b"pidfd" => ("pidfd", "P"),
            name if name.starts_with(b"bpf") => ("bpf", "b"),
            _ => return None,
        },
        Object::Unknown => return None,
    })
}

pub(super) fn name(descriptor: &Descriptor) -> Value<'_> {
    match &descriptor.object {
        Object::File(file) => (&file.path).into(),
        Object::Memory { name } => Value::made([b"memfd:", name.as_slice()].concat()),
        Object::Anonymous { name } => name.into(),
        Object::Socket(socket) => tuple(socket),
        Object::Pipe { .. } | Object::Unknown => "".into(),
    }
}

pub(super) fn file_kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "regular",
        FileKind::Directory => "directory",
        FileKind::Symlink => "symlink",
        FileKind::CharacterDevice => "character",
        FileKind::BlockDevice => "block",
        FileKind::Fifo => "fifo",
        FileKind::Socket => "socket",
    }
}

/// Wherever `/proc` is mounted, the folder of a process is called by its number, in the process'
/// own namespace or that of the host.
fn is_of_other(event: &Event, path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    let own = [event.process.virtual_pid, event.process.pid];
    let number = parts.by_ref().find(|part| *part == b"proc").and_then(|_| parts.next());
    let number = number.and_then(|it| str::from_utf8(it).ok()).and_then(|it| it.parse().ok());
    number.is_some_and(|number| !own.contains(&number))
}

/// The client first: `10.0.0.2:51234->10.0.0.1:443`.
fn tuple(socket: &Socket) -> Value<'_> {
    let is_server = socket.server == Some(true);
    match (&socket.local, &socket.remote) {
        (Some(Endpoint::Unix(path)), _) if is_server && !path.is_empty() => path.into(),
        (_, Some(Endpoint::Unix(path))) | (Some(Endpoint::Unix(path)), _) => path.into(),
        (Some(Endpoint::Internet(local)), Some(Endpoint::Internet(remote))) => {
            let (client, server) = if is_server { (remote, local) } else { (local, remote) };
            Value::made(format!("{}->{}", plain(client), plain(server)))
        }
        (Some(Endpoint::Internet(only)), None) | (None, Some(Endpoint::Internet(only))) => {
            Value::made(plain(only))
        }
        (None, None) => "".into(),
    }
}

/// Without the brackets of IPv6, as Falco writes it.
fn plain(address: &core::net::SocketAddr) -> String {
    format!("{}:{}", address.ip(), address.port())
}

/// `<f>/etc/passwd`, as arguments that are descriptors are shown.
pub(super) fn told(descriptor: &Descriptor) -> Option<String> {
    if descriptor.number < 0 {
        return super::names::error(i64::from(descriptor.number)).map(str::to_owned);
    }
    let (_, character) = kind(descriptor)?;
    let protocol = protocol(descriptor).chars().next().filter(|_| matches!(character, "4" | "6"));
    let protocol = protocol.map_or_else(String::new, String::from);
    let name = name(descriptor);
    Some(format!("<{character}{protocol}>{}", name.shown().unwrap_or_default()))
}

fn protocol(descriptor: &Descriptor) -> &'static str {
    let Object::Socket(socket) = &descriptor.object else { return "<NA>" };
    match socket.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Icmp => "icmp",
        Protocol::Raw => "raw",
        Protocol::Other => "<NA>",
    }
}

/// Of a folder, itself.
fn directory(file: &File) -> &[u8] {
    if file.kind == FileKind::Directory {
        return &file.path;
    }
    match file.path.iter().rposition(|byte| *byte == b'/') {
        // A slash at the end does not make a name of nothing.
        Some(at) if at > 0 && at + 1 < file.path.len() => file.path.get(..at).unwrap_or_default(),
        Some(at) if at > 0 => &file.path,
        _ => b"/",
    }
}

fn base(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) if at + 1 < path.len() => path.get(at + 1..).unwrap_or_default(),
        Some(_) => path,
        None => b"/",
    }
}

fn within<'a>(event: &'a Event, part: fn(&'a Descriptor) -> Option<Value<'a>>) -> Value<'a> {
    let id = event.container.as_deref().map_or("", |it| it.id.get(..12).unwrap_or(&it.id));
    match of(event).and_then(part) {
        Some(Value::Text(text)) => Value::made([id.as_bytes(), b":", &text].concat()),
        _ => Value::Absent,
    }
}

/// As `makedev(3)` puts major and minor together.
fn device(file: &File) -> u64 {
    let (major, minor) = (file.device >> 32, file.device & 0xffff_ffff);
    (major & 0xfff) << 8 | minor & 0xff | (minor & !0xff) << 12
}

/// A connection over TCP has one peer; of others the sensor has to know.
fn is_connected(socket: &Socket) -> bool {
    match socket.connected {
        Some(connected) => connected,
        None => socket.protocol == Protocol::Tcp && socket.remote.is_some(),
    }
}

/// What is sent over a socket without a peer goes to one of the call's own.
fn changes_peer(event: &Event, socket: &Socket) -> bool {
    let connects = matches!(event.act, Act::Connect { .. });
    let sends = matches!(event.act, Act::Send { .. } | Act::Receive { .. });
    socket.remote.is_some() && (connects || sends && !is_connected(socket))
}

fn serves(event: &Event) -> bool {
    socket(event).is_some_and(|socket| socket.server == Some(true))
}

/// Address and port.
type End<'a> = (Value<'a>, Value<'a>);

fn end<'a>(endpoint: Option<&Endpoint>) -> End<'a> {
    let address = endpoint.and_then(Endpoint::address).map(unmapped);
    (address.into(), endpoint.and_then(Endpoint::port).into())
}

/// An IPv4 address in IPv6's clothes is the former.
fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn local(event: &Event) -> End<'_> {
    end(socket(event).and_then(|socket| socket.local.as_ref()))
}

pub(super) fn remote(event: &Event) -> End<'_> {
    end(socket(event).and_then(|socket| socket.remote.as_ref()))
}

fn client(event: &Event) -> End<'_> {
    if serves(event) { remote(event) } else { local(event) }
}

fn server(event: &Event) -> End<'_> {
    if serves(event) { local(event) } else { remote(event) }
}

fn either_ip(event: &Event) -> Value<'_> {
    let both = [local(event).0, remote(event).0];
    Value::list(both.into_iter().filter(|it| !it.is_absent()))
}
