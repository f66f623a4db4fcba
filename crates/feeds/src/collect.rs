//! Documents read by several threads, each turned into statements by the feed that knows it.
//!
//! ```text
//! one thread unpacks ──bounded queue──→ workers: recognize, import ──→ Collected (statements spooled)
//! ```
//!
//! The queue is bounded by weight as well as by number, so memory does not grow with the input. The
//! outcome does not depend on which worker read what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use artifact::Stop;
use model::{Problem, ProblemKind};

use crate::input::{self, Content, Found, Unpacked};
use crate::sink::{HELD_BYTES, Names, Sink, Statement, statements};
use crate::spool::{Extent, Spool};
use crate::told::Told;
use crate::{Feed, Form, Options, Sample, changes, foreign, json, xml};

/// Documents waiting for a worker.
const QUEUE_DOCUMENTS: usize = 256;
/// What documents that wait or are being read are put at, all together; a heavier one is read alone.
const QUEUE_WEIGHT: usize = 96 << 20;
/// How many bytes a byte of YAML may become.
const TEXT_WEIGHT: usize = 8;
/// Documents of one import. The list of all CVEs, the longest, has some 350,000.
const DOCUMENTS_LIMIT: u64 = 4_000_000;
/// Paths that no feed knew are named up to here, then only counted.
const UNKNOWN_SHOWN: usize = 10;

/// Something to read. Inputs are asked for one at a time, so that a thousand are never open.
#[derive(Debug)]
pub(crate) enum Input {
    Path(PathBuf),
    /// A fetched body under its URL.
    File {
        name: String,
        file: File,
        /// Paths in it of what no longer counts.
        without: Arc<BTreeSet<String>>,
    },
    /// A short one.
    Bytes {
        name: String,
        bytes: Vec<u8>,
        /// As above.
        without: Arc<BTreeSet<String>>,
    },
}

/// All that was read, before anything is written.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// By the position of the feed in the list.
    pub sources: BTreeMap<usize, Source>,
    /// Troubles with inputs as a whole: unreadable, cut off.
    pub problems: Told,
    /// The files (by number) of which something was not read.
    pub broken_files: BTreeSet<usize>,
    /// The inputs (by index) that these are in.
    pub broken_inputs: BTreeSet<usize>,
    /// The inputs that are bundles, or hold some.
    pub bundles: BTreeSet<usize>,
    pub unknown: Unknown,
    /// Damaged documents that no feed knew, by input (its index) and file (its number).
    pub foreign: BTreeMap<(usize, usize), u64>,
    spool: Arc<Mutex<Spool>>,
}

/// What one feed gave.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub documents: u64,
    /// Documents that did not parse to their end.
    pub damaged_documents: u64,
    /// Records left out of documents that did.
    pub damaged_records: u64,
    pub statements: u64,
    /// The inputs its documents came from, by index.
    pub inputs: BTreeSet<usize>,
    /// The files within them, by number.
    pub files: BTreeSet<usize>,
    pub streams: BTreeMap<String, Batch>,
    /// What its documents are exhaustive about, whether or not they say anything of it.
    pub covered: Names,
    pub problems: Told,
    pub passed_over: BTreeMap<String, u64>,
}

/// What one feed says of one stream.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    extents: Vec<Extent>,
    pub statements: u64,
    /// How many of them say that something is not fixed.
    pub unfixed: u64,
    pub modified: Option<String>,
}

/// Documents that no feed knew.
#[derive(Debug, Default)]
pub(crate) struct Unknown {
    pub count: u64,
    /// The first few in order of path.
    pub shown: BTreeSet<String>,
}

/// Why statements were left out by [`Collected::keep_streams`].
const FETCHED_ELSEWHERE: &str = "statements on streams that have a source of their own";

impl Collected {
    /// Leaves out what is said of all streams but these.
    pub(crate) fn keep_streams(&mut self, keeps: impl Fn(&str) -> bool) {
        for source in self.sources.values_mut() {
            let mut left_out = 0;
            source.streams.retain(|stream, batch| {
                let kept = keeps(stream);
                left_out += if kept { 0 } else { batch.statements };
                kept
            });
            if left_out > 0 {
                source.passed_over.insert(FETCHED_ELSEWHERE.to_owned(), left_out);
            }
        }
    }

    /// Notes that a source (by its position) says nothing any more of a vulnerability or notice.
    pub(crate) fn covers(&mut self, source: usize, name: &str) {
        self.sources.entry(source).or_default().covered.add(name);
    }

    /// The statements of a batch, in the order in which they came.
    pub(crate) fn said(&self, batch: &Batch) -> Said {
        Said { spool: Arc::clone(&self.spool), extents: batch.extents.clone() }
    }
}

/// Statements in the spool, which are never all in memory.
#[derive(Debug, Default)]
pub(crate) struct Said {
    spool: Arc<Mutex<Spool>>,
    extents: Vec<Extent>,
}

