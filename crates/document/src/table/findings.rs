//! The table of findings itself: what to fix first, in as many columns as fit.

use std::cmp::Reverse;

use anstyle::Style;
use model::{Finding, Status};

use super::{Look, line, paint, severity_style};
use crate::Report;
use crate::text::{cell, pad, widths};

const HEAD: [&str; 7] =
    ["SEVERITY", "VULNERABILITY", "PACKAGE", "INSTALLED", "FIXED IN", "EPSS", "LAYER"];

/// The columns that a narrow window goes without, the most dispensable first.
const DISPENSABLE: [usize; 3] = [6, 5, 3];

/// Between two columns.
const GAP: &str = "  ";

/// The findings of a report, one a line; what a narrow window has no room for is named below.
pub(super) fn findings(text: &mut String, report: &Report, look: Look) {
    let sorted = fix_first(&report.findings);
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(sorted.iter().map(|finding| row(finding)));
    let widths = widths(&rows);
    let hidden = hidden(&widths, look.width);
    let is_shown = |(column, _): &(usize, String)| !hidden.contains(column);
    let mut rows = rows.iter().map(|row| {
        let cells = pad(row, &widths).into_iter().enumerate().filter(is_shown);
        cells.map(|(_, cell)| cell).collect::<Vec<_>>()
    });
    if let Some(head) = rows.next() {
        let head = paint(head.join(GAP).trim_end(), Style::new().bold(), look);
        line(text, format_args!("{head}"));
    }
    for (finding, mut cells) in sorted.iter().zip(rows) {
        if let Some(first) = cells.first_mut() {
            *first = paint(first, severity_style(finding.severity), look);
        }
        line(text, format_args!("{}", cells.join(GAP).trim_end()));
    }
    if !hidden.is_empty() {
        let names: Vec<&str> =
            hidden.iter().filter_map(|column| HEAD.get(*column).copied()).collect();
        line(text, format_args!("({} left out: the window is narrow)", names.join(", ")));
    }
}

/// The columns to go without, so that lines fit as well as they can.
fn hidden(widths: &[usize; 7], window: Option<usize>) -> &'static [usize] {
    let room = window.unwrap_or(usize::MAX);
    let needed = |hidden: &[usize]| {
        let shown = (0..widths.len()).filter(|column| !hidden.contains(column));
        shown.filter_map(|column| widths.get(column)).map(|width| width + GAP.len()).sum::<usize>()
    };
    let fits = |hidden: &&[usize]| needed(hidden).saturating_sub(GAP.len()) <= room;
    let mut choices = (0..=DISPENSABLE.len()).filter_map(|count| DISPENSABLE.get(..count));
    choices.find(fits).unwrap_or(&DISPENSABLE)
}

/// The worst and most likely first: known exploited, then severity, then whether a fix exists,
/// then the probability of exploitation.
fn fix_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_cached_key(|finding| {
        let probability = finding.epss.map_or(0.0, |(probability, _)| probability);
        // EPSS has five decimal places; as an integer it can be a sort key.
        let rank = format!("{:08.0}", probability * 1e7);
        let doubtful = matches!(finding.status, Status::UnderInvestigation | Status::Undetermined);
        (
            doubtful,
            finding.kev.is_none(),
            Reverse(finding.severity),
            finding.fixed_version.is_none(),
            Reverse(rank),
            finding.package.source_name().to_owned(),
            Reverse(finding.id.clone()),
            finding.package.name.clone(),
        )
    });
    sorted
}

fn row(finding: &Finding) -> [String; 7] {
    let fixed = match (&finding.fixed_version, finding.status) {
        (Some(version), _) => version.clone(),
        (None, Status::Affected) => "no fix yet".to_owned(),
        (None, status) => status.name().replace('_', " "),
    };
    let id = if finding.kev.is_some() {
        format!("{} exploited!", finding.id)
    } else {
        finding.id.clone()
    };
    let epss = finding.epss.map(|(probability, _)| format!("{:.1}%", probability * 100.0));
    [
        finding.severity.to_string(),
        cell(&id),
        cell(&finding.package.name),
        cell(&finding.package.version),
        cell(&fixed),
        epss.unwrap_or_default(),
        finding.package.location.layer.map(|layer| layer.to_string()).unwrap_or_default(),
    ]
}
