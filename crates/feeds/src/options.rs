//! How feeds are imported and fetched, decided once by the caller.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use advisories::PublicKey;
use artifact::Stop;
use jiff::Timestamp;

use crate::Hosts;

/// How old data may be before `ensure` asks for news.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Options of [`crate::import()`], [`crate::update()`] and [`crate::ensure()`]; each reads what concerns
/// it.
#[derive(Clone)]
pub struct Options {
    /// The time of the run: what segments say they were built at, and what ages are taken from.
    pub now: Timestamp,
    /// Threads that read and write.
    pub jobs: NonZeroUsize,
    /// An import: the input is all that its sources say, so nothing they said before is kept.
    pub whole: bool,
    /// Data that is damaged may take the place of sound data.
    pub accept_damaged: bool,
    /// What a mirror has may be older than what is installed.
    pub allow_older: bool,
    /// No network at all.
    pub offline: bool,
    /// Where raw feeds are mirrored: `https://host/path` is asked for as `<mirror>/host/path`.
    pub feed_mirror: Option<String>,
    /// Other URLs for a source, by its name; `{stream}` in a URL stands for the stream.
    pub feed_urls: BTreeMap<String, Vec<String>>,
    /// A mirror of ready segments, which replaces the publishers: the URL of a folder with an
    /// `index.json`, or `oci://HOST/REPOSITORY[:TAG]`.
    pub db_url: Option<String>,
    /// How to talk to a registry that `db_url` names.
    pub registry: artifact::Options,
    /// Where any is named, the mirror's index must be signed by one of these.
    pub db_keys: Vec<PublicKey>,
    /// PEM files with authorities to trust besides the system's.
    pub authorities: Vec<PathBuf>,
    /// `ensure` leaves alone what was built or asked for later than this long ago.
    pub max_age: Duration,
    /// Once it says so, work and every wait end with what is done.
    pub stop: Stop,
    /// What one run learned of hosts, shared between its calls.
    pub hosts: Hosts,
    pub progress: Arc<dyn Progress>,
}

impl Options {
    /// Everything as a user who said nothing expects it.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            jobs: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            whole: false,
            accept_damaged: false,
            allow_older: false,
            offline: false,
            feed_mirror: None,
            feed_urls: BTreeMap::new(),
            db_url: None,
            registry: artifact::Options::default(),
            db_keys: Vec::new(),
            authorities: Vec::new(),
            max_age: DEFAULT_MAX_AGE,
            stop: Stop::default(),
            hosts: Hosts::default(),
            progress: Arc::new(Silent),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("now", &self.now)
            .field("jobs", &self.jobs)
            .field("offline", &self.offline)
            .field("feed_mirror", &self.feed_mirror)
            .field("db_url", &self.db_url)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// Told what happens, from several threads. Every method may be left out.
pub trait Progress: Send + Sync {
    /// A first fetch of more than 50 MB is about to begin.
    fn announces(&self, _url: &str, _bytes: u64) {}

    /// A body begins; its length where the server says.
    fn fetch_begins(&self, _url: &str, _bytes: Option<u64>) {}

    /// So many more bytes of it are here.
    fn fetched(&self, _url: &str, _bytes: u64) {}

    fn fetch_ends(&self, _url: &str) {}

    /// A document is read.
    fn reads(&self, _path: &str) {}

    /// A segment is written.
    fn writes(&self, _stream: &str) {}
}

/// Shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {}
