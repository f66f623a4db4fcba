//! The findings, package by package: what to upgrade, and what is mended by it.
//!
//! Packages come in the order of their worst finding, and so do the findings of one; a line has as
//! many columns as fit.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use anstyle::{AnsiColor, Style};
use model::{Finding, Status};

use super::{Look, line, paint, rated, severity_style};
use crate::text::{cell, pad, widths};
use crate::{Report, Upgrade};

const HEAD: [&str; 6] = ["SEVERITY", "VULNERABILITY", "PACKAGE", "FIXED IN", "EPSS", "LAYER"];

/// The columns that a narrow window goes without, the most dispensable first.
const DISPENSABLE: [usize; 3] = [5, 4, 2];

/// Before a finding, so that its package stands out.
const INDENT: &str = "  ";
/// Between two columns.
const GAP: &str = "  ";
/// Files of one package that are named.
const PLACES_MAX: usize = 3;
/// Said of what is known to be exploited.
const EXPLOITED: &str = "exploited!";

/// The findings of a report, one a line; what a narrow window has no room for is named below.
pub(super) fn findings(text: &mut String, report: &Report, look: Look) {
    let sorted = fix_first(&report.findings);
    let rows: Vec<[String; 6]> = sorted.iter().map(|finding| row(finding)).collect();
    let all: Vec<[String; 6]> = std::iter::once(HEAD.map(str::to_owned)).chain(rows).collect();
    let widths = widths(&all);
    let hidden = hidden(&widths, look.width);
    let shown = |row: &[String; 6]| -> Vec<String> {
        let cells = pad(row, &widths).into_iter().enumerate();
        cells.filter(|(column, _)| !hidden.contains(column)).map(|(_, cell)| cell).collect()
    };
    let mut rows = all.iter();
    if let Some(head) = rows.next() {
        let head = paint(shown(head).join(GAP).trim_end(), Style::new().bold(), look);
        line(text, format_args!("{INDENT}{head}"));
    }
    for (package, members) in groups(&sorted, rows) {
        text.push('\n');
        line(text, format_args!("{}", title(&package, &members, &report.upgrades, look)));
        if let Some(places) = places(&members) {
            line(text, format_args!("{INDENT}{}", paint(&places, Style::new().dimmed(), look)));
        }
        for (finding, row) in members {
            let mut cells = shown(row);
            if let Some(first) = cells.first_mut() {
                *first = paint(first, severity_style(finding.severity), look);
            }
            if let (Some(id), Some(_)) = (cells.get_mut(1), &finding.kev) {
                *id = id.replace(EXPLOITED, &paint(EXPLOITED, alarm(), look));
            }
            line(text, format_args!("{INDENT}{}", cells.join(GAP).trim_end()));
        }
    }
    if !hidden.is_empty() {
        let names: Vec<&str> =
            hidden.iter().filter_map(|column| HEAD.get(*column).copied()).collect();
        text.push('\n');
        line(text, format_args!("({} left out: the window is narrow)", names.join(", ")));
    }
}

/// A finding and its line.
type Member<'a> = (&'a Finding, &'a [String; 6]);

/// The findings by what is upgraded (mostly the source package) and its installed version, in the order in
/// which those first come.
fn groups<'a>(
    sorted: &[&'a Finding],
    rows: impl Iterator<Item = &'a [String; 6]>,
) -> Vec<((&'a str, &'a str), Vec<Member<'a>>)> {
    let mut positions = BTreeMap::new();
    let mut groups: Vec<((&str, &str), Vec<Member<'_>>)> = Vec::new();
    for (finding, row) in sorted.iter().copied().zip(rows) {
        let package = &finding.package;
        let key = match package.counts_apart() {
            true => finding.upgraded(),
            false => (package.source_name(), package.version.as_str()),
        };
        let position = *positions.entry(key).or_insert(groups.len());
        match groups.get_mut(position) {
            Some((_, members)) => members.push((finding, row)),
            None => groups.push((key, vec![(finding, row)])),
        }
    }
    groups
}

/// `openssl 3.0.11-1 → upgrade to 3.0.15-1`
fn title(
    (name, version): &(&str, &str),
    members: &[Member<'_>],
    upgrades: &[Upgrade],
    look: Look,
) -> String {
    let name = paint(&cell(name), Style::new().bold(), look);
    let moved = |upgrade: &&Upgrade| {
        members.iter().any(|(finding, _)| {
            finding.fixed_version.is_some() && upgrade.moves.contains(&finding.package.name)
        })
    };
    let upgrade = match upgrades.iter().find(moved) {
        Some(upgrade) => {
            let to = format!("→ upgrade to {}", cell(&upgrade.to));
            paint(&to, Style::new().fg_color(Some(AnsiColor::Green.into())), look)
        }
        None => String::new(),
    };
    format!("{name} {} {upgrade}", cell(version)).trim_end().to_owned()
}

/// Where packages lie that no package manager of the system has: `in app/package-lock.json`.
fn places(members: &[Member<'_>]) -> Option<String> {
    let packages = members.iter().map(|(finding, _)| &finding.package);
    let apart = packages.filter(|package| !package.kind.is_os());
    let paths = apart.map(|package| package.location.path.as_str()).filter(|it| !it.is_empty());
    let paths: BTreeSet<&str> = paths.collect();
    let more = match paths.len().saturating_sub(PLACES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<String> = paths.into_iter().take(PLACES_MAX).map(cell).collect();
    (!shown.is_empty()).then(|| format!("in {}{more}", shown.join(", ")))
}

/// The columns to go without, so that lines fit as well as they can.
fn hidden(widths: &[usize; 6], window: Option<usize>) -> &'static [usize] {
    let room = window.unwrap_or(usize::MAX);
    let needed = |hidden: &[usize]| {
        let shown = (0..widths.len()).filter(|column| !hidden.contains(column));
        shown.filter_map(|column| widths.get(column)).map(|width| width + GAP.len()).sum::<usize>()
    };
    // The indent is as wide as the gap that the last column does not need.
    let fits = |hidden: &&[usize]| needed(hidden) <= room;
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

fn row(finding: &Finding) -> [String; 6] {
    let fixed = match (&finding.fixed_version, finding.status) {
        (Some(version), _) => version.clone(),
        (None, Status::Affected) => "no fix yet".to_owned(),
        (None, status) => status.name().replace('_', " "),
    };
    let id = cell(&finding.id);
    let id = if finding.kev.is_some() { format!("{id} {EXPLOITED}") } else { id };
    let epss = finding.epss.map(|(probability, _)| format!("{:.1}%", probability * 100.0));
    [
        rated(finding.severity),
        id,
        cell(&finding.package.name),
        cell(&fixed),
        epss.unwrap_or_default(),
        finding.package.location.layer.map(|layer| layer.to_string()).unwrap_or_default(),
    ]
}

fn alarm() -> Style {
    Style::new().fg_color(Some(AnsiColor::Red.into())).bold()
}
