//! The body of an answer, read with suspicion: a server that trickles is a server that stalls.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::BodyReader;

use super::Timing;
use super::pace::Pace;

/// Fewer bytes than this within the time of patience is a stall that hides (1.4 KiB/s for the
/// usual 45 s; a modem was faster).
pub(crate) const TRICKLE_BYTES: u64 = 64 << 10;

/// A body that is being received.
pub(crate) struct Body {
    reader: BodyReader<'static>,
    timing: Timing,
    pace: Pace,
    /// When the present time of patience began, and what came in it.
    begun: Instant,
    received: u64,
}

impl Body {
    pub(super) fn new(reader: BodyReader<'static>, timing: Timing, pace: Pace) -> Self {
        Self { reader, timing, pace, begun: Instant::now(), received: 0 }
    }

    /// All of the body if it has no more than `limit` bytes; None if it has more.
    pub(crate) fn all(&mut self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= limit).then_some(bytes))
    }

    /// Reads what is not wanted, so that the connection can be used again; gives up silently.
    pub(super) fn drain(&mut self, limit: u64) {
        let _ignored = io::copy(&mut self.take(limit), &mut io::sink());
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let waiting = self.pace.wait();
        let read = self.reader.read(buffer);
        drop(waiting);
        let count = read.map_err(|error| explain(error, self.timing.stall()))?;
        self.received += count as u64;
        self.pace.received(count as u64);
        if count > 0 {
            self.pace.check()?;
        }
        if self.begun.elapsed() > self.timing.patience {
            if self.received < TRICKLE_BYTES && count > 0 {
                return Err(stalled(self.timing.patience, "next to nothing"));
            }
            (self.begun, self.received) = (Instant::now(), 0);
        }
        Ok(count)
    }
}

fn explain(error: io::Error, stall: Duration) -> io::Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<ureq::Error>());
    match cause {
        Some(ureq::Error::Timeout(_)) => stalled(stall, "nothing"),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            io::Error::new(error.kind(), "the connection ended before the answer did")
        }
        _ => error,
    }
}

fn stalled(time: Duration, what: &str) -> io::Error {
    let seconds = time.as_secs_f32();
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} came for {seconds:.0} s"))
}
