//! One layer as a stream: decompress, hash, walk the tar, hand entries to the visitor.
//!
//! Every source that has a layer's bytes ends here, so digests are checked and limits kept in one
//! place. A damaged layer is not an error: what was seen before the damage stays with the
//! visitor, and the outcome says what is missing.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use model::{Algorithm, Digest, Layer, Problem, ProblemKind, Visitor};

use crate::decompress::{Growth, describe, error_of_source};
use crate::delivery::Delivery;
use crate::error::OpenErrorKind;
use crate::input::FileRange;
use crate::limits::{CONTENT_MEMORY, CONTENT_MEMORY_MIN, ENTRIES_MAX};
use crate::pipeline::{self, Plan, Streamed};
use crate::tar::Fault;
use crate::walk::{End, Whiteouts, walk};
use crate::windows::Windows;
use crate::{OpenError, Options, ReadError};

/// What all layers of one [`crate::Image::read_each`] share: the options, and what is left of the
/// limits that hold for the image as a whole.
pub(crate) struct Reading<'a> {
    pub(crate) options: &'a Options,
    /// Entries delivered so far, and those turned away.
    entries: AtomicU64,
    growth: Growth,
    /// How large a content one layer may hold in memory.
    pub(crate) content_memory: usize,
    /// What decompressors may take at a time.
    pub(crate) windows: Windows,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self {
            options,
            entries: AtomicU64::new(0),
            growth: Growth::default(),
            content_memory: (CONTENT_MEMORY / options.jobs).max(CONTENT_MEMORY_MIN),
            windows: Windows::default(),
        }
    }

    /// Takes one entry from the image's allowance; false if nothing is left of it.
    pub(crate) fn admits_entry(&self) -> bool {
        self.entries.fetch_add(1, Ordering::Relaxed) < ENTRIES_MAX
    }

    /// Counts entries that were delivered elsewhere.
    pub(crate) fn count_entries(&self, count: u64) {
        self.entries.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether some entry had to be turned away.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.entries.load(Ordering::Relaxed) > ENTRIES_MAX
    }

    /// What the next layer's growth is counted in.
    pub(crate) fn growth(&self) -> Growth {
        self.growth.of_next_layer()
    }

    /// Whether some limit that layers share cut one of them.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_over_limit() || self.growth.is_too_much()
    }

    /// The problem of a layer that lies beyond the limit as a whole.
    pub(crate) fn beyond_limit(&self, layer: &Layer) -> Problem {
        let message = format!("the image has more than {ENTRIES_MAX} entries; it is not read");
        let subject = name_of(layer, Role::Layer);
        Problem::new(ProblemKind::LimitReached, subject, message).in_layer(layer.index)
    }
}

/// What came of reading one layer.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The archive was walked through to its end.
    pub(crate) ended: bool,
    /// Every byte was read, and every digest that `layer` promised is right (at least one was).
    pub(crate) verified: bool,
    /// The digest of the uncompressed tar, where all of it was read.
    pub(crate) diff_id: Option<Digest>,
    /// Entries handed to the visitor.
    pub(crate) entries: u64,
    /// Bytes of the uncompressed tar, read or skipped.
    pub(crate) bytes: u64,
    /// Of these, what was read without being there.
    pub(crate) growth: u64,
    pub(crate) problems: Vec<Problem>,
    /// Why the source gave up, if it did and is to blame.
    pub(crate) failure: Option<OpenError>,
}

/// What a tar is to be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role<'a> {
    /// A layer of an image: hashed, and its whiteouts are understood.
    Layer,
    /// A root file system by itself: nothing says what its digest should be, whiteouts mean
    /// nothing in it, and its problems name no layer but what the user called it.
    RootFs(&'a str),
}

/// Reads a layer from its blob, compressed or not (recognised by content), from the first byte to
/// the last.
///
/// What is checked is what `layer` promises: `digest` and `size_bytes` of the blob, `diff_id` of
/// the tar; what it leaves out is not. An error of `blob` itself becomes a Problem `Unreadable`
/// with the error's words. Fails only when the user or the deadline ends the reading.
pub(crate) fn read_layer(
    blob: &mut (dyn Read + Send),
    layer: &Layer,
    visitor: &mut dyn Visitor,
    reading: &Reading<'_>,
) -> Result<Outcome, ReadError> {
    read_blob(blob, layer, Role::Layer, visitor, reading)
}

