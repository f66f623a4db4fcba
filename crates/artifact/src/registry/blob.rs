//! One blob as a stream that survives broken connections.
//!
//! Nothing is asked until somebody reads, so that whatever goes wrong goes wrong in one place.
//! When the connection breaks, the rest is asked for with `Range`, or all of it where a registry does
//! not give that, and the stream goes on; whoever reads it hashes all of it, so a registry that sends something else the second time is found
//! out. It must never hand over more bytes than the manifest says.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::http::StatusCode;

use super::session::{Effort, Session};
use crate::OpenError;
use crate::error::OpenErrorKind;
use crate::http::{Body, Response, TRICKLE_BYTES, pauses, seed};
use crate::manifest::{Descriptor, LayerKind};

/// What must have come since the last break for the next one to be the first again.
const PROGRESS_BYTES: u64 = 1 << 20;
/// Breaks in all; a blob of 10 GB over a line that breaks every 100 MB gets through.
const BREAKS_MAX: u32 = 100;

/// A blob that is being received.
pub(super) struct Blob<'a> {
    session: &'a Session,
    path: String,
    size: u64,
    /// Some registries hold foreign layers all the same, so it is worth asking.
    is_distributed: bool,
    /// Bytes handed over.
    position: u64,
    /// None before the first attempt, and between a break and the next one.
    body: Option<Body>,
    breaks: u32,
    /// Where the stream was when the pauses were last fresh, and those that are left.
    progress_from: u64,
    pauses: Vec<Duration>,
    /// When bytes last came that are worth the name, and how far the stream was then.
    alive: Instant,
    alive_at: u64,
    /// False once the registry has answered a range with anything else: then all of it comes again.
    does_ranges: bool,
    /// Nothing more comes; asking once more must not begin it all again.
    over: bool,
}

/// Why there is nothing to read at present.
struct Break {
    why: OpenError,
    /// How long the registry asks to be left alone.
    wait: Option<Duration>,
}

impl From<OpenError> for Break {
    fn from(why: OpenError) -> Self {
        Self { why, wait: None }
    }
}

impl<'a> Blob<'a> {
    pub(super) fn new(session: &'a Session, descriptor: &Descriptor) -> Self {
        Self {
            session,
            path: format!("blobs/{}", descriptor.digest),
            size: descriptor.size,
            is_distributed: descriptor.layer_kind() != LayerKind::NotDistributed,
            position: 0,
            body: None,
            breaks: 0,
            progress_from: 0,
            pauses: fresh_pauses(),
            alive: Instant::now(),
            alive_at: 0,
            does_ranges: true,
            over: false,
        }
    }

    /// Asks for the blob, or for what is left of it.
    fn connect(&mut self) -> io::Result<()> {
        let opened = match self.breaks {
            0 => self.ask(Effort::Persist),
            // The caller counts the attempts.
            _ => self.ask(Effort::Once),
        };
        match opened {
            Ok(body) => {
                self.body = Some(body);
                if self.breaks == 0 {
                    self.alive = Instant::now();
                }
                Ok(())
            }
            Err(_) if !self.is_distributed => {
                self.over = true;
                Err(io::Error::other("the layer is not distributed"))
            }
            Err(Break { why, .. }) if self.breaks == 0 => {
                self.over = true;
                Err(io::Error::other(why))
            }
            Err(broken) => self.pause(broken),
        }
    }

