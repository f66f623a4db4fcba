//! A syslog server or the local daemon: RFC 5424 over UDP (5426), TCP (6587) and TLS (5425).
//!
//! Nothing in syslog says that a message was taken. A connection that was closed is noticed before
//! the next message; what was on its way when it broke is lost, and nobody can count it.

mod message;
mod stream;

use std::io;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use self::message::{DATAGRAM_BYTES_MAX, LOCAL_BYTES_MAX, STREAM_BYTES_MAX};
use self::stream::Stream;
use super::{Carry, Outcome};
use crate::letter::Letter;
use crate::trust::Trust;

pub(crate) use self::message::Sender;

/// Where the local daemon listens.
pub(crate) const LOCAL: &str = "/dev/log";

/// How it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Local(PathBuf),
    Udp(String),
    Tcp(String),
    Tls(String),
}

type Send = Box<dyn FnMut(&Letter) -> io::Result<()> + std::marker::Send>;

pub(crate) fn open(server: &Server, sender: Sender, trust: &Trust) -> io::Result<Carry> {
    let mut send: Send = match server {
        Server::Local(path) => {
            let path = path.clone();
            Box::new(move |letter| to_local(&path, &sender.local(letter, LOCAL_BYTES_MAX)))
        }
        Server::Udp(address) => {
            let address = address.clone();
            Box::new(move |letter| to_udp(&address, &sender.message(letter, DATAGRAM_BYTES_MAX)))
        }
        Server::Tcp(address) => {
            let mut stream = Stream::plain(address);
            Box::new(move |letter| stream.send(&sender.message(letter, STREAM_BYTES_MAX)))
        }
        Server::Tls(address) => {
            let mut stream = Stream::secure(address, trust)?;
            Box::new(move |letter| stream.send(&sender.message(letter, STREAM_BYTES_MAX)))
        }
    };
    Ok(Box::new(move |letter| match send(letter) {
        Ok(()) => Outcome::Taken,
        Err(error) => Outcome::later(error),
    }))
}

/// A socket for each message: the daemon may have been started anew. One that is full is no reason
/// to wait, it is asked again.
fn to_local(path: &Path, message: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to(message, path).map(drop)
}

fn to_udp(address: &str, message: &[u8]) -> io::Result<()> {
    let server = first_address(address)?;
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any)?.send_to(message, server).map(drop)
}

fn first_address(address: &str) -> io::Result<SocketAddr> {
    let none = || io::Error::new(io::ErrorKind::NotFound, "it has no address");
    address.to_socket_addrs()?.next().ok_or_else(none)
}

#[cfg(test)]
mod tests;
