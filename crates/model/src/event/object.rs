//! What a file descriptor stands for.

use core::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::Text;

/// A file descriptor and what is behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// −1 where the call that should have made it failed, or where the sensor sees none.
    pub number: i32,
    pub object: Object,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    File(File),
    Socket(Socket),
    Pipe {
        inode: u64,
    },
    Memory {
        name: Text,
    },
    /// `eventfd`, `epoll`, `inotify`, `signalfd`, `timerfd`, `io_uring`, `bpf` …: as the kernel
    /// names the anonymous inode, without brackets.
    Anonymous {
        name: Text,
    },
    #[default]
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Absolute in the process' root.
    pub path: Text,
    pub kind: FileKind,
    /// Major in the upper, minor in the lower 32 bits; with the inode, who a file is whatever its
    /// name. 0 where not known.
    pub device: u64,
    pub inode: u64,
    /// On overlayfs: whether the container wrote it, or its image brought it.
    pub layering: super::Layering,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    #[default]
    Regular,
    Directory,
    Symlink,
    CharacterDevice,
    BlockDevice,
    Fifo,
    Socket,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    pub family: SocketFamily,
    pub protocol: Protocol,
    pub local: Option<Endpoint>,
    pub remote: Option<Endpoint>,
    /// This side accepts or accepted; None where that is not known.
    pub server: Option<bool>,
    /// It has one peer for all that is sent over it, by `connect` or `accept`; None where that is
    /// not known.
    pub connected: Option<bool>,
    /// Under which the remote address was found: names in answers of DNS that the sensor saw.
    pub names: Vec<Text>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocketFamily {
    Unix,
    Inet4,
    Inet6,
    Netlink,
    Packet,
    #[default]
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Raw,
    #[default]
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Endpoint {
    Internet(SocketAddr),
    /// A path, or a name that begins with a zero byte.
    Unix(Text),
}

impl Endpoint {
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Internet(address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }

    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Internet(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }
}
