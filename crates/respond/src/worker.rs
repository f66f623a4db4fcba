//! A thread that responds, for whoever must not wait.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use model::Response;

use crate::entry::{Entry, Id};
use crate::refusal::Refusal;
use crate::responder::{Order, Responder};
use crate::target::Target;
use crate::time;

/// Responses that wait for those before them; more than these are refused, and whoever asked says so.
const JOBS_MAX: usize = 256;
/// How late a time limit is met at most, while nothing else is done.
const LOOK: Duration = Duration::from_secs(1);
/// Between tries to undo what cannot be undone yet.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LAST_PAUSE: Duration = Duration::from_secs(3600);

/// One response to make.
#[derive(Clone, Debug)]
pub struct Job {
    pub response: Response,
    pub target: Target,
    pub order: Order,
}

/// What could not be undone, and is tried again later and later: each time is a line in the journal.
#[derive(Default)]
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

/// The thread. It ends, after what it is at, when this is dropped.
pub struct Worker {
    jobs: SyncSender<Job>,
    outcomes: Receiver<Result<Entry, Refusal>>,
}

impl Worker {
    /// Begins with what is overdue.
    ///
    /// # Errors
    /// If there can be no further thread.
    pub fn start(responder: Responder) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::sync_channel(JOBS_MAX);
        let (outcome, outcomes) = mpsc::channel();
        let run = move || run(&responder, &waiting, &outcome);
        thread::Builder::new().name("respond".to_owned()).spawn(run)?;
        Ok(Self { jobs, outcomes })
    }

    /// Never waits. False if too many wait already: then nothing is going to be done.
    pub fn ask(&self, job: Job) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// What became of what was asked, and what was undone because its time was over. Never waits.
    pub fn outcomes(&self) -> impl Iterator<Item = Result<Entry, Refusal>> {
        self.outcomes.try_iter()
    }
}

fn run(responder: &Responder, waiting: &Receiver<Job>, outcome: &Sender<Result<Entry, Refusal>>) {
    let mut later = Later::default();
    loop {
        match responder.expire(time::now(), &|id| later.waits(id)) {
            Ok(expired) => {
                for (id, expired) in expired {
                    later.note(id, expired.is_err());
                    // Nobody may be listening any more; the next question finds out.
                    let _unheard = outcome.send(expired);
                }
            }
            Err(refusal) => drop(outcome.send(Err(refusal))),
        }
        match waiting.recv_timeout(LOOK) {
            Ok(Job { response, target, order }) => {
                let _unheard = outcome.send(responder.act(response, &target, &order));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
