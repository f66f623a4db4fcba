//! The versions that an `affected` entry names: ranges as events in the order of versions, or a list.

use std::cmp::Ordering;

use model::{Affected, VersionRange};
use version::Scheme;

use super::ZERO;
use super::record::{AffectedPackage, Event, Range};
use crate::text::Text;

/// In a limit: none.
const INFINITY: char = '*';
/// Longest list of versions; packages with the most releases have some 3 000.
const VERSIONS_LIMIT: usize = 8_000;

/// The ranges that a package manager's order applies to.
pub(super) fn ordered(affected: &AffectedPackage<'_>) -> Vec<VersionRange> {
    let is_ordered = |range: &&Range<'_>| range.r#type == "ECOSYSTEM";
    let ranges = affected.ranges.iter().flatten().filter(is_ordered);
    ranges.flat_map(|range| intervals(range.events.iter())).collect()
}

/// What is affected of a language's package: the ranges, and the versions listed that lie in none
/// of them (OSV schema, "Evaluation": either is enough). The order of events is that of versions,
/// not of the text, where they are no pairs.
///
/// A range without an end GitHub closes beside it (`last_known_affected_version_range`), as its own pages
/// and alerts do; versions that are listed because the range has no end (by osv.dev) do not count then.
///
/// # Errors
/// A list too long to be one.
pub(super) fn of_language(
    affected: &AffectedPackage<'_>,
    scheme: Scheme,
) -> Result<Vec<VersionRange>, String> {
    let is_ordered = |range: &&Range<'_>| matches!(&*range.r#type, "ECOSYSTEM" | "SEMVER");
    let ranges = affected.ranges.iter().flatten().filter(is_ordered);
    let in_order = |range: &Range<'_>| {
        let ranges = match in_pairs(&range.events, scheme) {
            true => intervals(range.events.iter()),
            false => intervals(sorted(&range.events, scheme).into_iter()),
        };
        limited(ranges, &range.events, scheme)
    };
    let never = |range: &VersionRange| {
        range.introduced.is_none() && range.until == Affected::Before(ZERO.to_owned())
    };
    let mut ranges: Vec<VersionRange> =
        ranges.flat_map(in_order).filter(|range| !never(range)).collect();
    let listed = affected.versions.as_deref().unwrap_or_default();
    // One that cannot be compared would leave every installed version undecided.
    let comparable = listed.iter().filter(|version| scheme.compare(version, version).is_ok());
    let outside = comparable.filter(|version| !ranges.iter().any(|it| holds(it, version, scheme)));
    let exactly = |version: &Text<'_>| VersionRange {
        introduced: Some(version.to_string()),
        until: Affected::Through(version.to_string()),
    };
    let outside: Vec<VersionRange> = outside.map(exactly).take(VERSIONS_LIMIT + 1).collect();
    if outside.len() > VERSIONS_LIMIT {
        return Err(format!("it lists more than {VERSIONS_LIMIT} versions beside its ranges"));
    }
    let last_known = &*affected.database_specific.last_known_affected_version_range;
    ranges.iter_mut().for_each(|range| close(range, last_known, scheme));
    ranges.extend(outside);
    Ok(ranges)
}

