//! The order of Python versions: PEP 440, now the "version specifiers" specification of PyPA.
//!
//! `[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]` and the many spellings that normalize to it
//! (`1.0-alpha.1`, `1.0-1`, `1.0RC`). The tests ask `packaging`, which is what pip uses.
//! `packaging` refuses all other texts, and so do we: their order was once a matter of taste
//! (setuptools'), and its last tool is gone.

use std::cmp::Ordering;

use crate::number::{Number, compare_dotted, split_digits};
use crate::{Refusal, VersionError};

/// Compares epoch, release, pre-release, post-release, development release and local version.
///
/// # Errors
/// A version that is not one in the sense of PEP 440 is refused.
pub(crate) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    Ok(Version::parse(a)?.cmp(&Version::parse(b)?))
}

/// The parts of a version, in the order in which they decide.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version<'a> {
    epoch: Number<'a>,
    release: Release<'a>,
    phase: Phase<'a>,
    post: Option<Number<'a>>,
    development: Development<'a>,
    local: Option<Local<'a>>,
}

/// `1.0` = `1`.
struct Release<'a>(&'a [u8]);

/// A development release of no pre- or post-release comes before all of these.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Phase<'a> {
    Development,
    Alpha(Number<'a>),
    Beta(Number<'a>),
    Candidate(Number<'a>),
    Final,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Development<'a> {
    Dev(Number<'a>),
    Released,
}

struct Local<'a>(&'a [u8]);

impl<'a> Version<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, VersionError> {
        let trimmed = text.trim();
        let refusal = if trimmed.is_empty() { Refusal::Empty } else { Refusal::NotPep440 };
        Parser { rest: trimmed.as_bytes() }
            .version()
            .ok_or_else(|| VersionError::new(text, refusal))
    }

    /// `1!2.3` of `1!2.3.4rc1`; `None` if there is but one number.
    pub(crate) fn without_last_number(&self) -> Option<String> {
        let (kept, _) = std::str::from_utf8(self.release.0).ok()?.rsplit_once('.')?;
        Some(format!("{}!{kept}", self.epoch))
    }

    /// An alpha, beta, candidate or development release.
    pub(crate) fn is_prerelease(&self) -> bool {
        self.phase != Phase::Final || self.development != Development::Released
    }

    pub(crate) fn is_post_release(&self) -> bool {
        self.post.is_some()
    }

    pub(crate) fn has_local(&self) -> bool {
        self.local.is_some()
    }

    pub(crate) fn without_local(self) -> Self {
        Self { local: None, ..self }
    }

    /// The same epoch and release, whatever follows.
    pub(crate) fn has_base_of(&self, other: &Self) -> bool {
        (self.epoch, &self.release) == (other.epoch, &other.release)
    }

    /// The same epoch, and a release that begins with the numbers of the other's.
    pub(crate) fn begins_with(&self, other: &Self) -> bool {
        let mut own = self.release.0.split(|&byte| byte == b'.').map(Number::new);
        let mut wanted = other.release.0.split(|&byte| byte == b'.').map(Number::new);
        self.epoch == other.epoch
            && wanted.all(|number| own.next().unwrap_or(Number::ZERO) == number)
    }
}

/// Reads on from where the last part ended; every part may be absent but the release.
struct Parser<'a> {
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    fn version(mut self) -> Option<Version<'a>> {
        self.word(&[b"v"]);
        let epoch = self.epoch();
        let release = self.release()?;
        let phase = self.phase();
        let post = self.post();
        let development = self.development();
        let phase = match (&phase, &post, &development) {
            (Phase::Final, None, Development::Dev(_)) => Phase::Development,
            _ => phase,
        };
        let local = self.local()?;
        self.rest.is_empty().then_some(Version { epoch, release, phase, post, development, local })
    }

    fn epoch(&mut self) -> Number<'a> {
        let (digits, rest) = split_digits(self.rest);
        match rest.strip_prefix(b"!") {
            Some(rest) if !digits.is_empty() => {
                self.rest = rest;
                Number::new(digits)
            }
            _ => Number::ZERO,
        }
    }

    fn release(&mut self) -> Option<Release<'a>> {
        let (numbers, rest) = crate::semver::split_numbers(self.rest)?;
        self.rest = rest;
        Some(Release(numbers))
    }

    fn phase(&mut self) -> Phase<'a> {
        const ALPHA: &[&[u8]] = &[b"alpha", b"a"];
        const BETA: &[&[u8]] = &[b"beta", b"b"];
        const CANDIDATE: &[&[u8]] = &[b"preview", b"pre", b"c", b"rc"];
        if let Some(number) = self.lettered(ALPHA) {
            Phase::Alpha(number)
        } else if let Some(number) = self.lettered(BETA) {
            Phase::Beta(number)
        } else if let Some(number) = self.lettered(CANDIDATE) {
            Phase::Candidate(number)
        } else {
            Phase::Final
        }
    }

    /// `1.0-1` is `1.0.post1`.
    fn post(&mut self) -> Option<Number<'a>> {
        if let Some((digits @ [_, ..], rest)) = self.rest.strip_prefix(b"-").map(split_digits) {
            self.rest = rest;
            return Some(Number::new(digits));
        }
        self.lettered(&[b"post", b"rev", b"r"])
    }

    fn development(&mut self) -> Development<'a> {
        self.lettered(&[b"dev"]).map_or(Development::Released, Development::Dev)
    }

    /// One of `words` and its number, each after a separator or none. An absent number is 0.
    fn lettered(&mut self, words: &[&[u8]]) -> Option<Number<'a>> {
        let before = self.rest;
        self.separator();
        if !self.word(words) {
            self.rest = before;
            return None;
        }
        self.separator();
        let (digits, rest) = split_digits(self.rest);
        self.rest = rest;
        Some(Number::new(digits))
    }

    fn separator(&mut self) {
        if let [b'-' | b'_' | b'.', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn word(&mut self, words: &[&[u8]]) -> bool {
        let found = words.iter().find_map(|word| {
            let (head, rest) = self.rest.split_at_checked(word.len())?;
            head.eq_ignore_ascii_case(word).then_some(rest)
        });
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// `None` if what follows the plus sign is no local version.
    fn local(&mut self) -> Option<Option<Local<'a>>> {
        let Some(local) = self.rest.strip_prefix(b"+") else { return Some(None) };
        self.rest = &[];
        let is_part = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric);
        local.split(is_separator).all(is_part).then_some(Some(Local(local)))
    }
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'-' | b'_' | b'.')
}

impl Ord for Release<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_dotted(self.0, other.0)
    }
}

impl Ord for Local<'_> {
    /// Part by part; words are older than numbers, and are the same in either case.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (self.0.split(is_separator), other.0.split(is_separator));
        loop {
            let order = match (a.next(), b.next()) {
                (None, None) => return Ordering::Equal,
                (Some(a), Some(b)) => compare_local_part(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            if order.is_ne() {
                return order;
            }
        }
    }
}

fn compare_local_part(a: &[u8], b: &[u8]) -> Ordering {
    let number = |part| match split_digits(part) {
        (digits, []) => Some(Number::new(digits)),
        _ => None,
    };
    match (number(a), number(b)) {
        (None, None) => {
            a.iter().map(u8::to_ascii_lowercase).cmp(b.iter().map(u8::to_ascii_lowercase))
        }
        (a, b) => a.cmp(&b),
    }
}

impl PartialOrd for Release<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Release<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Release<'_> {}

impl PartialOrd for Local<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Local<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Local<'_> {}
