//! The report for people: a table sorted by what to fix first, and what it comes to.
//!
//! Color is never the only signal: every word that is colored says the same without. Names from
//! the image pass through [`printable`] before they reach a line.

use std::cmp::Reverse;
use std::fmt::Write as _;

use crate::text::{cell, pad, widths};
use crate::{Report, printable};
use anstyle::{AnsiColor, Style};
use model::{Eol, Finding, Severity, Status};

/// How many upgrades the summary names; the JSON report has them all.
const UPGRADES_SHOWN: usize = 10;
/// How many problems of one kind are spelled out; a hostile image can make a million.
const PROBLEMS_SHOWN: usize = 20;

/// How the table is to look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether to use ANSI styles.
    pub color: bool,
}

/// The whole report as text with a final newline.
pub fn render(report: &Report, look: Look) -> String {
    let mut text = String::new();
    heading(&mut text, report, look);
    if !report.findings.is_empty() {
        text.push('\n');
        findings(&mut text, report, look);
    }
    text.push('\n');
    summary(&mut text, report, look);
    upgrades(&mut text, report);
    data(&mut text, report);
    problems(&mut text, report, look);
    text
}

fn heading(text: &mut String, report: &Report, look: Look) {
    let artifact = &report.artifact;
    let bold = paint(&printable(&artifact.name), Style::new().bold(), look);
    let platform = artifact.platform.as_ref().map(|p| format!(", {p}")).unwrap_or_default();
    line(text, format_args!("{bold} ({}{})", artifact.kind.name(), printable(&platform)));
    if let Some(digest) = &artifact.digest {
        line(text, format_args!("  image   {digest}"));
    }
    match &report.inventory.os {
        Some(os) => {
            let name =
                os.pretty_name.clone().unwrap_or_else(|| format!("{} {}", os.family, os.version));
            let eol = match &report.eol {
                Eol::Ended(date) => paint(&format!(", end of life since {date}"), warning(), look),
                Eol::Ends(date) => format!(", supported until {date}"),
                Eol::Unknown => String::new(),
            };
            line(text, format_args!("  system  {}{eol}", printable(&name)));
        }
        None => line(text, format_args!("  system  unknown")),
    }
    let packages = count(report.inventory.packages.len(), "package", "packages");
    let layers = count(artifact.layers.len(), "layer", "layers");
    let layers = if artifact.kind.has_layers() { format!(" in {layers}") } else { String::new() };
    line(text, format_args!("  holds   {packages}{layers}"));
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

fn findings(text: &mut String, report: &Report, look: Look) {
    const HEAD: [&str; 7] =
        ["SEVERITY", "VULNERABILITY", "PACKAGE", "INSTALLED", "FIXED IN", "EPSS", "LAYER"];
    let mut rows = vec![HEAD.map(str::to_owned)];
    let sorted = fix_first(&report.findings);
    rows.extend(sorted.iter().map(|finding| row(finding)));
    let widths = widths(&rows);
    let mut rows = rows.iter().map(|row| pad(row, &widths));
    if let Some(head) = rows.next() {
        line(
            text,
            format_args!("{}", paint(head.join("  ").trim_end(), Style::new().bold(), look)),
        );
    }
    for (finding, mut cells) in sorted.iter().zip(rows) {
        if let Some(first) = cells.first_mut() {
            *first = paint(first, severity_style(finding.severity), look);
        }
        line(text, format_args!("{}", cells.join("  ").trim_end()));
    }
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

fn summary(text: &mut String, report: &Report, look: Look) {
    if !report.checks.iter().any(|check| check == "vuln") {
        return;
    }
    if report.findings.is_empty() {
        // Nothing found and not everything looked at is not the same as clean.
        match report.is_incomplete() {
            true => line(
                text,
                format_args!(
                    "{}",
                    paint(
                        "no vulnerability found in what could be checked; the result is incomplete",
                        warning(),
                        look
                    )
                ),
            ),
            false => line(text, format_args!("no known vulnerability")),
        }
        return;
    }
    let counts: Vec<String> = report
        .by_severity()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| {
            paint(&format!("{count} {severity}"), severity_style(severity), look)
        })
        .collect();
    line(
        text,
        format_args!(
            "{}: {}; {} can be fixed",
            count(report.findings.len(), "vulnerability", "vulnerabilities"),
            counts.join(", "),
            report.fixable()
        ),
    );
    if report.is_incomplete() {
        line(text, format_args!("{}", paint("the result is incomplete", warning(), look)));
    }
}

fn upgrades(text: &mut String, report: &Report) {
    for upgrade in report.upgrades.iter().take(UPGRADES_SHOWN) {
        let (package, to) = (printable(&upgrade.package), printable(&upgrade.to));
        line(text, format_args!("  upgrade {package} to {to}: fixes {}", upgrade.fixes.len()));
    }
    if let Some(more) = report.upgrades.len().checked_sub(UPGRADES_SHOWN).filter(|more| *more > 0) {
        line(text, format_args!("  and {more} more upgrades"));
    }
}

fn data(text: &mut String, report: &Report) {
    for data in &report.data {
        let changed = data.modified.as_deref().unwrap_or(&data.built_at);
        let day = changed.get(..10).unwrap_or(changed);
        line(
            text,
            format_args!(
                "  data    {} from {}, as of {day}",
                printable(&data.stream),
                printable(&data.source)
            ),
        );
    }
}

fn problems(text: &mut String, report: &Report, look: Look) {
    if report.problems.is_empty() {
        return;
    }
    text.push('\n');
    for problem in report.problems.iter().take(PROBLEMS_SHOWN) {
        let kind = problem.kind.name().replace('_', " ");
        let said = problem.to_string();
        line(
            text,
            format_args!("{} {}", paint(&format!("{kind}:"), warning(), look), printable(&said)),
        );
    }
    if let Some(more) = report.problems.len().checked_sub(PROBLEMS_SHOWN).filter(|more| *more > 0) {
        line(text, format_args!("and {more} more problems (all are in the JSON report)"));
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    writeln!(text, "{content}").expect("writing to a String cannot fail");
}

fn warning() -> Style {
    Style::new().fg_color(Some(AnsiColor::Yellow.into()))
}

fn severity_style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical => AnsiColor::Magenta,
        Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Cyan,
        Severity::Negligible | Severity::Unknown => return Style::new(),
    };
    let style = Style::new().fg_color(Some(color.into()));
    if severity == Severity::Critical { style.bold() } else { style }
}

fn paint(text: &str, style: Style, look: Look) -> String {
    if look.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
