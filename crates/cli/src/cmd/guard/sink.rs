//! `--to FORMAT@SINK`: where alerts go.
//!
//! Each sink has a thread and a queue. A sink that stalls fills its queue, and what finds no room is
//! counted: the guard never waits for it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use artifact::Stop;

use super::alert::Alert;
use crate::error::UserError;
use crate::exit_code::ExitCode;

/// Alerts that wait for one sink.
const QUEUE: usize = 8_192;
/// What a server may take for one alert.
const POST_TIME: Duration = Duration::from_secs(10);
/// What sinks may take at the end for all that they have.
const END: Duration = Duration::from_secs(5);

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
    queue: SyncSender<String>,
    /// Says that the thread is done.
    done: Receiver<()>,
    dropped: Arc<AtomicU64>,
}

/// Opens them all: one that cannot be written to is an error before anything is watched.
pub(super) fn open(wanted: &[Wanted], color: bool, stop: &Stop) -> Result<Sinks, UserError> {
    let usual = [Wanted { form: Form::Human, place: Place::Stdout }];
    let wanted = if wanted.is_empty() { &usual[..] } else { wanted };
    let sinks: Result<Vec<Sink>, UserError> =
        wanted.iter().map(|wanted| Sink::open(wanted, stop)).collect();
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Ok(Sinks { sinks: sinks?, hostname: hostname.trim().to_owned(), color })
}

impl Sinks {
    pub(super) fn tell(&self, alert: &Alert<'_>) {
        for sink in &self.sinks {
            let text = match sink.form {
                Form::Human => alert.human(self.color),
                Form::Json => alert.json().to_string() + "\n",
                Form::FalcoJson => alert.falco_json(&self.hostname).to_string() + "\n",
            };
            if sink.queue.try_send(text).is_err() {
                sink.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Gives them time to write what they have; how many alerts did not get to which.
    pub(super) fn finish(self) -> Vec<(String, u64)> {
        let deadline = Instant::now() + END;
        let mut dropped = Vec::new();
        for sink in self.sinks {
            let Sink { name, queue, done, dropped: count, .. } = sink;
            drop(queue);
            // Late or ended: either way nothing more comes of it.
            let left = deadline.saturating_duration_since(Instant::now());
            let _ended = done.recv_timeout(left);
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                dropped.push((name, count));
            }
        }
        dropped
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
                let file = OpenOptions::new().append(true).create(true).open(path);
                let mut file: File = file.map_err(|error| {
                    UserError::new(ExitCode::Output, format!("cannot write {name}: {error}"))
                })?;
                Box::new(move |text| file.write_all(text.as_bytes()).is_ok())
            }
            Place::Http(url) => {
                let (url, agent) = (url.clone(), agent());
                Box::new(move |text| post(&agent, &url, text))
            }
        };
        let (queue, alerts) = mpsc::sync_channel::<String>(QUEUE);
        let (ended, done) = mpsc::channel();
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        let write = move || {
            for alert in alerts {
                if !put(&alert) {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            // The guard may not have waited.
            let _unheard = ended.send(());
        };
        thread::Builder::new()
            .name("sink".to_owned())
            .spawn(write)
            .map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
        Ok(Self { form: wanted.form, name, queue, done, dropped })
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
}
