//! A thread that reads what may never answer: memory of processes, file systems of containers.
//!
//! Whoever asks goes on without it when it has waited long enough, and another thread takes the next
//! question. One that comes back after all ends, and what it read is told. Some may stay away at
//! once, then one more a minute: whoever makes them hang blinds nobody for ever.

use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

/// Threads that may stay away before there is a pause.
const LATE_AT_ONCE: usize = 8;
/// After which one more may.
const PAUSE: Duration = Duration::from_secs(60);
/// Threads that may stay away in all, which takes a night: each is some 30 KiB.
const LATE_MAX: usize = 512;
/// Answers that nobody took yet; then the thread waits.
const ANSWERS_MAX: usize = 4;

#[derive(Debug)]
pub(crate) struct Reader<Q, A> {
    name: &'static str,
    read: fn(Q) -> A,
    /// Questions that may wait.
    queue: usize,
    thread: Option<(SyncSender<Q>, Receiver<A>)>,
    /// From those that were left behind.
    late: Vec<Receiver<A>>,
    left: Instant,
}

impl<Q: Send + 'static, A: Send + 'static> Reader<Q, A> {
    pub(crate) fn new(name: &'static str, queue: usize, read: fn(Q) -> A) -> Self {
        Self { name, read, queue, thread: None, late: Vec::new(), left: Instant::now() }
    }

    /// False if nobody takes the question.
    pub(crate) fn ask(&mut self, question: Q) -> bool {
        if self.thread.is_none() && self.may_start() {
            self.thread = self.start();
        }
        let Some((questions, _)) = &self.thread else { return false };
        let asked = questions.try_send(question);
        if matches!(asked, Err(TrySendError::Disconnected(_))) {
            self.thread = None;
        }
        asked.is_ok()
    }

    /// One that is there, in the order of the questions.
    pub(crate) fn answer(&self) -> Option<A> {
        self.thread.as_ref()?.1.try_recv().ok()
    }

    /// The next one, if it comes in time.
    pub(crate) fn wait(&self, patience: Duration) -> Option<A> {
        self.thread.as_ref()?.1.recv_timeout(patience).ok()
    }

    /// Its thread is not waited for any more, nor asked.
    pub(crate) fn leave(&mut self) {
        let Some((_, answers)) = self.thread.take() else { return };
        self.late.push(answers);
        self.left = Instant::now();
    }

    /// What those that were left behind have read after all.
    pub(crate) fn late(&mut self) -> Vec<A> {
        let mut came = Vec::new();
        self.late.retain(|answers| {
            loop {
                match answers.try_recv() {
                    Ok(answer) => came.push(answer),
                    Err(TryRecvError::Empty) => return true,
                    Err(TryRecvError::Disconnected) => return false,
                }
            }
        });
        came
    }

    fn may_start(&self) -> bool {
        let late = self.late.len();
        late < LATE_AT_ONCE || (late < LATE_MAX && self.left.elapsed() > PAUSE)
    }

    fn start(&self) -> Option<(SyncSender<Q>, Receiver<A>)> {
        let (questions, asked) = mpsc::sync_channel(self.queue);
        let (answer, answers) = mpsc::sync_channel(ANSWERS_MAX);
        let read = self.read;
        let work = move || {
            for question in asked {
                if answer.send(read(question)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name(self.name.to_owned()).spawn(work).ok()?;
        Some((questions, answers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);
    const LATE: Duration = Duration::from_millis(1);

    /// A question is answered when its other end says something, or is dropped.
    fn reader() -> Reader<Receiver<u32>, Option<u32>> {
        Reader::new("test", 1, |question: Receiver<u32>| question.recv().ok())
    }

    #[test]
    fn one_that_hangs_is_left_and_what_it_says_late_is_heard() {
        let mut reader = reader();
        let (answer, question) = mpsc::channel();
        assert!(reader.ask(question));
        assert_eq!((reader.wait(LATE), reader.answer()), (None, None));
        reader.leave();
        // Another goes on.
        let (other, question) = mpsc::channel();
        other.send(2).unwrap();
        assert!(reader.ask(question));
        assert_eq!(reader.wait(SOON), Some(Some(2)));
        assert_eq!((reader.late(), reader.late.len()), (Vec::new(), 1));
        answer.send(1).unwrap();
        let begun = Instant::now();
        let mut late = Vec::new();
        while !reader.late.is_empty() && begun.elapsed() < SOON {
            late.extend(reader.late());
        }
        assert_eq!((late, reader.late.len()), (vec![Some(1)], 0), "and it ends");
    }

    #[test]
    fn many_that_hang_blind_nobody_for_ever() {
        let mut reader = reader();
        let mut hanging = Vec::new();
        let mut hang = |reader: &mut Reader<_, _>| {
            let (answer, question) = mpsc::channel();
            hanging.push(answer);
            let is_asked = reader.ask(question);
            reader.leave();
            is_asked
        };
        for _ in 0..LATE_AT_ONCE {
            assert!(hang(&mut reader));
        }
        assert!(!hang(&mut reader));
        reader.left = Instant::now().checked_sub(PAUSE * 2).unwrap();
        assert!(hang(&mut reader), "after a pause there is one more");
        assert!(!hang(&mut reader));
        // They come back, and all is as it was.
        hanging.clear();
        let begun = Instant::now();
        while !reader.late.is_empty() && begun.elapsed() < SOON {
            reader.late();
        }
        let (_, question) = mpsc::channel();
        assert!(reader.ask(question));
    }
}
