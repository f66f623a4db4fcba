//! One lane: tasks one by one, each in a thread of its own, so that one that hangs can be left.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use super::queue::Next;
use super::{KINDS, Lanes, Task};
use crate::refusal::Refusal;

/// How late a time limit is met at most, while nothing else is done.
const LOOK: Duration = Duration::from_secs(1);
/// Tasks that do not end: each keeps a thread. With so many nothing is begun that could join them.
const HUNG_MAX: usize = 16;

pub(super) struct Lane {
    lanes: Arc<Lanes>,
    /// Which of them.
    number: usize,
    /// For one task.
    patience: Duration,
    hung: Vec<Hung>,
}

/// A task that was left to itself.
struct Hung {
    place: Option<String>,
    end: Receiver<()>,
}

impl Lane {
    pub(super) fn new(lanes: Arc<Lanes>, number: usize, patience: Duration) -> Self {
        Self { lanes, number, patience, hung: Vec::new() }
    }

    pub(super) fn run(mut self) {
        let lanes = Arc::clone(&self.lanes);
        let Some(queue) = lanes.queues.get(self.number) else { return };
        loop {
            if self.number == 0 {
                lanes.look();
            }
            match queue.next(Instant::now() + LOOK) {
                Next::Task(task) => self.perform(task),
                Next::Nothing => {}
                Next::Over => return,
            }
        }
    }

    fn perform(&mut self, task: Task) {
        self.hung.retain(|it| it.end.try_recv() == Err(TryRecvError::Empty));
        if let Some(why) = self.refuses(&task) {
            return self.lanes.done(&task, Err(Refusal::Hangs { why }));
        }
        let (ended, end) = mpsc::channel();
        let (lanes, doing) = (Arc::clone(&self.lanes), task.clone());
        let run = move || {
            let done = (lanes.hands.act)(&doing);
            lanes.done(&doing, done);
            drop(ended);
        };
        let name = KINDS.get(self.number).map_or("", |kind| kind.name);
        if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(run) {
            let refusal = Refusal::failed("beginning", "a thread", &error);
            return self.lanes.done(&task, Err(refusal));
        }
        if end.recv_timeout(self.patience) == Err(RecvTimeoutError::Timeout) {
            let seconds = self.patience.as_secs();
            (self.lanes.hands.tell)(Some(&task), Err(Refusal::Late { seconds }));
            self.hung.push(Hung { place: task.place().map(str::to_owned), end });
        }
    }

    /// Why it is not begun. One container's file system is not to take every thread.
    fn refuses(&self, task: &Task) -> Option<&'static str> {
        let is_there = |hung: &Hung| hung.place.is_some() && hung.place.as_deref() == task.place();
        if self.hung.iter().any(is_there) {
            return Some("another one there has not ended");
        }
        (self.hung.len() >= HUNG_MAX).then_some("too many have not ended")
    }
}
