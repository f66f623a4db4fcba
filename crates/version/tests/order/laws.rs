//! The laws that make an order: what is sorted by it, or looked up in ranges, would be wrong
//! without them.

use std::cmp::Ordering;

use version::Scheme;

use crate::nasty::Nasty;

/// All triples of these are tried.
const VERSIONS: usize = 150;

#[test]
fn every_order_is_total() {
    for &scheme in Scheme::ALL {
        let versions = accepted(scheme);
        let order: Vec<Vec<Ordering>> = versions
            .iter()
            .map(|a| versions.iter().map(|b| compare(scheme, a, b)).collect())
            .collect();
        for (a, row) in order.iter().enumerate() {
            assert_eq!(row[a], Ordering::Equal, "{}", versions[a]);
            for (b, &ab) in row.iter().enumerate() {
                assert_eq!(ab, order[b][a].reverse(), "{} {}", versions[a], versions[b]);
                for (c, &bc) in order[b].iter().enumerate() {
                    if ab.is_le() && bc.is_le() {
                        let strict = ab.is_lt() || bc.is_lt();
                        let expected = if strict { Ordering::Less } else { Ordering::Equal };
                        let names = [&versions[a], &versions[b], &versions[c]];
                        assert_eq!(row[c], expected, "{} {names:?}", scheme.name());
                    }
                }
            }
        }
    }
}

/// Versions close to each other, so that the triples decide late.
fn accepted(scheme: Scheme) -> Vec<String> {
    let mut nasty = Nasty::new(scheme, 7);
    let mut versions = Vec::new();
    while versions.len() < VERSIONS {
        let (a, b) = nasty.pair();
        if scheme.compare(&a, &b).is_ok() && is_lawful(scheme, &a) && is_lawful(scheme, &b) {
            versions.extend([a, b]);
        }
    }
    versions
}

/// Maven's own order breaks its law where a component that is empty or means nothing stands before
/// a hyphen (`1-0-alpha` < `1` < `1-foo` < `1-0-alpha`), and where a word stands between a dot and a
/// separator (`1.foo-x` < `1-alpha` < `1` < `1.foo-x`). There we follow Maven, not the law.
fn is_lawful(scheme: Scheme, version: &str) -> bool {
    const NOTHING: &[&str] = &["ga", "final", "release"];
    let lower = version.to_lowercase();
    let is_zero = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte == b'0');
    let is_word = |part: &str| !part.contains(|c: char| c.is_ascii_digit());
    let mut after_dots = lower.split('.').skip(1).peekable();
    let mut has_word_inside = false;
    while let Some(part) = after_dots.next() {
        let word = part.split('-').next().unwrap_or(part);
        has_word_inside |= is_word(word) && (word != part || after_dots.peek().is_some());
    }
    scheme != Scheme::Maven
        || (!has_word_inside
            && !lower.split(['.', '-']).any(str::is_empty)
            && !lower.split(|c: char| !c.is_ascii_digit()).any(is_zero)
            && !lower.split(|c: char| !c.is_alphabetic()).any(|word| NOTHING.contains(&word)))
}

fn compare(scheme: Scheme, a: &str, b: &str) -> Ordering {
    scheme.compare(a, b).expect("refused versions were left out")
}
