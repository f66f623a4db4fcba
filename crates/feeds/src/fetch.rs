//! Everything that a source serves for some streams, brought here.
//!
//! URLs are fetched in waves: a body that only points further (`repomd.xml`, an index) gives the
//! next wave. If the server knows that nothing changed since the segments were built, nothing is
//! brought; if anything changed, everything is, for segments are built from the whole. What an index of many
//! documents names and the server does not have is done without, as long as it is the smaller part.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use advisories::Origin;
use jiff::Timestamp;

use crate::changes::{self, Changes};
use crate::collect::Input;
use crate::failure::Cause;
use crate::hosts::Patience;
use crate::http::{Answer, Body, Http};
use crate::input::{self, Found};
use crate::spool::{Extent, Spool};
use crate::{Failure, Feed, Part};

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
    /// Whether they are to be added to what is installed.
    pub(crate) only_changes: bool,
    /// What the source says nothing of any more.
    pub(crate) gone: Vec<String>,
    /// What is not known of the changes since an archive, as a fragment.
    pub(crate) untold: Option<String>,
    /// What an index names and the server does not have, as a fragment.
    pub(crate) absent: Option<String>,
    /// Paths of what no longer counts in an archive.
    without: Arc<BTreeSet<String>>,
}

/// What is at hand.
pub(crate) struct AtHand {
    /// By URL; empty if everything is wanted whatever its age.
    pub(crate) origins: BTreeMap<String, Origin>,
    /// When the publisher was last heard.
    pub(crate) heard: Option<Timestamp>,
}

enum Kept {
    File(File),
    Short(Extent),
}

/// Fetches `urls` and what they point to.
pub(crate) fn fetch(
    http: &Http<'_>,
    feed: &dyn Feed,
    urls: Vec<String>,
    at_hand: &AtHand,
    patience: Patience,
) -> Result<News, Cause> {
    let asked = Asked { http, feed, patience, spares: false };
    let shared = Mutex::new(State { wave: urls, ..State::default() });
    for _ in 0..WAVES_LIMIT {
        let wave = std::mem::take(&mut lock(&shared).wave);
        asked.run(&wave, Some(&at_hand.origins), &shared)?;
    }
    let unchanged: Vec<String> = std::mem::take(&mut lock(&shared).unchanged).into_iter().collect();
    if let Some(url) = lock(&shared).wave.first() {
        let why = format!("points further after {WAVES_LIMIT} steps");
        return Err(Cause::damaged(why).of(url));
    }
    let archive = lock(&shared).archive.take();
    if let Some((archive, day)) = archive {
        return asked.changes(&archive, day, at_hand, shared);
    }
    let absent = lock(&shared).absent()?;
    if lock(&shared).fetched.bodies.is_empty() {
        return Ok(News::None);
    }
    // Something is new, so what is old is needed too.
    asked.run(&unchanged, None, &shared)?;
    let fetched = shared.into_inner().unwrap_or_else(PoisonError::into_inner).fetched;
    Ok(News::Some(Fetched { absent, ..fetched }))
}

impl Fetched {
    /// The names and origins of the inputs, in their order.
    pub(crate) fn origins(&self) -> (Vec<String>, Vec<Origin>) {
        self.bodies.iter().map(|(url, (origin, _))| (url.clone(), origin.clone())).unzip()
    }

