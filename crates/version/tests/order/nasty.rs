//! Versions that try every corner of a scheme: built from the fragments its grammar turns on, the
//! same ones in every run.

use version::Scheme;

/// A source of versions; equal seeds give equal versions.
pub(crate) struct Nasty {
    fragments: Vec<&'static str>,
    starts: Vec<&'static str>,
    state: u64,
}

impl Nasty {
    pub(crate) fn new(scheme: Scheme, seed: u64) -> Self {
        let fragments = match scheme {
            Scheme::Apk => APK,
            Scheme::Cargo | Scheme::Hex => STRICT,
            Scheme::Npm | Scheme::Nuget | Scheme::Pub | Scheme::Semver | Scheme::Swift => SEMVER,
            Scheme::Composer => COMPOSER,
            Scheme::Cpan => CPAN,
            Scheme::Cran | Scheme::Hackage => NUMBERS,
            Scheme::Debian => DEBIAN,
            Scheme::Gem => GEM,
            Scheme::Golang => GOLANG,
            Scheme::Maven => MAVEN,
            Scheme::Pep440 => PEP440,
            Scheme::Rpm => RPM,
        };
        let starts = match scheme {
            Scheme::Cargo | Scheme::Hex => "1.2.3-alpha 1.2.3-rc.1 1.2.3- 1.2.3 0.0.0-a.b",
            Scheme::Cpan => "1 1.0 1.02 v1 v1.2 0.001 1.2.3 v0.10.0 .",
            Scheme::Golang => "v1.2.3 v1.2.3- v1 v1.2 v0.0.0 v1.2.3-pre go1.21",
            Scheme::Npm => "1.2.3 1.2.3- v1.2.3 0.0.0 1.2.3-alpha 10.0.1 1",
            _ => "1 1 1 0 2.0 10",
        };
        Self {
            fragments: fragments.split_whitespace().collect(),
            starts: starts.split_whitespace().chain([""]).collect(),
            state: seed,
        }
    }

    /// Never empty, and without line breaks or blanks.
    pub(crate) fn version(&mut self) -> String {
        let at = self.below(self.starts.len());
        let start = self.starts[at];
        let length = self.below(7);
        let tail: String = (0..length).map(|_| self.fragment()).collect();
        if start.is_empty() && tail.is_empty() { "0".to_owned() } else { start.to_owned() + &tail }
    }

    /// Two versions, mostly close to each other: strangers differ at their first fragment.
    pub(crate) fn pair(&mut self) -> (String, String) {
        let first = self.version();
        let second = match self.below(5) {
            0 => self.version(),
            1 => first.clone() + self.fragment(),
            2 => self.fragment().to_owned() + &first,
            _ => self.edited(&first),
        };
        if self.below(2) == 0 { (first, second) } else { (second, first) }
    }

    pub(crate) fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    /// One character replaced by a fragment, or by nothing.
    fn edited(&mut self, version: &str) -> String {
        let place = self.below(version.chars().count());
        let fragment = if self.below(3) == 0 { "" } else { self.fragment() };
        let edited: String = version
            .chars()
            .enumerate()
            .map(|(at, c)| if at == place { fragment.to_owned() } else { c.to_string() })
            .collect();
        if edited.is_empty() { "0".to_owned() } else { edited }
    }

    fn fragment(&mut self) -> &'static str {
        let at = self.below(self.fragments.len());
        self.fragments[at]
    }

    /// A number below `bound`, by splitmix64.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bound = u64::try_from(bound).expect("a bound fits");
        usize::try_from((mixed ^ (mixed >> 31)) % bound).expect("below a usize")
    }
}

const APK: &str = "0 00 01 1 9 10 12345678901234567 . . . .. .0 .01 .1 .10 a b z A p1 \
    _alpha _beta _pre _rc _rc1 _cvs _svn _git _hg _p _p0 _p1 _p01 _blah _ \
    ~ ~ab ~12f - -r -r0 -r1 -r01 -r10 -ruff + é";

const DEBIAN: &str = "0 00 01 1 9 10 18446744073709551616 18446744073709551617 . . .0 \
    - -1 -0 ~ ~~ ~a + +b1 +deb12u1 ubuntu a z A Z : 1: 0: 2147483647: 2147483648: _ ! @ é \u{7f}";

const RPM: &str = "0 00 01 1 9 10 18446744073709551616 18446744073709551617 . . .0 - -1 - \
    ~ ~~ ^ ^^ ~^ ^~ _ + .el9 a aa z A : 1: 0: 01: 18446744073709551616: α ! git \u{7f}";

const SEMVER: &str = "0 00 01 1 9 10 12345678901234 . . .0 .1 .10 - -1 -a -alpha -alpha.1 -rc.9 \
    -rc.10 -rc1 -x-y alpha A Alpha beta + +1 +b.2 +b.10 -0 --1 .x _ v é";

const STRICT: &str = "0 1 9 10 .0 .1 .10 1 -a -alpha .rc.9 .rc.10 -x-y alpha A a -0 --1 .x .-";

const GOLANG: &str = "0 1 9 10 . . .0 .1 .10 - -1 -pre -rc.9 -rc.10 -0.20191109021931-daa7c04131f5 \
    -20191109021931-daa7c04131f5 +incompatible + rc1 rc2 beta1 a A -0 X:x .";

const COMPOSER: &str = "0 00 01 1 9 10 100000 . . .0 .1 .x -dev dev .dev -alpha alpha2 a1 -beta.1 \
    b2 -RC rc3 .RC1 -p1 pl2 -patch.1 stable -stable +build v - _ 20100102 foo @beta -0";

const GEM: &str = "0 00 01 1 9 10 12345678901234567890 . . . .0 .a .b a b A pre .pre rc1 .rc.2 .beta \
    - -1 -a --x .0.0 _ + é";

const MAVEN: &str = "0 00 01 1 9 10 1234567890 12345678901234567890 . . . - - .0 -0 .1 -1 alpha \
    -alpha a a1 -b2 m3 beta -milestone rc -cr -RC1 SNAPSHOT -SNAPSHOT ga .ga -ga final .Final \
    .RELEASE sp -sp -SP1 xyz -foo .Bar x X _ + jre8 -jre";

const NUMBERS: &str = "0 00 01 1 9 10 18446744073709551616 . . . . - - .0 -0 .1 -1 a";

const CPAN: &str = "0 00 1 9 02 10 100 999 0001 18446744073709551616 . . .1 .01 .001 .000 _1 _ v a";

const PEP440: &str = "0 00 01 1 9 10 18446744073709551616 . . .0 .1 a1 a b2 .beta -alpha.1 rc1 c2 \
    .pre preview3 .post1 post -1 - .rev r2 .dev1 dev .dev0 +local +1 +1.a +a-1 _ .a 1! v ! DEV RC2";
