//! Scans that a start waits for, where the policy says `scan`: one an image at a time, some at once, each
//! with an end.
//!
//! ```text
//! Judge → Scans::verdict(digests) → who scans (another process) → Judged → kept, and given to all who wait
//! ```
//!
//! Nothing here reads an image. What did not come to a verdict is said, and never passes for one.

use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::Digest;

use crate::record::{Judged, Verdicts};

/// A scan keeps two threads busy and takes some hundred MiB.
const AT_ONCE: usize = 2;
/// Starts that wait for scans: each holds a connection of the daemon, and others are to be answered.
const WAITING_MAX: usize = 64;
/// How long what came of one is not asked again: a container is judged as it is made and as it starts.
const RECENT: Duration = Duration::from_secs(60);
/// Images whose outcome is remembered.
const RECENT_MAX: usize = 256;

/// Scans the image that has this digest, within a time, and gives the verdict, or why there is none.
pub type Scan = dyn Fn(&Digest, Duration) -> Result<Judged, String> + Send + Sync;

/// Who has images scanned.
pub struct Scans {
    scan: Box<Scan>,
    verdicts: Verdicts,
    /// For each start.
    time: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Images that are being scanned.
    under_way: HashSet<Digest>,
    waiting: usize,
    recent: HashMap<Digest, (Instant, Result<Judged, String>)>,
}

/// For a start that may have to wait for a scan.
#[derive(Clone, Copy)]
pub struct Scanning<'a> {
    pub scans: &'a Scans,
    /// Is told for how long the start will wait more.
    pub longer: &'a dyn Fn(Duration),
}

