//! Where feeds put what they read: statements by stream, records that made no sense, and counts of
//! what was passed over.
//!
//! Feeds hand over one statement at a time, in any order, repeated or not. Statements are encoded
//! at once, because a million of them as structs would not fit. The sink must never decide what
//! replaces what; `install` does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

use advisories::{Coordinates, KnownExploited, Score};
use artifact::Stop;
use model::{Advisory, Details, Problem, ProblemKind, Status};
use serde::{Deserialize, Serialize};

use crate::spool::{Extent, Spool};

/// Encoded statements that are held before they go to the spool.
pub(crate) const HELD_BYTES: usize = 1 << 20;
/// What the names that a source is exhaustive about may take in memory: those of all CVEs, some
/// 350 000, take half of it.
pub(crate) const NAMES_BYTES_MAX: usize = 48 << 20;
/// What a name takes beside its bytes.
const NAME_OVERHEAD: usize = 56;
/// Streams of one source. Those of languages, releases and years together are some 300.
const STREAMS_MAX: usize = 4096;
/// Records that made no sense are said one by one up to here, then only counted.
const DAMAGED_SHOWN: u64 = 20;
/// Different reasons for passing something over; more means a feed puts record names into them.
const REASONS_LIMIT: usize = 200;
/// The reason under which what exceeds [`REASONS_LIMIT`] is counted.
const OTHER_REASONS: &str = "other records";

/// One thing a document says, within a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Statement {
    Advisory(Advisory),
    Details(Details),
    Score { id: String, epss: f64, percentile: f64, day: Day },
    KnownExploited { id: String, added: String, due: Option<String>, ransomware: bool, day: Day },
    Coordinates { sha1: [u8; 20], group: String, artifact: String, version: String },
}

/// The day of a list (`20260816`; 0 if not known): of two lists the later speaks.
pub(crate) type Day = u32;

/// Collects what the documents of one feed say.
#[derive(Debug, Default)]
pub struct Sink {
    /// The path of the document being read: the subject of problems.
    document: String,
    /// Its number among those read here, from 1.
    number: u64,
    pub(crate) streams: BTreeMap<String, Pending>,
    pub(crate) covered: Names,
    /// Asks readers of what is long to end.
    stop: Stop,
    /// Where statements go that are too many to be held.
    pub(crate) spool: Option<Arc<Mutex<Spool>>>,
    /// Why they could not go there.
    pub(crate) failure: Option<io::Error>,
    /// Of all that is held.
    pub(crate) bytes: usize,
    pub(crate) statements: u64,
    pub(crate) damaged: u64,
    pub(crate) problems: Vec<Problem>,
    pub(crate) passed_over: BTreeMap<String, u64>,
}

/// Statements about one stream, encoded one after the other.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// In the spool.
    pub extents: Vec<Extent>,
    pub encoded: Vec<u8>,
    pub statements: u64,
    /// How many of them say that something is not fixed.
    pub unfixed: u64,
    pub modified: Option<String>,
    /// Which document last said something, by its number.
    document: u64,
}

impl Sink {
    /// One that holds little: the rest goes to the spool.
    pub(crate) fn spilling(spool: &Arc<Mutex<Spool>>) -> Self {
        Self { spool: Some(Arc::clone(spool)), ..Self::default() }
    }

    /// One whose feeds end when they are asked to.
    pub(crate) fn stopped_by(self, stop: &Stop) -> Self {
        Self { stop: stop.clone(), ..self }
    }

    /// To be asked in loops that may take minutes.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Names the document that the next statements come from.
    pub(crate) fn begin(&mut self, document: &str) {
        document.clone_into(&mut self.document);
        self.number += 1;
    }

    /// A statement about a package, in the stream whose installations it is about (`debian-12`).
    pub fn advisory(&mut self, stream: &str, advisory: Advisory) {
        self.put(stream, &Statement::Advisory(advisory));
    }

