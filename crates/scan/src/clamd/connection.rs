//! One session with a clamd.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{Address, CONNECT_TIME_MAX};

/// How much is sent at once.
const CHUNK: usize = 128 << 10;

/// The longest answer: a number, `stream:`, a name, `FOUND`.
const ANSWER_MAX: u64 = 4096;

/// What clamd says of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Clean,
    /// The signature that hits.
    Found(String),
    /// It could not look at the file, and says why; the next may be another matter.
    Refused(String),
}

/// An open session.
pub(super) struct Connection {
    stream: BufReader<Stream>,
    answered: usize,
}

impl Connection {
    pub(super) fn open(address: &Address, patience: Duration) -> io::Result<Self> {
        let stream = Stream::open(address, patience)?;
        let mut connection = Self { stream: BufReader::new(stream), answered: 0 };
        connection.send(b"zIDSESSION\0")?;
        Ok(connection)
    }

    pub(super) fn has_answered(&self) -> bool {
        self.answered > 0
    }

    pub(super) fn ask(&mut self, bytes: &[u8]) -> io::Result<Answer> {
        let sent = self.send_file(bytes);
        // A clamd that has enough of a file says so and hangs up while it is sent.
        let answer = match (self.answer(), sent) {
            (Ok(answer), _) => answer,
            (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(error),
        };
        self.answered += 1;
        read(&answer)
    }

    fn send_file(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send(b"zINSTREAM\0")?;
        for chunk in bytes.chunks(CHUNK) {
            let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
            self.send(&length.to_be_bytes())?;
            self.send(chunk)?;
        }
        self.send(&[0; 4])
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes).and_then(|()| stream.flush()).map_err(said)
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut answer = Vec::new();
        let read = self.stream.by_ref().take(ANSWER_MAX).read_until(0, &mut answer);
        read.map_err(said)?;
        match answer.pop() {
            Some(0) => Ok(String::from_utf8_lossy(&answer).into_owned()),
            Some(_) => Err(io::Error::other("its answer has no end")),
            None => Err(io::Error::other("it closed the connection")),
        }
    }
}

/// Reads `1: stream: Eicar-Signature FOUND`.
fn read(answer: &str) -> io::Result<Answer> {
    let said = answer.split_once("stream: ").map_or(answer, |(_, said)| said).trim();
    if said == "OK" {
        return Ok(Answer::Clean);
    }
    if let Some(name) = said.strip_suffix(" FOUND") {
        return Ok(Answer::Found(name.to_owned()));
    }
    match said.strip_suffix("ERROR") {
        Some(why) => Ok(Answer::Refused(why.trim_end_matches(['.', ' ']).to_owned())),
        None => Err(io::Error::other(format!("it answers `{said}`"))),
    }
}

/// That time is over has two names, and neither tells people anything.
fn said(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            io::Error::new(ErrorKind::TimedOut, "no answer in time")
        }
        _ => error,
    }
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn open(address: &Address, patience: Duration) -> io::Result<Self> {
        let patience = Some(patience);
        Ok(match address {
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(patience)?;
                stream.set_write_timeout(patience)?;
                Self::Unix(stream)
            }
            Address::Tcp(address) => {
                let mut failure = io::Error::other("the name has no address");
                for address in address.to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, CONNECT_TIME_MAX) {
                        Ok(stream) => {
                            stream.set_read_timeout(patience)?;
                            stream.set_write_timeout(patience)?;
                            return Ok(Self::Tcp(stream));
                        }
                        Err(error) => failure = error,
                    }
                }
                return Err(failure);
            }
        })
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(into),
            Self::Tcp(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.flush(),
            Self::Tcp(stream) => stream.flush(),
        }
    }
}
