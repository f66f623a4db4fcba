//! The plugin's socket: HTTP as the daemon speaks it to its plugins, and an answer in time.
//!
//! Only root may connect. A connection has a thread; what it asks is judged on another, so that
//! whatever that waits for, the daemon has its answer by the deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

/// A body of 1 MiB in Base64, and headers of as much.
const REQUEST_BYTES_MAX: usize = 4 << 20;
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
/// The daemon keeps a few; each question of ours to it brings one more.
const CONNECTIONS_MAX: usize = 256;
/// For the rest of a request that has begun; the daemon has it whole.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// The daemon closes those that it no longer wants.
const IDLE_TIME: Duration = Duration::from_secs(600);
/// As the plugin protocol calls its messages.
const CONTENT_TYPE: &str = "application/vnd.docker.plugins.v1.1+json";

/// Whether a request may be done, and what the user is told if not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Allow,
    Refuse(String),
}

/// The JSON of a request, and who is to be told that its answer takes longer than the deadline.
type Decide = dyn Fn(&[u8], &dyn Fn(Duration)) -> Answer + Send + Sync;
type Late = dyn Fn() -> Answer + Send + Sync;

/// Listens until it is dropped; from then on nobody is answered, as if the process had ended.
pub struct Server {
    path: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    decide: Box<Decide>,
    /// What is answered when the time is over.
    late: Box<Late>,
    deadline: Duration,
    connections: AtomicUsize,
    judging: AtomicUsize,
    is_over: AtomicBool,
}

impl Server {
    /// Listens at `path`, in place of whoever does not answer there any more. `decide` judges the
    /// JSON of a request; what it says to be told of is added to the deadline of that one.
    ///
    /// # Errors
    /// If it cannot listen, or somebody does already.
    pub fn start(
        path: &Path,
        deadline: Duration,
        decide: impl Fn(&[u8], &dyn Fn(Duration)) -> Answer + Send + Sync + 'static,
        late: impl Fn() -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(ErrorKind::AddrInUse, "somebody listens there already"));
        }
        match std::fs::remove_file(path) {
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
            _ => {}
        }
        // Under a name of its own until nobody else can connect.
        let new = path.with_extension("new");
        drop(std::fs::remove_file(&new));
        let listener = UnixListener::bind(&new)?;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&new, path)?;
        let shared = Arc::new(Shared {
            decide: Box::new(decide),
            late: Box::new(late),
            deadline,
            connections: AtomicUsize::new(0),
            judging: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let accept = move || accepting.accept(&listener);
        thread::Builder::new().name("plugin".to_owned()).spawn(accept)?;
        Ok(Self { path: path.to_owned(), shared })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The daemon keeps connections, and asks by them again.
        self.shared.is_over.store(true, Ordering::Relaxed);
        drop(std::fs::remove_file(&self.path));
    }
}

/// What who judges says.
enum Word {
    Longer(Duration),
    Answer(Answer),
}

/// One more of something, until dropped.
struct Count<'a>(&'a AtomicUsize);

