//! Semantic versions of which only the first numbers are given: `1`, `1.2`, `1.x`, `1.2.*`.

use super::condition::is_word;
use crate::number::successor;

/// How many numbers a semantic version has.
const NUMBERS: usize = 3;

pub(super) struct Partial<'a> {
    /// Up to three; what stands for "any" ends them.
    pub(super) numbers: Vec<&'a str>,
    /// Only after three numbers.
    pub(super) prerelease: Option<&'a str>,
}

impl<'a> Partial<'a> {
    /// The build is left out: it is no part of the order.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let version = text.split_once('+').map_or(text, |(version, _)| version);
        let (release, prerelease) = match version.split_once('-') {
            Some((release, prerelease)) => (release, Some(prerelease)),
            None => split_loose_prerelease(version),
        };
        let is_short = release.split('.').count() < NUMBERS;
        if !is_word(text) || (is_short && prerelease.is_some()) {
            return None;
        }
        let mut numbers = Vec::with_capacity(NUMBERS);
        let mut is_open = false;
        for (at, part) in release.split('.').enumerate() {
            let is_any = matches!(part, "x" | "X" | "*");
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            if at == NUMBERS || !(is_any || is_number) {
                return None;
            }
            is_open = is_open || is_any;
            if !is_open {
                numbers.push(part);
            }
        }
        let prerelease = prerelease.filter(|_| numbers.len() == NUMBERS);
        Some(Self { numbers, prerelease })
    }

    pub(super) fn is_whole(&self) -> bool {
        self.numbers.len() == NUMBERS
    }

    /// The oldest version that it can mean; numbers that are not given are 0.
    pub(super) fn floor(&self) -> String {
        let release = self.release(NUMBERS, None);
        match self.prerelease {
            Some(prerelease) => format!("{release}-{prerelease}"),
            None => release,
        }
    }

    /// The version that follows all of those that begin with the first `kept` numbers.
    pub(super) fn next(&self, kept: usize) -> String {
        self.release(kept, kept.checked_sub(1))
    }

    /// The first pre-release of [`Partial::next`].
    pub(super) fn ceiling(&self, kept: usize) -> String {
        self.next(kept) + "-0"
    }

    /// How many numbers may not change in what is compatible with it: up to the first that is not
    /// zero.
    pub(super) fn compatible(&self) -> usize {
        let zeros = self.numbers.iter().take_while(|number| number.bytes().all(|b| b == b'0'));
        (zeros.count() + 1).min(self.numbers.len())
    }

    fn release(&self, kept: usize, raised: Option<usize>) -> String {
        let number = |at: usize| match self.numbers.get(at).filter(|_| at < kept) {
            Some(number) if raised == Some(at) => successor(number),
            Some(number) => (*number).to_owned(),
            None => "0".to_owned(),
        };
        (0..NUMBERS).map(number).collect::<Vec<_>>().join(".")
    }
}

/// `1.2.3beta`: node-semver's "loose" form.
fn split_loose_prerelease(version: &str) -> (&str, Option<&str>) {
    let is_release = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'x' | 'X' | '*');
    match version.find(|c| !is_release(c)).and_then(|at| version.split_at_checked(at)) {
        Some((release, prerelease)) => (release, Some(prerelease)),
        None => (version, None),
    }
}