/// The same for a tar in either role.
pub(crate) fn read_blob(
    blob: &mut (dyn Read + Send),
    layer: &Layer,
    role: Role<'_>,
    visitor: &mut dyn Visitor,
    reading: &Reading<'_>,
) -> Result<Outcome, ReadError> {
    let progress = Begun::new(layer, role, reading);
    let mut delivery = Delivery::new(visitor, reading, role.layer(layer));
    let algorithm =
        |digest: &Option<Digest>| digest.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
    let plan = Plan {
        hash: (role == Role::Layer).then(|| [algorithm(&layer.digest), algorithm(&layer.diff_id)]),
        blob_bytes_max: layer.size_bytes.map_or(u64::MAX, |size| size.saturating_add(1)),
        growth: delivery.growth(),
        passed: &|count| progress.passed(count),
    };
    let streamed = pipeline::stream(blob, &plan, reading, &mut |input| {
        walk(input, role.whiteouts(), &mut delivery, &reading.options.stop, &mut |_| {})
    })?;
    let name = name_of(layer, role);
    let verified = check_digests(layer, &streamed, &name, &mut delivery);
    let ended = streamed.walked.end.is_end() && streamed.failure.is_none();
    let Streamed { walked, bytes, tar_digest, failure, .. } = streamed;
    let failure = match failure {
        // The walk found no end either, but that is not worth saying twice.
        Some(error) => {
            let (kind, message) = describe(&error);
            delivery.problem(kind, &name, message);
            blame(error)
        }
        None => {
            report(walked.end, verified, &name, &mut delivery);
            None
        }
    };
    let (entries, growth) = (delivery.entries(), delivery.growth().of_layer());
    let problems = delivery.finish(&name);
    Ok(Outcome { ended, verified, diff_id: tar_digest, entries, bytes, growth, problems, failure })
}

/// Walks through an uncompressed tar in a local file, and reads of it what the visitor wants and
/// nothing else. No digest can be checked that way.
pub(crate) fn read_range(
    mut range: FileRange,
    layer: &Layer,
    role: Role<'_>,
    visitor: &mut dyn Visitor,
    reading: &Reading<'_>,
) -> Result<Outcome, ReadError> {
    let progress = Begun::new(layer, role, reading);
    let mut delivery = Delivery::new(visitor, reading, role.layer(layer));
    let name = name_of(layer, role);
    let length = range.left();
    let short = layer.size_bytes.is_some_and(|size| size != length);
    if let Some(size) = layer.size_bytes.filter(|_| short) {
        let message = format!("it has {length} bytes, not the {size} it is listed with");
        delivery.problem(ProblemKind::Damaged, &name, message);
    }
    let stop = &reading.options.stop;
    let mut passed = |count| progress.passed(count);
    let walked = walk(&mut range, role.whiteouts(), &mut delivery, stop, &mut passed)?;
    let ended = walked.end.is_end();
    report(walked.end, short, &name, &mut delivery);
    let (entries, bytes, growth) = (delivery.entries(), walked.bytes, delivery.growth().of_layer());
    let problems = delivery.finish(&name);
    let (verified, diff_id, failure) = (false, None, None);
    Ok(Outcome { ended, verified, diff_id, entries, bytes, growth, problems, failure })
}

/// Walks through the uncompressed tar of a layer in memory and returns the problems: the shortest
/// way into the reader, for tests and fuzzing.
pub fn walk_tar(mut bytes: &[u8], visitor: &mut dyn Visitor) -> Vec<Problem> {
    let options = Options::default();
    let reading = Reading::new(&options);
    let mut delivery = Delivery::new(visitor, &reading, None);
    let stop = &options.stop;
    match walk(&mut bytes, Whiteouts::Removing, &mut delivery, stop, &mut |_| {}) {
        Ok(walked) => report(walked.end, false, "tar", &mut delivery),
        Err(stopped) => delivery.problem(ProblemKind::Unreadable, "tar", stopped.to_string()),
    }
    delivery.finish("tar")
}

impl Role<'_> {
    pub(crate) fn layer(self, layer: &Layer) -> Option<u32> {
        (self == Self::Layer).then_some(layer.index)
    }

    fn whiteouts(self) -> Whiteouts {
        match self {
            Self::Layer => Whiteouts::Removing,
            Self::RootFs(_) => Whiteouts::Ordinary,
        }
    }
}

