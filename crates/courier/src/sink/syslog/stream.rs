//! A connection to a syslog server, made anew when it broke. Messages are counted octets (RFC 5425,
//! section 4.3; RFC 6587, section 3.4.1).

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::first_address;
use crate::trust::Trust;

const CONNECT_TIME: Duration = Duration::from_secs(5);
/// A server that stalls that long is tried again.
const WRITE_TIME: Duration = Duration::from_secs(10);

pub(super) struct Stream {
    address: String,
    security: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    connection: Option<Connection>,
}

enum Connection {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
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
        if self.connection.as_mut().is_some_and(|connection| !connection.is_open()) {
            self.connection = None;
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let mut framed = format!("{} ", message.len()).into_bytes();
        framed.extend(message);
        connection.write(&framed)?;
        self.connection = Some(connection);
        Ok(())
    }

    fn connect(&self) -> io::Result<Connection> {
        let socket = TcpStream::connect_timeout(&first_address(&self.address)?, CONNECT_TIME)?;
        socket.set_write_timeout(Some(WRITE_TIME))?;
        socket.set_read_timeout(Some(WRITE_TIME))?;
        socket.set_nodelay(true)?;
        let Some((config, name)) = &self.security else { return Ok(Connection::Plain(socket)) };
        let client = ClientConnection::new(Arc::clone(config), name.clone());
        let client = client.map_err(io::Error::other)?;
        Ok(Connection::Secure(Box::new(StreamOwned::new(client, socket))))
    }
}

impl Connection {
    /// Servers say nothing: what can be read is the end, or what TLS says for itself.
    fn is_open(&mut self) -> bool {
        let Ok(()) = self.socket().set_nonblocking(true) else { return false };
        let mut unasked = [0; 256];
        let read = match self {
            Self::Plain(socket) => socket.read(&mut unasked),
            Self::Secure(stream) => stream.read(&mut unasked),
        };
        let is_open = match read {
            Ok(count) => count > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        is_open && self.socket().set_nonblocking(false).is_ok()
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Secure(stream) => &stream.sock,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Secure(stream) => {
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }
}
