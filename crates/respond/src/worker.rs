//! Threads that respond, for whoever must not wait.
//!
//! There is a lane for what is quick, one for stops, which wait for runtimes, and one for
//! quarantines, which read files of file systems that may be a hostile one's own and never answer.
//! So nothing quick waits for what is slow. Each lane does its tasks one by one; one that takes
//! longer than it may is left to itself, and the next one's turn has come. Time limits of responses
//! are met by the same lanes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use model::Response;

use self::lane::Lane;
use self::queue::{Given, Queue};
use crate::entry::{Entry, Id};
use crate::refusal::Refusal;
use crate::responder::{Order, Responder};
use crate::root::Root;
use crate::target::Target;
use crate::time;

mod lane;
mod queue;

/// Between tries to undo what cannot be undone yet.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LAST_PAUSE: Duration = Duration::from_secs(3600);

/// What a thread does, and how long one task of it may take: longer than it does where everything
/// that it waits for is as late as it may be.
struct Kind {
    name: &'static str,
    of: &'static [Response],
    patience: Duration,
}

/// The first looks after time limits.
const KINDS: [Kind; 3] = [
    Kind {
        name: "respond",
        of: &[Response::Kill, Response::Pause, Response::Isolate],
        patience: Duration::from_secs(15),
    },
    Kind { name: "stop", of: &[Response::Stop], patience: Duration::from_secs(45) },
    // 512 MiB at 10 MB/s.
    Kind { name: "quarantine", of: &[Response::Quarantine], patience: Duration::from_secs(60) },
];

/// One response to make.
#[derive(Clone, Debug)]
pub struct Job {
    pub response: Response,
    pub target: Target,
    pub order: Order,
}

/// Something to do.
#[derive(Clone, Debug)]
pub enum Task {
    Act(Box<Job>),
    /// What somebody began who is gone.
    Finish(Id, Response),
    /// What is past its time limit.
    Undo(Id, Response),
}

impl Task {
    pub fn response(&self) -> Response {
        match self {
            Self::Act(job) => job.response,
            Self::Finish(_, response) | Self::Undo(_, response) => *response,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Act(one), Self::Act(other)) => {
                one.response == other.response && one.target.is_same(&other.target)
            }
            (Self::Finish(one, _), Self::Finish(other, _))
            | (Self::Undo(one, _), Self::Undo(other, _)) => one == other,
            _ => false,
        }
    }

    /// The container, or the host, whose files and runtime may let us wait.
    fn place(&self) -> Option<&str> {
        match self {
            Self::Act(job) => match &job.target {
                Target::Container(name) => Some(name),
                Target::File { container, .. } => Some(container.as_deref().unwrap_or_default()),
                Target::Process { .. } => None,
            },
            Self::Finish(..) | Self::Undo(..) => None,
        }
    }
}

type Act = dyn Fn(&Task) -> Result<Entry, Refusal> + Send + Sync;
/// What is past its time limit, but for what waits.
type Due = dyn Fn(&Later) -> Result<Vec<Task>, Refusal> + Send + Sync;
/// No task: of looking after time limits.
type Tell = dyn Fn(Option<&Task>, Result<Entry, Refusal>) + Send + Sync;

/// Who does what the lanes are given, and hears what came of it.
struct Hands {
    act: Box<Act>,
    due: Box<Due>,
    tell: Box<Tell>,
}

struct Lanes {
    queues: [Queue; KINDS.len()],
    hands: Hands,
    later: Mutex<Later>,
    /// Given, and not done.
    missing: AtomicU64,
    dropped: AtomicU64,
}

/// The lanes' owner. They end, after what they are at, when this is dropped.
pub struct Worker {
    lanes: Arc<Lanes>,
    /// Ends with the lanes.
    ended: Receiver<()>,
}

