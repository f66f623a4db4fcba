//! The inquiry that all threads have part in: the kernel's queue, who waits since when, what is known.
//!
//! The queue is in one place, from which it can be taken at any time: as soon as nobody holds it the
//! kernel lets everything through that waits. So no thread holds it for longer than a call that does
//! not wait.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::fanotify::Fanotify as Queue;

use super::Settings;
use super::rules::Rules;
use super::state::State;

/// What was done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Questions of the kernel, those of other processes than containers' included.
    pub answered: u64,
    pub refused: u64,
    /// Questions that the kernel could not show us, and refused itself.
    pub unreadable: u64,
    /// Questions that were let through because nothing could be found out about who asked, or what
    /// for: most of those processes were killed meanwhile.
    pub unjudged: u64,
    /// Denials that nobody took in time.
    pub denials_lost: u64,
    pub gaps_lost: u64,
    /// The longest time that an answer took.
    pub slowest: Duration,
}

pub(super) struct Inquiry {
    pub(super) rules: Rules,
    pub(super) settings: Settings,
    state: Mutex<State>,
    queue: Mutex<Option<Arc<Queue>>>,
    counts: Mutex<Counts>,
    ended: Mutex<Option<&'static str>>,
    stop: AtomicBool,
    begun: Instant,
    /// Since when, in milliseconds after `begun`, questions wait for us; `IDLE` if none does.
    waiting: AtomicU64,
}

const IDLE: u64 = u64::MAX;

/// A panic of another thread does not end what still can be done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inquiry {
    pub(super) fn new(rules: Rules, settings: Settings, queue: Queue) -> Self {
        Self {
            rules,
            settings,
            state: Mutex::default(),
            queue: Mutex::new(Some(Arc::new(queue))),
            counts: Mutex::default(),
            ended: Mutex::default(),
            stop: AtomicBool::new(false),
            begun: Instant::now(),
            waiting: AtomicU64::new(IDLE),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// None once it was taken.
    pub(super) fn queue(&self) -> Option<Arc<Queue>> {
        lock(&self.queue).clone()
    }

    pub(super) fn take_queue(&self) -> Option<Arc<Queue>> {
        lock(&self.queue).take()
    }

    pub(super) fn counts(&self) -> Counts {
        let counts = *lock(&self.counts);
        Counts { gaps_lost: self.state().gaps_lost, ..counts }
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut lock(&self.counts));
    }

    pub(super) fn ended(&self) -> Option<&'static str> {
        *lock(&self.ended)
    }

    pub(super) fn end(&self, why: &'static str) {
        lock(&self.ended).get_or_insert(why);
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn begin_to_answer(&self) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(0);
        self.waiting.store(since, Ordering::Relaxed);
    }

    pub(super) fn all_is_answered(&self) {
        self.waiting.store(IDLE, Ordering::Relaxed);
    }

    /// How long the eldest question waits.
    pub(super) fn waited(&self) -> Duration {
        match self.waiting.load(Ordering::Relaxed) {
            IDLE => Duration::ZERO,
            since => self.begun.elapsed().saturating_sub(Duration::from_millis(since)),
        }
    }
}
