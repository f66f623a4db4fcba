//! A connection to a syslog server, made anew when it broke. Messages are counted octets (RFC 5425,
//! section 4.3; RFC 6587, section 3.4.1).

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::first_address;
use crate::timed::Timed;
use crate::trust::Trust;

const CONNECT_TIME: Duration = Duration::from_secs(5);
/// A server that does not take a message in that time is tried again.
const SEND_TIME: Duration = Duration::from_secs(10);

pub(super) struct Stream {
    address: String,
    security: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    connection: Option<Connection>,
}

enum Connection {
    Plain(Timed),
    Secure(Box<StreamOwned<ClientConnection, Timed>>),
}

impl Stream {
    pub(super) fn plain(address: &str) -> Self {
        Self { address: address.to_owned(), security: None, connection: None }
    }

    pub(super) fn secure(address: &str, trust: &Trust) -> io::Result<Self> {
        let host = address.rsplit_once(':').map_or(address, |(host, _port)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let security = Some((Arc::new(trust.client()?), name));
        Ok(Self { address: address.to_owned(), security, connection: None })
    }

    pub(super) fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + SEND_TIME;
        if let Some(connection) = &mut self.connection {
            connection.timed().deadline = deadline;
        }
        if self.connection.as_mut().is_some_and(|connection| !connection.is_open()) {
            self.connection = None;
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect(deadline)?,
        };
        let mut framed = format!("{} ", message.len()).into_bytes();
        framed.extend(message);
        connection.write(&framed)?;
        self.connection = Some(connection);
        Ok(())
    }

    fn connect(&self, deadline: Instant) -> io::Result<Connection> {
        let socket = TcpStream::connect_timeout(&first_address(&self.address)?, CONNECT_TIME)?;
        socket.set_nodelay(true)?;
        let timed = Timed { socket, deadline };
        let Some((config, name)) = &self.security else { return Ok(Connection::Plain(timed)) };
        let client = ClientConnection::new(Arc::clone(config), name.clone());
        let client = client.map_err(io::Error::other)?;
        Ok(Connection::Secure(Box::new(StreamOwned::new(client, timed))))
    }
}

impl Connection {
    /// Servers say nothing: what can be read is the end, or what TLS says for itself.
    fn is_open(&mut self) -> bool {
        let Ok(()) = self.timed().socket.set_nonblocking(true) else { return false };
        let mut unasked = [0; 256];
        let read = match self {
            Self::Plain(timed) => timed.read(&mut unasked),
            Self::Secure(stream) => stream.read(&mut unasked),
        };
        let is_open = match read {
            Ok(count) => count > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        is_open && self.timed().socket.set_nonblocking(false).is_ok()
    }

    fn timed(&mut self) -> &mut Timed {
        match self {
            Self::Plain(timed) => timed,
            Self::Secure(stream) => &mut stream.sock,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(timed) => timed.write_all(bytes),
            Self::Secure(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }
}