impl Said {
    pub(crate) fn each(&self, take: &mut dyn FnMut(Statement)) -> io::Result<()> {
        let mut encoded = Vec::new();
        for extent in &self.extents {
            encoded.clear();
            let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
            spool.read(*extent, &mut encoded)?;
            drop(spool);
            statements(&encoded).for_each(&mut *take);
        }
        Ok(())
    }
}

/// Reads all inputs; documents are offered to these feeds alone.
pub(crate) fn collect(
    feeds: &[&'static dyn Feed],
    inputs: &mut dyn Iterator<Item = Input>,
    options: &Options,
) -> io::Result<Collected> {
    let stop = options.stop.clone();
    let shared = Shared { collected: Mutex::default(), gate: Gate::default(), stop };
    let (sender, receiver) = crossbeam_channel::bounded::<Work>(QUEUE_DOCUMENTS);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs.get())
            .map(|_| {
                let receiver = receiver.clone();
                let shared = &shared;
                scope.spawn(move || Worker::new(feeds, shared, options).run(&receiver))
            })
            .collect();
        drop(receiver);
        unpack(inputs, &sender, &shared, options);
        drop(sender);
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(io::Error::other("a reader of feeds panicked")))
        })
    })?;
    Ok(shared.collected.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn unpack(
    inputs: &mut dyn Iterator<Item = Input>,
    sender: &crossbeam_channel::Sender<Work>,
    shared: &Shared,
    options: &Options,
) {
    let mut file = 0;
    let mut documents = 0;
    for (input, from) in inputs.enumerate() {
        let without = match &from {
            Input::File { without, .. } | Input::Bytes { without, .. } => Arc::clone(without),
            Input::Path(_) => Arc::default(),
        };
        let mut take = |found| match found {
            _ if options.stop.is_stopped() => {
                shared.lock().broken_files.insert(file);
                ControlFlow::Break(())
            }
            Found::File => {
                file += 1;
                ControlFlow::Continue(())
            }
            Found::Document(document) if changes::is_replaced(&document.path, &without) => {
                ControlFlow::Continue(())
            }
            Found::Document(document) if documents == DOCUMENTS_LIMIT => {
                let mut collected = shared.lock();
                collected.broken_files.insert(file);
                let message = format!("what follows {DOCUMENTS_LIMIT} documents is not read");
                let problem = Problem::new(ProblemKind::LimitReached, document.path, message);
                collected.problems.add(problem);
                ControlFlow::Break(())
            }
            Found::Document(document) => {
                documents += 1;
                let weight = weight(&document);
                shared.gate.enter(weight);
                // All workers are gone only if one failed; there is no use in reading on.
                match sender.send(Work { input, file, document, weight }) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            }
            Found::Bundle => {
                shared.lock().bundles.insert(input);
                ControlFlow::Continue(())
            }
            Found::Trouble(problem) => {
                let mut collected = shared.lock();
                collected.broken_files.insert(file);
                collected.broken_inputs.insert(input);
                collected.problems.add(problem);
                ControlFlow::Continue(())
            }
        };
        let flow = match from {
            Input::Path(path) => input::read(&path, &mut take),
            Input::File { name, file, .. } => input::read_open(&name, file, &mut take),
            Input::Bytes { name, bytes, .. } => input::read_bytes(&name, bytes, &mut take),
        };
        if flow.is_break() {
            break;
        }
    }
}

/// A document and where it came from.
struct Work {
    input: usize,
    file: usize,
    document: Unpacked,
    weight: usize,
}

/// What a document is put at in memory while it is read. A long one is read alone.
fn weight(unpacked: &Unpacked) -> usize {
    let Content::Memory(bytes) = &unpacked.content else { return QUEUE_WEIGHT };
    match Sample::new(unpacked.document()).form() {
        Form::JsonObject | Form::JsonArray => json::weight(bytes),
        Form::Xml => xml::weight(bytes),
        Form::Text | Form::Binary => bytes.len().saturating_mul(TEXT_WEIGHT),
    }
}

/// What the threads share.
struct Shared {
    collected: Mutex<Collected>,
    gate: Gate,
    stop: Stop,
}

impl Shared {
    /// One that spills, and ends when asked.
    fn sink(&self) -> Sink {
        Sink::spilling(&self.lock().spool).stopped_by(&self.stop)
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread that turns documents into statements.
struct Worker<'s> {
    feeds: &'s [&'static dyn Feed],
    shared: &'s Shared,
    options: &'s Options,
    /// The feed of the last document; its neighbors in an archive are of the same kind.
    feed: usize,
    sink: Sink,
    source: Source,
}

impl<'s> Worker<'s> {
    fn new(feeds: &'s [&'static dyn Feed], shared: &'s Shared, options: &'s Options) -> Self {
        let (sink, source) = (shared.sink(), Source::default());
        Self { feeds, shared, options, feed: 0, sink, source }
    }

    fn run(mut self, documents: &crossbeam_channel::Receiver<Work>) -> io::Result<()> {
        let mut outcome = Ok(());
        for work in documents {
            let _inside = Inside { gate: &self.shared.gate, weight: work.weight };
            // After a failure the queue is only emptied, so that the unpacking thread never waits.
            if outcome.is_ok() {
                outcome = self.read(&work);
            }
        }
        outcome.and_then(|()| self.hand_over())
    }

    fn read(&mut self, work: &Work) -> io::Result<()> {
        let Work { input, file, document: unpacked, .. } = work;
        self.options.progress.reads(&unpacked.path);
        let document = unpacked.document();
        let Some(feed) = self.recognize(&Sample::new(document)) else {
            match foreign::damage(unpacked, &self.options.stop) {
                Some(why) => self.damaged(work, &why),
                None => self.unknown(unpacked),
            }
            return Ok(());
        };
        if feed != self.feed || self.sink.bytes > HELD_BYTES / 2 {
            self.hand_over()?;
            self.feed = feed;
        }
        self.sink.begin(&unpacked.path);
        self.source.documents += 1;
        self.source.inputs.insert(*input);
        self.source.files.insert(*file);
        let outcome = self.feeds.get(feed).map(|feed| feed.import(&document, &mut self.sink));
        let cause = match (&unpacked.cut, outcome) {
            (Some(cut), _) => Some(cut.why.clone()),
            (None, Some(Err(error))) => Some(error.to_string()),
            (None, _) => None,
        };
        if let Some(cause) = cause {
            self.source.damaged_documents += 1;
            let message = format!("{cause}; what precedes is kept");
            self.source.problems.add(Problem::new(ProblemKind::Damaged, &unpacked.path, message));
        }
        Ok(())
    }

    fn recognize(&self, sample: &Sample<'_>) -> Option<usize> {
        let is = |index: usize| self.feeds.get(index).is_some_and(|feed| feed.recognizes(sample));
        if is(self.feed) {
            return Some(self.feed);
        }
        (0..self.feeds.len()).find(|index| is(*index))
    }

    /// Notes a document that is damaged before it shows whose it is.
    fn damaged(&self, work: &Work, why: &str) {
        let message = format!("belongs to no known feed as far as it goes: {why}");
        let mut collected = self.shared.lock();
        *collected.foreign.entry((work.input, work.file)).or_default() += 1;
        collected.broken_inputs.insert(work.input);
        let problem = Problem::new(ProblemKind::Damaged, &work.document.path, message);
        collected.problems.add(problem);
    }

    fn unknown(&self, unpacked: &Unpacked) {
        let mut collected = self.shared.lock();
        let unknown = &mut collected.unknown;
        unknown.count += 1;
        unknown.shown.insert(unpacked.path.clone());
        if unknown.shown.len() > UNKNOWN_SHOWN {
            unknown.shown.pop_last();
        }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let mut sink = std::mem::replace(&mut self.sink, self.shared.sink());
        sink.spill();
        if let Some(error) = sink.failure {
            return Err(error);
        }
        let mut source = std::mem::take(&mut self.source);
        if source.documents == 0 {
            return Ok(());
        }
        let mut collected = self.shared.lock();
        let whole = collected.sources.entry(self.feed).or_default();
        whole.documents += source.documents;
        whole.damaged_documents += source.damaged_documents;
        whole.damaged_records += sink.damaged;
        whole.statements += sink.statements;
        whole.inputs.append(&mut source.inputs);
        whole.files.append(&mut source.files);
        whole.covered.append(sink.covered);
        whole.problems.append(source.problems);
        whole.problems.add_untold(sink.damaged.saturating_sub(sink.problems.len() as u64));
        sink.problems.into_iter().for_each(|problem| whole.problems.add(problem));
        for (what, count) in sink.passed_over {
            *whole.passed_over.entry(what).or_default() += count;
        }
        for (stream, pending) in sink.streams {
            let batch = whole.streams.entry(stream).or_default();
            batch.extents.extend(pending.extents);
            batch.statements += pending.statements;
            batch.unfixed += pending.unfixed;
            batch.modified = batch.modified.take().max(pending.modified);
        }
        Ok(())
    }
}

/// Lets so much weight in at a time; what is heavier waits to be alone.
#[derive(Default)]
struct Gate {
    inside: Mutex<usize>,
    left: Condvar,
}

impl Gate {
    fn enter(&self, weight: usize) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        while *inside > 0 && inside.saturating_add(weight) > QUEUE_WEIGHT {
            inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        *inside += weight;
    }
}

/// Weight inside the gate; dropped, it leaves, whatever became of the document.
struct Inside<'g> {
    gate: &'g Gate,
    weight: usize,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        *inside = inside.saturating_sub(self.weight);
        drop(inside);
        self.gate.left.notify_one();
    }
}