    /// What is known of a vulnerability apart from packages: in a metadata stream (`cve-2024`), or
    /// in the stream of the advisories that it explains.
    pub fn details(&mut self, stream: &str, details: Details) {
        self.put(stream, &Statement::Details(details));
    }

    /// The EPSS score of a CVE, in the list of a day.
    pub(crate) fn score(&mut self, stream: &str, cve: &str, score: Score, day: Day) {
        let Score { epss, percentile } = score;
        self.put(stream, &Statement::Score { id: cve.to_owned(), epss, percentile, day });
    }

    /// An entry of CISA's catalog of a day.
    pub(crate) fn known_exploited(
        &mut self,
        stream: &str,
        cve: &str,
        entry: KnownExploited,
        day: Day,
    ) {
        let KnownExploited { added, due, ransomware } = entry;
        let id = cve.to_owned();
        self.put(stream, &Statement::KnownExploited { id, added, due, ransomware, day });
    }

    /// What the archive with this SHA-1 is called.
    pub(crate) fn coordinates(&mut self, stream: &str, sha1: [u8; 20], called: Coordinates) {
        let Coordinates { group, artifact, version } = called;
        self.put(stream, &Statement::Coordinates { sha1, group, artifact, version });
    }

    /// The document says all that its source says of this vulnerability or notice (see
    /// [`crate::Covers`]), in whatever stream. What it no longer says was taken back: a record that
    /// is withdrawn says nothing but this.
    pub fn covers(&mut self, name: &str) {
        self.covered.add(name);
    }

    /// When the publisher last changed what the document says of this stream (RFC 3339 in UTC, so
    /// that the greatest text is the latest).
    pub fn modified(&mut self, stream: &str, when: &str) {
        let Some(pending) = self.pending(stream) else { return };
        if pending.modified.as_deref() < Some(when) {
            pending.modified = Some(when.to_owned());
        }
    }

    /// The same of all streams that the document has said something of so far.
    pub fn modified_all(&mut self, when: &str) {
        for pending in self.streams.values_mut().filter(|it| it.document == self.number) {
            if pending.modified.as_deref() < Some(when) {
                pending.modified = Some(when.to_owned());
            }
        }
    }

    /// A record that makes no sense within a document that does: it is left out, and said.
    pub fn damaged(&mut self, record: &str, cause: impl fmt::Display) {
        self.damaged += 1;
        if self.damaged <= DAMAGED_SHOWN {
            let message = format!("record `{record}` is left out: {cause}");
            let problem = Problem::new(ProblemKind::Damaged, self.document.clone(), message);
            self.problems.push(problem);
        }
    }

    /// Counts something that was understood and left out on purpose, or is not known to us. `what`
    /// is a plural noun phrase with few values (`statements on unknown release "zork"`).
    pub fn passed_over(&mut self, what: &str) {
        let is_known = self.passed_over.contains_key(what);
        let fits = is_known || self.passed_over.len() < REASONS_LIMIT;
        let reason = if fits { what } else { OTHER_REASONS };
        *self.passed_over.entry(reason.to_owned()).or_default() += 1;
    }

    fn put(&mut self, stream: &str, statement: &Statement) {
        let number = self.number;
        let Some(pending) = self.pending(stream) else {
            return self.damaged(stream, format!("there are more than {STREAMS_MAX} streams"));
        };
        let before = pending.encoded.len();
        let encoded = postcard::to_extend(statement, std::mem::take(&mut pending.encoded));
        pending.encoded = encoded.expect("a vector takes any bytes, and no part lacks a length");
        pending.statements += 1;
        pending.document = number;
        pending.unfixed += u64::from(says_unfixed(statement));
        let added = pending.encoded.len() - before;
        self.statements += 1;
        self.bytes += added;
        if self.bytes > HELD_BYTES {
            self.spill();
        }
    }

