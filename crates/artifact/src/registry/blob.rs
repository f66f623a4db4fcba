//! One blob as a stream that survives broken connections.
//!
//! When the connection breaks, the rest is asked for with `Range` and the stream goes on; whoever
//! reads it hashes all of it, so a registry that sends something else the second time is found
//! out. It must never hand over more bytes than the manifest says.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::http::StatusCode;

use super::session::{Effort, Session};
use crate::OpenError;
use crate::error::OpenErrorKind;
use crate::http::{Body, Response, TRICKLE_BYTES, pauses, seed};
use crate::manifest::Descriptor;

/// What must have come since the last break for the next one to be the first again.
const PROGRESS_BYTES: u64 = 1 << 20;
/// Breaks in all; a blob of 10 GB over a line that breaks every 100 MB gets through.
const BREAKS_MAX: u32 = 100;

/// A blob that is being received.
pub(super) struct Blob<'a> {
    session: &'a Session,
    path: String,
    size: u64,
    /// Bytes handed over.
    position: u64,
    /// None between a break and the next attempt.
    body: Option<Body>,
    breaks: u32,
    /// Where the stream was when the pauses were last fresh, and those that are left.
    progress_from: u64,
    pauses: Vec<Duration>,
    /// When bytes last came that are worth the name, and how far the stream was then.
    alive: Instant,
    alive_at: u64,
    /// Nothing more comes; asking once more must not begin it all again.
    over: bool,
}

impl<'a> Blob<'a> {
    pub(super) fn open(session: &'a Session, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let mut blob = Self {
            session,
            path: format!("blobs/{}", descriptor.digest),
            size: descriptor.size,
            position: 0,
            body: None,
            breaks: 0,
            progress_from: 0,
            pauses: fresh_pauses(),
            alive: Instant::now(),
            alive_at: 0,
            over: false,
        };
        let response = session.get(&blob.path, &[], Effort::Persist)?;
        blob.check_length(&response)?;
        blob.body = Some(response.body);
        Ok(blob)
    }

    /// Asks for the rest.
    fn reopen(&self) -> Result<Body, OpenError> {
        let range = format!("bytes={}-", self.position);
        let mut response = self.session.get(&self.path, &[("range", range)], Effort::Once)?;
        if response.status == StatusCode::PARTIAL_CONTENT {
            let range = response.header("content-range").unwrap_or_default();
            if !range.trim().starts_with(&format!("bytes {}-", self.position)) {
                return Err(self.lie("another range than it was asked for"));
            }
            self.check_length(&response)?;
        } else {
            // The server knows no ranges: what we have had comes again.
            let mut had = (&mut response.body).take(self.position);
            let again = io::copy(&mut had, &mut io::sink()).map_err(|why| self.broken(why))?;
            if again < self.position {
                return Err(self.lie("less than it had sent before"));
            }
        }
        Ok(response.body)
    }

    /// A length that is not what the manifest says is not worth waiting for.
    fn check_length(&self, response: &Response) -> Result<(), OpenError> {
        let length = response.header("content-length").and_then(|text| text.parse::<u64>().ok());
        match length {
            Some(length) if length != self.size.saturating_sub(self.position) => {
                Err(self.lie(&format!("{length} bytes where the manifest says {}", self.size)))
            }
            _ => Ok(()),
        }
    }

    fn lie(&self, what: &str) -> OpenError {
        let message = format!("`{}` sends {what}", self.session.registry());
        OpenError::new(OpenErrorKind::Damaged, message)
    }

    fn broken(&self, why: io::Error) -> OpenError {
        let message = format!("`{}` broke off: {why}", self.session.registry());
        OpenError::new(OpenErrorKind::Network, message)
    }

    /// Waits before the next attempt, if there is to be one; else `why` was the end.
    fn pause(&mut self, why: OpenError) -> io::Result<()> {
        self.body = None;
        self.breaks += 1;
        if self.position - self.progress_from >= PROGRESS_BYTES {
            (self.pauses, self.progress_from) = (fresh_pauses(), self.position);
        }
        let client = self.session.client();
        client.stop().check().map_err(io::Error::other)?;
        match self.pauses.pop() {
            Some(pause)
                if why.kind() == OpenErrorKind::Network
                    && self.breaks <= BREAKS_MAX
                    && self.alive.elapsed() + pause <= client.patience() =>
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
                match self.reopen() {
                    Ok(body) => self.body = Some(body),
                    Err(why) => self.pause(why)?,
                }
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
                    let why = io::Error::from(io::ErrorKind::UnexpectedEof);
                    let why = self.broken(why);
                    self.pause(why)?;
                }
                Ok(count) => {
                    self.position += count as u64;
                    if self.position - self.alive_at >= TRICKLE_BYTES {
                        (self.alive, self.alive_at) = (Instant::now(), self.position);
                    }
                    return Ok(count);
                }
                Err(why) => {
                    let why = self.broken(why);
                    self.pause(why)?;
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
