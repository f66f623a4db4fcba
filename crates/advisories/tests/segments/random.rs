//! Records at random, the same for the same seed: real shapes, odd texts, shared statements.

use std::collections::BTreeMap;

use advisories::{Coordinates, KnownExploited, Score, SegmentMeta, SegmentWriter};
use model::{Advisory, Affected, Cvss, Details, Scope, Severity, Status, Subject, VersionRange};

/// A small generator (SplitMix64); quality hardly matters, repeatability does.
pub(crate) struct Random(u64);

/// What goes into a segment.
pub(crate) struct Records {
    pub(crate) advisories: Vec<Advisory>,
    pub(crate) details: BTreeMap<String, Details>,
    pub(crate) scores: BTreeMap<String, Score>,
    pub(crate) known_exploited: BTreeMap<String, KnownExploited>,
    pub(crate) coordinates: BTreeMap<String, Vec<Coordinates>>,
}

impl Records {
    pub(crate) fn write(&self, meta: SegmentMeta) -> SegmentWriter {
        let mut writer = SegmentWriter::new(meta);
        self.advisories.iter().for_each(|advisory| writer.advisory(advisory));
        self.details.values().for_each(|details| writer.details(details));
        self.scores.iter().for_each(|(cve, score)| writer.score(cve, *score));
        self.known_exploited.iter().for_each(|(cve, e)| writer.known_exploited(cve, e));
        self.coordinates.iter().for_each(|(sha1, names)| writer.coordinates(sha1, names));
        writer
    }
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub(crate) fn records(&mut self, about: u64) -> Records {
        let advisories = (0..about).map(|_| self.advisory()).collect();
        let details = (0..about / 2).map(|_| self.details()).map(|d| (d.id.clone(), d)).collect();
        let scores = (0..about).map(|_| (self.id(), self.score())).collect();
        let known_exploited = (0..about / 4).map(|_| (self.id(), self.known())).collect();
        let coordinates = (0..about).map(|_| (self.sha1(), self.coordinates())).collect();
        Records { advisories, details, scores, known_exploited, coordinates }
    }

    pub(crate) fn advisory(&mut self) -> Advisory {
        let ranges: Vec<_> = (0..self.below(3)).map(|_| self.range()).collect();
        // They stand with the first range.
        let mut with_ranges = || match ranges.is_empty() {
            true => Vec::new(),
            false => self.rarely(Self::text),
        };
        let (symbols, platforms) = (with_ranges(), with_ranges());
        Advisory {
            id: self.id(),
            aliases: self.rarely(Self::text),
            package: self.package(),
            subject: self.of(&[Subject::Source, Subject::Binary]),
            scope: match self.below(4) {
                0 => Scope {
                    architectures: self.rarely(Self::text),
                    module: self.maybe(Self::text),
                    track: self.maybe(Self::text),
                    symbols,
                    platforms,
                },
                _ => Scope { symbols, platforms, ..Scope::default() },
            },
            status: self.of(&Status::ALL),
            ranges,
            severity: self.of(&Severity::ALL),
            notices: self.rarely(Self::text),
        }
    }

    fn details(&mut self) -> Details {
        Details {
            id: self.id(),
            title: self.text(),
            description: (0..self.below(30)).map(|_| self.text()).collect::<Vec<_>>().join(" "),
            severity: self.of(&Severity::ALL),
            cvss: (0..self.below(3)).map(|_| self.cvss()).collect(),
            cwes: self.rarely(Self::text),
            references: self.rarely(Self::text),
            published: self.maybe(Self::text),
            modified: self.maybe(Self::text),
            withdrawn: self.maybe(Self::text),
        }
    }

    fn cvss(&mut self) -> Cvss {
        let score = match self.below(8) {
            0 => f64::from_bits(self.below(u64::MAX)),
            _ => self.below(101) as f64 / 10.0,
        };
        Cvss { source: self.text(), version: self.text(), vector: self.text(), score }
    }

    fn range(&mut self) -> VersionRange {
        let introduced = self.maybe(Self::text);
        let until = match self.below(4) {
            0 => Affected::Onwards,
            1 => Affected::Before(self.text()),
            2 => Affected::Until {
                end: self.text(),
                included: self.below(2) == 0,
                fix: self.maybe(Self::text),
            },
            _ => Affected::Through(self.text()),
        };
        VersionRange { introduced, until }
    }

    fn score(&mut self) -> Score {
        let odd = self.below(10) == 0;
        let mut share = || match odd {
            true => self.below(u64::MAX) as f64 / u64::MAX as f64,
            false => self.below(100_001) as f64 / 100_000.0,
        };
        Score { epss: share(), percentile: share() }
    }

    fn known(&mut self) -> KnownExploited {
        KnownExploited {
            added: self.text(),
            due: self.maybe(Self::text),
            ransomware: self.below(2) == 0,
        }
    }

    fn sha1(&mut self) -> String {
        (0..5).map(|_| format!("{:08x}", self.below(1 << 32))).collect()
    }

    /// Sorted; none are too many.
    fn coordinates(&mut self) -> Vec<Coordinates> {
        let count = self.of(&[1, 1, 1, 0, 3, 8]);
        let names = (0..count).map(|_| Coordinates {
            group: self.text(),
            artifact: self.package(),
            version: self.text(),
        });
        let mut names: Vec<Coordinates> = names.collect();
        names.sort();
        names.dedup();
        names
    }

    fn id(&mut self) -> String {
        match self.below(10) {
            0 => self.text(),
            _ => format!("CVE-{}-{:04}", 1999 + self.below(28), self.below(50_000)),
        }
    }

    fn package(&mut self) -> String {
        match self.below(20) {
            0 => self.text(),
            _ => format!("lib{}-{}", self.below(9), self.below(20)),
        }
    }

    /// Mostly versions, sometimes nothing, sometimes anything.
    fn text(&mut self) -> String {
        match self.below(12) {
            0 => String::new(),
            1 => (0..self.below(40)).map(|_| self.of(&['\0', 'a', 'é', '\u{10ffff}'])).collect(),
            _ => format!("{}.{}-{}", self.below(3), self.below(20), self.below(5)),
        }
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("below a length")]
    }

    fn maybe(&mut self, make: fn(&mut Self) -> String) -> Option<String> {
        (self.below(3) == 0).then(|| make(self))
    }

    fn rarely(&mut self, make: fn(&mut Self) -> String) -> Vec<String> {
        let count = if self.below(3) == 0 { self.below(4) } else { 0 };
        (0..count).map(|_| make(self)).collect()
    }
}
