//! Debian's own `dpkg`: one process a pair, a few milliseconds each.

use std::cmp::Ordering;
use std::process::{Command, Stdio};
use std::thread;

use version::Scheme;

use crate::nasty::Nasty;

const PAIRS: usize = 2_000;

#[test]
fn dpkg_agrees() {
    if !super::runs("dpkg") {
        return;
    }
    let pairs = pairs();
    let halves = pairs.split_at(PAIRS / 2);
    let judge = |pairs: &[(String, String)]| {
        pairs.iter().filter_map(|(a, b)| objection(a, b)).collect::<Vec<_>>()
    };
    let wrong = thread::scope(|scope| {
        let first = scope.spawn(|| judge(halves.0));
        let mut wrong = judge(halves.1);
        wrong.extend(first.join().expect("the judge does not panic"));
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn pairs() -> Vec<(String, String)> {
    let mut nasty = Nasty::new(Scheme::Debian, 1);
    // A version with a hyphen in front is an option to dpkg.
    let readable = |(a, b): &(String, String)| !a.starts_with('-') && !b.starts_with('-');
    std::iter::repeat_with(|| nasty.pair()).filter(readable).take(PAIRS).collect()
}

/// dpkg confirms an order with exit code 0 and refuses a version with 2.
fn objection(a: &str, b: &str) -> Option<String> {
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
