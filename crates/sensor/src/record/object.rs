//! Parts that tell files, sockets and paths.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use model::event::{Endpoint, Layering, Protocol, Socket, SocketFamily, Text};

use super::read::{Damage, split};
use super::wire::{self, FilePart, SocketPart, WalkPart};
use super::{Handle, Held, Inode, Walk, WalkEnd};

const PIPEFS: u64 = 0x5049_5045;
const ANONYMOUS: u64 = 0x0904_1934;

const UNIX: u16 = 1;
const INET: u16 = 2;
const INET6: u16 = 10;
const NETLINK: u16 = 16;
const PACKET: u16 = 17;

/// `SOCK_DGRAM`.
const DATAGRAM: u16 = 2;
/// `SOCK_RAW`: what the protocol is, is for the process to say.
const RAW: u16 = 3;
const PROTOCOL_ICMP: u16 = 1;
const PROTOCOL_TCP: u16 = 6;
/// TCP over several paths (RFC 8684).
const PROTOCOL_MPTCP: u16 = 262;
const PROTOCOL_UDP: u16 = 17;
const PROTOCOL_ICMP6: u16 = 58;
/// States of TCP in which it has a peer: established, and while either side ends it (`tcp_states.h`).
const CONNECTED: [u16; 6] = [1, 4, 5, 8, 9, 11];

pub(super) fn executable(bytes: &[u8]) -> Result<Inode, Damage> {
    let (part, names) = split(bytes)?;
    Ok(inode(&part, names))
}

pub(super) fn directory(bytes: &[u8]) -> Result<Walk, Damage> {
    let (part, names): (WalkPart, _) = split(bytes)?;
    Ok(walk(part, names))
}

pub(super) fn handle(bytes: &[u8]) -> Result<Handle, Damage> {
    let (part, names): (FilePart, _) = split(bytes)?;
    let held = match part.filesystem {
        PIPEFS => Held::Pipe { inode: part.inode },
        ANONYMOUS => Held::Anonymous { name: anonymous(names) },
        _ if part.marks & wire::FILE_MEMORY != 0 => Held::Memory(inode(&part, names)),
        _ => Held::File(inode(&part, names)),
    };
    Ok(Handle { number: part.number, flags: part.flags, held })
}

fn inode(part: &FilePart, names: &[u8]) -> Inode {
    Inode {
        walk: walk(part.walk, names),
        device: device(part.device),
        inode: part.inode,
        mode: part.mode,
        links: part.links,
        uid: part.uid,
        gid: part.gid,
        changed: nanoseconds(part.changed_seconds, part.changed_nanoseconds),
        modified: nanoseconds(part.modified_seconds, part.modified_nanoseconds),
        layering: match part.marks {
            marks if marks & wire::FILE_UPPER != 0 => Layering::Upper,
            marks if marks & wire::FILE_LOWER != 0 => Layering::Lower,
            _ => Layering::None,
        },
        unlinked: part.marks & wire::FILE_UNLINKED != 0,
        from_memory: part.marks & wire::FILE_MEMORY != 0,
        filesystem: part.filesystem,
        file_capabilities: None,
    }
}

/// The kernel keeps 12 bits of major above 20 bits of minor.
fn device(number: u32) -> u64 {
    u64::from(number >> 20) << 32 | u64::from(number & 0xf_ffff)
}

/// Times before 1970 are 1970.
fn nanoseconds(seconds: i64, nanoseconds: u32) -> u64 {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(nanoseconds))
}

fn anonymous(names: &[u8]) -> Text {
    let name = names.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = name.strip_prefix(b"[").unwrap_or(name);
    name.strip_suffix(b"]").unwrap_or(name).into()
}

pub(super) fn walk(part: WalkPart, names: &[u8]) -> Walk {
    let end = match part.end {
        1 => WalkEnd::Root,
        2 => WalkEnd::Outside,
        3 => WalkEnd::Detached,
        4 => WalkEnd::Cut,
        _ => WalkEnd::Nothing,
    };
    let is_whole = matches!(end, WalkEnd::Root | WalkEnd::Outside);
    let names = names.strip_suffix(&[0]).unwrap_or(names);
    let mut path = Vec::with_capacity(names.len() + 1);
    if !names.is_empty() {
        for (index, name) in names.rsplit(|byte| *byte == 0).enumerate() {
            if is_whole || index > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
    } else if is_whole {
        path.push(b'/');
    }
    Walk { path: path.into(), end }
}

pub(super) fn socket(bytes: &[u8]) -> Result<Handle, Damage> {
    let (part, name): (SocketPart, _) = split(bytes)?;
    let mut socket = Socket {
        family: match part.family {
            UNIX => SocketFamily::Unix,
            INET => SocketFamily::Inet4,
            INET6 => SocketFamily::Inet6,
            NETLINK => SocketFamily::Netlink,
            PACKET => SocketFamily::Packet,
            _ => SocketFamily::Other,
        },
        protocol: protocol(&part),
        ..Socket::default()
    };
    match part.family {
        UNIX => socket.local = unix(part.walk, name),
        INET | INET6 => {
            socket.local = internet(part.family, part.local, part.local_port);
            socket.remote = internet(part.family, part.remote, part.remote_port);
            socket.connected = Some(CONNECTED.contains(&part.state));
        }
        _ => {}
    }
    let state = u8::try_from(part.state).unwrap_or(u8::MAX);
    let is_datagram = matches!(part.kind, DATAGRAM | RAW);
    let held = Held::Socket { inode: part.inode, socket, state, is_datagram };
    Ok(Handle { number: part.number, flags: part.flags, held })
}

pub(super) fn peer(bytes: &[u8]) -> Result<Option<Endpoint>, Damage> {
    let (part, name) = split(bytes)?;
    Ok(unix(part, name))
}

fn protocol(part: &SocketPart) -> Protocol {
    if !matches!(part.family, INET | INET6) {
        return Protocol::Other;
    }
    match part.protocol {
        _ if part.kind == RAW => Protocol::Raw,
        PROTOCOL_TCP | PROTOCOL_MPTCP => Protocol::Tcp,
        PROTOCOL_UDP => Protocol::Udp,
        PROTOCOL_ICMP | PROTOCOL_ICMP6 => Protocol::Icmp,
        _ => Protocol::Other,
    }
}

/// None where neither address nor port is set.
fn internet(family: u16, bytes: [u8; 16], port: u16) -> Option<Endpoint> {
    let address = if family == INET {
        let [a, b, c, d, ..] = bytes;
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    } else {
        IpAddr::V6(Ipv6Addr::from(bytes))
    };
    (port != 0 || !address.is_unspecified())
        .then(|| Endpoint::Internet(SocketAddr::new(address, port)))
}

/// The file's path, or the name of the abstract space with its zero byte.
fn unix(part: WalkPart, name: &[u8]) -> Option<Endpoint> {
    if part.end != 0 {
        return Some(Endpoint::Unix(walk(part, name).path));
    }
    (!name.is_empty()).then(|| Endpoint::Unix(name.into()))
}
