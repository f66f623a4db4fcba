//! A host that is there and never answers: its queue of connections is full, so that the system
//! drops every further attempt as if the packets were lost.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

/// As long as this lives, connecting to its address takes until the caller gives up.
#[derive(Debug)]
pub struct Full {
    address: SocketAddr,
    _listener: OwnedFd,
    _waiting: Vec<TcpStream>,
}

impl Full {
    /// Fills a queue of its own.
    pub fn start() -> Self {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listen(&listener, 0).expect("a queue");
        let address = getsockname(&listener).expect("an address");
        let address = SocketAddr::try_from(address).expect("an internet address");
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            waiting.push(stream);
        }
        Self { address, _listener: listener, _waiting: waiting }
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }
}
