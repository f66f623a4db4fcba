//! `rpm`, all pairs in one process.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::process::Command;

use version::{Scheme, symbol};

use super::script::talk;
use crate::nasty::Nasty;

const PAIRS: usize = 20_000;

#[test]
fn rpm_agrees() {
    if !super::runs("rpm") {
        return;
    }
    let mut nasty = Nasty::new(Scheme::Rpm, 1);
    let pairs: Vec<_> = std::iter::repeat_with(|| nasty.pair()).take(PAIRS).collect();
    let answers = answers(&pairs);
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
fn answers(pairs: &[(String, String)]) -> Vec<Ordering> {
    const SCRIPT: &str = "%{lua: local first
        for line in io.lines() do
            if first then io.write(rpm.vercmp(first, line), ' ') first = nil else first = line end
        end}";
    let lines: String = pairs.iter().map(|(a, b)| format!("{a}\n{b}\n")).collect();
    let text = talk(Command::new("rpm").args(["--eval", SCRIPT]), lines);
    text.split_whitespace().map(|word| word.parse::<i32>().expect("a number").cmp(&0)).collect()
}
