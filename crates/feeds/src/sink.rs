//! Where feeds put what they read: statements by stream, records that made no sense, and counts of
//! what was passed over.
//!
//! Feeds hand over one statement at a time, in any order, repeated or not. Statements are encoded
//! at once, because a million of them as structs would not fit. The sink must never decide what
//! replaces what; `install` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use advisories::{KnownExploited, Score};
use model::{Advisory, Details, Problem, ProblemKind};
use serde::{Deserialize, Serialize};

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
}

/// The day of a list (`20260816`; 0 if not known): of two lists the later speaks.
pub(crate) type Day = u32;

/// Collects what the documents of one feed say.
#[derive(Debug, Default)]
pub struct Sink {
    /// The path of the document being read: the subject of problems.
    document: String,
    pub(crate) streams: BTreeMap<String, Pending>,
    pub(crate) covered: BTreeSet<String>,
    /// Of all that is encoded.
    pub(crate) bytes: usize,
    pub(crate) statements: u64,
    pub(crate) damaged: u64,
    pub(crate) problems: Vec<Problem>,
    pub(crate) passed_over: BTreeMap<String, u64>,
}

/// Statements about one stream, encoded one after the other.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub encoded: Vec<u8>,
    pub statements: u64,
    pub modified: Option<String>,
}

impl Sink {
    /// Names the document that the next statements come from.
    pub(crate) fn begin(&mut self, document: &str) {
        document.clone_into(&mut self.document);
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

    /// The document says all that its source says of this vulnerability or notice (see
    /// [`crate::Covers`]), in whatever stream. What it no longer says was taken back: a record that
    /// is withdrawn says nothing but this.
    pub fn covers(&mut self, name: &str) {
        if !self.covered.contains(name) {
            self.covered.insert(name.to_owned());
        }
    }

    /// When the publisher last changed what the document says of this stream (RFC 3339 in UTC, so
    /// that the greatest text is the latest).
    pub fn modified(&mut self, stream: &str, when: &str) {
        let pending = self.pending(stream);
        if pending.modified.as_deref() < Some(when) {
            pending.modified = Some(when.to_owned());
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
        let pending = self.pending(stream);
        let before = pending.encoded.len();
        let encoded = postcard::to_extend(statement, std::mem::take(&mut pending.encoded));
        pending.encoded = encoded.expect("a vector takes any bytes, and no part lacks a length");
        pending.statements += 1;
        self.statements += 1;
        self.bytes += self.streams.get(stream).map_or(0, |p| p.encoded.len() - before);
    }

    fn pending(&mut self, stream: &str) -> &mut Pending {
        if !self.streams.contains_key(stream) {
            self.streams.insert(stream.to_owned(), Pending::default());
        }
        self.streams.get_mut(stream).expect("it was inserted where it was missing")
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
