//! Debian's own `dpkg` and `rpm` judge thousands of nasty pairs.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use version::{Scheme, symbol};

use crate::nasty::Nasty;

/// One process a pair: a few milliseconds each.
const DPKG_PAIRS: usize = 2_000;
/// All in one process.
const RPM_PAIRS: usize = 20_000;

#[test]
fn dpkg_agrees() {
    if !runs("dpkg") {
        return;
    }
    let pairs = pairs(Scheme::Debian, DPKG_PAIRS);
    let halves = pairs.split_at(DPKG_PAIRS / 2);
    let judge = |pairs: &[(String, String)]| {
        pairs.iter().filter_map(|(a, b)| dpkg_objection(a, b)).collect::<Vec<_>>()
    };
    let wrong = thread::scope(|scope| {
        let first = scope.spawn(|| judge(halves.0));
        let mut wrong = judge(halves.1);
        wrong.extend(first.join().expect("the judge does not panic"));
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// dpkg confirms an order with exit code 0 and refuses a version with 2.
fn dpkg_objection(a: &str, b: &str) -> Option<String> {
    let ours = Scheme::Debian.compare(a, b);
    let (relation, expected) = match &ours {
        Ok(Ordering::Less) => ("lt", 0),
        Ok(Ordering::Equal) => ("eq", 0),
        Ok(Ordering::Greater) => ("gt", 0),
        Err(_) => ("eq", 2),
    };
    let status = Command::new("dpkg")
        .args(["--compare-versions", a, relation, b])
        .stderr(Stdio::null())
        .status()
        .expect("dpkg runs");
    let objects = status.code() != Some(expected);
    objects.then(|| format!("`{a}` {relation} `{b}`: dpkg answers {status}, we {ours:?}"))
}

#[test]
fn rpm_agrees() {
    if !runs("rpm") {
        return;
    }
    let pairs = pairs(Scheme::Rpm, RPM_PAIRS);
    let answers = rpm_answers(&pairs);
    assert_eq!(answers.len(), pairs.len());
    let mut wrong = String::new();
    for ((a, b), theirs) in pairs.iter().zip(answers) {
        let ours = Scheme::Rpm.compare(a, b).expect("only the empty version is refused");
        if ours != theirs {
            let (ours, theirs) = (symbol(ours), symbol(theirs));
            writeln!(wrong, "`{a}` {theirs} `{b}`: we say `{ours}`").expect("memory takes it");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// rpm's embedded Lua reads one version a line and writes one order a pair; past `print`, whose
/// buffer in rpm 4.18 breaks the heap when the output is long.
fn rpm_answers(pairs: &[(String, String)]) -> Vec<Ordering> {
    const SCRIPT: &str = "%{lua: local first
        for line in io.lines() do
            if first then io.write(rpm.vercmp(first, line), ' ') first = nil else first = line end
        end}";
    let mut child = Command::new("rpm")
        .args(["--eval", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rpm runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let lines: String = pairs.iter().map(|(a, b)| format!("{a}\n{b}\n")).collect();
    let writer = thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("rpm ends");
    writer.join().expect("the writer does not panic").expect("rpm reads all");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("numbers");
    text.split_whitespace().map(|word| word.parse::<i32>().expect("a number").cmp(&0)).collect()
}

fn pairs(scheme: Scheme, count: usize) -> Vec<(String, String)> {
    let mut nasty = Nasty::new(scheme, 1);
    // A version with a hyphen in front is an option to dpkg.
    let readable = |(a, b): &(String, String)| !a.starts_with('-') && !b.starts_with('-');
    std::iter::repeat_with(|| nasty.pair()).filter(readable).take(count).collect()
}

fn runs(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("skipped: `{program}` is not installed; the tables still judge");
    }
    found
}
