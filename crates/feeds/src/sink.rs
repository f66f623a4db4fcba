//! Where feeds put what they read: statements collected a stream, problems, and counts of what was
//! passed over.
//!
//! Feeds hand over one statement at a time and need not sort or deduplicate. Statements are held
//! encoded, because a million of them would not fit otherwise. The sink must never decide what
//! replaces what; `import` does.

use std::collections::BTreeMap;

use model::{Advisory, Details, Problem, ProblemKind};
use serde::{Deserialize, Serialize};

/// One publisher-independent score of a vulnerability (FIRST EPSS).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub id: String,
    /// The probability of exploitation within 30 days, 0 to 1.
    pub epss: f64,
    /// The share of vulnerabilities with a lower or equal score, 0 to 1.
    pub percentile: f64,
}

/// One entry of CISA's catalog of known exploited vulnerabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownExploited {
    pub id: String,
    /// `YYYY-MM-DD`.
    pub date_added: String,
    /// `YYYY-MM-DD`; empty if none.
    pub due_date: String,
    /// Known to be used in ransomware campaigns.
    pub ransomware: bool,
}

/// One thing said by a document about a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Statement {
    Advisory(Advisory),
    Details(Details),
    Score(Score),
    KnownExploited(KnownExploited),
}

/// Collects what documents say.
#[derive(Debug, Default)]
pub struct Sink {
    /// The document being read, for the subject of problems.
    document: String,
    streams: BTreeMap<String, Batch>,
    problems: Vec<Problem>,
    passed_over: BTreeMap<String, u64>,
}

/// What was said about one stream.
#[derive(Debug, Default)]
struct Batch {
    encoded: Vec<u8>,
    advisories: u64,
    modified: Option<String>,
}

impl Sink {
    /// A statement about a package, in the stream whose installations it is about (`debian-12`).
    pub fn advisory(&mut self, stream: &str, advisory: Advisory) {
        self.put(stream, &Statement::Advisory(advisory));
    }

    /// What is known of a vulnerability apart from packages. In a metadata stream (`cve-2024`), or
    /// in the stream of the advisories it belongs to.
    pub fn details(&mut self, stream: &str, details: Details) {
        self.put(stream, &Statement::Details(details));
    }

    /// An EPSS score.
    pub fn score(&mut self, stream: &str, score: Score) {
        self.put(stream, &Statement::Score(score));
    }

    /// An entry of the KEV catalog.
    pub fn known_exploited(&mut self, stream: &str, entry: KnownExploited) {
        self.put(stream, &Statement::KnownExploited(entry));
    }

    /// When the publisher last changed what the document says of this stream (RFC 3339 in UTC, so
    /// that the greatest text is the latest).
    pub fn modified(&mut self, stream: &str, when: &str) {
        let batch = self.batch(stream);
        if batch.modified.as_deref() < Some(when) {
            batch.modified = Some(when.to_owned());
        }
    }

    /// A record that could not be understood though the document could: it is left out, and said.
    pub fn damaged(&mut self, record: &str, cause: impl std::fmt::Display) {
        let message = format!("record `{record}`: {cause}");
        self.problems.push(Problem::new(ProblemKind::Damaged, self.document.clone(), message));
    }

    /// Counts something understood and left out on purpose, or not known: a plural noun phrase of
    /// few different values (`statements for unknown release "forky"`), for it is a map key.
    pub fn passed_over(&mut self, what: &str) {
        match self.passed_over.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.passed_over.insert(what.to_owned(), 1);
            }
        }
    }

    fn put(&mut self, stream: &str, statement: &Statement) {
        let batch = self.batch(stream);
        batch.advisories += 1;
        match postcard::to_extend(statement, std::mem::take(&mut batch.encoded)) {
            Ok(encoded) => batch.encoded = encoded,
            Err(_) => {}
        }
    }

    fn batch(&mut self, stream: &str) -> &mut Batch {
        if !self.streams.contains_key(stream) {
            self.streams.insert(stream.to_owned(), Batch::default());
        }
        self.streams.entry(stream.to_owned()).or_default()
    }
}
