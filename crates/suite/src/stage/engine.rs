//! Docker's Engine API, as far as a case needs it: an image in, a container up, both gone again.
//!
//! HTTP 1.0, which every engine still speaks: an answer ends with its connection.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

/// An engine unpacks an image of some hundred megabytes meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);
/// What an engine says of one container; an import tells its progress.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

pub(super) struct Engine {
    socket: PathBuf,
}

/// What an engine answers: lower-case fragments.
type Answer = Result<Value, String>;

impl Engine {
    /// The first engine that answers.
    pub(super) fn find(sockets: &[PathBuf]) -> Result<Self, String> {
        let engines = sockets.iter().map(|socket| Self { socket: socket.clone() });
        let mut why = "no engine with Docker's API listens".to_owned();
        for engine in engines.filter(|engine| engine.socket.exists()) {
            match engine.ask("GET", "/version", None) {
                Ok(_) => return Ok(engine),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    /// An engine that does not answer has not said no.
    pub(super) fn has_image(&self, name: &str) -> Result<bool, String> {
        const NOT_FOUND: u16 = 404;
        let path = format!("/images/{name}/json");
        match ask(&self.socket, "GET", &path, None) {
            Ok((200..300, _)) => Ok(true),
            Ok((NOT_FOUND, _)) => Ok(false),
            Ok((status, _)) => Err(format!("the engine answers {status} about `{name}`")),
            Err(why) => Err(format!("`{}`: {why}", self.socket.display())),
        }
    }

    /// Makes an image of an archive.
    pub(super) fn import(&self, name: &str, mut archive: File) -> Answer {
        // A colon before a slash is that of a port.
        let tagged = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
        let (repository, tag) = tagged.unwrap_or((name, "latest"));
        let path = format!("/images/create?fromSrc=-&repo={repository}&tag={tag}");
        archive.rewind().map_err(|error| error.to_string())?;
        self.ask("POST", &path, Some(Body { kind: "application/x-tar", file: archive }))
    }

    /// Starts a container; its id, and the number of its first process.
    pub(super) fn start(&self, name: &str, wanted: &Value) -> Result<(String, u32), String> {
        let mut file = tempfile::tempfile().map_err(|error| error.to_string())?;
        file.write_all(wanted.to_string().as_bytes()).map_err(|error| error.to_string())?;
        file.rewind().map_err(|error| error.to_string())?;
        let body = Body { kind: "application/json", file };
        let path = format!("/containers/create?name={name}");
        let created = self.ask("POST", &path, Some(body))?;
        let id = created["Id"].as_str().ok_or("the engine gives no id")?.to_owned();
        let started = self.ask("POST", &format!("/containers/{id}/start"), None).and_then(|_| {
            let told = self.ask("GET", &format!("/containers/{id}/json"), None)?;
            let pid = told["State"]["Pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
            pid.filter(|pid| *pid != 0).ok_or_else(|| "its first process ended at once".to_owned())
        });
        match started {
            Ok(pid) => Ok((id, pid)),
            Err(why) => {
                // It did not run, and is not to stay.
                let _removed = self.remove_container(&id);
                Err(why)
            }
        }
    }

    pub(super) fn remove_container(&self, id: &str) -> Answer {
        self.ask("DELETE", &format!("/containers/{id}?force=1&v=1"), None)
    }

    pub(super) fn remove_image(&self, name: &str) -> Answer {
        self.ask("DELETE", &format!("/images/{name}?force=1"), None)
    }

    fn ask(&self, method: &str, path: &str, body: Option<Body>) -> Answer {
        let answer = ask(&self.socket, method, path, body);
        let (status, body) = answer.map_err(|why| format!("`{}`: {why}", self.socket.display()))?;
        let said = serde_json::from_slice::<Value>(&body).unwrap_or_else(|_| {
            // An import tells what it does in many values.
            json!({ "message": String::from_utf8_lossy(&body).trim() })
        });
        match status {
            200..300 => Ok(said),
            _ => {
                let message = said["message"].as_str().unwrap_or_default();
                Err(format!("the engine answers {status}: {message}"))
            }
        }
    }
}

struct Body {
    kind: &'static str,
    file: File,
}

fn ask(
    socket: &Path,
    method: &str,
    path: &str,
    body: Option<Body>,
) -> std::io::Result<(u16, Vec<u8>)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let length = body.as_ref().map_or(Ok(0), |body| body.file.metadata().map(|it| it.len()))?;
    let kind = body.as_ref().map_or("application/json", |body| body.kind);
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: {kind}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if let Some(mut body) = body {
        std::io::copy(&mut body.file, &mut stream)?;
    }
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let answer = parse(&answer).ok_or_else(|| std::io::Error::other("it does not speak HTTP"))?;
    Ok((answer.0, answer.1.to_vec()))
}

/// Status and body.
pub(crate) fn parse(answer: &[u8]) -> Option<(u16, &[u8])> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer.windows(END.len()).position(|window| window == END)?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let (version, rest) = head.lines().next()?.split_once(' ')?;
    let status = rest.get(..3)?.parse().ok()?;
    version.starts_with("HTTP/1.").then_some((status, answer.get(end + END.len()..)?))
}