    /// The bodies, one at a time.
    pub(crate) fn inputs(self) -> impl Iterator<Item = Input> {
        let Self { bodies, mut spool, without, .. } = self;
        bodies.into_iter().map(move |(name, (_, kept))| match kept {
            Kept::File(file) => Input::File { name, file, without: Arc::clone(&without) },
            Kept::Short(extent) => {
                let mut bytes = Vec::with_capacity(extent.length());
                match spool.read(extent, &mut bytes) {
                    Ok(()) => Input::Bytes { name, bytes, without: Arc::clone(&without) },
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
    /// URLs that an index of several names, and what those point to.
    listed: BTreeSet<String>,
    /// How many of them are not there, and why the first.
    absent: (usize, Option<Cause>),
    /// The archive that the lists are about, and its day.
    archive: Option<(String, Timestamp)>,
    changes: Changes,
    /// What could not be had, and need not be: how many, and why the first.
    spared: (usize, Option<Cause>),
}

impl State {
    /// What is done without, as a fragment; an error where that is the greater part.
    fn absent(&self) -> Result<Option<String>, Cause> {
        let (count, Some(cause)) = &self.absent else { return Ok(None) };
        let why = format!("{count} documents that its index names are not there: {cause}");
        match count.saturating_mul(2) > self.listed.len() {
            true => Err(Cause::network(why)),
            false => Ok(Some(why)),
        }
    }

    /// Whether the server does not have it, and it is one of many; counts it then.
    fn does_without(&mut self, url: &str, cause: &Cause) -> bool {
        let is_spared = cause.is_absent && self.listed.contains(url);
        if is_spared {
            self.absent.0 += 1;
            self.absent.1.get_or_insert_with(|| cause.clone());
        }
        is_spared
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whom to ask, and how.
#[derive(Clone, Copy)]
struct Asked<'a> {
    http: &'a Http<'a>,
    feed: &'a dyn Feed,
    patience: Patience,
    /// Whether what cannot be had is done without.
    spares: bool,
}

impl Asked<'_> {
    /// Fetches some URLs, a few at a time; the first failure ends it, but of what is spared.
    fn run(
        self,
        urls: &[String],
        known: Option<&BTreeMap<String, Origin>>,
        state: &Mutex<State>,
    ) -> Result<(), Cause> {
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..PARALLEL.min(urls.len()) {
                scope.spawn(|| {
                    while let Some(url) = urls.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let Err(cause) = self.one(url, known, state) else { continue };
                        if lock(state).does_without(url, &cause) {
                            continue;
                        }
                        let is_list =
                            matches!(self.feed.part(url), Part::Changes | Part::Deletions);
                        if (self.spares || is_list) && cause.failure != Failure::Stopped {
                            let mut state = lock(state);
                            state.spared.0 += 1;
                            state.spared.1.get_or_insert(cause);
                            continue;
                        }
                        let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                        failure.get_or_insert(cause);
                        next.store(urls.len(), Ordering::Relaxed);
                    }
                });
            }
        });
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    fn one(
        self,
        url: &str,
        known: Option<&BTreeMap<String, Origin>>,
        state: &Mutex<State>,
    ) -> Result<(), Cause> {
        let origin = known.and_then(|known| known.get(url));
        let answer = self.http.get(url, origin, self.patience);
        let kept = answer.and_then(|answer| keep(self.feed, url, answer, state));
        kept.map_err(|cause| cause.of(&self.http.place(url)))
    }

    /// What changed since the archive; with the archive, unless that is at hand.
    fn changes(
        self,
        archive: &str,
        day: Timestamp,
        at_hand: &AtHand,
        shared: Mutex<State>,
    ) -> Result<News, Cause> {
        let (origin, lists) = {
            let mut state = lock(&shared);
            let fetched = state.fetched.bodies.get(archive).map(|(origin, _)| origin.clone());
            (fetched, std::mem::take(&mut state.spared).1)
        };
        let only_changes = origin.is_none();
        if let (true, Some(cause)) = (only_changes, lists.as_ref()) {
            return Err(cause.clone());
        }
        let since = at_hand.heard.filter(|_| only_changes).map_or(day, |heard| heard.max(day));
        let wanted = lock(&shared).changes.since(since);
        let urls: Vec<String> = wanted.documents.iter().map(|(url, _)| url.clone()).collect();
        Asked { spares: true, ..self }.run(&urls, None, &shared)?;
        let State { mut fetched, spared, .. } =
            shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        // What is built of an archive and its changes is known by the archive.
        let origin = origin.or_else(|| at_hand.origins.get(archive).cloned()).unwrap_or_default();
        let mut without: BTreeSet<String> = wanted.deleted.iter().cloned().collect();
        for (url, path) in wanted.documents {
            if let Some(body) = fetched.bodies.get_mut(&url) {
                body.0 = origin.clone();
                without.insert(path);
            }
        }
        let (lost, why) = spared;
        if let (true, true, Some(why)) = (only_changes, fetched.bodies.is_empty(), why.as_ref()) {
            return Err(why.clone());
        }
        fetched.gone = wanted.deleted.iter().map(|path| changes::name(path)).collect();
        if only_changes && fetched.bodies.is_empty() && fetched.gone.is_empty() {
            return Ok(News::None);
        }
        fetched.without = Arc::new(without);
        fetched.only_changes = only_changes;
        fetched.untold = untold(lists.as_ref(), (lost, why.as_ref()), wanted.left_out);
        Ok(News::Some(fetched))
    }
}

/// What of the changes is not known.
fn untold(
    lists: Option<&Cause>,
    (lost, why): (usize, Option<&Cause>),
    left_out: usize,
) -> Option<String> {
    let lists = lists.map(|cause| format!("what changed since the archive is not known: {cause}"));
    let lost = why.map(|cause| format!("{lost} changed documents could not be fetched: {cause}"));
    let left_out = (left_out > 0).then(|| {
        format!("{left_out} documents that changed since the archive are beyond the limit")
    });
    let parts: Vec<String> = [lists, lost, left_out].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
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
    let part = feed.part(url);
    if matches!(part, Part::Changes | Part::Deletions) {
        if bytes > POINTER_BYTES {
            return Err(Cause::damaged(format!("is longer than {POINTER_BYTES} bytes")));
        }
        let mut list = Vec::new();
        file.read_to_end(&mut list).map_err(storage)?;
        let list = unpacked(url, &list);
        let folder = url.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut state = lock(state);
        if let Some((_, day)) = state.archive {
            state.changes.add(part, &format!("{folder}/"), &String::from_utf8_lossy(&list), day);
        }
        return Ok(());
    }
    let kept = if bytes > SHORT_BYTES {
        Kept::File(file)
    } else {
        let mut short = Vec::new();
        file.read_to_end(&mut short).map_err(storage)?;
        if let Some(further) = feed.follow(url, &unpacked(url, &short)) {
            return follow(feed, url, further, state);
        }
        Kept::Short(lock(state).fetched.spool.append(&short).map_err(storage)?)
    };
    lock(state).fetched.bodies.insert(url.to_owned(), (origin, kept));
    Ok(())
}

fn follow(
    feed: &dyn Feed,
    url: &str,
    further: Vec<String>,
    state: &Mutex<State>,
) -> Result<(), Cause> {
    let mut state = lock(state);
    if further.len() > 1 || state.listed.contains(url) {
        let documents = further.iter().filter(|url| feed.part(url) == Part::Document);
        state.listed.extend(documents.cloned());
    }
    let archive = further.iter().find_map(|url| match feed.part(url) {
        Part::Archive { day } => Some((url.clone(), day)),
        _ => None,
    });
    if archive.is_some() {
        state.archive = archive;
    }
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
