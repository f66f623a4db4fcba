//! `--to FORMAT@SINK`: where alerts go.
//!
//! Each sink has a thread and a queue. A sink that stalls fills its queue, and what finds no room is
//! counted: the guard never waits for it. At the end, whatever did not get there is said.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use artifact::Stop;
use detect::json_line;
use rustix::fs::OFlags;

use super::alert::Alert;
use super::behind::{Behind, END, Queue};
use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;

/// Alerts that wait for one sink.
const QUEUE: usize = 8_192;
/// What a server may take for one alert.
const POST_TIME: Duration = Duration::from_secs(10);

/// As the user writes it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    form: Form,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Human,
    Json,
    FalcoJson,
}

#[derive(Clone, Debug)]
enum Place {
    Stdout,
    File(PathBuf),
    Http(String),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (form, place) = text.split_once('@').ok_or("want FORMAT@SINK")?;
        let form = match form {
            "human" => Form::Human,
            "json" => Form::Json,
            "falco-json" => Form::FalcoJson,
            other => return Err(format!("no format `{other}`: human, json, falco-json")),
        };
        let place = match place.split_once(':') {
            None if place == "stdout" => Place::Stdout,
            Some(("file", path)) if !path.is_empty() => Place::File(PathBuf::from(path)),
            Some(("http", rest)) if rest.starts_with("//") => Place::Http(place.to_owned()),
            // As Falco's tools write it: http:URL.
            Some(("http", rest)) if rest.starts_with("http://") => Place::Http(rest.to_owned()),
            _ => return Err(format!("no sink `{place}`: stdout, file:PATH, http://HOST/PATH")),
        };
        Ok(Self { form, place })
    }
}

impl Wanted {
    fn name(&self) -> String {
        match &self.place {
            Place::Stdout => "stdout".to_owned(),
            Place::File(path) => format!("`{}`", path.display()),
            Place::Http(url) => format!("`{url}`"),
        }
    }
}

pub(super) struct Sinks {
    sinks: Vec<Sink>,
    hostname: String,
    color: bool,
}

struct Sink {
    form: Form,
    name: String,
    pen: Behind<String>,
    /// Of the dropped, what was said before.
    said: u64,
}

/// Opens them all: one that cannot be written to is an error before anything is watched.
pub(super) fn open(wanted: &[Wanted], color: bool, stop: &Stop) -> Result<Sinks, UserError> {
    let usual = [Wanted { form: Form::Human, place: Place::Stdout }];
    let wanted = if wanted.is_empty() { &usual[..] } else { wanted };
    let sinks: Result<Vec<Sink>, UserError> =
        wanted.iter().map(|wanted| Sink::open(wanted, stop)).collect();
    Ok(Sinks { sinks: sinks?, hostname: environment::hostname(), color })
}

impl Sinks {
    pub(super) fn tell(&self, alert: &Alert<'_>) {
        for sink in &self.sinks {
            let text = match sink.form {
                Form::Human => alert.human(self.color),
                Form::Json => json_line(&alert.json()) + "\n",
                Form::FalcoJson => json_line(&alert.falco_json(&self.hostname)) + "\n",
            };
            let bytes = text.len();
            sink.pen.give(text, bytes);
        }
    }

    /// How many more alerts did not get to which since the last call.
    pub(super) fn news(&mut self) -> Vec<(String, u64)> {
        let mut news = Vec::new();
        for sink in &mut self.sinks {
            let dropped = sink.pen.dropped();
            if dropped > sink.said {
                news.push((sink.name.clone(), dropped - sink.said));
                sink.said = dropped;
            }
        }
        news
    }

    /// Gives them time to write what they have; how many alerts did not get to which in all, those
    /// that are still on their way among them.
    pub(super) fn finish(self) -> Vec<(String, u64)> {
        let deadline = Instant::now() + END;
        let mut untold = Vec::new();
        for sink in self.sinks {
            let count = sink.pen.finish(deadline.saturating_duration_since(Instant::now()));
            if count > 0 {
                untold.push((sink.name, count));
            }
        }
        untold
    }
}

