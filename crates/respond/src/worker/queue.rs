//! What waits for a thread: bounded, and nothing twice.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Task;

/// Tasks that wait for those before them: more than a host has containers that something is done
/// about at once. More than these are not done, and whoever asked says so.
pub(super) const TASKS_MAX: usize = 256;

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    tasks: VecDeque<Task>,
    /// Nothing more comes.
    is_over: bool,
}

/// What there is to do.
pub(super) enum Next {
    Task(Task),
    /// Not before the time was over.
    Nothing,
    Over,
}

impl Queue {
    /// False if there is no room. One that is equal to one that waits is done with it.
    pub(super) fn give(&self, task: Task) -> Given {
        let mut waiting = self.waiting();
        if waiting.tasks.iter().any(|it| it.is_same(&task)) {
            return Given::Waits;
        }
        if waiting.is_over || waiting.tasks.len() >= TASKS_MAX {
            return Given::NoRoom;
        }
        waiting.tasks.push_back(task);
        self.changed.notify_one();
        Given::Taken
    }

    /// Waits for one until `time`.
    pub(super) fn next(&self, time: Instant) -> Next {
        let mut waiting = self.waiting();
        loop {
            if let Some(task) = waiting.tasks.pop_front() {
                return Next::Task(task);
            }
            if waiting.is_over {
                return Next::Over;
            }
            let left = time.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Next::Nothing;
            }
            let changed = self.changed.wait_timeout(waiting, left);
            (waiting, _) = changed.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What waits is still done.
    pub(super) fn end(&self) {
        self.waiting().is_over = true;
        self.changed.notify_all();
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting().tasks.is_empty()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a task that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Taken,
    /// An equal one waits, and is done for both.
    Waits,
    NoRoom,
}
