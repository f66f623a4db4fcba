//! A thread that responds, for whoever must not wait.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use model::Response;

use crate::entry::Entry;
use crate::refusal::Refusal;
use crate::responder::{Order, Responder};
use crate::target::Target;
use crate::time;

/// Responses that wait for those before them; more than these are refused, and whoever asked says so.
const JOBS_MAX: usize = 256;
/// How late a time limit is met at most, while nothing else is done.
const LOOK: Duration = Duration::from_secs(1);

/// One response to make.
#[derive(Clone, Debug)]
pub struct Job {
    pub response: Response,
    pub target: Target,
    pub order: Order,
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
    loop {
        match responder.expire(time::now()) {
            Ok(expired) => {
                for (_, expired) in expired {
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
