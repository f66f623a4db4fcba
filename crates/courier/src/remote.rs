//! The way of letters to a sink that a process of its own speaks with: whoever writes them waits for
//! nothing, and keeps each until that process has it on disk or with the sink.
//!
//! Two threads: one gives letters, one listens, sees when the process ended, and starts another, which is
//! given again whatever the former did not account for. So a sink may have a letter twice.

use std::collections::VecDeque;
use std::io::{self, BufReader};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::letter::Letter;
use crate::outbox::{Left, Standing};
use crate::word::Word;

/// Letters that wait here.
const QUEUE: usize = 8_192;
const QUEUE_BYTES_MAX: usize = 32 << 20;
/// Before another is started in the place of one that ended; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// One that lived so long is no reason to wait.
const LONG_LIFE: Duration = Duration::from_secs(60);
/// For a process to say that it is ready: its spool may be in use by one that is just ending.
const READY_TIME: Duration = Duration::from_secs(20);

/// For a process to end whose line is closed.
const END_TIME: Duration = Duration::from_secs(10);

/// A process that serves (`serve.rs`).
#[derive(Debug)]
pub struct Helper {
    pub line: UnixStream,
    pub child: Child,
}

/// Starts one.
pub type Start = Box<dyn FnMut() -> io::Result<Helper> + Send>;

/// What is given goes to one sink.
#[derive(Debug)]
pub struct Remote {
    shared: Arc<Shared>,
    is_on_disk: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// That are not accounted for, from the oldest; so many of them are with the present helper.
    letters: VecDeque<Arc<Letter>>,
    bytes: usize,
    sent: usize,
    /// To the present helper, if there is one.
    line: Option<Arc<UnixStream>>,
    process: u32,
    /// What it accounted for.
    taken: u64,
    standing: Standing,
    /// Of the helpers before it.
    former: Standing,
    dropped: u64,
    ends: Vec<String>,
    is_over: bool,
    left: Option<Left>,
}

impl Remote {
    /// With a first helper, which has to be ready; `stale` is the exit code of one that only wants
    /// another in its place, and `is_on_disk` says whether helpers have a spool.
    pub fn start(mut start: Start, stale: i32, is_on_disk: bool) -> io::Result<Self> {
        let first = ready(&mut start)?;
        let shared = Arc::new(Shared::default());
        let (giving, keeping) = (Arc::clone(&shared), Arc::clone(&shared));
        shared.begin(&first);
        thread::Builder::new().name("give".to_owned()).spawn(move || giving.give_all())?;
        let keep = move || keeping.keep(first, &mut start, stale);
        thread::Builder::new().name("helper".to_owned()).spawn(keep)?;
        Ok(Self { shared, is_on_disk })
    }

    /// Never waits.
    pub fn give(&self, letter: Letter) {
        let mut state = self.shared.lock();
        let bytes = letter.bytes();
        let has_room = state.bytes + bytes <= QUEUE_BYTES_MAX && state.letters.len() < QUEUE;
        if letter.is_too_long() || !has_room {
            state.dropped += 1;
            return;
        }
        state.bytes += bytes;
        state.letters.push_back(Arc::new(letter));
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Whether all that was given is in the spool, or in memory where there is none or the disk is full.
    pub fn is_settled(&self) -> bool {
        let state = self.shared.lock();
        !self.is_on_disk || state.letters.is_empty() || state.standing.full.is_some()
    }

    /// Whether who can wait before giving more need not.
    pub fn has_room(&self) -> bool {
        let state = self.shared.lock();
        state.letters.len() < QUEUE / 2 && state.bytes < QUEUE_BYTES_MAX / 2
    }

    pub fn standing(&self) -> Standing {
        let state = self.shared.lock();
        let mut standing = state.standing.clone();
        // A helper is not believed: what it says may be any number.
        let lost = state.former.lost.saturating_add(state.dropped);
        standing.lost = standing.lost.saturating_add(lost);
        standing.damaged = standing.damaged.saturating_add(state.former.damaged);
        standing
    }

    /// The number of the present helper's process; 0 if there is none.
    pub fn process(&self) -> u32 {
        self.shared.lock().process
    }

    /// How helpers ended since the last call.
    pub fn ends(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().ends)
    }

    /// Gives the helper time for what it has.
    pub fn finish(self, time: Duration) -> Left {
        let until = Instant::now() + time;
        let mut state = self.shared.lock();
        state.is_over = true;
        self.shared.changed.notify_all();
        // Without a helper, nobody will say what is left.
        while state.left.is_none() && state.line.is_some() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.shared.wait(state, left);
        }
        let State { letters, line, standing, former, dropped, left, .. } = &*state;
        if let Some(line) = line {
            // It ends by that, if it has not: what it has then, the next guard's will carry.
            let _closed = line.shutdown(Shutdown::Both);
        }
        let before = former.lost.saturating_add(*dropped);
        match left {
            Some(left) => {
                let lost = before.saturating_add(left.lost).saturating_add(letters.len() as u64);
                Left { lost, kept: left.kept }
            }
            None => {
                let kept = standing.waiting.saturating_sub(standing.in_memory);
                let lost = before.saturating_add(standing.lost);
                Left { lost: lost.saturating_add(letters.len() as u64), kept }
            }
        }
    }
}