impl Worker {
    /// Begins with what is overdue. `tell` hears, from other threads, what came of each task: of
    /// one that takes too long it hears that, and later the rest. No task is a look after time limits
    /// that failed.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub fn start(
        responder: Responder,
        who: &'static str,
        tell: impl Fn(Option<&Task>, Result<Entry, Refusal>) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let responder = Arc::new(responder);
        let looks = Arc::clone(&responder);
        let act = move |task: &Task| match task {
            Task::Act(job) => responder.act(job.response, &job.target, &job.order),
            Task::Finish(id, _) => responder.finish(*id, who),
            Task::Undo(id, _) => responder.undo(*id, "its time limit"),
        };
        let due = move |later: &Later| {
            let due = looks.due(time::now(), &|id| later.waits(id))?;
            Ok(due.into_iter().map(|(id, response)| Task::Undo(id, response)).collect())
        };
        let (act, due, tell) = (Box::new(act), Box::new(due), Box::new(tell));
        Self::with(Hands { act, due, tell }, KINDS.map(|kind| kind.patience))
    }

    fn with(hands: Hands, patience: [Duration; KINDS.len()]) -> std::io::Result<Self> {
        let lanes = Arc::new(Lanes {
            queues: Default::default(),
            hands,
            later: Mutex::default(),
            missing: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        });
        let (running, ended) = mpsc::channel();
        let worker = Self { lanes, ended };
        for (number, (kind, patience)) in KINDS.iter().zip(patience).enumerate() {
            let (lanes, running) = (Arc::clone(&worker.lanes), running.clone());
            let run = move || {
                Lane::new(lanes, number, patience).run();
                drop(running);
            };
            thread::Builder::new().name(kind.name.to_owned()).spawn(run)?;
        }
        Ok(worker)
    }

    /// Never waits. What an equal one waits for already is done once; what finds no room is
    /// counted.
    pub fn ask(&self, mut task: Task) {
        if let Task::Act(job) = &mut task
            && let Target::File { told: Some(told), .. } = &job.target
            && job.order.root.is_none()
        {
            // Whose file it is may be killed meanwhile, by the lane beside.
            job.order.root = Root::of_process(told.process());
        }
        self.lanes.give(task);
    }

    /// How many found no room.
    pub fn dropped(&self) -> u64 {
        self.lanes.dropped.load(Ordering::Relaxed)
    }

    /// Gives it time for what it has; how many tasks were not done, or not to their end.
    pub fn finish(self, time: Duration) -> u64 {
        self.lanes.end();
        // Late or ended: either way nothing more comes of it.
        let _ended = self.ended.recv_timeout(time);
        self.lanes.missing.load(Ordering::Acquire)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.lanes.end();
    }
}

impl Lanes {
    fn give(&self, task: Task) {
        let response = task.response();
        let queue = KINDS.iter().position(|kind| kind.of.contains(&response));
        let given = queue.and_then(|number| self.queues.get(number)).map(|queue| {
            self.missing.fetch_add(1, Ordering::Relaxed);
            queue.give(task)
        });
        match given {
            Some(Given::Taken) => {}
            Some(Given::Waits) => drop(self.missing.fetch_sub(1, Ordering::Relaxed)),
            Some(Given::NoRoom) | None => drop(self.dropped.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn end(&self) {
        self.queues.iter().for_each(Queue::end);
    }

    fn done(&self, task: &Task, done: Result<Entry, Refusal>) {
        if let Task::Undo(id, _) = task {
            self.later().note(*id, done.is_err());
        }
        (self.hands.tell)(Some(task), done);
        self.missing.fetch_sub(1, Ordering::Release);
    }

    /// Gives the lanes what is past its time limit.
    fn look(&self) {
        let later = self.later().clone();
        match (self.hands.due)(&later) {
            Ok(tasks) => tasks.into_iter().for_each(|task| self.give(task)),
            Err(refusal) => (self.hands.tell)(None, Err(refusal)),
        }
    }

    fn later(&self) -> MutexGuard<'_, Later> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What could not be undone, and is tried again later and later: each time is a line in the journal.
#[derive(Clone, Default)]
struct Later(HashMap<Id, (Instant, Duration)>);

impl Later {
    fn waits(&self, id: Id) -> bool {
        self.0.get(&id).is_some_and(|(since, pause)| since.elapsed() < *pause)
    }

    fn note(&mut self, id: Id, has_failed: bool) {
        if !has_failed {
            self.0.remove(&id);
            return;
        }
        let pause = self.0.get(&id).map_or(FIRST_PAUSE, |(_, pause)| (*pause * 2).min(LAST_PAUSE));
        self.0.insert(id, (Instant::now(), pause));
    }
}

#[cfg(test)]
mod tests;