impl Scans {
    /// Verdicts are kept where the gate looks for them. `time` is for each start: to wait for others, and
    /// to be scanned.
    pub fn new(
        verdicts: Verdicts,
        time: Duration,
        scan: impl Fn(&Digest, Duration) -> Result<Judged, String> + Send + Sync + 'static,
    ) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self { scan: Box::new(scan), verdicts, time, state, changed }
    }

    pub fn time(&self) -> Duration {
        self.time
    }

    /// The verdict on the image that has these digests, the surest first.
    ///
    /// # Errors
    /// Why there is none.
    pub fn verdict(&self, digests: &[String]) -> Result<Judged, String> {
        let digest = digests.first().and_then(|digest| digest.parse::<Digest>().ok());
        let digest = digest.ok_or("it is not known which image it is")?;
        let deadline = Instant::now() + self.time;
        if let Some(recent) = self.begin(&digest, deadline)? {
            return recent;
        }
        let under_way = UnderWay { scans: self, digest: &digest };
        let left = deadline.saturating_duration_since(Instant::now());
        let outcome = (self.scan)(&digest, left).and_then(|judged| {
            // Under what it was asked for by, alone: which other digests it has, the gate did not see.
            let kept = self.verdicts.keep(&judged, [&digest]);
            kept.map(|()| judged).map_err(|why| format!("its verdict cannot be kept: {why}"))
        });
        under_way.end(outcome.clone());
        outcome
    }

    /// None if it is now to be scanned by whoever asked; else what came of it a moment ago.
    fn begin(
        &self,
        digest: &Digest,
        deadline: Instant,
    ) -> Result<Option<Result<Judged, String>>, String> {
        let mut state = self.state();
        if state.waiting >= WAITING_MAX {
            return Err(format!("{WAITING_MAX} other starts wait for scans"));
        }
        state.waiting += 1;
        loop {
            state.recent.retain(|_, (when, _)| when.elapsed() < RECENT);
            if let Some((_, outcome)) = state.recent.get(digest) {
                let outcome = outcome.clone();
                state.waiting -= 1;
                return Ok(Some(outcome));
            }
            if state.under_way.len() < AT_ONCE && !state.under_way.contains(digest) {
                state.waiting -= 1;
                state.under_way.insert(digest.clone());
                return Ok(None);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.waiting -= 1;
                return Err(self.late());
            }
            let waited = self.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn late(&self) -> String {
        format!("it was not scanned within {} s", self.time.as_secs())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in it can be half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An image that is being scanned; whatever becomes of that, others are not kept waiting.
struct UnderWay<'a> {
    scans: &'a Scans,
    digest: &'a Digest,
}

impl UnderWay<'_> {
    fn end(self, outcome: Result<Judged, String>) {
        let mut state = self.scans.state();
        if state.recent.len() >= RECENT_MAX {
            state.recent.clear();
        }
        state.recent.insert(self.digest.clone(), (Instant::now(), outcome));
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.scans.state().under_way.remove(self.digest);
        self.scans.changed.notify_all();
    }
}

impl std::fmt::Debug for Scans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scans").field("time", &self.time).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use jiff::civil::Date;
    use model::{Decision, Verdict};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const MOMENT: Duration = Duration::from_millis(200);

    fn digest(letter: char) -> String {
        format!("sha256:{}", letter.to_string().repeat(64))
    }

    fn judged() -> Judged {
        let verdict = Verdict { decision: Decision::Warn, ..Verdict::default() };
        Judged::new(&verdict, "shop:1", true, Date::constant(2026, 3, 1))
    }

    /// A folder of verdicts, those who scan, how often they were asked, and how many were asked at once.
    fn scans(
        time: Duration,
        outcome: Result<Judged, String>,
    ) -> (tempfile::TempDir, Arc<Scans>, Arc<[AtomicUsize; 3]>) {
        let folder = tempfile::tempdir().unwrap();
        let counts: Arc<[AtomicUsize; 3]> = Arc::default();
        let counted = Arc::clone(&counts);
        let scan = move |_: &Digest, left: Duration| {
            counted[0].fetch_add(1, Ordering::Relaxed);
            let now = counted[1].fetch_add(1, Ordering::Relaxed) + 1;
            counted[2].fetch_max(now, Ordering::Relaxed);
            thread::sleep(MOMENT.min(left));
            counted[1].fetch_sub(1, Ordering::Relaxed);
            outcome.clone()
        };
        let scans = Scans::new(Verdicts::at(folder.path()), time, scan);
        (folder, Arc::new(scans), counts)
    }

    #[test]
    fn an_image_is_scanned_once_and_the_verdict_kept() {
        let (folder, scans, counts) = scans(LONG, Ok(judged()));
        let image = [digest('a'), digest('b')];
        thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| scans.verdict(&image))).collect();
            all.into_iter().for_each(|it| assert_eq!(it.join().unwrap(), Ok(judged())));
        });
        assert_eq!(counts[0].load(Ordering::Relaxed), 1);
        let verdicts = Verdicts::at(folder.path());
        assert_eq!(verdicts.find(&image[..1]).unwrap(), Some(judged()));
        assert_eq!(verdicts.find(&image[1..]).unwrap(), None, "the other was not asked for");
    }

    #[test]
    fn some_at_once_and_the_rest_waits() {
        let (_folder, scans, counts) = scans(LONG, Ok(judged()));
        thread::scope(|scope| {
            for letter in 'a'..='f' {
                let scans = Arc::clone(&scans);
                scope.spawn(move || assert!(scans.verdict(&[digest(letter)]).is_ok()));
            }
        });
        let [asked, now, at_once] = [0, 1, 2].map(|at| counts[at].load(Ordering::Relaxed));
        assert_eq!((asked, now, at_once), (6, 0, AT_ONCE));
    }

    #[test]
    fn what_fails_is_said_and_not_done_again_at_once() {
        let (folder, scans, counts) = scans(LONG, Err("no room".to_owned()));
        let image = [digest('a')];
        assert_eq!(scans.verdict(&image), Err("no room".to_owned()));
        assert_eq!(scans.verdict(&image), Err("no room".to_owned()));
        assert_eq!(counts[0].load(Ordering::Relaxed), 1);
        assert_eq!(Verdicts::at(folder.path()).find(&image).unwrap(), None);
        for nobody in [&[][..], &["shop:1".to_owned()]] {
            assert!(scans.verdict(nobody).unwrap_err().contains("not known which"));
        }
    }

    #[test]
    fn who_waits_has_an_end() {
        let (_folder, scans, _) = scans(MOMENT / 4, Ok(judged()));
        thread::scope(|scope| {
            let first = scope.spawn(|| scans.verdict(&[digest('a')]));
            let second = scope.spawn(|| scans.verdict(&[digest('b')]));
            thread::sleep(MOMENT / 8);
            let begun = Instant::now();
            // These scans end in time; whoever comes behind them has too little left.
            let third = scans.verdict(&[digest('c')]);
            assert!(begun.elapsed() < MOMENT, "{third:?}");
            assert!(first.join().unwrap().is_ok() && second.join().unwrap().is_ok());
        });
    }

    #[test]
    fn too_many_are_told_at_once() {
        let (_folder, scans, _) = scans(LONG, Ok(judged()));
        scans.state().waiting = WAITING_MAX;
        assert!(scans.verdict(&[digest('a')]).unwrap_err().contains("other starts wait"));
    }

    #[test]
    fn a_scan_that_panics_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let scan =
            |_: &Digest, _| -> Result<Judged, String> { panic!("as a mistake of ours would") };
        let scans = Arc::new(Scans::new(Verdicts::at(folder.path()), LONG, scan));
        let panicking = Arc::clone(&scans);
        assert!(thread::spawn(move || panicking.verdict(&[digest('a')])).join().is_err());
        assert!(scans.state().under_way.is_empty());
    }
}
