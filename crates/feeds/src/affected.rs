//! From conditions on versions, as the databases of languages write them, to the ranges affected.
//!
//! RustSec and RubySec say which versions are *not* affected (`patched`, `unaffected`); the affected
//! ones are what these leave over. FriendsOfPHP and CPANSA say which are. Both are told as cuts between
//! versions: `>= 1.2` begins just before `1.2`, `> 1.2` just after it.
//!
//! What cannot be said as a few ranges (`!= 1.2`) is refused, never guessed.

use std::cmp::Ordering;

use model::{Affected, VersionRange};
use version::{Range, Relation, Scheme};

/// A place in the order of versions: just before a version, or just after it.
#[derive(Clone, Debug)]
struct Cut {
    version: String,
    after: bool,
}

/// All versions between two cuts; None is without end.
#[derive(Clone, Debug, Default)]
struct Span {
    from: Option<Cut>,
    to: Option<Cut>,
}

/// The versions that are in none of these ranges, in the ecosystem's order.
pub(crate) fn outside<'t>(
    scheme: Scheme,
    ranges: impl IntoIterator<Item = &'t str>,
) -> Result<Vec<VersionRange>, String> {
    let mut spans = Vec::new();
    for text in ranges {
        let range = Range::parse(scheme, text).map_err(|error| error.to_string())?;
        spans.extend(self::spans(scheme, &range)?);
    }
    spans.sort_by(|a, b| match (&a.from, &b.from) {
        (Some(a), Some(b)) => compare(scheme, a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    let starts: Vec<Cut> = spans.iter().filter_map(|span| span.from.clone()).collect();
    let mut ranges = ranges_of(scheme, gaps(scheme, spans))?;
    for range in &mut ranges {
        name_fix(scheme, &starts, &mut range.until);
    }
    Ok(ranges)
}

/// What sorted spans leave over.
fn gaps(scheme: Scheme, spans: Vec<Span>) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut reached: Option<Cut> = None;
    for Span { from, to } in spans {
        if let Some(from) = from {
            gaps.push(Span { from: reached.clone(), to: Some(from) });
        }
        let Some(to) = to else { return gaps };
        let is_later = |old: &Cut| compare(scheme, old, &to).is_lt();
        if reached.as_ref().is_none_or(is_later) {
            reached = Some(to);
        }
    }
    gaps.push(Span { from: reached, to: None });
    gaps
}

/// What ends just behind a version (`> 4.2.3` is not affected) has no fix in its own words; the next
/// version from which something is sound (`>= 4.2.4`, as RubySec's CVE-2019-16060 says beside it) is one.
/// `starts` are sorted.
fn name_fix(scheme: Scheme, starts: &[Cut], until: &mut Affected) {
    let Affected::Through(last) = until else { return };
    let last_cut = Cut { version: std::mem::take(last), after: true };
    let is_next = |cut: &&Cut| !cut.after && compare(scheme, cut, &last_cut).is_gt();
    let fix = starts.iter().find(is_next).map(|cut| cut.version.clone());
    *until = match fix {
        None => Affected::Through(last_cut.version),
        fix => Affected::Until { end: last_cut.version, included: true, fix },
    };
}

/// The versions for which conditions set apart by commas hold, by the order alone.
pub(crate) fn within(scheme: Scheme, conditions: &str) -> Result<Vec<VersionRange>, String> {
    let range = Range::plain(scheme, conditions).map_err(|error| error.to_string())?;
    ranges_of(scheme, spans(scheme, &range)?)
}

/// One span for each alternative.
fn spans(scheme: Scheme, range: &Range) -> Result<Vec<Span>, String> {
    let mut spans = Vec::new();
    for conditions in range.alternatives() {
        let mut span = Span::default();
        for (relation, version) in conditions {
            let cut = |after| Cut { version: version.to_owned(), after };
            let (from, to) = match relation {
                Relation::Less => (None, Some(cut(false))),
                Relation::LessEqual => (None, Some(cut(true))),
                Relation::GreaterEqual => (Some(cut(false)), None),
                Relation::Greater => (Some(cut(true)), None),
                Relation::Equal | Relation::Same => (Some(cut(false)), Some(cut(true))),
                Relation::NotEqual => {
                    return Err(format!("`!= {version}` is no range of versions"));
                }
            };
            span.narrow(scheme, from, to);
        }
        spans.push(span);
    }
    spans.retain(|span| !span.is_empty(scheme));
    Ok(spans)
}

impl Span {
    fn narrow(&mut self, scheme: Scheme, from: Option<Cut>, to: Option<Cut>) {
        let later = |old: &Cut, new: &Cut| compare(scheme, old, new).is_lt();
        if let Some(from) = from
            && self.from.as_ref().is_none_or(|old| later(old, &from))
        {
            self.from = Some(from);
        }
        if let Some(to) = to
            && self.to.as_ref().is_none_or(|old| later(&to, old))
        {
            self.to = Some(to);
        }
    }

    fn is_empty(&self, scheme: Scheme) -> bool {
        let (Some(from), Some(to)) = (&self.from, &self.to) else { return false };
        compare(scheme, from, to).is_ge()
    }
}

/// A [`Range`] holds only versions that its scheme can compare.
fn compare(scheme: Scheme, a: &Cut, b: &Cut) -> Ordering {
    let versions = scheme.compare(&a.version, &b.version).unwrap_or(Ordering::Equal);
    versions.then(a.after.cmp(&b.after))
}

fn ranges_of(scheme: Scheme, spans: Vec<Span>) -> Result<Vec<VersionRange>, String> {
    let full = spans.into_iter().filter(|span| !span.is_empty(scheme));
    let range = |Span { from, to }| {
        let introduced = from.map(|from| first_version(scheme, from)).transpose()?;
        let until = match to {
            None => Affected::Onwards,
            Some(Cut { version, after: false }) => Affected::Before(version),
            Some(Cut { version, after: true }) => Affected::Through(version),
        };
        Ok(VersionRange { introduced, until })
    };
    full.map(range).collect()
}

/// The first version behind a cut. Behind a version itself it is one that nobody would release.
fn first_version(scheme: Scheme, cut: Cut) -> Result<String, String> {
    let Cut { version, after } = cut;
    if !after {
        return Ok(version);
    }
    let next = match scheme {
        Scheme::Cargo => next_semver(&version),
        Scheme::Gem => Some(format!("{version}.0.1")),
        Scheme::Composer => Some(format!("{version}-p0")),
        Scheme::Cpan => Some(next_cpan(&version)),
        _ => None,
    };
    let is_next = |next: &String| scheme.compare(&version, next).is_ok_and(Ordering::is_lt);
    next.filter(is_next).ok_or_else(|| format!("no version follows `{version}`"))
}

/// `1.2.4-0` follows `1.2.3`, `1.2.3-rc.1.0` follows `1.2.3-rc.1` (SemVer 2.0.0, section 11).
fn next_semver(version: &str) -> Option<String> {
    if version.contains('-') {
        return Some(format!("{version}.0"));
    }
    let (release, patch) = version.rsplit_once('.')?;
    let patch: u64 = patch.parse().ok()?;
    Some(format!("{release}.{}-0", patch.checked_add(1)?))
}

/// In lists `1.2.3.0.0.1` follows `1.2.3`, in fractions `1.2000000001` follows `1.2`: what stands between
/// has further zeros yet.
fn next_cpan(version: &str) -> String {
    match version.matches('.').count() {
        0 if !version.starts_with('v') => format!("{version}.000000001"),
        1 if !version.starts_with('v') => format!("{version}000000001"),
        // An underscore may stand behind the last dot alone.
        _ => format!("{}.0.0.1", version.replace('_', "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ranges: Result<Vec<VersionRange>, String>) -> String {
        let one = |range: VersionRange| {
            let from = range.introduced.map(|from| format!(">={from}")).unwrap_or_default();
            match range.until {
                Affected::Onwards => format!("{from}…"),
                Affected::Before(version) => format!("{from}<{version}"),
                Affected::Through(version) => format!("{from}<={version}"),
                Affected::Until { end, fix, .. } => format!("{from}<={end}({})", fix.unwrap()),
            }
        };
        match ranges {
            Ok(ranges) => ranges.into_iter().map(one).collect::<Vec<_>>().join(" "),
            Err(error) => error,
        }
    }

    #[test]
    fn what_is_left_over_is_affected() {
        let cases: [(Scheme, &[&str], &str); 18] = [
            (Scheme::Cargo, &[], "…"),
            (Scheme::Cargo, &[">= 0.9.1"], "<0.9.1"),
            (Scheme::Cargo, &["^1.2.3", ">= 2.0.4"], "<1.2.3 >=2.0.0-0<2.0.4"),
            (Scheme::Cargo, &[">= 2.0.4", "< 1.0.0", "^1.2.3"], ">=1.0.0<1.2.3 >=2.0.0-0<2.0.4"),
            (Scheme::Cargo, &["<= 1.0.0"], ">=1.0.1-0…"),
            (Scheme::Cargo, &["> 1.0.0"], "<=1.0.0"),
            (Scheme::Cargo, &["=1.0.0", "=1.0.1"], "<1.0.0 >=1.0.1-0<1.0.1 >=1.0.2-0…"),
            (Scheme::Cargo, &[">= 0"], "<0.0.0"),
            (Scheme::Cargo, &[">= 1.0.0", ">= 0.5.0, < 2.0.0"], "<0.5.0"),
            (Scheme::Cargo, &["*"], ""),
            (Scheme::Cargo, &["what"], "range `what`: `what` is not a condition"),
            (Scheme::Gem, &["~> 2.1.5", ">= 2.2.3"], "<2.1.5 >=2.2.A<2.2.3"),
            (Scheme::Gem, &["<= 1.0"], ">=1.0.0.1…"),
            (Scheme::Gem, &["!= 1.0"], "`!= 1.0` is no range of versions"),
            (Scheme::Gem, &["< 1", "> 2, < 2"], ">=1…"),
            (Scheme::Gem, &["< 4.2.3", "> 4.2.3", ">= 4.2.4"], ">=4.2.3<=4.2.3(4.2.4)"),
            (Scheme::Gem, &["> 4.2.3", ">= 4.2.2.1, < 4.2.3"], "<4.2.2.1 >=4.2.3<=4.2.3"),
            (Scheme::Cargo, &["> 1.0.0, < 1.1.0", ">= 1.2.0"], "<=1.0.0(1.2.0) >=1.1.0<1.2.0"),
        ];
        for (scheme, ranges, expected) in cases {
            assert_eq!(shown(outside(scheme, ranges.iter().copied())), expected, "{ranges:?}");
        }
    }

    #[test]
    fn conditions_hold_together() {
        let cases = [
            (Scheme::Composer, ">=2.0.0,<2.0.99", ">=2.0.0<2.0.99"),
            (Scheme::Composer, "<1.5", "<1.5"),
            (Scheme::Composer, ">1.0,<=1.2", ">=1.0-p0<=1.2"),
            (Scheme::Composer, ">=2,<1", ""),
            // Perl's `version` finds each of these to follow, and the next release that stands behind.
            (Scheme::Cpan, ">0", ">=0.000000001…"),
            (Scheme::Cpan, ">0.24", ">=0.24000000001…"),
            (Scheme::Cpan, ">1.,<2", ">=1.000000001<2"),
            (Scheme::Cpan, ">804.027_500,<=804.036", ">=804.027_500000000001<=804.036"),
            (Scheme::Cpan, ">0.017.1,<0.018.1", ">=0.017.1.0.0.1<0.018.1"),
            (Scheme::Cpan, ">v5", ">=v5.0.0.1…"),
            (Scheme::Cpan, ">v1.2.3_4", ">=v1.2.34.0.0.1…"),
            (Scheme::Cpan, ">1.2,<1.2000", ""),
            (Scheme::Cpan, ">v1.", "no version follows `v1.`"),
        ];
        for (scheme, conditions, expected) in cases {
            assert_eq!(shown(within(scheme, conditions)), expected, "{conditions}");
        }
    }
}
