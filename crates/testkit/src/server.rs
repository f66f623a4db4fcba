//! An HTTP/1.1 server that does what a test tells it to, and remembers what it was asked.
//!
//! It listens on a free port of the loopback, or on a Unix socket; a thread serves each
//! connection. A [`Reply`] can be honest, or lie about its length, break off, fall silent, or be
//! no HTTP at all.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt;

use crate::tls::Tls;

/// How often a silent connection looks whether the test is over.
const POLL: Duration = Duration::from_millis(20);

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The length that is claimed, if not the true one.
    pub claimed_length: Option<usize>,
    pub fault: Fault,
}

/// What goes wrong while a reply is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The connection ends after so many bytes of the body.
    BreakAfter(usize),
    /// The connection is reset after so many bytes of the body.
    ResetAfter(usize),
    /// Nothing more comes after so many bytes of the body.
    SilentAfter(usize),
    /// No reply begins at all.
    Silent,
    /// A byte now and then.
    Trickle,
    /// These bytes are sent in place of a reply.
    Raw(Vec<u8>),
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let fault = Fault::None;
        Self { status, headers: Vec::new(), body: body.into(), claimed_length: None, fault }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn claiming(self, length: usize) -> Self {
        Self { claimed_length: Some(length), ..self }
    }

    pub fn with(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A running server; it stops when dropped.
pub struct Server {
    address: Option<SocketAddr>,
    shared: Arc<Shared>,
}

struct Shared {
    handler: Box<Handler>,
    requests: Mutex<Vec<Request>>,
    over: AtomicBool,
}

impl Server {
    /// Listens on a free port of 127.0.0.1.
    pub fn new(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let server = Self { address: Some(address), shared: Shared::new(handler) };
        listener.set_nonblocking(true).expect("a socket can be polled");
        server.accept(move || Ok(Box::new(blocking(listener.accept()?.0)?)));
        server
    }

    /// Listens on a free port of 127.0.0.1 and speaks TLS.
    pub fn secure(tls: &Tls, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let server = Self { address: Some(address), shared: Shared::new(handler) };
        listener.set_nonblocking(true).expect("a socket can be polled");
        let tls = tls.clone();
        server.accept(move || Ok(Box::new(tls.accept(blocking(listener.accept()?.0)?)?)));
        server
    }

    /// Listens on a Unix socket.
    pub fn on_socket(
        path: &Path,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).expect("the socket can be made");
        let server = Self { address: None, shared: Shared::new(handler) };
        listener.set_nonblocking(true).expect("a socket can be polled");
        server.accept(move || {
            let stream = listener.accept()?.0;
            stream.set_nonblocking(false)?;
            Ok(Box::new(stream))
        });
        server
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.expect("a server on the network has an address").to_string()
    }

    /// All that was asked so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn accept(&self, next: impl Fn() -> io::Result<Box<dyn Connection>> + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            while !shared.over.load(Ordering::Relaxed) {
                match next() {
                    Ok(mut connection) => {
                        let shared = Arc::clone(&shared);
                        // A client that goes away in the middle is part of many tests.
                        thread::spawn(move || drop(shared.serve(&mut *connection)));
                    }
                    Err(_) => thread::sleep(POLL / 10),
                }
            }
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }
}

fn blocking(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A stream of which reading and writing are independent.
pub(crate) trait Connection: Send {
    fn halves(&self) -> io::Result<(Box<dyn Read>, Box<dyn Write>)>;

    /// Makes the next close a reset: what was sent and not yet read is lost to the other side.
    fn reset_on_close(&self) -> io::Result<()>;
}

impl Connection for TcpStream {
    fn halves(&self) -> io::Result<(Box<dyn Read>, Box<dyn Write>)> {
        Ok((Box::new(self.try_clone()?), Box::new(self.try_clone()?)))
    }

    fn reset_on_close(&self) -> io::Result<()> {
        Ok(sockopt::set_socket_linger(self, Some(Duration::ZERO))?)
    }
}

impl Connection for UnixStream {
    fn halves(&self) -> io::Result<(Box<dyn Read>, Box<dyn Write>)> {
        Ok((Box::new(self.try_clone()?), Box::new(self.try_clone()?)))
    }

    fn reset_on_close(&self) -> io::Result<()> {
        Ok(()) // such sockets know no reset
    }
}

impl Shared {
    fn new(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        let (handler, requests) = (Box::new(handler), Mutex::default());
        Arc::new(Self { handler, requests, over: AtomicBool::new(false) })
    }

    fn serve(&self, connection: &mut dyn Connection) -> io::Result<()> {
        let (reader, mut writer) = connection.halves()?;
        let mut reader = BufReader::new(reader);
        loop {
            let request = match receive(&mut reader) {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                // As servers answer who speaks TLS to them.
                Err(_) => return writer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            };
            let reply = (self.handler)(&request);
            self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            let goes_on = self.send(&reply, &request, &mut *writer)?;
            if matches!(reply.fault, Fault::ResetAfter(_)) {
                // Time for what was sent to be read.
                thread::sleep(POLL * 5);
                connection.reset_on_close()?;
            }
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Sends the reply. Returns whether the connection goes on.
    fn send(&self, reply: &Reply, request: &Request, to: &mut dyn Write) -> io::Result<bool> {
        if let Fault::Raw(bytes) = &reply.fault {
            to.write_all(bytes)?;
            return Ok(false);
        }
        if reply.fault == Fault::Silent {
            self.wait();
            return Ok(false);
        }
        let length = reply.claimed_length.unwrap_or(reply.body.len());
        let mut head = format!("HTTP/1.1 {} Said So\r\ncontent-length: {length}\r\n", reply.status);
        for (name, value) in &reply.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        to.write_all(head.as_bytes())?;
        if request.method == "HEAD" {
            return Ok(true);
        }
        let upto = |count: &usize| reply.body.get(..*count).unwrap_or(&reply.body);
        match &reply.fault {
            Fault::BreakAfter(count) | Fault::ResetAfter(count) => to.write_all(upto(count))?,
            Fault::SilentAfter(count) => {
                to.write_all(upto(count))?;
                to.flush()?;
                self.wait();
            }
            Fault::Trickle => {
                for byte in &reply.body {
                    to.write_all(&[*byte])?;
                    to.flush()?;
                    if self.over.load(Ordering::Relaxed) {
                        break;
                    }
                    thread::sleep(POLL);
                }
            }
            Fault::None | Fault::Silent | Fault::Raw(_) => {
                to.write_all(&reply.body)?;
                return Ok(reply.claimed_length.is_none());
            }
        }
        Ok(false)
    }

    /// Until the test is over.
    fn wait(&self) {
        while !self.over.load(Ordering::Relaxed) {
            thread::sleep(POLL);
        }
    }
}

/// Reads one request; None when the client is done.
fn receive(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            None => break,
        }
    }
    let mut request = Request { method, path, headers, body: String::new() };
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_string(&mut request.body)?;
    Ok(Some(request))
}
