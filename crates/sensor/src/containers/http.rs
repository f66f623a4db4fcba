//! One question to a daemon on a Unix socket, in HTTP.
//!
//! HTTP 1.0, which every server still speaks: the answer ends with the connection, so there are no
//! chunks to put together, and no connection to keep. Whatever the other side does, an answer has a
//! size and a time in which it has to be whole; that includes a socket that nobody accepts from.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

/// A daemon answers from memory; one that is busy starting a container answers when that is done.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// What is known of one container or image: labels and environment come to some KiB.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// What stands before it.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("`{}` cannot be asked: {why}", socket.display())]
    Unreachable { socket: PathBuf, why: std::io::Error },
    #[error("`{}` does not answer in time", socket.display())]
    Late { socket: PathBuf },
    #[error("the answer of `{}` is longer than {ANSWER_BYTES_MAX} bytes", socket.display())]
    Long { socket: PathBuf },
    #[error("the answer of `{}` is not what was asked for: {why}", socket.display())]
    Senseless { socket: PathBuf, why: String },
}

impl AskError {
    /// There is no such socket: its daemon is not installed, or does not run.
    pub fn nobody_listens(&self) -> bool {
        matches!(self, Self::Unreachable { why, .. } if why.kind() == ErrorKind::NotFound)
    }
}

/// The body of the answer to `GET path`; None where there is no such thing.
pub(super) fn get(socket: &Path, path: &str) -> Result<Option<Vec<u8>>, AskError> {
    match ask(socket, "GET", path, PATIENCE)? {
        (200, body) => Ok(Some(body)),
        (404, _) => Ok(None),
        (status, _) => {
            let why = format!("status {status}");
            Err(AskError::Senseless { socket: socket.to_owned(), why })
        }
    }
}

/// Status and body of the answer. The sensor asks with `GET` alone; who responds may ask for more.
///
/// # Errors
/// If there is no whole answer in that time.
pub fn ask(
    socket: &Path,
    method: &str,
    path: &str,
    patience: Duration,
) -> Result<(u16, Vec<u8>), AskError> {
    let deadline = Instant::now() + patience;
    let mut stream = open(socket, deadline).map_err(|why| failed(socket, why))?;
    // Some servers want a length of what they might be told.
    let length = if method == "GET" { "" } else { "Content-Length: 0\r\n" };
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n{length}\r\n"
    );
    stream.write_all(request.as_bytes()).map_err(|why| failed(socket, why))?;
    let bytes = read_to_end(&mut stream, deadline).map_err(|why| failed(socket, why))?;
    let Some(bytes) = bytes else { return Err(AskError::Long { socket: socket.to_owned() }) };
    match parse(&bytes) {
        Some((status, body)) => Ok((status, body.to_vec())),
        None => Err(AskError::Senseless { socket: socket.to_owned(), why: "no HTTP".to_owned() }),
    }
}

/// Whether somebody takes connections at `socket`.
pub fn listens(socket: &Path) -> bool {
    open(socket, Instant::now() + PATIENCE).is_ok()
}

/// Connects, with a time for that too: it may wait for somebody to accept.
pub(super) fn open(socket: &Path, deadline: Instant) -> std::io::Result<UnixStream> {
    let address = SocketAddrUnix::new(socket)?;
    let descriptor =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&descriptor, Timeout::Send, Some(left(deadline)?))?;
    connect(&descriptor, &address)?;
    Ok(UnixStream::from(descriptor))
}

/// All that comes until the other side closes; None if that is too much.
fn read_to_end(stream: &mut UnixStream, deadline: Instant) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let count = match stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if count == 0 {
            return Ok(Some(bytes));
        }
        if bytes.len() > ANSWER_BYTES_MAX + HEAD_BYTES_MAX {
            return Ok(None);
        }
    }
}

/// The time that is left, which a slow drip of bytes cannot lengthen.
pub(super) fn left(deadline: Instant) -> std::io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

pub(super) fn failed(socket: &Path, why: std::io::Error) -> AskError {
    let socket = socket.to_owned();
    match why.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => AskError::Late { socket },
        _ => AskError::Unreachable { socket, why },
    }
}

/// Status and body of an answer.
pub(crate) fn parse(answer: &[u8]) -> Option<(u16, &[u8])> {
    const END: &[u8] = b"\r\n\r\n";
    let within = answer.get(..answer.len().min(HEAD_BYTES_MAX))?;
    let end = within.windows(END.len()).position(|window| window == END)?;
    let (head, body) = (answer.get(..end)?, answer.get(end + END.len()..)?);
    let line = std::str::from_utf8(head).ok()?.lines().next()?;
    let (version, rest) = line.split_once(' ')?;
    let status = rest.get(..3)?.parse().ok()?;
    version.starts_with("HTTP/1.").then_some((status, body))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    #[test]
    fn answers_are_read_and_others_are_not() {
        type Case<'a> = (&'a [u8], Option<(u16, &'a [u8])>);
        let cases: [Case<'_>; 7] = [
            (b"HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\n{}", Some((200, b"{}"))),
            (b"HTTP/1.1 404 Not Found\r\n\r\n", Some((404, b""))),
            (b"HTTP/1.0 200\r\n\r\n", Some((200, b""))),
            (b"HTTP/1.0 200 OK\r\n", None),
            (b"HTTP/1.0 two OK\r\n\r\n", None),
            (b"\r\n\r\n", None),
            (b"", None),
        ];
        for (answer, expected) in cases {
            assert_eq!(parse(answer), expected, "{}", String::from_utf8_lossy(answer));
        }
    }

    /// A server for one connection.
    fn serve(answer: impl FnOnce(UnixStream) + Send + 'static) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || answer(listener.accept().unwrap().0));
        (directory, path)
    }

    #[test]
    fn a_daemon_is_asked() {
        let (_directory, path) = serve(|mut stream| {
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap();
            assert!(request[..count].starts_with(b"GET /a HTTP/1.0\r\n"));
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nbody").unwrap();
        });
        assert_eq!(get(&path, "/a").unwrap().as_deref(), Some(&b"body"[..]));
    }

    #[test]
    fn too_much_is_too_much() {
        let (_directory, path) = serve(|mut stream| {
            let mut sent = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n");
            while sent.is_ok() {
                sent = stream.write_all(&[b' '; 1 << 16]);
            }
        });
        assert!(matches!(get(&path, "/"), Err(AskError::Long { .. })));
    }

    #[test]
    fn a_silent_daemon_and_one_that_never_accepts_are_late() {
        let (_directory, path) = serve(|stream| {
            thread::sleep(PATIENCE * 2);
            drop(stream);
        });
        let begun = Instant::now();
        assert!(matches!(get(&path, "/"), Err(AskError::Late { .. })));
        // The second connection stays in the queue of a listener that nobody serves any more.
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let _listener = UnixListener::bind(&path).unwrap();
        assert!(matches!(get(&path, "/"), Err(AskError::Late { .. })));
        assert!(begun.elapsed() < PATIENCE * 3);
    }

    #[test]
    fn nobody_there_is_said() {
        let error = get(Path::new("/nonexistent/socket"), "/").unwrap_err();
        assert!(
            error.to_string().starts_with("`/nonexistent/socket` cannot be asked: "),
            "{error}"
        );
    }
}
