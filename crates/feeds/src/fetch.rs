//! Everything that a source serves for some streams, brought here.
//!
//! URLs are fetched in waves: a body that only points further (`repomd.xml`, an index) gives the
//! next wave. If the server knows that nothing changed since the segments were built, nothing is
//! brought; if anything changed, everything is, for segments are built from the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use advisories::Origin;

use crate::Feed;
use crate::collect::Input;
use crate::failure::Cause;
use crate::hosts::Patience;
use crate::http::{Answer, Body, Http};
use crate::input::{self, Found};
use crate::spool::{Extent, Spool};

/// Longest body that may be a pointer, and that is kept without a file of its own.
const SHORT_BYTES: u64 = 1 << 20;
/// Longest pointer, unpacked: an index of 100,000 lines has some 5 MB.
const POINTER_BYTES: u64 = 16 << 20;
/// Pointers to pointers: a mirror list, a `repomd.xml`, the metadata.
const WAVES_LIMIT: usize = 4;
/// URLs that one source may point to; openEuler's index has some thousands.
const URLS_LIMIT: usize = 100_000;
/// Requests at a time: polite to a publisher, and enough to hide latency.
const PARALLEL: usize = 4;

/// What came.
pub(crate) enum News {
    /// What we have is what there is.
    None,
    Some(Fetched),
}

/// Bodies, sorted by URL.
#[derive(Default)]
pub(crate) struct Fetched {
    bodies: BTreeMap<String, (Origin, Kept)>,
    spool: Spool,
}

enum Kept {
    File(File),
    Short(Extent),
}

/// Fetches `urls` and what they point to. `known` are the origins of what is installed, by URL;
/// empty if everything is wanted whatever its age.
pub(crate) fn fetch(
    http: &Http<'_>,
    feed: &dyn Feed,
    urls: Vec<String>,
    known: &BTreeMap<String, Origin>,
    patience: Patience,
) -> Result<News, Cause> {
    let run = |urls: &[String], known, shared: &_| run(http, feed, urls, known, patience, shared);
    let shared = Mutex::new(State { wave: urls, ..State::default() });
    for _ in 0..WAVES_LIMIT {
        let wave = std::mem::take(&mut lock(&shared).wave);
        run(&wave, Some(known), &shared)?;
    }
    let unchanged: Vec<String> = std::mem::take(&mut lock(&shared).unchanged).into_iter().collect();
    if let Some(url) = lock(&shared).wave.first() {
        let why = format!("points further after {WAVES_LIMIT} steps");
        return Err(Cause::damaged(why).of(url));
    }
    if lock(&shared).fetched.bodies.is_empty() {
        return Ok(News::None);
    }
    // Something is new, so what is old is needed too.
    run(&unchanged, None, &shared)?;
    Ok(News::Some(shared.into_inner().unwrap_or_else(PoisonError::into_inner).fetched))
}

impl Fetched {
    /// The names and origins of the inputs, in their order.
    pub(crate) fn origins(&self) -> (Vec<String>, Vec<Origin>) {
        self.bodies.iter().map(|(url, (origin, _))| (url.clone(), origin.clone())).unzip()
    }

    /// The bodies, one at a time.
    pub(crate) fn inputs(self) -> impl Iterator<Item = Input> {
        let Self { bodies, mut spool } = self;
        bodies.into_iter().map(move |(name, (_, kept))| match kept {
            Kept::File(file) => Input::File { name, file },
            Kept::Short(extent) => {
                let mut bytes = Vec::with_capacity(extent.length());
                match spool.read(extent, &mut bytes) {
                    Ok(()) => Input::Bytes { name, bytes },
                    // Said as a path that cannot be read.
                    Err(error) => Input::Path(format!("{name} ({error})").into()),
                }
            }
        })
    }
}

/// What the requests of a source share.
#[derive(Default)]
struct State {
    /// The URLs to fetch next.
    wave: Vec<String>,
    unchanged: BTreeSet<String>,
    fetched: Fetched,
    urls: usize,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fetches some URLs, a few at a time; the first failure ends it.
fn run(
    http: &Http<'_>,
    feed: &dyn Feed,
    urls: &[String],
    known: Option<&BTreeMap<String, Origin>>,
    patience: Patience,
    state: &Mutex<State>,
) -> Result<(), Cause> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL.min(urls.len()) {
            scope.spawn(|| {
                while let Some(url) = urls.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let origin = known.and_then(|known| known.get(url));
                    let got = http
                        .get(url, origin, patience)
                        .and_then(|answer| keep(feed, url, answer, state));
                    if let Err(cause) = got {
                        let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                        failure.get_or_insert(cause.of(&http.place(url)));
                        next.store(urls.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

fn keep(feed: &dyn Feed, url: &str, answer: Answer, state: &Mutex<State>) -> Result<(), Cause> {
    let Body { mut file, bytes, origin } = match answer {
        Answer::Unchanged => {
            lock(state).unchanged.insert(url.to_owned());
            return Ok(());
        }
        Answer::Body(body) => body,
    };
    let storage = |error: std::io::Error| Cause::local(format!("cannot keep the answer: {error}"));
    let kept = if bytes > SHORT_BYTES {
        Kept::File(file)
    } else {
        let mut short = Vec::new();
        file.read_to_end(&mut short).map_err(storage)?;
        if let Some(further) = feed.follow(url, &unpacked(url, &short)) {
            return follow(further, state);
        }
        Kept::Short(lock(state).fetched.spool.append(&short).map_err(storage)?)
    };
    lock(state).fetched.bodies.insert(url.to_owned(), (origin, kept));
    Ok(())
}

fn follow(further: Vec<String>, state: &Mutex<State>) -> Result<(), Cause> {
    let mut state = lock(state);
    state.urls = state.urls.saturating_add(further.len());
    if state.urls > URLS_LIMIT {
        return Err(Cause::damaged(format!("points to more than {URLS_LIMIT} documents")));
    }
    state.wave.extend(further);
    Ok(())
}

/// The document in a short body, which a server may have sent packed.
fn unpacked(url: &str, body: &[u8]) -> Vec<u8> {
    let mut document = Vec::new();
    let mut take = |found| match found {
        Found::Document(unpacked) => {
            document = unpacked.document().head().to_vec();
            ControlFlow::Break(())
        }
        Found::File | Found::Bundle | Found::Trouble(_) => ControlFlow::Continue(()),
    };
    // It ends with the first document, which is all that a pointer has.
    let _ended = input::read_short(url, body.to_vec(), POINTER_BYTES, &mut take);
    document
}