/// A helper that said that it is ready.
fn ready(start: &mut Start) -> io::Result<Helper> {
    let mut helper = start()?;
    helper.line.set_read_timeout(Some(READY_TIME))?;
    let why = match Word::read(&mut &helper.line) {
        Ok(Word::Report(..)) => {
            helper.line.set_read_timeout(None)?;
            return Ok(helper);
        }
        Ok(Word::Failed(why)) => io::Error::other(why),
        Ok(Word::Left(_)) => io::Error::other("it ended at once"),
        Err(error) => error,
    };
    ended(&mut helper);
    Err(why)
}

/// How it ended; None if it did not, which is for who may kill it to see to. Whatever it does now, nobody
/// hears of it.
fn ended(helper: &mut Helper) -> Option<ExitStatus> {
    let _closed = helper.line.shutdown(Shutdown::Both);
    // It may have ended by itself, and we may not be allowed to.
    let _killed = helper.child.kill();
    let begun = Instant::now();
    loop {
        match helper.child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if begun.elapsed() < END_TIME => thread::sleep(Duration::from_millis(10)),
            Ok(None) | Err(_) => return None,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    fn begin(&self, helper: &Helper) {
        let line = helper.line.try_clone();
        let mut state = self.lock();
        // Without a line, nothing is given: the helper ends as soon as it is noticed.
        state.line = line.ok().map(Arc::new);
        state.process = helper.child.id();
        (state.sent, state.taken) = (0, 0);
        drop(state);
        self.changed.notify_all();
    }

    /// The thread that gives letters.
    fn give_all(&self) {
        let mut state = self.lock();
        loop {
            let next = state.letters.get(state.sent).map(Arc::clone);
            match (state.line.clone(), next) {
                (Some(line), Some(letter)) => {
                    // Counted first: what it accounts for has been given.
                    state.sent += 1;
                    drop(state);
                    let framed = letter.framed().unwrap_or_default();
                    if io::Write::write_all(&mut &*line, &framed).is_err() {
                        // Who listens notices as well.
                        let _closed = line.shutdown(Shutdown::Both);
                        thread::sleep(Duration::from_millis(10));
                    }
                    state = self.lock();
                }
                (Some(line), None) if state.is_over => {
                    let _closed = line.shutdown(Shutdown::Write);
                    return;
                }
                _ => state = self.wait(state, LONGEST_PAUSE),
            }
        }
    }

    /// The thread that listens.
    fn keep(&self, first: Helper, start: &mut Start, stale: i32) {
        let mut helper = first;
        let mut pause = FIRST_PAUSE;
        loop {
            let born = Instant::now();
            let why = self.listen(&helper);
            let status = ended(&mut helper);
            if self.end(status.as_ref(), &why, stale) {
                return;
            }
            let is_stale = status.is_some_and(|status| status.code() == Some(stale));
            if is_stale || born.elapsed() > LONG_LIFE {
                pause = FIRST_PAUSE;
            }
            helper = loop {
                if self.rest(if is_stale { Duration::ZERO } else { pause }) {
                    return;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                match ready(start) {
                    Ok(helper) => break helper,
                    Err(error) => self.lock().standing.trouble = Some(error.to_string()),
                }
            };
            self.begin(&helper);
        }
    }

    /// Until the helper says no more; why.
    fn listen(&self, helper: &Helper) -> String {
        let mut from = BufReader::new(&helper.line);
        loop {
            match Word::read(&mut from) {
                Ok(Word::Report(taken, standing)) => self.lock().account(taken, standing),
                Ok(Word::Left(left)) => {
                    self.lock().end_with(left);
                    self.changed.notify_all();
                    return String::new();
                }
                Ok(Word::Failed(why)) => return why,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return String::new(),
                Err(error) => return error.to_string(),
            }
        }
    }

    /// True if no other is to be started.
    fn end(&self, status: Option<&ExitStatus>, why: &str, stale: i32) -> bool {
        let mut state = self.lock();
        state.line = None;
        state.process = 0;
        state.sent = 0;
        let Standing { lost, damaged, .. } = state.standing;
        state.former.lost = state.former.lost.saturating_add(lost);
        state.former.damaged = state.former.damaged.saturating_add(damaged);
        let how = status.map_or_else(|| "it is not known how".to_owned(), ToString::to_string);
        let how = if why.is_empty() { how } else { format!("{how}: {why}") };
        let trouble = Some(format!("what carries them ended: {how}"));
        state.standing = Standing { lost: 0, damaged: 0, trouble, ..state.standing.clone() };
        if state.is_over {
            self.changed.notify_all();
            return true;
        }
        if status.and_then(ExitStatus::code) != Some(stale) {
            state.ends.push(how);
        }
        false
    }

    /// True if it is the end.
    fn rest(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.is_over || left.is_zero() {
                return state.is_over;
            }
            state = self.wait(state, left);
        }
    }
}

impl State {
    /// What the helper was given is part of what it says is left.
    fn end_with(&mut self, left: Left) {
        let given = self.sent.min(self.letters.len());
        self.bytes -= self.letters.drain(..given).map(|letter| letter.bytes()).sum::<usize>();
        self.sent = 0;
        self.left = Some(left);
    }

    /// It cannot account for more than it was given.
    fn account(&mut self, taken: u64, standing: Standing) {
        self.standing = standing;
        while self.taken < taken && self.sent > 0 {
            let Some(letter) = self.letters.pop_front() else { return };
            self.bytes -= letter.bytes();
            self.sent -= 1;
            self.taken += 1;
        }
    }
}

#[cfg(test)]
mod tests;
