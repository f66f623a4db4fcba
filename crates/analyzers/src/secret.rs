//! Secrets in any bytes: key words find the places, an expression says what is one, and tests of
//! its own say what only looks like one.
//!
//! One pass looks for the key words of all kinds. Only around a key word the expression of its kind
//! is tried, in a window of bounded size, so that the cost stays linear
//! whatever the input and however many kinds there are. What a secret is, is data
//! (`content/secrets`): a kind is one file.
//!
//! Nothing that is found leaves this module whole: a hit holds an excerpt.

mod content;
mod entropy;
mod excerpt;
pub(crate) mod files;
pub(crate) mod gather;
mod keywords;
mod kind;
mod publisher;
mod redact;
pub(crate) mod settings;
mod shape;

use std::ops::Range;
use std::sync::LazyLock;

use model::Severity;


use self::keywords::Keywords;
use self::kind::Kind;

/// Hits of one file that are kept: a dump of thousands tells nothing new after that.
pub(crate) const HITS_MAX: usize = 200;

/// How far a window goes beyond what a key word needs, so that the next ones are tried with it.
const STRIDE: usize = 4096;

/// The finder with all kinds of `content/secrets`; made when the first file is looked at.
pub(crate) static FINDER: LazyLock<Finder> = LazyLock::new(|| Finder::new(content::kinds()));

/// All kinds, ready to search.
pub(crate) struct Finder {
    keywords: Keywords,
    /// For each key word the kinds that have it.
    users: Vec<Vec<usize>>,
    kinds: Vec<Kind>,
}

/// Something that is a secret as far as bytes can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) severity: Severity,
    /// The line, from 1.
    pub(crate) line: u32,
    pub(crate) excerpt: String,
    /// Where in the bytes it stands.
    pub(crate) range: Range<usize>,
}

/// A secret and where it stands.
struct Candidate {
    kind: usize,
    begin: usize,
    end: usize,
}

impl Finder {
    fn new(kinds: Vec<Kind>) -> Self {
        let mut keywords: Vec<&'static str> = Vec::new();
        let mut users: Vec<Vec<usize>> = Vec::new();
        for (position, kind) in kinds.iter().enumerate() {
            for &keyword in &kind.keywords {
                match keywords.iter().position(|&known| known == keyword) {
                    Some(known) => users.get_mut(known).into_iter().for_each(|u| u.push(position)),
                    None => {
                        keywords.push(keyword);
                        users.push(vec![position]);
                    }
                }
            }
        }
        Self { keywords: Keywords::new(keywords), users, kinds }
    }

    /// Every secret in the content of the file at `path`, by place; true if there were more than
    /// are kept.
    pub(crate) fn find(&self, path: &str, bytes: &[u8]) -> (Vec<Hit>, bool) {
        let mut candidates = self.settled(path, bytes);
        let more = candidates.len() > HITS_MAX;
        candidates.truncate(HITS_MAX);
        let mut lines = Lines { bytes, at: 0, line: 1 };
        let hits = candidates.iter().filter_map(|candidate| {
            let kind = self.kinds.get(candidate.kind)?;
            let secret = bytes.get(candidate.begin..candidate.end)?;
            Some(Hit {
                kind: kind.id,
                title: kind.title,
                severity: kind.severity,
                line: lines.of(candidate.begin),
                excerpt: excerpt::excerpt(secret),
                range: candidate.begin..candidate.end,
            })
        });
        (hits.collect(), more)
    }

    /// What is a secret, by place; none overlaps another.
    fn settled(&self, path: &str, bytes: &[u8]) -> Vec<Candidate> {
        let mut candidates = self.candidates(path, bytes);
        candidates.sort_by_key(|candidate| (candidate.begin, candidate.end));
        self.drop_overlapping(&mut candidates);
        candidates
    }

    fn candidates(&self, path: &str, bytes: &[u8]) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        // Up to where each kind has been tried; those that do not read the file are done.
        let done = |kind: &Kind| if kind.reads(path) { 0 } else { usize::MAX };
        let mut tried: Vec<usize> = self.kinds.iter().map(done).collect();
        self.keywords.find(bytes, |keyword, begin, end| {
            for &position in self.users.get(keyword).into_iter().flatten() {
                let (Some(kind), Some(tried)) = (self.kinds.get(position), tried.get_mut(position))
                else {
                    continue;
                };
                let needed = end.saturating_add(kind.reach);
                if needed <= *tried {
                    continue;
                }
                let window = kind.window(bytes, begin, needed.saturating_add(STRIDE));
                *tried = window.end;
                for (begin, end) in kind.secrets(bytes, window) {
                    let known = |known: &Candidate| known.kind == position && known.begin == begin;
                    if !candidates.iter().rev().take(HITS_MAX).any(known) {
                        candidates.push(Candidate { kind: position, begin, end });
                    }
                }
            }
            // Enough to say that there are more.
            candidates.len() <= HITS_MAX.saturating_mul(2)
        });
        candidates
    }

    /// Of secrets that overlap the one whose kind knows best counts, else the first.
    fn drop_overlapping(&self, candidates: &mut Vec<Candidate>) {
        let rank = |candidate: &Candidate| self.kinds.get(candidate.kind).map(Kind::rank);
        let mut kept: Vec<Candidate> = Vec::with_capacity(candidates.len());
        for candidate in candidates.drain(..) {
            match kept.last_mut() {
                Some(last) if candidate.begin < last.end => {
                    if rank(&candidate) > rank(last) {
                        *last = candidate;
                    }
                }
                _ => kept.push(candidate),
            }
        }
        *candidates = kept;
    }
}

/// Counts lines up to places that come in order.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn of(&mut self, place: usize) -> u32 {
        let passed = self.bytes.get(self.at..place).unwrap_or_default();
        let count = memchr::memchr_iter(b'\n', passed).count();
        self.line = self.line.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        self.at = place;
        self.line
    }
}

#[cfg(test)]
mod tests;