/// Versions below one of the limits alone can be affected (OSV schema, "Evaluation", `BeforeLimits`).
/// A limit is no fix.
fn limited(ranges: Vec<VersionRange>, events: &[Event<'_>], scheme: Scheme) -> Vec<VersionRange> {
    let limits = || events.iter().filter_map(|event| event.limit.as_deref());
    let is_version = |limit: &&str| scheme.compare(limit, limit).is_ok();
    if limits().any(|limit| limit.contains(INFINITY) || !is_version(&limit)) {
        return ranges;
    }
    let order = |a: &str, b: &str| scheme.compare(a, b).unwrap_or(Ordering::Equal);
    let Some(limit) = limits().max_by(|a, b| order(a, b)) else { return ranges };
    let begins_below = |range: &VersionRange| {
        range.introduced.as_deref().is_none_or(|begin| order(begin, limit).is_lt())
    };
    let mut ranges = ranges;
    ranges.retain(begins_below);
    for range in &mut ranges {
        let is_within = range.until.end().is_some_and(|(end, included)| match order(end, limit) {
            Ordering::Equal => !included,
            order => order.is_lt(),
        });
        if !is_within {
            let fix = range.until.fix().map(str::to_owned);
            range.until = Affected::Until { end: limit.to_owned(), included: false, fix };
        }
    }
    ranges
}

/// Ends a range that has no end of its own at what GitHub knows to be affected: `<= 29.0`, `< 0.20.2`.
fn close(range: &mut VersionRange, last_known: &str, scheme: Scheme) {
    let end = |sign: &str| last_known.strip_prefix(sign).map(str::trim);
    let (end, included) = match (end("<=").or_else(|| end("=")), end("<")) {
        (Some(end), _) => (end, true),
        (None, Some(end)) => (end, false),
        (None, None) => return,
    };
    let is_behind = match range.introduced.as_deref() {
        Some(begin) => scheme.compare(begin, end).is_ok_and(Ordering::is_le),
        None => scheme.compare(end, end).is_ok(),
    };
    if range.until == Affected::Onwards && is_behind {
        range.until = match included {
            true => Affected::Through(end.to_owned()),
            false => Affected::Until { end: end.to_owned(), included, fix: None },
        };
    }
}

/// Whether a version lies in a range; one whose ends cannot be compared with it holds nothing.
fn holds(range: &VersionRange, version: &str, scheme: Scheme) -> bool {
    let order = |end: &str| scheme.compare(version, end).ok();
    let from = range.introduced.as_deref().is_none_or(|it| order(it).is_some_and(Ordering::is_ge));
    from && range.until.end().is_none_or(|(end, included)| {
        order(end).is_some_and(|order| order.is_lt() || included && order.is_eq())
    })
}

fn sorted<'e, 'a>(events: &'e [Event<'a>], scheme: Scheme) -> Vec<&'e Event<'a>> {
    let mut sorted: Vec<&Event<'_>> =
        events.iter().filter(|event| event.version().is_some()).collect();
    sorted.sort_by(|a, b| compare(a, b, scheme));
    sorted
}

/// Whether the events are beginnings, each with its end behind it: then those are the ranges, even where
/// they overlap. In the order of versions the first end would close both.
fn in_pairs(events: &[Event<'_>], scheme: Scheme) -> bool {
    let events: Vec<&Event<'_>> = events.iter().filter(|event| event.version().is_some()).collect();
    let is_in_order = |a: &Event<'_>, b: &Event<'_>| compare(a, b, scheme).is_le();
    let is_pair = |pair: &[&Event<'_>]| match pair {
        [begin, end] => {
            begin.introduced.is_some() && end.introduced.is_none() && is_in_order(begin, end)
        }
        [last] => last.introduced.is_some() && events.iter().all(|event| is_in_order(event, last)),
        _ => false,
    };
    events.chunks(2).all(is_pair)
}

/// By version; `0` comes before all.
fn compare(a: &Event<'_>, b: &Event<'_>, scheme: Scheme) -> Ordering {
    let [a, b] = [a, b].map(|event| event.version().filter(|version| *version != ZERO));
    match (a, b) {
        (Some(a), Some(b)) => scheme.compare(a, b).unwrap_or(Ordering::Equal),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// What is affected between events, taken in their order (OSV schema, "Evaluation"): an end changes
/// nothing where nothing is affected.
fn intervals<'e, 'a: 'e>(events: impl Iterator<Item = &'e Event<'a>> + Clone) -> Vec<VersionRange> {
    let mut intervals = Vec::new();
    // What has ends alone is affected from the first version on.
    let is_begun = !events.clone().any(|event| event.introduced.is_some());
    let mut open: Option<Option<String>> = is_begun.then_some(None);
    for event in events {
        if let Some(version) = &event.introduced {
            open = open.or_else(|| Some(Some(version.to_string()).filter(|begin| begin != ZERO)));
        }
        let until = match (&event.fixed, &event.last_affected) {
            (Some(version), _) => Affected::Before(version.to_string()),
            (None, Some(version)) => Affected::Through(version.to_string()),
            (None, None) => continue,
        };
        if let Some(introduced) = open.take() {
            intervals.push(VersionRange { introduced, until });
        }
    }
    intervals.extend(open.map(|introduced| VersionRange { introduced, until: Affected::Onwards }));
    intervals
}

impl<'a> Event<'a> {
    fn version(&self) -> Option<&str> {
        let version = self.introduced.as_ref().or(self.fixed.as_ref());
        version.or(self.last_affected.as_ref()).map(|text| &**text)
    }
}
