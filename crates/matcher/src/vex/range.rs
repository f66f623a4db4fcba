//! Whether a version is one of those that a product gives: a version alone, or a range in the terms of
//! VERS (package-url/vers-spec), which CSAF and CycloneDX write and the qualifier `vers` of a package
//! URL holds.
//!
//! What cannot be told is not guessed: a range without the type of its versions, or of a type whose
//! order is not that of the package's ecosystem, holds for equal versions only.

use std::cmp::Ordering;

use model::{PackageKind, Purl};
use version::Scheme;

use crate::ecosystem::{compare, scheme};

/// The types of VERS that are not called as the package URLs are.
const TYPES: [(&str, PackageKind); 3] = [
    ("alpine", PackageKind::Apk),
    ("rubygems", PackageKind::Gem),
    ("packagist", PackageKind::Composer),
];

/// Whether two spellings mean the same version, as the ecosystem compares them. What stands behind a
/// `+` counts: of a build that somebody made himself (`1.2.3+ours`) others say nothing.
pub(super) fn is_same(kind: PackageKind, one: &str, other: &str) -> bool {
    let build = |version: &str| version.split_once('+').map(|(_, build)| build.to_owned());
    let equal = || compare(kind, bare(kind, one), bare(kind, other)) == Some(Ordering::Equal);
    one == other || (build(one) == build(other) && equal())
}

/// Go and Composer set a `v` before versions, or leave it out.
fn bare(kind: PackageKind, version: &str) -> &str {
    let plain = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let is_number = plain.starts_with(|c: char| c.is_ascii_digit());
    match kind {
        PackageKind::Composer | PackageKind::Golang if is_number => plain,
        _ => version,
    }
}

/// Whether a range holds a version of this kind of package; None where that cannot be told.
pub(super) fn holds(range: &str, kind: PackageKind, version: &str) -> Option<bool> {
    let (of, constraints) = range.trim().strip_prefix("vers:")?.split_once('/')?;
    let of = of.to_ascii_lowercase();
    let ordered = of == kind.name()
        || (of == "semver" && is_semver(kind))
        || TYPES.iter().any(|(name, it)| *name == of && *it == kind);
    let all: Vec<(Sign, String)> = constraints.split('|').map(constraint).collect::<Option<_>>()?;
    if constraints.trim() == "*" {
        return Some(true);
    }
    if all.is_empty() || all.iter().any(|(_, bound)| bound.is_empty() || bound == "*") {
        return None;
    }
    let equal = all.iter().find(|(_, bound)| is_same(kind, bound, version));
    match equal.map(|(sign, _)| sign) {
        Some(Sign::Equal | Sign::Least | Sign::Most) => return Some(true),
        Some(Sign::Except) => return Some(false),
        Some(Sign::Above | Sign::Below) | None => {}
    }
    let is_bound = |(sign, _): &&(Sign, String)| !matches!(sign, Sign::Equal | Sign::Except);
    let bounds: Vec<&(Sign, String)> = all.iter().filter(is_bound).collect();
    if bounds.is_empty() {
        // Of a list that only takes away nobody says what it takes away from.
        return all.iter().any(|(sign, _)| *sign == Sign::Equal).then_some(false);
    }
    if ordered { between(&bounds, kind, version) } else { None }
}

/// Whether a version lies between two neighbours that face each other, or beyond the outermost.
fn between(bounds: &[&(Sign, String)], kind: PackageKind, version: &str) -> Option<bool> {
    let compare = |one: &str, other: &str| compare(kind, bare(kind, one), bare(kind, other));
    let is_sorted = bounds.windows(2).map(|pair| match pair {
        [(_, one), (_, other)] => compare(one, other).map(Ordering::is_lt),
        _ => Some(true),
    });
    if !is_sorted.collect::<Option<Vec<bool>>>()?.into_iter().all(|it| it) {
        return None;
    }
    let placed: Vec<(bool, Ordering)> = bounds
        .iter()
        .map(|(sign, bound)| Some((sign.is_upper(), compare(version, bound)?)))
        .collect::<Option<_>>()?;
    let is_below_all = placed.first().is_some_and(|(upper, it)| *upper && it.is_lt());
    let is_above_all = placed.last().is_some_and(|(upper, it)| !upper && it.is_gt());
    let is_inside = placed.windows(2).any(|pair| match pair {
        [(false, one), (true, other)] => one.is_gt() && other.is_lt(),
        _ => false,
    });
    Some(is_below_all || is_above_all || is_inside)
}

/// Kinds that semantic versioning alone orders.
fn is_semver(kind: PackageKind) -> bool {
    matches!(
        scheme(kind),
        Some(Scheme::Cargo | Scheme::Hex | Scheme::Npm | Scheme::Semver | Scheme::Swift)
    )
}

/// How a version bounds a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Above,
    Below,
    Equal,
    Except,
    /// Or equal.
    Least,
    /// Or equal.
    Most,
}