    /// Moves what is held to the spool, if there is one. After a failure it is forgotten: there will
    /// be no segment of it.
    pub(crate) fn spill(&mut self) {
        let Some(spool) = &self.spool else { return };
        let mut spool = spool.lock().unwrap_or_else(PoisonError::into_inner);
        for pending in self.streams.values_mut().filter(|it| !it.encoded.is_empty()) {
            let encoded = std::mem::take(&mut pending.encoded);
            match spool.append(&encoded) {
                Ok(extent) => pending.extents.push(extent),
                Err(error) => drop(self.failure.get_or_insert(error)),
            }
        }
        self.bytes = 0;
    }

    fn pending(&mut self, stream: &str) -> Option<&mut Pending> {
        if !self.streams.contains_key(stream) {
            if self.streams.len() >= STREAMS_MAX {
                return None;
            }
            self.streams.insert(stream.to_owned(), Pending::default());
        }
        self.streams.get_mut(stream)
    }
}

fn says_unfixed(statement: &Statement) -> bool {
    matches!(statement, Statement::Advisory(advisory) if is_unfixed(advisory))
}

/// Whether a statement says that something has the vulnerability and no fix.
pub(crate) fn is_unfixed(advisory: &Advisory) -> bool {
    !matches!(advisory.status, Status::Fixed | Status::NotAffected)
}

/// Names of vulnerabilities and notices, each once, as long as there is room.
#[derive(Debug, Default)]
pub(crate) struct Names {
    all: BTreeSet<String>,
    bytes: usize,
    is_full: bool,
}

impl Names {
    pub(crate) fn add(&mut self, name: &str) {
        if self.all.contains(name) {
            return;
        }
        self.is_full |= self.bytes > NAMES_BYTES_MAX;
        if !self.is_full {
            self.bytes = self.bytes.saturating_add(name.len()).saturating_add(NAME_OVERHEAD);
            self.all.insert(name.to_owned());
        }
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.is_full |= other.is_full;
        other.all.iter().for_each(|name| self.add(name));
    }

    pub(crate) fn into_all(self) -> BTreeSet<String> {
        self.all
    }

    /// Whether some are missing.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }
}

/// The day in the first ten characters of a time (`2026-08-16T…`); 0 if there is none.
pub(crate) fn day(time: &str) -> Day {
    let digits: String = time.chars().take(10).filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Decodes what [`Sink`] encoded, one statement after the other.
pub(crate) fn statements(encoded: &[u8]) -> impl Iterator<Item = Statement> {
    let mut rest = encoded;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (statement, after) =
            postcard::take_from_bytes(rest).expect("only this process wrote these bytes");
        rest = after;
        Some(statement)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_to_be_held_goes_to_the_spool_and_comes_back() {
        let spool = Arc::default();
        let mut sink = Sink::spilling(&spool);
        let text = "x".repeat(1000);
        for number in 0..5000 {
            let id = format!("CVE-2024-{number:05}");
            let stream = if number % 2 == 0 { "even" } else { "odd" };
            sink.details(stream, Details { id, description: text.clone(), ..Details::default() });
            let held: usize = sink.streams.values().map(|pending| pending.encoded.len()).sum();
            assert!(held <= HELD_BYTES, "{held}");
        }
        sink.spill();
        assert!(sink.failure.is_none());
        let mut spool = spool.lock().unwrap();
        for pending in sink.streams.values() {
            let mut encoded = Vec::new();
            pending.extents.iter().for_each(|it| spool.read(*it, &mut encoded).unwrap());
            assert_eq!(statements(&encoded).count(), 2500);
        }
    }

    #[test]
    fn names_and_streams_without_end_have_one() {
        let mut sink = Sink::default();
        let long = "x".repeat(1 << 20);
        for number in 0..60 {
            sink.covers(&format!("{number}{long}"));
        }
        assert!(sink.covered.is_full());
        assert!(sink.covered.into_all().len() < 60);
        let mut sink = Sink::default();
        for number in 0..=STREAMS_MAX {
            sink.details(&format!("debian-{number}"), Details::default());
        }
        assert_eq!((sink.streams.len(), sink.damaged), (STREAMS_MAX, 1));
    }
}
