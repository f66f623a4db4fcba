//! A webhook: takes bodies that clients post, and answers when whoever judges them has.
//!
//! HTTP/1.1, a thread a connection. A client may be anybody who reaches the address: connections,
//! their time, bytes that are held at once and the length of everything are bounded, and nothing of
//! a body is read before the client has shown who it is.

pub(crate) mod head;
mod strangers;
mod wire;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use sha2::{Digest, Sha256};

use self::head::Head;
use self::strangers::{Stranger, Strangers};
use self::wire::Wire;
use crate::trust::Token;

/// An API server sends batches of at most 400 records, of 10 MiB where it is told to cut them.
const BODY_BYTES_MAX: usize = 16 << 20;
/// All that is held for all clients at once.
const HELD_BYTES_MAX: usize = 64 << 20;
/// There are a few API servers, with a few connections each.
const CONNECTIONS_MAX: usize = 64;
/// For a TLS handshake and a request without its body.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For a body: 16 MiB over a slow network.
const BODY_TIME: Duration = Duration::from_secs(30);
/// Between requests, of clients that have shown who they are. API servers keep connections for 90 s.
const IDLE_TIME: Duration = Duration::from_secs(100);
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// When a client that is told to come back may do so.
const RETRY_SECONDS: &str = "1";

/// What became of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// It is not what it should be; sending it again is in vain.
    Malformed(String),
    TooLarge(String),
    /// It can be sent again.
    Busy,
}

/// Who may send, and who may read on the way.
#[derive(Debug, Default)]
pub struct Secrecy {
    /// With authorities of clients, only whom they know is let in.
    pub tls: Option<ServerConfig>,
    /// What a client has to send as `Authorization`.
    pub token: Option<Token>,
}

/// Where to listen: what a name stands for is asked once.
#[derive(Debug)]
pub struct Address(Vec<SocketAddr>);

impl Address {
    /// `HOST:PORT`.
    pub fn find(text: &str) -> io::Result<Self> {
        Ok(Self(text.to_socket_addrs()?.collect()))
    }

    /// Whether only programs of this machine reach it.
    pub fn is_here(&self) -> bool {
        self.0.iter().all(|address| address.ip().is_loopback())
    }
}

/// Listens.
pub struct Listener {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

type Take = dyn Fn(&[u8]) -> Answer + Send + Sync;

struct Shared {
    take: Box<Take>,
    tls: Option<Arc<ServerConfig>>,
    /// Its digest: comparing those tells nothing by the time it takes.
    token: Option<[u8; 32]>,
    connections: AtomicUsize,
    strangers: Strangers,
    held: AtomicUsize,
    is_over: AtomicBool,
    refused: AtomicUsize,
}

impl Listener {
    pub fn start(
        address: &Address,
        secrecy: Secrecy,
        take: impl Fn(&[u8]) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(&*address.0)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            take: Box::new(take),
            tls: secrecy.tls.map(Arc::new),
            token: secrecy.token.map(|token| Sha256::digest(token.value).into()),
            connections: AtomicUsize::new(0),
            strangers: Strangers::default(),
            held: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        let accept = move || accepting.accept(&listener);
        thread::Builder::new().name("webhook".to_owned()).spawn(accept)?;
        Ok(Self { address, shared })
    }

    /// From now on clients are told to come back.
    pub fn close(&self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }

    /// Requests that were not taken, for whatever reason, and connections that were hung up on.
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::Relaxed)
    }
}

/// A share of something of which there is so much.
struct Share<'a> {
    of: &'a AtomicUsize,
    count: usize,
}

