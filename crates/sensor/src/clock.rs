//! The kernel's time since boot → time since the Unix epoch.

use rustix::time::{ClockId, clock_gettime};

const SECOND: u64 = 1_000_000_000;

/// The distance between both at one moment. Setting the machine's clock changes it, so it is
/// measured again and again.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// When the machine started.
    boot: u64,
}

impl Clock {
    pub fn now() -> Self {
        let [epoch, since_boot] = [ClockId::Realtime, ClockId::Boottime].map(|clock| {
            let time = clock_gettime(clock);
            let whole = u64::try_from(time.tv_sec).unwrap_or(0) * SECOND;
            whole + u64::try_from(time.tv_nsec).unwrap_or(0)
        });
        Self { boot: epoch.saturating_sub(since_boot) }
    }

    /// The time, in nanoseconds since the epoch.
    pub fn now_epoch(self) -> u64 {
        let time = clock_gettime(ClockId::Boottime);
        let whole = u64::try_from(time.tv_sec).unwrap_or(0) * SECOND;
        self.epoch(whole + u64::try_from(time.tv_nsec).unwrap_or(0))
    }

    /// One whose machine started then: for tests.
    pub fn of_boot(boot: u64) -> Self {
        Self { boot }
    }

    /// Nanoseconds since the epoch, of nanoseconds since boot.
    pub fn epoch(self, since_boot: u64) -> u64 {
        self.boot.saturating_add(since_boot)
    }
}
