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
mod effort;
mod entropy;
mod excerpt;

pub(crate) mod files;
mod form;
pub(crate) mod gather;
mod guess;
mod kind;
mod manifest;
mod publisher;
mod redact;
pub(crate) mod settings;
mod shape;

use std::ops::Range;
use std::sync::LazyLock;

use model::Severity;

use self::effort::Effort;
use self::kind::Kind;
use crate::Until;
use crate::file::NEVER;
use crate::keywords::Keywords;

/// Hits of one file that are kept: a dump of thousands tells nothing new after that.
pub(crate) const HITS_MAX: usize = 200;

/// Secrets one behind the other after which a search ends. There are more than `HITS_MAX`, so that of
/// kinds which fit the same bytes the best is known for all that are kept.
const FOUND_MAX: usize = 2 * HITS_MAX;

/// What kinds may find in one file in all: some ten fit the bytes of a key at once.
const CANDIDATES_MAX: usize = 16 * HITS_MAX;

/// How far a window goes beyond what a key word needs, so that the next ones are tried with it.
const STRIDE: usize = 4096;

/// Longer than a file that is a key and nothing else.
const WHOLE_BYTES_MAX: usize = 512;

/// The finder with all kinds of `content/secrets`; made when the first file is looked at.
pub(crate) static FINDER: LazyLock<Finder> = LazyLock::new(|| Finder::new(content::kinds()));

/// All kinds, ready to search.
pub(crate) struct Finder {
    keywords: Keywords,
    /// For each key word the kinds that have it.
    users: Vec<Vec<usize>>,
    kinds: Vec<Kind>,
    /// Those of files that are a secret and nothing else, which have no key word.
    whole: Vec<usize>,
    /// The longest of the kinds'.
    reach: usize,
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

/// Why a search ended before its bytes did. What follows is not known to be clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// There are more secrets than are kept.
    Secrets,
    /// The bytes ask for more work than such a file is worth.
    Effort,
    /// The search was told to end.
    Stopped,
}

impl Missing {
    /// What the problem says.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Secrets => format!("more than {HITS_MAX} secrets; the rest is not listed"),
            Self::Effort => {
                "too much that looks like a secret; the rest is not searched".to_owned()
            }
            Self::Stopped => "stopped; the rest is not searched for secrets".to_owned(),
        }
    }
}

/// What a search found.
struct Settled {
    candidates: Vec<Candidate>,
    missing: Option<Missing>,
    /// Up to where every secret is known; all bytes unless something is missing.
    searched: usize,
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
        let reach = kinds.iter().map(|kind| kind.reach).max().unwrap_or(0);
        let whole = (0..).zip(&kinds).filter(|(_, kind)| kind.keywords.is_empty());
        let whole = whole.map(|(position, _)| position).collect();
        Self { keywords: Keywords::new(&keywords), users, kinds, whole, reach }
    }

    /// Every secret in the content of the file at `path`, by place, and what is missing, if anything
    /// is.
    pub(crate) fn find(&self, path: &str, bytes: &[u8]) -> (Vec<Hit>, Option<Missing>) {
        self.find_until(path, bytes, &NEVER)
    }

    /// The same, until it is told to end.
    pub(crate) fn find_until(
        &self,
        path: &str,
        bytes: &[u8],
        until: &Until,
    ) -> (Vec<Hit>, Option<Missing>) {
        let Settled { mut candidates, missing, .. } = self.settled(path, bytes, until);
        let more = candidates.len() > HITS_MAX;
        let missing = missing.or_else(|| more.then_some(Missing::Secrets));
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
        (hits.collect(), missing)
    }

    /// What is a secret, by place; none overlaps another.
    fn settled(&self, path: &str, bytes: &[u8], until: &Until) -> Settled {
        let mut settled = self.candidates(path, bytes, until);
        settled.candidates.sort_by_key(|candidate| (candidate.begin, candidate.end));
        self.drop_overlapping(&mut settled.candidates);
        settled
    }

    fn candidates(&self, path: &str, bytes: &[u8], until: &Until) -> Settled {
        let mut candidates: Vec<Candidate> = Vec::new();
        // How many of them are one behind the other, and where the last of those ends.
        let (mut behind, mut last) = (0_usize, 0);
        let mut effort = Effort::for_bytes(bytes.len());
        let (mut missing, mut searched) = (None, bytes.len());
        let mut is_stopped = false;
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
                is_stopped = is_stopped || until.has_come();
                for (begin, end) in kind.secrets(bytes, window, &mut effort) {
                    let known = |known: &Candidate| known.kind == position && known.begin == begin;
                    if !candidates.iter().rev().take(HITS_MAX).any(known) {
                        candidates.push(Candidate { kind: position, begin, end });
                    }
                    if begin >= last {
                        (behind, last) = (behind.saturating_add(1), end);
                    }
                }
            }
            missing = if behind > FOUND_MAX || candidates.len() > CANDIDATES_MAX {
                Some(Missing::Secrets)
            } else if is_stopped {
                Some(Missing::Stopped)
            } else {
                effort.is_spent().then_some(Missing::Effort)
            };
            if missing.is_some() {
                // What a later key word belongs to may begin before it.
                searched = begin.saturating_sub(self.reach);
            }
            missing.is_none()
        });
        if bytes.len() <= WHOLE_BYTES_MAX && missing.is_none() {
            candidates.extend(self.whole(path, bytes, &mut effort));
        }
        Settled { candidates, missing, searched }
    }

    /// What a file is that is nothing else.
    fn whole(&self, path: &str, bytes: &[u8], effort: &mut Effort) -> Vec<Candidate> {
        let mut found = Vec::new();
        for &position in &self.whole {
            let Some(kind) = self.kinds.get(position).filter(|kind| kind.reads(path)) else {
                continue;
            };
            let secrets = kind.secrets(bytes, 0..bytes.len(), effort).into_iter();
            found.extend(secrets.map(|(begin, end)| Candidate { kind: position, begin, end }));
        }
        found
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