impl Sign {
    fn is_upper(self) -> bool {
        matches!(self, Self::Below | Self::Most)
    }
}

/// The longer signs first.
const SIGNS: [(&str, Sign); 6] = [
    (">=", Sign::Least),
    ("<=", Sign::Most),
    ("!=", Sign::Except),
    (">", Sign::Above),
    ("<", Sign::Below),
    ("=", Sign::Equal),
];

/// A sign and a version, whose escapes are undone; None for what begins like none.
fn constraint(text: &str) -> Option<(Sign, String)> {
    let text = text.trim();
    let signed = SIGNS.iter().find_map(|(sign, it)| Some((*it, text.strip_prefix(sign)?)));
    let (sign, version) = signed.unwrap_or((Sign::Equal, text));
    let version = Purl::unescape(version.trim());
    let is_plain = !version.starts_with(['<', '>', '=', '!', '~', '^']);
    is_plain.then_some((sign, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_it_says() {
        use PackageKind::{Apk, Deb, Golang, Npm, Pypi};
        for (kind, range, version, expected) in [
            (Pypi, "vers:pypi/<3.2.10", "3.2.0", Some(true)),
            (Pypi, "vers:pypi/<3.2.10", "3.2.10", Some(false)),
            (Pypi, "vers:pypi/<=3.2.10", "3.2.10.0", Some(true)),
            (Pypi, "vers:pypi/>=3.2.11", "3.2.0", Some(false)),
            (Pypi, "vers:pypi/>=3.2.11", "4.0", Some(true)),
            (Pypi, "vers:pypi/3.2.11|4.0.1", "4.0.1", Some(true)),
            (Pypi, "vers:pypi/3.2.11|4.0.1", "4.0", Some(false)),
            (Pypi, "vers:pypi/>=1.0|!=1.5|<2.0", "1.5", Some(false)),
            (Pypi, "vers:pypi/>=1.0|!=1.5|<2.0", "1.6", Some(true)),
            (Pypi, "vers:pypi/>=1.0|<2.0|>=3.0|<4.0", "2.5", Some(false)),
            (Pypi, "vers:pypi/>=1.0|<2.0|>=3.0|<4.0", "3.5", Some(true)),
            (Pypi, "vers:pypi/*", "1", Some(true)),
            (Pypi, "vers:PyPI/<2", "1", Some(true)),
            (Pypi, "vers:pypi/1.0%2Blocal", "1.0+local", Some(true)),
            (Pypi, "vers:pypi/1.0", "1.0+local", Some(false)),
            (Deb, "vers:deb/>=1:2-1", "2-1", Some(false)),
            (Apk, "vers:alpine/<1.2-r1", "1.2-r0", Some(true)),
            (Golang, "vers:golang/>=1.2.0|<v2", "v1.3.0", Some(true)),
            (Npm, "vers:semver/>=1.2.0", "1.3.0", Some(true)),
            // What cannot be told.
            (Npm, "vers:npm/!=1.2.0", "1.3.0", None),
            (Npm, "vers:npm/<2|>1", "1.5.0", None),
            (Npm, "vers:pypi/<2.0.0", "1.0.0", None),
            (Npm, "vers:generic/<2.0.0", "1.0.0", None),
            (Npm, "vers:generic/2.0.0", "2.0.0", Some(true)),
            (Pypi, "vers:semver/<2.0.0", "1.0.0", None),
            (Npm, "<2.0.0", "1.0.0", None),
            (Npm, "vers:npm/", "1.0.0", None),
            (Npm, "vers:npm/>=1|", "2.0.0", None),
            (Npm, "vers:npm/~1.0.0", "1.0.0", None),
            (Npm, "vers:npm/<x", "1.0.0", None),
            (Npm, "", "1.0.0", None),
        ] {
            assert_eq!(holds(range, kind, version), expected, "{range} {version}");
        }
    }

    #[test]
    fn versions_are_the_same_as_their_ecosystem_says() {
        use PackageKind::{Cargo, Composer, Golang, Nuget, Pypi, Rpm};
        for (kind, one, other, expected) in [
            (Pypi, "5.3", "5.3.0", true),
            (Composer, "v4.4.0", "4.4.0", true),
            (
                Golang,
                "v0.0.0-20210226172049-e18ecbb05110",
                "0.0.0-20210226172049-e18ecbb05110",
                true,
            ),
            (Golang, "v20.10.7+incompatible", "v20.10.7", false),
            (Nuget, "12.0.1.0", "12.0.1", true),
            (Cargo, "1.0.0+ours", "1.0.0", false),
            (Rpm, "0:1.1-5", "1.1-5", true),
            (Pypi, "nonsense", "other", false),
        ] {
            assert_eq!(is_same(kind, one, other), expected, "{one} {other}");
        }
    }
}
