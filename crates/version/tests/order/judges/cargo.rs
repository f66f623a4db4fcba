//! The `semver` crate, which is cargo's own.

use version::{Range, Scheme};

use crate::nasty::Nasty;
use crate::nasty_range::NastyRange;

const PAIRS: usize = 50_000;

#[test]
fn cargo_agrees_on_the_order() {
    let mut nasty = Nasty::new(Scheme::Cargo, 1);
    let mut judged = 0;
    for (a, b) in std::iter::repeat_with(|| nasty.pair()).take(PAIRS) {
        if let (Ok(theirs_a), Ok(theirs_b)) = (a.parse::<semver::Version>(), b.parse()) {
            let theirs = theirs_a.cmp_precedence(&theirs_b);
            assert_eq!(Scheme::Cargo.compare(&a, &b), Ok(theirs), "`{a}` `{b}`");
            judged += 1;
        }
    }
    assert!(judged > PAIRS / 50, "only {judged} pairs were judged");
}

#[test]
fn cargo_agrees_on_ranges() {
    let mut nasty = NastyRange::new(Scheme::Cargo, 1).expect("a judged grammar");
    let (mut judged, mut wrong) = (0, Vec::new());
    for _ in 0..PAIRS {
        let (range, version) = (nasty.range(), nasty.version());
        let theirs = range.parse::<semver::VersionReq>();
        let is_partial = |part: &str| part.replace(".*", "").matches('.').count() < 2;
        if version.contains('-') && range.split(',').any(is_partial) {
            // Where the crate is not of one mind; see `range/cargo.rs`.
            continue;
        }
        if let (Ok(theirs), Ok(their_version)) = (theirs, version.parse()) {
            let ours = Range::parse(Scheme::Cargo, &range).expect(&range);
            let ours = ours.contains(&version).expect("a lawful version");
            if ours != theirs.matches(&their_version) {
                wrong.push(format!("`{range}` `{version}`: we say {ours}"));
            }
            judged += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged > PAIRS / 50, "only {judged} ranges were judged");
}
