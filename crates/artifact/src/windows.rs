//! Memory that decompressors of layers share: their windows.
//!
//! How many layers are read at a time is the user's wish, how large a window each of them wants is
//! the image's. Both together must not decide how much memory is taken, so whoever has to wait does.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::decompress::Compression;
use crate::limits::WIDE_WINDOW_LOG;

/// All windows together: the widest one, or sixteen that every layer may have.
const WINDOWS_BYTES_MAX: u64 = 1 << WIDE_WINDOW_LOG;

/// What is taken of the memory for windows.
#[derive(Default)]
pub(crate) struct Windows {
    taken: Mutex<u64>,
    given_back: Condvar,
}

/// A window, until this is dropped.
pub(crate) struct Window<'a> {
    windows: &'a Windows,
    bytes: u64,
}

impl Windows {
    /// Waits until there is memory for a decompressor of this kind, and takes it.
    pub(crate) fn take(&self, compression: Compression) -> Window<'_> {
        let bytes = most(compression).min(WINDOWS_BYTES_MAX);
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |taken: &mut u64| taken.saturating_add(bytes) > WINDOWS_BYTES_MAX;
        let waited = self.given_back.wait_while(taken, is_full);
        *waited.unwrap_or_else(PoisonError::into_inner) += bytes;
        Window { windows: self, bytes }
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let mut taken = self.windows.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(self.bytes);
        self.windows.given_back.notify_all();
    }
}

/// What a decompressor may take: what is in a stream later can be wider than what it begins with.
fn most(compression: Compression) -> u64 {
    match compression {
        Compression::None => 0,
        // 32 KiB, and what the decompressor has besides.
        Compression::Gzip => 64 << 10,
        Compression::Zstd { window_log } => 1 << window_log,
        Compression::Xz => 1 << WIDE_WINDOW_LOG,
        // 900 KB of four bytes each.
        Compression::Bzip2 => 4 << 20,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn windows_together_stay_within_the_limit() {
        let kinds = [
            Compression::Zstd { window_log: 23 },
            Compression::Zstd { window_log: 25 },
            Compression::Zstd { window_log: WIDE_WINDOW_LOG },
            Compression::Xz,
            Compression::Bzip2,
            Compression::Gzip,
            Compression::None,
        ];
        let (windows, taken, peak) = (Windows::default(), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for number in 0..120 {
                let kind = kinds[if number < 90 { 0 } else { number % kinds.len() }];
                let (windows, taken, peak) = (&windows, &taken, &peak);
                scope.spawn(move || {
                    let window = windows.take(kind);
                    let now = taken.fetch_add(most(kind), Ordering::SeqCst) + most(kind);
                    peak.fetch_max(now, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(1));
                    taken.fetch_sub(most(kind), Ordering::SeqCst);
                    drop(window);
                });
            }
        });
        assert_eq!(peak.load(Ordering::SeqCst), WINDOWS_BYTES_MAX);
        assert_eq!(*windows.taken.lock().unwrap(), 0);
    }
}
