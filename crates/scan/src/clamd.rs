//! A `clamd` as a second engine: every file goes to it as it passes, and what it says is malware
//! of the layer like any other.
//!
//! The protocol is `INSTREAM` within a session (clamd(8)): a length of four bytes before each
//! chunk, zero at the end, and one line as the answer. A clamd that is absent, refuses or hangs
//! never fails a scan: what it was not asked is a Problem, and nobody waits for it twice.

mod connection;
mod visitor;

use std::io;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use connection::{Answer, Connection};
use model::{Problem, ProblemKind};

pub(crate) use visitor::Asking;

/// How long clamd may take to connect, to take a chunk, or to answer for a file.
const TIME_MAX: Duration = Duration::from_secs(120);

/// How long to wait for a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// The largest file that is sent: clamd's own default for `StreamMaxLength`.
const FILE_BYTES_MAX: usize = 100 << 20;

/// Where a clamd listens: the path of a socket, or `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Unix(std::path::PathBuf),
    Tcp(String),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            return Ok(Self::Unix(text.trim_start_matches("unix:").into()));
        }
        let text = text.trim_start_matches("tcp:");
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Self::Tcp(text.to_owned()))
            }
            _ => Err("neither the path of a socket nor HOST:PORT".to_owned()),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}

/// A clamd, shared by all layers that are read.
#[derive(Debug)]
pub(crate) struct Clamd {
    address: Address,
    /// How long it may take to take a chunk, or to answer.
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Why clamd is no longer asked.
    failure: Option<String>,
    /// Files it was not asked about since.
    unasked: usize,
    /// Files too large to be sent.
    too_large: usize,
    /// Files that clamd could not look at, and why it could not at the first.
    refused: Option<(String, usize)>,
}

impl Clamd {
    pub(crate) fn new(address: Address) -> Self {
        Self { address, patience: TIME_MAX, state: Mutex::default() }
    }

    /// The signature that hits; None for a clean file, or where clamd was not asked.
    fn ask(&self, connection: &mut Option<Connection>, bytes: &[u8]) -> Option<String> {
        if bytes.len() > FILE_BYTES_MAX {
            self.note(|state| state.too_large += 1);
            return None;
        }
        if self.has_failed() {
            self.note(|state| state.unasked += 1);
            return None;
        }
        match self.try_ask(connection, bytes) {
            Ok(Answer::Clean) => None,
            Ok(Answer::Found(name)) => Some(name),
            Ok(Answer::Refused(why)) => {
                self.note(|state| state.refused.get_or_insert((why, 0)).1 += 1);
                None
            }
            Err(error) => {
                self.note(|state| {
                    state.failure.get_or_insert_with(|| error.to_string());
                    state.unasked += 1;
                });
                None
            }
        }
    }

    fn try_ask(&self, connection: &mut Option<Connection>, bytes: &[u8]) -> io::Result<Answer> {
        let mut used = match connection.take() {
            Some(open) => open,
            None => self.open()?,
        };
        let answer = match used.ask(bytes) {
            Ok(answer) => answer,
            // A session ends when clamd reloads its database; a new one is as good. That a second
            // fails too is clamd's last word.
            Err(_) if used.has_answered() => {
                used = self.open()?;
                used.ask(bytes)?
            }
            Err(error) => return Err(error),
        };
        *connection = Some(used);
        Ok(answer)
    }

    fn open(&self) -> io::Result<Connection> {
        Connection::open(&self.address, self.patience)
    }

    fn has_failed(&self) -> bool {
        let mut failed = false;
        self.note(|state| failed = state.failure.is_some());
        failed
    }

    fn note(&self, change: impl FnOnce(&mut State)) {
        // A thread that panicked while it counted has left a number, and no more.
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut state);
    }

    /// What it was not asked, and why.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let subject = format!("clamd at {}", self.address);
        self.note(|state| {
            if let Some(failure) = &state.failure {
                let message = format!("{} files were not looked at: {failure}", state.unasked);
                problems.push(Problem::new(ProblemKind::Unreadable, &*subject, message));
            }
            if let Some((why, count)) = &state.refused {
                let message = format!("{count} files could not be looked at: {why}");
                problems.push(Problem::new(ProblemKind::Unreadable, &*subject, message));
            }
            if state.too_large > 0 {
                let message = format!(
                    "{} files larger than {} MiB were not sent",
                    state.too_large,
                    FILE_BYTES_MAX >> 20
                );
                problems.push(Problem::new(ProblemKind::LimitReached, &*subject, message));
            }
        });
        problems
    }
}

#[cfg(test)]
mod tests;
