//! From what was collected to segments: what replaces what.
//!
//! One stream has one source. The rules, in order:
//!
//! 1. Several sources for a stream in one import: the first in the list speaks, unless another one has more
//!    than ten times its statements (a few sample documents never push a whole feed aside); the others are
//!    passed over, and that is said.
//! 2. Damaged data (its input was cut off, or more than one document or record in a hundred made
//!    no sense) never takes the place of a segment, unless asked. Where there is none it is better
//!    than nothing: it is installed, and its segment says that it is not whole; so is what has no
//!    fewer records than a segment of the same source that is not whole either. The whole of
//!    a stream is taken for damaged where it has less than a tenth of what is installed, of the same source or
//!    another one, and a list that does not show its end where it has less than half; or where it knows fixes
//!    alone and what is installed of the same source knows what is not fixed.
//! 3. The segment of another source is replaced, and that is said.
//! 4. The segment of the same source keeps what the new documents do not cover ([`Covers`]),
//!    unless the caller says that the input is the whole of it. What documents cover and no longer
//!    say goes from all segments of their source: a withdrawal is a statement too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use advisories::{
    Counts, Origin, Segment, SegmentMeta, SegmentWriter, Store, StoreError, WriteError,
};
use model::{Problem, ProblemKind};

use crate::collect::{Batch, Collected, Said, Source};
use crate::failure::Cause;
use crate::merge::{self, Covered};
use crate::sink::is_unfixed;
use crate::{Covers, Failure, Feed, Options, stream, time};

/// One damaged document or record in so many is a blemish; more is damage.
const BLEMISH: u64 = 100;

/// A source with less than this part of what another one says is a sample of it.
const SAMPLE: u64 = 10;

/// What became of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamReport {
    pub stream: String,
    pub source: &'static str,
    pub outcome: Outcome,
}

/// What an import did to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Written where there was nothing.
    Installed(Counts),
    /// Replaced all that the same source had said before.
    Renewed(Counts),
    /// Replaced the covered part of what the same source had said before.
    Merged(Counts),
    /// Replaced the segment of another source, which is named.
    Replaced { other: String, counts: Counts },
    /// Not written; why is among the problems.
    Kept(Failure),
}

/// Writes a segment for every stream that was collected. `origins` are those of the inputs, by
/// index.
pub(crate) fn install(
    feeds: &[&'static dyn Feed],
    mut collected: Collected,
    origins: &[Origin],
    store: &Store,
    options: &Options,
) -> (Vec<StreamReport>, Vec<Problem>) {
    let (jobs, passed_over) = plan(feeds, &mut collected, origins, store, options);
    let queue = Mutex::new((jobs.into_iter(), collected));
    let done = Mutex::new((Vec::new(), passed_over));
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let job = queue.0.next()?;
        let said = queue.1.said(&job.batch);
        Some((job, said))
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.get() {
            scope.spawn(|| {
                while let Some((job, said)) = next() {
                    options.progress.writes(&job.stream);
                    let (outcome, problems) = job.run(&said, store, options);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    let (source, stream) = (job.source(), job.stream);
                    done.0.push(StreamReport { stream, source, outcome });
                    done.1.extend(problems);
                }
            });
        }
    });
    let (mut reports, mut problems) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    reports.sort_by(|a, b| a.stream.cmp(&b.stream));
    problems.sort();
    (reports, problems)
}

/// One segment to write.
struct Job {
    feed: &'static dyn Feed,
    stream: String,
    batch: Batch,
    /// See [`crate::Sink::covers`].
    covered: Arc<BTreeSet<String>>,
    origins: Vec<Origin>,
    damage: Option<String>,
}

