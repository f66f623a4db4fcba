//! How long a server may keep us waiting, all requests together.
//!
//! Each wait has a limit of its own; a hostile registry makes us wait often. So the time during which
//! any request waits is added up, and has to be earned by bytes that come.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many bytes earn a second of patience. Slower than any line that images are pulled over (128
/// kbit/s): what is slower still would take a day for an ordinary image.
const BYTES_A_SECOND_MIN: u32 = 16 << 10;

/// What is left of a server's credit. Clones share it.
#[derive(Clone, Debug)]
pub struct Pace {
    /// What it begins with.
    patience: Duration,
    account: Arc<Mutex<Account>>,
}

#[derive(Debug)]
struct Account {
    /// How many wait at present, and since when one does.
    waiting: u32,
    since: Instant,
    /// How long somebody waited before.
    waited: Duration,
    received: u64,
}

/// Somebody waits, until this is dropped.
#[derive(Debug)]
pub struct Waiting<'a>(&'a Pace);

impl Pace {
    /// A server that may keep us waiting for so long before a byte comes.
    pub fn new(patience: Duration) -> Self {
        let (since, waited) = (Instant::now(), Duration::ZERO);
        let account = Account { waiting: 0, since, waited, received: 0 };
        Self { patience, account: Arc::new(Mutex::new(account)) }
    }

    /// Counts the time from now on.
    pub fn wait(&self) -> Waiting<'_> {
        let mut account = self.account();
        if account.waiting == 0 {
            account.since = Instant::now();
        }
        account.waiting += 1;
        Waiting(self)
    }

    /// Bytes that came.
    pub fn received(&self, bytes: u64) {
        let mut account = self.account();
        account.received = account.received.saturating_add(bytes);
    }

    /// The server did what was asked of it: our patience is what it was in the beginning.
    pub fn renew(&self) {
        let mut account = self.account();
        (account.waited, account.since) = (Duration::ZERO, Instant::now());
    }

    /// Whether the server has kept us waiting for too long.
    pub fn is_over(&self) -> bool {
        let account = self.account();
        let now = if account.waiting > 0 { account.since.elapsed() } else { Duration::ZERO };
        let earned = Duration::from_secs(account.received) / BYTES_A_SECOND_MIN;
        account.waited + now > self.patience.saturating_add(earned)
    }

    /// Fails when it has.
    pub(super) fn check(&self) -> io::Result<()> {
        if !self.is_over() {
            return Ok(());
        }
        let seconds = self.patience.as_secs_f32();
        let message = format!("next to nothing came for {seconds:.0} s, all waits together");
        Err(io::Error::new(io::ErrorKind::TimedOut, message))
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut account = self.0.account();
        account.waiting = account.waiting.saturating_sub(1);
        if account.waiting == 0 {
            let now = account.since.elapsed();
            account.waited += now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_add_up_and_bytes_earn_time() {
        let pace = Pace::new(Duration::from_millis(30));
        let sleep = || std::thread::sleep(Duration::from_millis(20));
        // Not ours to answer for: nobody waits.
        (0..3).for_each(|_| sleep());
        assert!(!pace.is_over());
        let first = pace.wait();
        sleep();
        drop(first);
        assert!(!pace.is_over());
        let second = pace.wait();
        sleep();
        assert!(pace.is_over());
        let message = pace.check().unwrap_err().to_string();
        assert!(message.starts_with("next to nothing came"), "{message}");
        pace.renew();
        assert!(!pace.is_over());
        sleep();
        sleep();
        assert!(pace.is_over());
        pace.received(3600 * u64::from(BYTES_A_SECOND_MIN));
        assert!(!pace.is_over());
        drop(second);
    }
}