impl<'a> Share<'a> {
    fn take(of: &'a AtomicUsize, count: usize, max: usize) -> Option<Self> {
        let before = of.fetch_add(count, Ordering::Relaxed);
        // Gives back what it has if that is too much.
        let share = Self { of, count };
        (before.saturating_add(count) <= max).then_some(share)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.fetch_sub(self.count, Ordering::Relaxed);
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            // Too many open files, or a client that went away: neither is the end.
            let Ok((socket, client)) = listener.accept() else {
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            let shared = Arc::clone(self);
            let serve = move || {
                let share = Share::take(&shared.connections, 1, CONNECTIONS_MAX);
                let stranger = shared.strangers.take(client.ip());
                // Why a connection ended is the client's business.
                let is_served = share.is_some()
                    && stranger.is_some_and(|stranger| shared.serve(socket, stranger).is_ok());
                if !is_served {
                    shared.refused.fetch_add(1, Ordering::Relaxed);
                }
            };
            // Without a thread, the client is hung up on.
            if thread::Builder::new().name("webhook".to_owned()).spawn(serve).is_err() {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn serve(&self, socket: TcpStream, stranger: Stranger<'_>) -> io::Result<()> {
        let mut stranger = Some(stranger);
        let mut wire = Wire::accept(socket, self.tls.as_ref(), Instant::now() + HEAD_TIME)?;
        let mut bytes = Vec::new();
        loop {
            let is_known = stranger.is_none();
            let Some(head) = self.head(&mut wire, &mut bytes, is_known)? else { return Ok(()) };
            drop(stranger.take());
            let answer = self.body(&mut wire, &mut bytes, &head)?;
            // Counted first: whoever has the answer may ask for the count.
            if answer != Answer::Taken {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            answer_with(&mut wire, &answer, head.closes)?;
            if head.closes || !matches!(answer, Answer::Taken | Answer::Malformed(_)) {
                return Ok(());
            }
        }
    }

    /// The next request, whose sender may send it; None where there is none.
    fn head(
        &self,
        wire: &mut Wire,
        bytes: &mut Vec<u8>,
        is_known: bool,
    ) -> io::Result<Option<Head>> {
        let begun = Instant::now();
        wire.until(begun + if is_known { IDLE_TIME } else { HEAD_TIME });
        loop {
            match head::read(bytes) {
                Ok(None) => {}
                Ok(Some(head)) if self.may_send(&head) => return Ok(Some(head)),
                Ok(Some(_)) => return refuse(wire, 401, "who sends it?"),
                Err((status, why)) => return refuse(wire, status, why),
            }
            let was_empty = bytes.is_empty();
            let mut piece = [0; 4_096];
            let count = match wire.read(&mut piece) {
                Ok(0) if was_empty => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(_) if was_empty && is_known => return Ok(None),
                Err(error) => return Err(error),
            };
            if was_empty && is_known {
                wire.until(Instant::now() + HEAD_TIME);
            }
            // A head that is too long is refused before more of it is read.
            bytes.extend(piece.get(..count).unwrap_or_default());
        }
    }

    fn may_send(&self, head: &Head) -> bool {
        let Some(token) = &self.token else { return true };
        let shown = head.authorization.as_deref().unwrap_or_default();
        <[u8; 32]>::from(Sha256::digest(shown)) == *token
    }

    /// Reads the body and has it judged. What is behind it begins the next request.
    fn body(&self, wire: &mut Wire, bytes: &mut Vec<u8>, head: &Head) -> io::Result<Answer> {
        if head.length > BODY_BYTES_MAX {
            return Ok(Answer::TooLarge(format!("more than {} MiB", BODY_BYTES_MAX >> 20)));
        }
        let share = Share::take(&self.held, head.length, HELD_BYTES_MAX);
        let Some(_share) = share.filter(|_| !self.is_over.load(Ordering::Relaxed)) else {
            return Ok(Answer::Busy);
        };
        wire.until(Instant::now() + BODY_TIME);
        if head.waits {
            wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let mut body = bytes.split_off(head.end.min(bytes.len()));
        // A client that sends two requests at once waits for no answer; none does.
        body.truncate(head.length);
        bytes.clear();
        let begun = body.len();
        body.resize(head.length, 0);
        wire.read_exact(body.get_mut(begun..).unwrap_or_default())?;
        Ok((self.take)(&body))
    }
}

/// Says why, and ends.
fn refuse(wire: &mut Wire, status: u16, why: &str) -> io::Result<Option<Head>> {
    wire.until(Instant::now() + ANSWER_TIME);
    write_answer(wire, status, why, true)?;
    Err(io::Error::other(why.to_owned()))
}

fn answer_with(wire: &mut Wire, answer: &Answer, closes: bool) -> io::Result<()> {
    wire.until(Instant::now() + ANSWER_TIME);
    match answer {
        Answer::Taken => write_answer(wire, 200, "", closes),
        Answer::Malformed(why) => write_answer(wire, 400, why, closes),
        Answer::TooLarge(why) => write_answer(wire, 413, why, true),
        Answer::Busy => write_answer(wire, 429, "come back", true),
    }
}

fn write_answer(wire: &mut Wire, status: u16, text: &str, closes: bool) -> io::Result<()> {
    let reason = match status {
        200 => "OK",
        401 => "Unauthorized",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        _ => "Refused",
    };
    let mut head = format!("HTTP/1.1 {status} {reason}\r\ncontent-length: {}\r\n", text.len());
    if status == 429 {
        head.extend(["retry-after: ", RETRY_SECONDS, "\r\n"]);
    }
    if status == 401 {
        head.push_str("www-authenticate: Bearer\r\n");
    }
    if closes {
        head.push_str("connection: close\r\n");
    }
    wire.write_all(format!("{head}content-type: text/plain\r\n\r\n{text}").as_bytes())?;
    wire.flush()
}

#[cfg(test)]
mod tests;
