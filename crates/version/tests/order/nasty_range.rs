//! Ranges of every form that a grammar has, about few versions, so that they meet.

use version::Scheme;

use crate::nasty::Nasty;

/// How an ecosystem writes ranges, in pieces.
struct Grammar {
    /// Conditions, with `V` for a version.
    forms: &'static [&'static str],
    joiners: &'static [&'static str],
    releases: &'static [&'static str],
    /// What may follow a release.
    suffixes: &'static [&'static str],
}

/// A source of ranges and of versions to try; equal seeds give equal ranges.
pub(crate) struct NastyRange {
    grammar: &'static Grammar,
    random: Nasty,
}

impl NastyRange {
    /// `None` if the scheme has no grammar of its own, or no judge for it.
    pub(crate) fn new(scheme: Scheme, seed: u64) -> Option<Self> {
        let grammar = match scheme {
            Scheme::Cargo => &CARGO,
            Scheme::Composer => &COMPOSER,
            Scheme::Gem => &GEM,
            Scheme::Hex => &HEX,
            Scheme::Maven => &MAVEN,
            Scheme::Npm => &NPM,
            Scheme::Pep440 => &PEP440,
            _ => return None,
        };
        Some(Self { grammar, random: Nasty::new(scheme, seed) })
    }

    pub(crate) fn version(&mut self) -> String {
        let release = self.random.pick(self.grammar.releases);
        let suffix =
            if self.random.below(2) == 0 { "" } else { self.random.pick(self.grammar.suffixes) };
        format!("{release}{suffix}")
    }

    /// Up to three conditions, mostly lawful.
    pub(crate) fn range(&mut self) -> String {
        let mut range = self.condition();
        for _ in 0..self.random.below(3) {
            range += self.random.pick(self.grammar.joiners);
            range += &self.condition();
        }
        range
    }

    fn condition(&mut self) -> String {
        let mut condition = self.random.pick(self.grammar.forms).to_owned();
        while condition.contains('V') {
            condition = condition.replacen('V', &self.version(), 1);
        }
        condition
    }
}

const WHOLE: &[&str] = &[
    "1.2.3", "1.2.4", "1.3.0", "2.0.0", "0.0.3", "0.0.4", "0.2.3", "0.3.0", "1.0.0", "0.0.0",
    "3.0.0",
];

const RELEASES: &[&str] = &[
    "1.2.3", "1.2.4", "1.3.0", "2.0.0", "0.0.3", "0.0.4", "0.2.3", "0.3.0", "1.0.0", "0.0.0",
    "3.0.0", "1.2", "1", "2", "1.3", "0", "0.0", "0.2", "1.2.0",
];

const SEMVER: &[&str] = &["-0", "-alpha", "-alpha.1", "-beta", "+build"];

const CARGO: Grammar = Grammar {
    forms: &[
        "V", "=V", "<V", "<=V", ">V", ">=V", "< V", "^V", "~V", "1.2.*", "1.*", "^1", "~1.2",
        "<=2", ">1.2",
    ],
    joiners: &[", ", ","],
    releases: WHOLE,
    suffixes: SEMVER,
};

const COMPOSER: Grammar = Grammar {
    forms: &[
        "V", "=V", "==V", "!=V", "<>V", "<V", "<=V", ">V", ">=V", "< V", "^V", "~V", "V.*", "V.x",
        "V - V", "*", "^0.2", "~1.2.3.4", "dev-main", "1.x-dev",
    ],
    joiners: &[", ", ",", " ", " || ", "|"],
    releases: RELEASES,
    suffixes: &["-dev", "-alpha", "-beta1", "-beta2", "-RC1", "-p1", "-stable"],
};

const GEM: Grammar = Grammar {
    forms: &["V", "= V", "!= V", "< V", "<=V", "> V", ">= V", "~> V", "~>V"],
    joiners: &[", ", ","],
    releases: RELEASES,
    suffixes: &[".a", ".b.1", ".rc1", ".pre", "-x", ".0"],
};

const HEX: Grammar = Grammar {
    forms: &["V", "== V", "!= V", "< V", "<= V", "> V", ">= V", "~> V", "~> 1.2", "~> 0.2"],
    joiners: &[" and ", " or "],
    releases: WHOLE,
    suffixes: SEMVER,
};

const MAVEN: Grammar = Grammar {
    forms: &["[V,V]", "[V,V)", "(V,V]", "(V,V)", "(,V]", "(,V)", "[V,)", "(V,)", "[V]", "[V, V)"],
    joiners: &[",", ", "],
    releases: RELEASES,
    suffixes: &["-alpha", "-rc1", "-SNAPSHOT", "-sp", ".Final", "-jre", "-1", ".0"],
};

const NPM: Grammar = Grammar {
    forms: &[
        "V",
        "=V",
        "<V",
        "<=V",
        ">V",
        ">=V",
        "< V",
        "^V",
        "~V",
        "~>V",
        "V - V",
        "*",
        "V.x",
        "^1.x",
        "~1",
        "<1.2",
        ">1.2",
        "<=1.2",
        ">=1",
        "<x",
        "v1.2",
        "1.2 - 2.x",
        "^ V",
        "",
    ],
    joiners: &[" ", " || ", "||"],
    releases: WHOLE,
    suffixes: SEMVER,
};

const PEP440: Grammar = Grammar {
    forms: &[
        "==V", "!=V", "<V", "<=V", ">V", ">=V", "~=V", "==V.*", "!=V.*", "===V", ">= V", "V", "=V",
    ],
    joiners: &[", ", ","],
    releases: RELEASES,
    suffixes: &[".dev0", "a1", "b2", "rc1", ".post1", ".post1.dev2", "+local", "a1.dev1"],
};
