//! The way of letters to one sink: whoever writes them waits for nothing, not even the disk.
//!
//! Two threads a sink: one puts what was given into the store, one carries the oldest to the sink,
//! again and again until it is taken. A letter leaves the store when the sink has it, so a sink may
//! have one twice, and none is lost by a sink that is down.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use crate::behind::{Behind, Queue};
use crate::letter::Letter;
use crate::sink::{Carry, Outcome};
use crate::spool::{self, Spool};
use crate::store::Store;

/// Letters that wait to be put into the store.
const QUEUE: usize = 8_192;
/// What they take; as much again may wait in the store, where there is no spool.
const QUEUE_BYTES_MAX: usize = 32 << 20;
/// The first pause after a failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A sink that is back is noticed within that.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Whatever `Retry-After` says.
const LONGEST_WISH: Duration = Duration::from_secs(600);
/// A disk that works lets go of the state in less, even where the sink took all the time.
const LAST_LOOK: Duration = Duration::from_millis(200);

/// What is given goes to one sink.
pub struct Outbox {
    pen: Behind<Letter>,
    shared: Arc<Shared>,
    /// Says that the thread that carries is done.
    done: Receiver<()>,
}

/// How it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Letters that the sink will never have.
    pub lost: u64,
    /// Places in the spool that were skipped because they made no sense.
    pub damaged: u64,
    /// Letters that wait.
    pub waiting: u64,
    /// Of all that were given, those that are only in memory.
    pub in_memory: u64,
    /// Why the sink takes none, if it does not.
    pub trouble: Option<String>,
    /// Why the sink refused the last that it will never take.
    pub refusal: Option<String>,
    /// Why the spool takes none.
    pub full: Option<String>,
}

/// What is left at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Did not get there, and never will.
    pub lost: u64,
    /// Wait in the spool for the next start.
    pub kept: u64,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Letters of the store that no sink has taken, for who cannot look into it: at least those.
    untaken: AtomicU64,
}

#[derive(Default)]
struct State {
    store: Store,
    /// Nothing more comes: what fails now is left.
    is_closed: bool,
    trouble: Option<String>,
    refusal: Option<String>,
}

impl Outbox {
    pub fn start(mut carry: Carry, spool: Option<Spool>) -> io::Result<Self> {
        let state = State { store: Store::new(spool), ..State::default() };
        let untaken = AtomicU64::new(state.store.on_disk());
        let shared = Shared { state: Mutex::new(state), changed: Condvar::new(), untaken };
        let shared = Arc::new(shared);
        let kept = Arc::clone(&shared);
        let keep = move |letters: &Queue<Letter>| {
            while let Some(letter) = letters.next() {
                kept.lock().store.push(letter);
                kept.untaken.fetch_add(1, Ordering::Relaxed);
                letters.arrived(1);
                kept.changed.notify_all();
            }
            let mut state = kept.lock();
            state.is_closed = true;
            let paths = state.store.paths();
            drop(state);
            kept.changed.notify_all();
            spool::sync(&paths);
        };
        let pen = Behind::start("spool", QUEUE, QUEUE_BYTES_MAX, keep)?;
        let (ended, done) = mpsc::channel();
        let carried = Arc::clone(&shared);
        let run = move || {
            carried.carry_all(&mut carry);
            // Nobody may have waited.
            let _unheard = ended.send(());
        };
        thread::Builder::new().name("sink".to_owned()).spawn(run)?;
        Ok(Self { pen, shared, done })
    }

    /// Never waits.
    pub fn give(&self, letter: Letter) {
        let bytes = letter.bytes();
        self.pen.give(letter, bytes);
    }

    /// Whether all that was given is in the spool, or in memory where there is none.
    pub fn is_settled(&self) -> bool {
        self.pen.is_settled()
    }

    /// How many letters were lost on the way to the spool, or to memory where there is none.
    pub fn dropped(&self) -> u64 {
        self.pen.dropped()
    }

    /// Whether who can wait before giving more need not.
    pub fn has_room(&self) -> bool {
        self.pen.has_room()
    }

    /// Never waits: None while the disk is at work.
    pub fn standing(&self) -> Option<Standing> {
        let state = self.shared.try_lock()?;
        let store = &state.store;
        Some(Standing {
            lost: self.pen.dropped() + store.lost(),
            damaged: store.damaged(),
            waiting: store.on_disk() + store.in_memory(),
            in_memory: store.in_memory() + self.pen.on_the_way(),
            trouble: state.trouble.clone(),
            refusal: state.refusal.clone(),
            full: store.full.clone(),
        })
    }

    /// Gives the sink time for what waits, and not more than that to a disk that stalls: what it has
    /// then counts as lost.
    pub fn finish(self, time: Duration) -> Left {
        let begun = Instant::now();
        let Self { pen, shared, done } = self;
        let missing = pen.finish(time);
        // Late or ended: either way nothing more comes of it.
        let _ended = done.recv_timeout(time.saturating_sub(begun.elapsed()));
        let Some(state) = shared.lock_within(time.saturating_sub(begun.elapsed())) else {
            return Left { lost: missing + shared.untaken.load(Ordering::Relaxed), kept: 0 };
        };
        let lost = missing + state.store.lost() + state.store.in_memory();
        Left { lost, kept: state.store.on_disk() }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// None if somebody holds it all the time.
    fn lock_within(&self, time: Duration) -> Option<MutexGuard<'_, State>> {
        let until = Instant::now() + time.max(LAST_LOOK);
        loop {
            let state = self.try_lock();
            if state.is_some() || Instant::now() >= until {
                return state;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Until nothing more comes and nothing waits, or what waits is not taken.
    fn carry_all(&self, carry: &mut Carry) {
        let mut failures = 0_u32;
        loop {
            let mut state = self.lock();
            let Some((ticket, letter)) = state.store.front() else {
                if state.is_closed {
                    return;
                }
                // Whoever adds something says so; the time is for nobody's mistake.
                drop(self.changed.wait_timeout(state, LONGEST_PAUSE));
                continue;
            };
            drop(state);
            let outcome = carry(&letter);
            if outcome == Outcome::Taken {
                // One that was put on disk while it was carried is taken twice.
                let less = |count: u64| Some(count.saturating_sub(1));
                let _before = self.untaken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            }
            let mut state = self.lock();
            let after = match outcome {
                Outcome::Taken => {
                    state.store.take(ticket);
                    state.trouble = None;
                    failures = 0;
                    continue;
                }
                Outcome::Refused(why) => {
                    state.store.give_up(ticket);
                    (state.trouble, state.refusal) = (None, Some(why));
                    failures = 0;
                    continue;
                }
                Outcome::Later { why, after } => {
                    state.trouble = Some(why);
                    after
                }
            };
            let paths = state.store.paths();
            drop(state);
            spool::sync(&paths);
            failures = failures.saturating_add(1);
            if self.rest(after.unwrap_or_else(|| pause(failures)).min(LONGEST_WISH)) {
                return;
            }
        }
    }

    /// True if it is the end.
    fn rest(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.is_closed || left.is_zero() {
                return state.is_closed;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Doubles, scattered, so that guards that failed together do not return together.
fn pause(failures: u32) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(10)).min(LONGEST_PAUSE);
    let percent = 50 + u32::try_from(RandomState::new().hash_one(failures) % 100).unwrap_or(0);
    whole * percent / 100
}

#[cfg(test)]
mod tests;
