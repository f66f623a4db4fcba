//! A client and a server that can talk to each other.
//!
//! The address has to be one of this machine, or of the container: none is added to an interface.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use super::Stumble;
use crate::case::Protocol;

/// The kernel's limit for the path of a socket.
pub(super) const UNIX_BYTES_MAX: usize = 108;

pub(super) struct Connection {
    pub(super) client: OwnedFd,
    pub(super) server: OwnedFd,
    /// A socket in the file system, to be removed.
    pub(super) path: Option<PathBuf>,
}

pub(super) fn open(protocol: Protocol, address: &str, folder: &str) -> Result<Connection, Stumble> {
    let made = match protocol {
        Protocol::Tcp4 | Protocol::Tcp6 => tcp(address),
        Protocol::Udp4 | Protocol::Udp6 => udp(address, protocol),
        Protocol::Unix => unix(PathBuf::from(folder).join("socket")),
    };
    made.map_err(|why| Stumble::unable(&format!("nobody can listen at `{address}`"), why))
}

fn tcp(address: &str) -> std::io::Result<Connection> {
    let listener = TcpListener::bind(address)?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    Ok(Connection { client: client.into(), server: server.into(), path: None })
}

/// Without a connection, the client is a socket of the family.
fn udp(address: &str, protocol: Protocol) -> std::io::Result<Connection> {
    let server = UdpSocket::bind(address)?;
    let any = if protocol == Protocol::Udp6 { "[::]:0" } else { "0.0.0.0:0" };
    let client = UdpSocket::bind(any)?;
    Ok(Connection { client: client.into(), server: server.into(), path: None })
}

fn unix(path: PathBuf) -> std::io::Result<Connection> {
    let listener = UnixListener::bind(&path)?;
    let client = UnixStream::connect(&path)?;
    let (server, _) = listener.accept()?;
    Ok(Connection { client: client.into(), server: server.into(), path: Some(path) })
}