/// One job a stream: rule 1.
fn plan(
    feeds: &[&'static dyn Feed],
    collected: &mut Collected,
    origins: &[Origin],
    store: &Store,
    options: &Options,
) -> (Vec<Job>, Vec<Problem>) {
    let mut candidates: BTreeMap<String, Vec<Job>> = BTreeMap::new();
    let mut withdrawals = Vec::new();
    let mut problems = Vec::new();
    for (index, mut source) in std::mem::take(&mut collected.sources) {
        let Some(&feed) = feeds.get(index) else { continue };
        let damage = damage(&source, collected, options);
        let mut origins: Vec<Origin> =
            source.inputs.iter().filter_map(|i| origins.get(*i)).cloned().collect();
        origins.sort();
        origins.dedup();
        let covered = Arc::new(std::mem::take(&mut source.covered).into_all());
        let job = |stream: &str, batch| Job {
            feed,
            stream: stream.to_owned(),
            batch,
            covered: Arc::clone(&covered),
            origins: origins.clone(),
            damage: damage.clone(),
        };
        if !options.whole && damage.is_none() {
            let streams = silenced(feed, &covered, &source.streams, store);
            withdrawals.extend(streams.iter().map(|stream| job(stream, Batch::default())));
        }
        for (stream, batch) in std::mem::take(&mut source.streams) {
            let job = job(&stream, batch);
            candidates.entry(stream).or_default().push(job);
        }
    }
    let mut jobs: BTreeMap<String, Job> = BTreeMap::new();
    for (stream, candidates) in candidates {
        jobs.extend(authoritative(candidates, &mut problems).map(|job| (stream, job)));
    }
    for job in withdrawals {
        jobs.entry(job.stream.clone()).or_insert(job);
    }
    (jobs.into_values().collect(), problems)
}

/// Of the sources of one stream, in the order of the list: the first that is no mere sample beside another one.
/// A list of packages has more statements than one of their sources, and knows less: it has fixes alone. What
/// is damaged goes behind what is sound.
fn authoritative(mut candidates: Vec<Job>, problems: &mut Vec<Problem>) -> Option<Job> {
    let most = candidates.iter().map(|job| job.batch.statements).max()?;
    let is_whole = |job: &Job| job.batch.statements.saturating_mul(SAMPLE) >= most;
    let is_sound = |job: &Job| is_whole(job) && job.damage.is_none();
    let mut jobs = candidates.iter();
    let place = jobs.position(is_sound).or_else(|| candidates.iter().position(is_whole))?;
    let chosen = candidates.remove(place);
    problems.extend(candidates.iter().map(|other| other.passed_over(&chosen)));
    Some(chosen)
}

/// Installed streams of this source that say something which the new documents no longer say, and
/// of which they say nothing else.
fn silenced(
    feed: &dyn Feed,
    named: &BTreeSet<String>,
    spoken_of: &BTreeMap<String, Batch>,
    store: &Store,
) -> Vec<String> {
    let Ok(covered) = Covered::by(feed.covers(), named, &Said::default()) else {
        return Vec::new();
    };
    if covered.is_empty() {
        return Vec::new();
    }
    let says_it = |stream: &String| {
        let Ok(Some(segment)) = store.segment(stream) else { return false };
        segment.meta().source == feed.source(stream)
            && segment.all_advisories().flatten().any(|advisory| covered.has(&advisory))
    };
    let installed = store.list().unwrap_or_default().into_iter().map(|installed| installed.stream);
    installed.filter(|stream| !spoken_of.contains_key(stream) && says_it(stream)).collect()
}

/// Why the data of a source is not to be trusted to be whole (rule 2).
fn damage(source: &Source, collected: &Collected, options: &Options) -> Option<String> {
    if !source.files.is_disjoint(&collected.broken_files) {
        return Some("its input could not be read to the end".to_owned());
    }
    if source.covered.is_full() {
        return Some("it names more vulnerabilities than there are".to_owned());
    }
    let Source { documents, damaged_documents, statements, damaged_records, .. } = *source;
    if damaged_documents.saturating_mul(BLEMISH) > documents {
        return Some(format!("{damaged_documents} of {documents} documents are damaged"));
    }
    // They may be this source's: where its archive holds them, or all that it says is to be there.
    let may_be = |(input, file): &(usize, usize)| match options.whole {
        true => source.inputs.contains(input),
        false => source.files.contains(file),
    };
    let foreign = collected.foreign.iter().filter(|(place, _)| may_be(place));
    let foreign: u64 = foreign.map(|(_, count)| count).sum();
    if (damaged_documents + foreign).saturating_mul(BLEMISH) > documents {
        return Some(format!("{foreign} documents beside its own do not show whose they are"));
    }
    if damaged_records.saturating_mul(BLEMISH) > statements {
        return Some(format!("{damaged_records} records are damaged, {statements} are sound"));
    }
    None
}

impl Job {
    fn source(&self) -> &'static str {
        self.feed.source(&self.stream)
    }

    fn run(&self, said: &Said, store: &Store, options: &Options) -> (Outcome, Vec<Problem>) {
        let mut problems = Vec::new();
        let outcome = self.write(said, store, options, &mut problems).unwrap_or_else(|cause| {
            let kind = match cause.failure {
                Failure::Damaged => ProblemKind::LimitReached,
                _ => ProblemKind::Unreadable,
            };
            let message = format!("not written, what was there before stays: {cause}");
            problems.push(Problem::new(kind, &self.stream, message));
            Outcome::Kept(cause.failure)
        });
        (outcome, problems)
    }

    fn write(
        &self,
        said: &Said,
        store: &Store,
        options: &Options,
        problems: &mut Vec<Problem>,
    ) -> Result<Outcome, Cause> {
        let old = self.installed(store, problems);
        let covers = if options.whole { Covers::Stream } else { self.feed.covers() };
        let damage = self.damage.clone().or_else(|| {
            let old = old.as_deref()?;
            self.shrinkage(old, covers).or_else(|| self.narrowing(old, covers))
        });
        // What is not whole itself gives way to what says no less.
        let mut at_least = 0;
        if let (Some(damage), Some(old), false) = (&damage, &old, options.accept_damaged) {
            let SegmentMeta { incomplete, source, counts, .. } = old.meta();
            if incomplete.is_none() || source != self.source() {
                problems.push(self.refusal(damage));
                return Ok(Outcome::Kept(Failure::Damaged));
            }
            at_least = counts.records();
        }
        let other = old.as_deref().map(|old| old.meta().source.clone());
        let other = other.filter(|source| source != self.source());
        let kept = old.as_deref().filter(|_| other.is_none() && covers != Covers::Stream);
        let mut writer = SegmentWriter::new(self.meta(kept.map(Segment::meta), options));
        if let Some(old) = kept {
            let covered = Covered::by(covers, &self.covered, said)?;
            problems.extend(merge::keep_uncovered(old, &covered, &mut writer));
            // What was not whole is not made so by what is added to it.
            if let (Some(why), false) = (&old.meta().incomplete, writer.is_empty()) {
                writer.meta_mut().incomplete.get_or_insert_with(|| why.clone());
            }
        }
        merge::add(said, &mut writer)?;
        let written = store.write_if(writer, |meta| meta.counts.records() >= at_least);
        let written = written.map_err(|error| match error {
            StoreError::Write(WriteError::TooLarge { .. }) => Cause::damaged(error.to_string()),
            _ => Cause::local(error.to_string()),
        })?;
        if !written {
            problems.push(self.refusal(&format!(
                "{}, and there are fewer than {at_least} records",
                damage.unwrap_or_default()
            )));
            return Ok(Outcome::Kept(Failure::Damaged));
        }
        let counts = self.counts(store)?;
        Ok(match (other, kept, old.is_some()) {
            (Some(other), ..) => Outcome::Replaced { other, counts },
            (None, Some(_), _) => Outcome::Merged(counts),
            (None, None, true) => Outcome::Renewed(counts),
            (None, None, false) => Outcome::Installed(counts),
        })
    }

    /// Why what would take the place of a segment is too little for that: a part of a list, a publisher's
    /// bad day, or a sample of another source.
    fn shrinkage(&self, old: &Segment, covers: Covers) -> Option<String> {
        let SegmentMeta { source, counts, .. } = old.meta();
        let (new, installed) = (self.batch.statements, counts.records());
        let is_same = *source == self.source();
        if is_same && covers != Covers::Stream {
            return None;
        }
        let part = if is_same && !self.feed.shows_end() { 2 } else { SAMPLE };
        let of = if is_same { String::new() } else { format!(" of `{source}`") };
        (new.saturating_mul(part) < installed).then(|| {
            format!("`{}` has {new} records and what is installed{of} {installed}", self.source())
        })
    }

    /// Why what would take the place of a segment says less: fixes alone, where what is installed knows what
    /// is not fixed too, as SUSE's plain files beside those named `-affected`.
    fn narrowing(&self, old: &Segment, covers: Covers) -> Option<String> {
        let is_same = old.meta().source == self.source();
        if !is_same || covers != Covers::Stream || self.batch.unfixed > 0 {
            return None;
        }
        let knows = old.all_advisories().flatten().any(|advisory| is_unfixed(&advisory));
        knows.then(|| {
            format!(
                "`{}` has fixes alone and what is installed knows what is not fixed",
                self.source()
            )
        })
    }

    fn installed(&self, store: &Store, problems: &mut Vec<Problem>) -> Option<Arc<Segment>> {
        store.segment(&self.stream).unwrap_or_else(|error| {
            let message = format!("what was installed is replaced unread: {}", error.message);
            problems.push(Problem::new(ProblemKind::Notice, &self.stream, message));
            None
        })
    }

    fn passed_over(&self, other: &Self) -> Problem {
        let (own, others) = (self.batch.statements, other.batch.statements);
        let message = format!(
            "`{}` is passed over with {own} statements, `{}` goes before it in the same import ({others})",
            self.source(),
            other.source()
        );
        Problem::new(ProblemKind::Notice, &self.stream, message)
    }

    fn refusal(&self, damage: &str) -> Problem {
        let message = format!(
            "what is installed stays, for {damage}; hint: `--accept-damaged` installs it anyway"
        );
        Problem::new(ProblemKind::Damaged, &self.stream, message)
    }

    fn meta(&self, kept: Option<&SegmentMeta>, options: &Options) -> SegmentMeta {
        let mut origins = self.origins.clone();
        origins.extend(kept.iter().flat_map(|kept| kept.origins.iter().cloned()));
        origins.sort_by(|a, b| a.url.cmp(&b.url));
        origins.dedup_by(|later, first| later.url == first.url);
        let modified = kept.and_then(|kept| kept.upstream_modified.clone());
        // Documents that do not say when they were changed leave it to their server.
        let served =
            origins.iter().filter_map(|it| time::of_header(it.last_modified.as_ref()?)).max();
        SegmentMeta {
            stream: self.stream.clone(),
            source: self.source().to_owned(),
            license: self.feed.license_of(&self.stream).to_owned(),
            scheme: stream::scheme(&self.stream).map(str::to_owned),
            built_at: options.now.to_string(),
            upstream_modified: modified.max(self.batch.modified.clone()).or(served),
            origins,
            incomplete: self.damage.clone(),
            ..SegmentMeta::default()
        }
    }

    fn counts(&self, store: &Store) -> Result<Counts, Cause> {
        // A store of its own: the caller's may hold the old segment open.
        match Store::open(store.dir()).segment(&self.stream) {
            Ok(Some(segment)) => Ok(segment.meta().counts),
            Ok(None) => Err(Cause::local("it is gone after it was written")),
            Err(error) => Err(Cause::local(error.to_string())),
        }
    }
}
