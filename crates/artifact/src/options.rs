//! What a caller may choose: the platform, how much to verify, how many threads, when to stop.
//!
//! Nothing here reads the environment: `cli` fills these in.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use model::Platform;

use crate::{Environment, ReadError, RegistryOptions};

/// How to open and read an image.
#[derive(Clone, Debug)]
pub struct Options {
    /// The platform to choose from a multi-platform image; None means this machine's.
    pub platform: Option<Platform>,
    /// Read and hash every byte even where seeking would do.
    pub verify: bool,
    /// Layers read at the same time, by two threads each: one decompresses, one looks.
    pub jobs: NonZeroUsize,
    /// Never open a connection to another machine.
    pub offline: bool,
    /// Where files too big for memory are spilled (unlinked at once); None means the system's
    /// directory for temporary files.
    pub temp_dir: Option<PathBuf>,
    pub registry: RegistryOptions,
    /// The variables that lead to registries and daemons; empty unless the caller fills it.
    pub environment: Environment,
    pub stop: Stop,
    pub progress: Arc<dyn Progress>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            platform: None,
            verify: false,
            jobs: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            offline: false,
            temp_dir: None,
            registry: RegistryOptions::default(),
            environment: Environment::default(),
            stop: Stop::default(),
            progress: Arc::new(Silent),
        }
    }
}

/// Ends a running [`crate::open`] or [`crate::Image::read_each`] from outside: on Ctrl-C, or when a
/// deadline passes. Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Stop {
    /// A stop that also comes by itself at `deadline`.
    pub fn at(deadline: Instant) -> Self {
        Self { asked: Arc::default(), deadline: Some(deadline) }
    }

    /// Asks all work that polls this stop, or a clone of it, to end.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether work should end.
    pub fn is_stopped(&self) -> bool {
        self.check().is_err()
    }

    /// When the work has to be done, where that was said.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// To be called in every loop whose length an image decides.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        if self.asked.load(Ordering::Relaxed) {
            return Err(ReadError::Interrupted("interrupted"));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(ReadError::Interrupted("the time limit was reached"));
        }
        Ok(())
    }
}

/// Hears how far reading has come. Called from several threads.
pub trait Progress: Send + Sync {
    /// `name` is the layer's digest, or what the source calls it; `total_bytes` counts the bytes
    /// as the source holds them, where it says.
    fn layer_begins(&self, index: u32, name: &str, total_bytes: Option<u64>);

    /// `count` more bytes, as the source holds them, were read or skipped.
    fn layer_bytes(&self, index: u32, count: u64);

    fn layer_ends(&self, index: u32);
}

/// Progress that nobody wants to hear.
pub struct Silent;

impl Progress for Silent {
    fn layer_begins(&self, _index: u32, _name: &str, _total_bytes: Option<u64>) {}

    fn layer_bytes(&self, _index: u32, _count: u64) {}

    fn layer_ends(&self, _index: u32) {}
}

impl fmt::Debug for dyn Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