impl<'a> Count<'a> {
    fn take(of: &'a AtomicUsize, max: usize) -> Option<Self> {
        let count = Self(of);
        (of.fetch_add(1, Ordering::Relaxed) < max).then_some(count)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        loop {
            // Too many open files: that passes.
            let Ok((stream, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            let shared = Arc::clone(self);
            let serve = move || {
                // Whoever is hung up on is the daemon, which refuses what it cannot have judged.
                if let Some(_count) = Count::take(&shared.connections, CONNECTIONS_MAX) {
                    let _ended = shared.serve(stream);
                }
            };
            drop(thread::Builder::new().name("plugin".to_owned()).spawn(serve));
        }
    }

    fn serve(self: &Arc<Self>, mut stream: UnixStream) -> io::Result<()> {
        let mut bytes = Vec::new();
        loop {
            let Some(head) = self.head(&mut stream, &mut bytes)? else { return Ok(()) };
            if self.is_over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let deadline = Instant::now() + REQUEST_TIME;
            let answer = match head.path.as_str() {
                "/Plugin.Activate" => {
                    skip(&mut stream, &mut bytes, &head, deadline)?;
                    json!({"Implements": ["authz"]})
                }
                // What the daemon answers is its own business, whatever it is.
                "/AuthZPlugin.AuthZRes" => {
                    skip(&mut stream, &mut bytes, &head, deadline)?;
                    json!({"Allow": true})
                }
                "/AuthZPlugin.AuthZReq" if head.length > REQUEST_BYTES_MAX => {
                    return write(&mut stream, 413, "{}");
                }
                "/AuthZPlugin.AuthZReq" => {
                    let body = body(&mut stream, &mut bytes, &head, deadline)?;
                    told(&self.judge(body))
                }
                _ => return write(&mut stream, 404, "{}"),
            };
            write(&mut stream, 200, &answer.to_string())?;
        }
    }

    /// Judged on a thread of its own, for the answer may not come.
    fn judge(self: &Arc<Self>, body: Vec<u8>) -> Answer {
        let (sender, receiver) = mpsc::channel();
        let shared = Arc::clone(self);
        let judge = move || {
            let Some(_count) = Count::take(&shared.judging, CONNECTIONS_MAX) else { return };
            // Nobody may be waiting any more.
            let longer = |time| drop(sender.send(Word::Longer(time)));
            let answer = (shared.decide)(&body, &longer);
            drop(sender.send(Word::Answer(answer)));
        };
        if thread::Builder::new().name("judge".to_owned()).spawn(judge).is_err() {
            return (self.late)();
        }
        let mut deadline = Instant::now() + self.deadline;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(left) {
                Ok(Word::Longer(time)) => deadline += time,
                Ok(Word::Answer(answer)) => return answer,
                Err(_) => return (self.late)(),
            }
        }
    }

    /// The next request; None where the other side has gone.
    fn head(&self, stream: &mut UnixStream, bytes: &mut Vec<u8>) -> io::Result<Option<Head>> {
        let mut deadline = Instant::now() + IDLE_TIME;
        loop {
            match head(bytes) {
                Ok(Some(head)) => return Ok(Some(head)),
                Ok(None) => {}
                Err(why) => {
                    write(stream, 400, "{}")?;
                    return Err(io::Error::other(why));
                }
            }
            let was_empty = bytes.is_empty();
            let mut piece = [0; 4_096];
            let count = read(stream, &mut piece, deadline)?;
            if count == 0 {
                return if was_empty { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
            if was_empty {
                deadline = Instant::now() + REQUEST_TIME;
            }
            bytes.extend(piece.get(..count).unwrap_or_default());
        }
    }
}

/// A request without its body.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    path: String,
    end: usize,
    length: usize,
}

/// None while it is not whole.
fn head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let end = match request.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) if bytes.len() >= HEAD_BYTES_MAX => {
            return Err("the headers are too long");
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err("it is no HTTP request"),
    };
    let mut length = None;
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err("the length has to be said");
        }
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = core::str::from_utf8(header.value).ok().map(str::trim);
            let number = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let number = number.and_then(|text| text.parse().ok());
            if length.replace(number.ok_or("its length is none")?).is_some() {
                return Err("it has two lengths");
            }
        }
    }
    let path = request.path.unwrap_or_default().to_owned();
    Ok(Some(Head { path, end, length: length.unwrap_or(0) }))
}

/// The body; what is behind it begins the next request.
fn body(
    stream: &mut UnixStream,
    bytes: &mut Vec<u8>,
    head: &Head,
    deadline: Instant,
) -> io::Result<Vec<u8>> {
    let whole = head.end.saturating_add(head.length);
    while bytes.len() < whole {
        let mut piece = [0; 64 << 10];
        let count = read(stream, &mut piece, deadline)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        bytes.extend(piece.get(..count).unwrap_or_default());
    }
    let rest = bytes.split_off(whole);
    let body = std::mem::replace(bytes, rest);
    Ok(body.get(head.end..).unwrap_or_default().to_vec())
}

/// The same where nobody wants to read it, however long it is.
fn skip(
    stream: &mut UnixStream,
    bytes: &mut Vec<u8>,
    head: &Head,
    deadline: Instant,
) -> io::Result<()> {
    let whole = head.end.saturating_add(head.length);
    let rest = bytes.split_off(whole.min(bytes.len()));
    let mut left = whole.saturating_sub(bytes.len());
    *bytes = rest;
    while left > 0 {
        let mut piece = [0; 64 << 10];
        let room = left.min(piece.len());
        let count = read(stream, piece.get_mut(..room).unwrap_or_default(), deadline)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        left = left.saturating_sub(count);
    }
    Ok(())
}

fn read(stream: &mut UnixStream, into: &mut [u8], deadline: Instant) -> io::Result<usize> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    loop {
        match stream.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

fn told(answer: &Answer) -> serde_json::Value {
    match answer {
        Answer::Allow => json!({"Allow": true}),
        Answer::Refuse(why) => json!({"Allow": false, "Msg": why}),
    }
}

fn write(stream: &mut UnixStream, status: u16, text: &str) -> io::Result<()> {
    let reason = if status == 200 { "OK" } else { "Refused" };
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\n\r\n",
        text.len()
    );
    stream.set_write_timeout(Some(REQUEST_TIME))?;
    stream.write_all(format!("{head}{text}").as_bytes())
}