impl Sink {
    fn open(wanted: &Wanted, stop: &Stop) -> Result<Self, UserError> {
        let name = wanted.name();
        let mut put: Box<dyn FnMut(&str) -> bool + Send> = match &wanted.place {
            Place::Stdout => {
                let stop = stop.clone();
                Box::new(move |text| to_stdout(text, &stop))
            }
            Place::File(path) => {
                let file = open_file(path).map_err(|error| {
                    UserError::new(ExitCode::Output, format!("cannot write {name}: {error}"))
                })?;
                let mut lines = Lines { file, is_torn: false };
                Box::new(move |text| lines.put(text))
            }
            Place::Http(url) => {
                let (url, agent) = (url.clone(), agent());
                Box::new(move |text| post(&agent, &url, text))
            }
        };
        let write = move |alerts: &Queue<String>| {
            while let Some(alert) = alerts.next() {
                match put(&alert) {
                    true => alerts.arrived(1),
                    false => alerts.drop_one(),
                }
            }
        };
        let pen = Behind::start("sink", QUEUE, write)?;
        Ok(Self { form: wanted.form, name, pen, said: 0 })
    }
}

/// A file that is there is added to, and keeps its permissions; a new one is root's alone. Neither a
/// link nor anything but a file will do: who may write to the folder is not to say where alerts go.
fn open_file(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(std::io::Error::other("it is no regular file")),
    }
}

/// A file of lines.
struct Lines<W> {
    file: W,
    /// The last line was not written to its end.
    is_torn: bool,
}

impl<W: Write> Lines<W> {
    fn put(&mut self, text: &str) -> bool {
        if self.is_torn && self.file.write_all(b"\n").is_err() {
            return false;
        }
        self.is_torn = self.file.write_all(text.as_bytes()).is_err();
        !self.is_torn
    }
}

/// A reader that closed the pipe has what it wanted: the guard ends.
fn to_stdout(text: &str, stop: &Stop) -> bool {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    if written.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        stop.stop();
    }
    written.is_ok()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(POST_TIME)).build().into()
}

fn post(agent: &ureq::Agent, url: &str, text: &str) -> bool {
    agent.post(url).header("content-type", "application/json").send(text).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn sinks_are_read_or_refused_with_what_there_is() {
        for text in [
            "human@stdout",
            "json@file:/tmp/a",
            "falco-json@http://host/path",
            "falco-json@http:http://host/path",
        ] {
            assert!(text.parse::<Wanted>().is_ok(), "{text}");
        }
        for text in ["", "json", "xml@stdout", "json@file:", "json@stderr", "json@http:host"] {
            let error = text.parse::<Wanted>().unwrap_err();
            assert!(error.contains("want") || error.contains("no "), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_is_one_and_of_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts");
        open_file(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(open_file(&link).is_err());
        let fifo = folder.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(open_file(&fifo).is_err(), "and nobody waits");
        assert!(open_file(Path::new("/dev/null")).is_err());
    }

    /// Takes half of what it is given, every second time.
    struct Full {
        bytes: Vec<u8>,
        left: usize,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let count = bytes.len().min(self.left);
            if count == 0 {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.left -= count;
            self.bytes.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_alert_after_half_of_one_begins_a_line() {
        let mut lines = Lines { file: Full { bytes: Vec::new(), left: 3 }, is_torn: false };
        assert!(!lines.put("{\"a\":1}\n"));
        assert!(!lines.put("{\"b\":2}\n"));
        lines.file.left = 100;
        assert!(lines.put("{\"c\":3}\n") && lines.put("{\"d\":4}\n"));
        assert_eq!(lines.file.bytes, b"{\"a\n{\"c\":3}\n{\"d\":4}\n");
    }

    #[test]
    fn what_is_on_its_way_at_the_end_did_not_get_there() {
        let (go, stalled) = std::sync::mpsc::channel::<()>();
        let stall = move |_: &Queue<String>| assert!(stalled.recv().is_err());
        let pen = Behind::start("sink", 2, stall).unwrap();
        let sink = Sink { form: Form::Json, name: "`it`".to_owned(), pen, said: 0 };
        let mut sinks = Sinks { sinks: vec![sink], hostname: String::new(), color: false };
        for _ in 0..5 {
            sinks.sinks[0].pen.give("{}".to_owned(), 2);
        }
        assert_eq!(sinks.news(), [("`it`".to_owned(), 3)]);
        assert_eq!(sinks.news(), []);
        drop(go);
        assert_eq!(sinks.finish(), [("`it`".to_owned(), 5)]);
    }
}
