//! What somebody says not to report: one a line, with who says so and why.

use super::{Look, count, line};
use crate::Report;
use crate::text::{printable, wrap};

/// How many are spelled out; the JSON report has them all.
const SHOWN: usize = 20;

/// Every silenced finding and whatever else an exception covers.
pub(super) fn silenced(text: &mut String, report: &Report, look: Look) {
    let all = report.silenced.len() + report.excepted.len();
    if all == 0 {
        return;
    }
    line(text, format_args!("{} silenced", count(all, "thing is", "things are")));
    let findings = report.silenced.iter().map(|it| {
        let package = &it.finding.package.name;
        Row {
            what: format!("{} in {package}", it.finding.id),
            owner: &it.owner,
            source: &it.source,
            expires: it.expires.as_deref(),
            reason: &it.reason,
        }
    });
    let others = report.excepted.iter().map(|it| Row {
        what: format!("{} {} in {}", it.kind, it.id, it.place),
        owner: &it.owner,
        source: &it.source,
        expires: it.expires.as_deref(),
        reason: &it.reason,
    });
    for row in findings.chain(others).take(SHOWN) {
        let said = row.to_string();
        let width = look.width.map(|width| width.saturating_sub(2));
        line(text, format_args!("  {}", wrap(&printable(&said), width)));
    }
    if let Some(more) = all.checked_sub(SHOWN).filter(|more| *more > 0) {
        line(text, format_args!("  and {more} more (all are in the JSON report)"));
    }
}

struct Row<'a> {
    what: String,
    owner: &'a str,
    source: &'a str,
    expires: Option<&'a str>,
    reason: &'a str,
}

impl std::fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, owner, source, expires, reason } = self;
        // Who answers for it; where nobody does, the file that says so.
        let by = if owner.is_empty() { source } else { owner };
        write!(f, "{what}: {reason} ({by}")?;
        expires.iter().try_for_each(|date| write!(f, ", up to {date}"))?;
        f.write_str(")")
    }
}
