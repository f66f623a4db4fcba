//! Who says which version is older: `dpkg` and `rpm` themselves, and for apk, which is not there
//! to ask, a second implementation that works another way than the product's.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

/// Whether the program is on this machine; says so if not.
pub(crate) fn is_here(program: &str) -> bool {
    let here = Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    if !here {
        eprintln!("skipped: `{program}` is not on this machine");
    }
    here
}

/// `dpkg --compare-versions a lt b`.
pub(crate) fn dpkg_is_older(a: &str, b: &str) -> bool {
    let status = Command::new("dpkg").args(["--compare-versions", a, "lt", b]).status();
    status.expect("dpkg runs").success()
}

/// What rpm says of pairs of versions: asked all at once, because each question would be a
/// process.
pub(crate) struct Rpm(BTreeMap<(String, String), Ordering>);

impl Rpm {
    pub(crate) fn ask(pairs: BTreeSet<(String, String)>) -> Self {
        let mut script = String::new();
        for (a, b) in &pairs {
            assert!(!a.contains(['"', '\\']) && !b.contains(['"', '\\']), "{a} {b}");
            writeln!(script, "print(rpm.vercmp(\"{a}\", \"{b}\") .. \" \")").expect("it is memory");
        }
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(file.path(), script).expect("it can be written");
        let run = format!("%{{lua: dofile(\"{}\")}}", file.path().display());
        let output = Command::new("rpm").arg("--eval").arg(run).output().expect("rpm runs");
        let text = String::from_utf8(output.stdout).expect("numbers");
        let answers: Vec<i8> =
            text.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        assert_eq!(answers.len(), pairs.len(), "one answer a pair");
        Self(pairs.into_iter().zip(answers.into_iter().map(|answer| answer.cmp(&0))).collect())
    }

    pub(crate) fn is_older(&self, a: &str, b: &str) -> bool {
        self.0[&(a.to_owned(), b.to_owned())] == Ordering::Less
    }
}

/// Whether `a` is older than `b` by the rules of apk-tools, for versions as packages have them:
/// numbers, a letter, suffixes, a revision.
pub(crate) fn apk_is_older(a: &str, b: &str) -> bool {
    let (a, b) = (Apk::parse(a), Apk::parse(b));
    let numbers = compare_numbers(&a.numbers, &b.numbers);
    let rest = || (a.letter, &a.suffixes, a.revision).cmp(&(b.letter, &b.suffixes, b.revision));
    numbers.then_with(rest) == Ordering::Less
}

struct Apk<'a> {
    numbers: Vec<&'a str>,
    letter: Option<char>,
    /// Rank and number; the end ranks 0, between what comes before a release and what after.
    suffixes: Vec<(i32, u64)>,
    revision: u64,
}

impl<'a> Apk<'a> {
    fn parse(version: &'a str) -> Self {
        let (rest, revision) = match version.rsplit_once("-r") {
            Some((rest, revision)) => (rest, revision.parse().expect("a revision")),
            None => (version, 0),
        };
        let mut parts = rest.split('_');
        let base = parts.next().expect("a split has a first part");
        let letter = base.chars().next_back().filter(char::is_ascii_lowercase);
        let numbers = base.trim_end_matches(|c: char| c.is_ascii_lowercase()).split('.').collect();
        let mut suffixes: Vec<(i32, u64)> = parts.map(suffix).collect();
        suffixes.push((0, 0));
        Self { numbers, letter, suffixes, revision }
    }
}

fn suffix(text: &str) -> (i32, u64) {
    const RANKS: [(&str, i32); 9] = [
        ("alpha", -4),
        ("beta", -3),
        ("pre", -2),
        ("rc", -1),
        ("cvs", 1),
        ("svn", 2),
        ("git", 3),
        ("hg", 4),
        ("p", 5),
    ];
    let name = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = text.trim_start_matches(name).parse().unwrap_or(0);
    let rank = RANKS.iter().find(|(known, _)| *known == name).map(|(_, rank)| *rank);
    (rank.expect("a suffix that apk knows"), number)
}

/// The first numbers by value; a later one with a leading zero is compared as a fraction.
fn compare_numbers(a: &[&str], b: &[&str]) -> Ordering {
    let value = |text: &str| text.parse::<u128>().expect("a number");
    for (at, (a, b)) in a.iter().zip(b).enumerate() {
        let fraction = at > 0 && (a.starts_with('0') || b.starts_with('0'));
        let order = if fraction { a.cmp(b) } else { value(a).cmp(&value(b)) };
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}
