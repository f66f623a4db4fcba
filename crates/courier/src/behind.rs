//! A thread that does behind a loop what may take long: writes a recording, keeps alerts.
//!
//! The loop never waits for it. What waits in between is bounded, by count and in bytes, and what did
//! not arrive is counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::Duration;

/// The loop's end.
pub struct Behind<T> {
    queue: SyncSender<(T, usize)>,
    /// Says that the thread is done.
    done: Receiver<()>,
    counts: Arc<Counts>,
    length: usize,
    bytes_max: usize,
}

/// The thread's.
pub struct Queue<T> {
    things: Receiver<(T, usize)>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Bytes that wait.
    waiting: AtomicUsize,
    /// What did not arrive, or not yet.
    missing: AtomicU64,
    /// What of it never will.
    dropped: AtomicU64,
}

impl<T: Send + 'static> Behind<T> {
    /// At most `length` things wait, of `bytes_max` bytes in all.
    pub fn start(
        name: &str,
        length: usize,
        bytes_max: usize,
        work: impl FnOnce(&Queue<T>) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, things) = mpsc::sync_channel(length);
        let (ended, done) = mpsc::channel();
        let counts = Arc::new(Counts::default());
        let taken = Queue { things, counts: Arc::clone(&counts) };
        let run = move || {
            work(&taken);
            // The guard may not have waited.
            let _unheard = ended.send(());
        };
        thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { queue, done, counts, length, bytes_max })
    }

    /// A thing that takes so many bytes.
    pub fn give(&self, thing: T, bytes: usize) {
        self.counts.missing.fetch_add(1, Ordering::Relaxed);
        let waiting = self.counts.waiting.fetch_add(bytes, Ordering::Relaxed);
        let has_room = waiting.saturating_add(bytes) <= self.bytes_max;
        if !has_room || self.queue.try_send((thing, bytes)).is_err() {
            self.counts.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many things are known not to arrive.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }

    /// Whether it is less than half full: what can wait should do so before.
    pub fn has_room(&self) -> bool {
        let missing = self.counts.missing.load(Ordering::Relaxed).saturating_sub(self.dropped());
        let bytes = self.counts.waiting.load(Ordering::Relaxed);
        missing < self.length as u64 / 2 && bytes < self.bytes_max / 2
    }

    /// Whether all that was given has arrived, but for what is known not to.
    pub fn is_settled(&self) -> bool {
        self.on_the_way() == 0
    }

    /// What was given and has not arrived, but for what is known not to.
    pub fn on_the_way(&self) -> u64 {
        self.counts.missing.load(Ordering::Acquire).saturating_sub(self.dropped())
    }

    /// Gives it time for what it has; how many things did not arrive, those on their way among them.
    pub fn finish(self, time: Duration) -> u64 {
        let Self { queue, done, counts, .. } = self;
        drop(queue);
        // Late or ended: either way nothing more comes of it.
        let _ended = done.recv_timeout(time);
        counts.missing.load(Ordering::Relaxed)
    }
}

impl<T> Queue<T> {
    /// None at the end.
    pub fn next(&self) -> Option<T> {
        self.things.recv().ok().map(|thing| self.taken(thing))
    }

    /// One that waits already.
    pub fn next_now(&self) -> Option<T> {
        self.things.try_recv().ok().map(|thing| self.taken(thing))
    }

    fn taken(&self, (thing, bytes): (T, usize)) -> T {
        self.counts.waiting.fetch_sub(bytes, Ordering::Relaxed);
        thing
    }

    pub fn arrived(&self, count: u64) {
        self.counts.missing.fetch_sub(count, Ordering::Release);
    }

    pub fn drop_one(&self) {
        self.counts.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES_MAX: usize = 1_000;

    /// Takes a thing for each word that it is told.
    fn slow() -> (mpsc::Sender<()>, Receiver<u32>, Behind<u32>) {
        let (go, told) = mpsc::channel::<()>();
        let (tell, took) = mpsc::channel();
        let work = move |queue: &Queue<u32>| {
            for () in told {
                let Some(thing) = queue.next() else { return };
                queue.arrived(1);
                tell.send(thing).unwrap();
            }
        };
        (go, took, Behind::start("test", 4, BYTES_MAX, work).unwrap())
    }

    #[test]
    fn what_waits_is_bounded_in_bytes() {
        let (go, took, behind) = slow();
        for thing in 0..3 {
            behind.give(thing, BYTES_MAX / 2);
        }
        assert_eq!(behind.dropped(), 1);
        go.send(()).unwrap();
        assert_eq!(took.recv().unwrap(), 0);
        assert!(!behind.has_room());
        behind.give(3, BYTES_MAX / 2);
        behind.give(4, 1);
        assert_eq!(behind.dropped(), 2);
        drop(go);
        assert_eq!(behind.finish(Duration::from_secs(5)), 4, "all but the first");
    }

    #[test]
    fn what_waits_is_bounded_in_number() {
        let (go, _took, behind) = slow();
        for thing in 0..6 {
            assert_eq!(behind.has_room(), thing < 2);
            behind.give(thing, 1);
        }
        assert_eq!(behind.dropped(), 2);
        drop(go);
        assert_eq!(behind.finish(Duration::from_secs(5)), 6);
    }
}