    fn ask(&mut self, effort: Effort) -> Result<Body, Break> {
        let from = if self.does_ranges { self.position } else { 0 };
        let mut headers = Vec::new();
        if from > 0 {
            headers.push(("range", format!("bytes={from}-")));
        }
        let response = self.session.ask(&self.path, &headers, effort)?;
        let is_part = response.status == StatusCode::PARTIAL_CONTENT;
        let range = response.header("content-range").unwrap_or_default().trim();
        let is_other = is_part && !range.starts_with(&format!("bytes {from}-"));
        if from > 0 && (is_other || response.status == StatusCode::RANGE_NOT_SATISFIABLE) {
            self.does_ranges = false;
            return self.ask(effort);
        }
        let wait = response.retry_after();
        let accepted = self.session.accept(response);
        let mut response = accepted.map_err(|why| Break { why, wait })?;
        if is_other {
            return Err(self.lie("another range than it was asked for").into());
        }
        let start = if is_part { from } else { 0 };
        self.check_length(&response, start)?;
        // Of a server that knows no ranges, what we have had comes again.
        let repeated = self.position - start;
        let mut had = (&mut response.body).take(repeated);
        let again = io::copy(&mut had, &mut io::sink()).map_err(|why| self.broken(&why))?;
        if again < repeated {
            return Err(self.lie("less than it had sent before").into());
        }
        Ok(response.body)
    }

    /// A length that is not what the manifest says is not worth waiting for.
    fn check_length(&self, response: &Response, from: u64) -> Result<(), OpenError> {
        let length = response.header("content-length").and_then(|text| text.parse::<u64>().ok());
        match length {
            Some(length) if length != self.size.saturating_sub(from) => {
                Err(self.lie(&format!("{length} bytes where the manifest says {}", self.size)))
            }
            _ => Ok(()),
        }
    }

    fn lie(&self, what: &str) -> OpenError {
        let message = format!("`{}` sends {what}", self.session.registry());
        OpenError::new(OpenErrorKind::Damaged, message)
    }

    fn broken(&self, why: &io::Error) -> OpenError {
        let (registry, position, size) = (self.session.registry(), self.position, self.size);
        let message = format!("`{registry}` broke off after {position} of {size} bytes: {why}");
        OpenError::new(OpenErrorKind::Network, message)
    }

    /// Waits before the next attempt, if there is to be one; else the break was the end.
    fn pause(&mut self, Break { why, wait }: Break) -> io::Result<()> {
        self.body = None;
        self.breaks += 1;
        if self.position - self.progress_from >= PROGRESS_BYTES {
            (self.pauses, self.progress_from) = (fresh_pauses(), self.position);
        }
        let client = self.session.client();
        client.stop().check().map_err(io::Error::other)?;
        match self.pauses.pop().map(|pause| wait.unwrap_or(pause)) {
            Some(pause)
                if why.kind() == OpenErrorKind::Network
                    && self.breaks <= BREAKS_MAX
                    && !client.is_tired()
                    && self.alive.elapsed().saturating_add(pause) <= client.patience() =>
            {
                client.rest(pause).map_err(io::Error::other)
            }
            _ => {
                self.over = true;
                Err(io::Error::other(why))
            }
        }
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.over {
            return Err(io::Error::other(self.lie("nothing more")));
        }
        loop {
            let Some(body) = &mut self.body else {
                self.connect()?;
                continue;
            };
            let left = self.size - self.position;
            if left == 0 {
                // Reading to the end lets the connection be used again, and shows what is beyond.
                return match body.read(&mut [0]) {
                    Ok(0) | Err(_) => Ok(0),
                    Ok(_) => Err(io::Error::other(self.lie("more bytes than the manifest says"))),
                };
            }
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let Some(room) = buffer.get_mut(..most) else { return Ok(0) };
            match body.read(room) {
                Ok(0) => {
                    let why = self.broken(&io::ErrorKind::UnexpectedEof.into());
                    self.pause(why.into())?;
                }
                Ok(count) => {
                    self.position += count as u64;
                    if self.position - self.alive_at >= TRICKLE_BYTES {
                        (self.alive, self.alive_at) = (Instant::now(), self.position);
                    }
                    return Ok(count);
                }
                Err(why) => {
                    let why = self.broken(&why);
                    self.pause(why.into())?;
                }
            }
        }
    }
}

/// The shortest last, to be taken from the end.
fn fresh_pauses() -> Vec<Duration> {
    let mut pauses: Vec<Duration> = pauses(seed()).collect();
    pauses.reverse();
    pauses
}
