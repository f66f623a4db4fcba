//! The helper's side: letters that come by a socket go to one sink, and it is said how that stands.
//!
//! Who gives the letters keeps them until they are on disk or with the sink, so that the end of this
//! process, whatever it is, costs none. It reads no more than it can get rid of soon.

use std::io::{self, BufReader};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::letter::Letter;
use crate::outbox::{Outbox, Standing};
use crate::word::Word;

/// How often it is said how it stands.
const PAUSE: Duration = Duration::from_millis(50);
/// Letters that are in memory only, before more are read.
const IN_MEMORY: u64 = 1_024;

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// Nobody gives letters any more.
    All,
    /// What the process was started with is not so any more: another is to go on.
    Stale,
}

/// Says that nothing can be carried there.
pub fn refuse(mut line: &UnixStream, why: &str) -> io::Result<()> {
    Word::Failed(why.to_owned()).write(&mut line)
}

/// Until whoever gives letters ends. `is_stale` is asked while the sink is in trouble.
pub fn serve(
    line: &UnixStream,
    outbox: Outbox,
    end: Duration,
    is_stale: &(dyn Fn() -> bool + Sync),
) -> io::Result<Served> {
    let desk = Desk { line, outbox: Mutex::new(outbox), given: AtomicU64::new(0) };
    let (is_over, became_stale) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let reporter = thread::Builder::new().name("report".to_owned());
        let report = || {
            if desk.report(&is_over, is_stale) {
                became_stale.store(true, Ordering::Relaxed);
            }
            // Whoever reads stops, too: nobody would know what became of more.
            let _closed = line.shutdown(Shutdown::Read);
        };
        reporter.spawn_scoped(scope, report)?;
        let read = desk.read();
        is_over.store(true, Ordering::Relaxed);
        read
    })?;
    if became_stale.into_inner() {
        return Ok(Served::Stale);
    }
    let outbox = desk.outbox.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Word::Left(outbox.finish(end)).write(&mut &*line)?;
    Ok(Served::All)
}

struct Desk<'a> {
    line: &'a UnixStream,
    outbox: Mutex<Outbox>,
    given: AtomicU64,
}

impl Desk<'_> {
    fn read(&self) -> io::Result<()> {
        let mut from = BufReader::new(self.line);
        while let Some(letter) = Letter::read(&mut from)? {
            self.given.fetch_add(1, Ordering::Relaxed);
            self.with(|outbox| outbox.give(letter));
            while self.standing().is_none_or(|(_, standing)| standing.in_memory >= IN_MEMORY) {
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// True if what this process was started with is not so any more.
    fn report(&self, is_over: &AtomicBool, is_stale: &dyn Fn() -> bool) -> bool {
        let mut said = None;
        while !is_over.load(Ordering::Relaxed) {
            if let Some(now) = self.standing().filter(|now| said.as_ref() != Some(now)) {
                let (taken, standing) = now.clone();
                if Word::Report(taken, standing).write(&mut &*self.line).is_err() {
                    return false;
                }
                said = Some(now);
            }
            let is_in_trouble = said.as_ref().is_some_and(|(_, it)| it.trouble.is_some());
            if is_in_trouble && is_stale() {
                return true;
            }
            thread::sleep(PAUSE);
        }
        false
    }

    /// How many letters are off the hands of who gave them, and how it stands. None while the disk is at
    /// work.
    fn standing(&self) -> Option<(u64, Standing)> {
        let given = self.given.load(Ordering::Relaxed);
        let standing = self.with(|outbox| outbox.standing())?;
        Some((given.saturating_sub(standing.in_memory), standing))
    }

    fn with<T>(&self, look: impl FnOnce(&Outbox) -> T) -> T {
        look(&self.outbox.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
