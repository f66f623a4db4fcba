//! A file as a slice whose memory the system gets back while it is still being read.
//!
//! Pages of a mapped file count as memory of this process from their first use on, though they
//! are copies of what lies on disk. Whoever looks at a file of half a gigabyte from end to end
//! would have all of it counted. So a thread lets go of them every few milliseconds; what is used
//! once more comes back from the system's cache.
#![expect(unsafe_code, reason = "a mapping is the only way to hand out a large file as a slice")]

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use memmap2::{Mmap, UncheckedAdvice};

/// How long pages are kept. A core reads some gigabytes a second at most, so that 4 to 8 MB of a
/// file are in use at once.
const PERIOD: Duration = Duration::from_millis(2);

/// A file that nobody changes, mapped.
pub(crate) struct Mapping {
    bytes: Arc<Mmap>,
    /// Dropped to end the thread.
    stop: Option<Sender<()>>,
    release: Option<JoinHandle<()>>,
}

impl Mapping {
    /// Maps a file that was unlinked when it was created, and to which `file` is the only handle.
    pub(crate) fn of_unlinked(file: &File) -> io::Result<Self> {
        // SAFETY: nobody else has the file, so nobody can shorten or change it while it is mapped.
        let bytes = Arc::new(unsafe { Mmap::map(file) }?);
        let (stop, stopped) = mpsc::channel();
        let mapped = Arc::clone(&bytes);
        let release = std::thread::Builder::new().name("release".to_owned()).spawn(move || {
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                // SAFETY: the mapping is of a file and shared, so that a page that is let go of
                // and used again is read from the file anew, with the same bytes. Where the
                // advice is refused the pages stay, which does no harm.
                drop(unsafe { mapped.unchecked_advise(UncheckedAdvice::DontNeed) });
            }
        })?;
        Ok(Self { bytes, stop: Some(stop), release: Some(release) })
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It ends at once; nothing in it panics.
        drop(self.release.take().map(JoinHandle::join));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn pages_that_were_let_go_of_hold_the_same_bytes() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..=250).cycle().take(8 << 20).collect();
        file.write_all(&content).unwrap();
        let mapping = Mapping::of_unlinked(&file).unwrap();
        for _ in 0..5 {
            assert!(*mapping == *content);
            std::thread::sleep(PERIOD * 2);
        }
        let resident = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let kept: Vec<&str> = resident
            .lines()
            .skip_while(|line| !line.contains("(deleted)"))
            .filter_map(|line| line.strip_prefix("Rss:"))
            .take(1)
            .collect();
        assert_eq!(kept.first().map(|kept| kept.trim()), Some("0 kB"));
    }
}