impl Outcome {
    /// A layer of which nothing could be read.
    pub(crate) fn missing(problem: Problem) -> Self {
        Self {
            ended: false,
            verified: false,
            diff_id: None,
            entries: 0,
            bytes: 0,
            growth: 0,
            problems: vec![problem],
            failure: None,
        }
    }
}

/// The source's own account of an error, where the fault is the network's or the source does not
/// let us in: whatever it is asked for, the answer is the same.
fn blame(error: io::Error) -> Option<OpenError> {
    let inner = error_of_source(error)?.into_inner()?;
    let error = inner.downcast::<OpenError>().ok()?;
    let is_of_source = matches!(error.kind(), OpenErrorKind::Network | OpenErrorKind::Unauthorized);
    is_of_source.then_some(*error)
}

/// Holds the bytes read against what was promised of them; true if there was a digest, and all
/// that was promised is so.
fn check_digests(
    layer: &Layer,
    streamed: &Streamed,
    name: &str,
    delivery: &mut Delivery<'_>,
) -> bool {
    let ended_at_limit = matches!(streamed.walked.end, End::Full);
    if ended_at_limit {
        return false;
    }
    let mut right = layer.digest.is_some() || layer.diff_id.is_some();
    let mut wrong = |message: String| {
        delivery.problem(ProblemKind::Damaged, name, message);
        right = false;
    };
    match (layer.size_bytes, streamed.blob_bytes) {
        (Some(size), actual) if actual > size => {
            wrong(format!("it has more than the {size} bytes it is listed with"));
        }
        (Some(size), actual) if actual < size && streamed.blob_digest.is_some() => {
            wrong(format!("it has {actual} bytes, not the {size} it is listed with"));
        }
        _ => match (&layer.digest, &streamed.blob_digest) {
            (Some(promised), Some(actual)) if promised != actual => {
                wrong(format!("it is not what it is named after: its bytes have `{actual}`"));
            }
            _ => {}
        },
    }
    match (&layer.diff_id, &streamed.tar_digest) {
        (Some(promised), Some(actual)) if promised != actual => {
            wrong(format!("its contents have the diff ID `{actual}`, not `{promised}`"));
        }
        _ => {}
    }
    // What could not be hashed to its end was told otherwise, and is not right for that.
    let hashed =
        |promised: &Option<Digest>, actual: &Option<Digest>| promised.is_none() || actual.is_some();
    right
        && streamed.failure.is_none()
        && hashed(&layer.digest, &streamed.blob_digest)
        && hashed(&layer.diff_id, &streamed.tar_digest)
}

/// Records how the walk ended, if not well. That an archive ends without an end marker is no news
/// if its digest says that it is whole, or its length that it is not.
fn report(end: End, length_known: bool, name: &str, delivery: &mut Delivery<'_>) {
    match end {
        End::Marked | End::Full => {}
        End::Cut if length_known => {}
        End::Cut => {
            delivery.problem(
                ProblemKind::Damaged,
                name,
                "the archive ends without an end marker; it may have been cut off",
            );
        }
        End::Fault(fault) => {
            let kind = match fault {
                Fault::Input(_) => ProblemKind::Unreadable,
                Fault::Damaged(..) => ProblemKind::Damaged,
                Fault::Limit(..) => ProblemKind::LimitReached,
            };
            delivery.problem(kind, name, format!("{fault}; what follows is not read"));
        }
    }
}

fn name_of(layer: &Layer, role: Role<'_>) -> String {
    match (role, layer.digest.as_ref().or(layer.diff_id.as_ref())) {
        (Role::RootFs(name), _) => name.to_owned(),
        (Role::Layer, Some(digest)) => digest.to_string(),
        (Role::Layer, None) => format!("layer {}", layer.index),
    }
}

/// A layer whose beginning was told to whoever hears of progress; its end is told on drop.
pub(crate) struct Begun<'a> {
    reading: &'a Reading<'a>,
    index: u32,
}

impl<'a> Begun<'a> {
    pub(crate) fn new(layer: &Layer, role: Role<'_>, reading: &'a Reading<'a>) -> Self {
        let name = name_of(layer, role);
        reading.options.progress.layer_begins(layer.index, &name, layer.size_bytes);
        Self { reading, index: layer.index }
    }

    pub(crate) fn passed(&self, count: u64) {
        self.reading.options.progress.layer_bytes(self.index, count);
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.reading.options.progress.layer_ends(self.index);
    }
}
