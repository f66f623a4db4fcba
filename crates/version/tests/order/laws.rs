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
        if scheme.compare(&a, &b).is_ok() {
            versions.extend([a, b]);
        }
    }
    versions
}

fn compare(scheme: Scheme, a: &str, b: &str) -> Ordering {
    scheme.compare(a, b).expect("refused versions were left out")
}