pub(super) fn fuzz(bytes: &[u8]) -> bool {
    head(bytes).is_ok_and(|head| head.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(
        decide: impl Fn(&[u8]) -> Answer + Send + Sync + 'static,
    ) -> (tempfile::TempDir, Server) {
        patient_server(move |body, _| decide(body))
    }

    fn patient_server(
        decide: impl Fn(&[u8], &dyn Fn(Duration)) -> Answer + Send + Sync + 'static,
    ) -> (tempfile::TempDir, Server) {
        let folder = tempfile::tempdir().unwrap();
        let deadline = Duration::from_millis(300);
        let late = || Answer::Refuse("late".to_owned());
        let server = Server::start(&folder.path().join("s"), deadline, decide, late).unwrap();
        (folder, server)
    }

    fn exchange(server: &Server, request: &str) -> String {
        let mut stream = UnixStream::connect(&server.path).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // What was answered counts, however the connection ended.
        drop(stream.read_to_end(&mut answer));
        String::from_utf8(answer).unwrap()
    }

    fn post(path: &str, body: &str) -> String {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn the_protocol_is_spoken() {
        let (_folder, server) = server(|body| match body {
            b"yes" => Answer::Allow,
            _ => Answer::Refuse("no: \"it\"".to_owned()),
        });
        let three = [
            post("/Plugin.Activate", ""),
            post("/AuthZPlugin.AuthZReq", "yes"),
            post("/AuthZPlugin.AuthZReq", "or not"),
            post("/AuthZPlugin.AuthZRes", &"x".repeat(5 << 20)),
        ];
        let answer = exchange(&server, &three.concat());
        let bodies: Vec<&str> =
            answer.split("\r\n\r\n").skip(1).map(|it| it.split("HTTP").next().unwrap()).collect();
        let expected = [
            r#"{"Implements":["authz"]}"#,
            r#"{"Allow":true}"#,
            r#"{"Allow":false,"Msg":"no: \"it\""}"#,
            r#"{"Allow":true}"#,
        ];
        assert_eq!(bodies, expected, "{answer}");
        let mode = std::fs::metadata(&server.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_request_is_no_start() {
        let (_folder, server) = server(|_| Answer::Allow);
        for (request, status) in [
            ("SSH-2.0\r\n\r\n".to_owned(), "400"),
            (
                "POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .to_owned(),
                "400",
            ),
            ("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n".to_owned(), "400"),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n".to_owned(), "400"),
            (format!("POST / HTTP/1.1\r\na: {}", "b".repeat(HEAD_BYTES_MAX)), "400"),
            (post("/Elsewhere", ""), "404"),
            (
                "POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"
                    .to_owned(),
                "413",
            ),
        ] {
            let answer = exchange(&server, &request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:.60}: {answer}");
        }
        let cut = "POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 9\r\n\r\nyes";
        assert_eq!(exchange(&server, cut), "");
    }

    #[test]
    fn who_judges_for_ever_is_not_waited_for() {
        let (_folder, server) = server(|_| {
            loop {
                thread::sleep(Duration::from_secs(60));
            }
        });
        let begun = Instant::now();
        let answer = exchange(&server, &post("/AuthZPlugin.AuthZReq", "x"));
        assert!(answer.ends_with(r#"{"Allow":false,"Msg":"late"}"#), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn who_says_that_it_takes_longer_is_waited_for_so_long() {
        let (_folder, server) = patient_server(|body, longer| {
            longer(Duration::from_secs(1));
            thread::sleep(Duration::from_millis(if body == b"soon" { 600 } else { 60_000 }));
            Answer::Allow
        });
        let answer = exchange(&server, &post("/AuthZPlugin.AuthZReq", "soon"));
        assert!(answer.ends_with(r#"{"Allow":true}"#), "{answer}");
        let begun = Instant::now();
        let answer = exchange(&server, &post("/AuthZPlugin.AuthZReq", "never"));
        assert!(answer.ends_with(r#"{"Allow":false,"Msg":"late"}"#), "{answer}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_panic_is_an_answer_too_and_the_place_is_for_one() {
        let (_folder, server) = server(|_| panic!("as a mistake of ours would"));
        let answer = exchange(&server, &post("/AuthZPlugin.AuthZReq", "x"));
        assert!(answer.ends_with(r#"{"Allow":false,"Msg":"late"}"#), "{answer}");
        let again =
            Server::start(&server.path, Duration::ZERO, |_, _| Answer::Allow, || Answer::Allow);
        assert!(again.is_err());
    }
}
