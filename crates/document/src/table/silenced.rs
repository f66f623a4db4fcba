//! What was found and somebody says not to report: how much, what, and why.

use super::{Look, count, line};
use crate::Report;
use crate::text::{cell, printable, wrap};

/// How many are spelled out; the JSON report has them all.
const SHOWN: usize = 10;

pub(super) fn silenced(text: &mut String, report: &Report, look: Look) {
    if report.silenced.is_empty() {
        return;
    }
    let number = count(report.silenced.len(), "vulnerability", "vulnerabilities");
    line(text, format_args!("{number} silenced:"));
    for it in report.silenced.iter().take(SHOWN) {
        let (id, package) = (cell(&it.finding.id), cell(&it.finding.package.name));
        let expires = it.expires.as_ref().map(|date| format!(", until {date}")).unwrap_or_default();
        let (reason, source) = (printable(&it.reason), printable(&it.source));
        let said = format!("{id} in {package}: {reason} ({} of {source}{expires})", it.by.name());
        line(text, format_args!("  {}", wrap(&printable(&said), look.width)));
    }
    if let Some(more) = report.silenced.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        line(text, format_args!("  and {more} more"));
    }
}
