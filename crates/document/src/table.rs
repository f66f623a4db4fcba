//! The report for people: a table sorted by what to fix first, and what it comes to.
//!
//! Color is never the only signal: every word that is colored says the same without. Names from
//! the image pass through [`printable`] before they reach a line.

mod base;
mod diff;
mod findings;
mod malware;
mod misconfigurations;
mod secrets;
mod silenced;
mod verdict;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use model::{Eol, Severity};

use crate::text::{printable, wrap};
use crate::{DataSource, Report};
pub use diff::diff;
use findings::findings;
use malware::malware;
use misconfigurations::misconfigurations;
use secrets::secrets;
use silenced::silenced;

/// How many upgrades the summary names; the JSON report has them all.
const UPGRADES_SHOWN: usize = 10;
/// How many problems of one kind are spelled out; a hostile image can make a million.
const PROBLEMS_SHOWN: usize = 20;

/// The longest bar of the summary.
const BAR_WIDTH: usize = 24;

/// How the table is to look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether to use ANSI styles.
    pub color: bool,
    /// The columns that a line may take; None where nobody looks through a window.
    pub width: Option<usize>,
}

/// The whole report as text with a final newline.
pub fn render(report: &Report, look: Look) -> String {
    let mut text = String::new();
    heading(&mut text, report, look);
    if !report.inventory.malware.is_empty() {
        text.push('\n');
        malware(&mut text, report, look);
    }
    if !report.findings.is_empty() {
        text.push('\n');
        findings(&mut text, report, look);
    }
    if !report.inventory.secrets.is_empty() {
        text.push('\n');
        secrets(&mut text, report, look);
    }
    if !report.inventory.misconfigurations.is_empty() {
        text.push('\n');
        misconfigurations(&mut text, report, look);
    }
    text.push('\n');
    summary(&mut text, report, look);
    trojans(&mut text, report, look);
    leaks(&mut text, report, look);
    silenced(&mut text, report, look);
    settings(&mut text, report, look);
    upgrades(&mut text, report);
    base::base(&mut text, report, look);
    data(&mut text, report);
    problems(&mut text, report, look);
    verdict::verdict(&mut text, report, look);
    text
}

/// The verdict of a policy alone, as it stands at the end of the table.
pub fn verdict(report: &Report, look: Look) -> String {
    let mut text = String::new();
    verdict::verdict(&mut text, report, look);
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
            let plain = || format!("{} {}", os.family, os.version).trim_end().to_owned();
            let name = os.pretty_name.clone().unwrap_or_else(plain);
            let eol = match &report.eol {
                Eol::Ended(date) => paint(&format!(", end of life since {date}"), warning(), look),
                Eol::Ends(date) => format!(", supported until {date}"),
                // A release without a number rolls on and has no end.
                Eol::Unknown if os.version.is_empty() => String::new(),
                Eol::Unknown => ", end of support unknown".to_owned(),
            };
            line(text, format_args!("  system  {}{eol}", printable(&name)));
        }
        None => line(text, format_args!("  system  unknown")),
    }
    let packages = count(report.inventory.packages.len(), "package", "packages");
    let layers = count(artifact.layers.len(), "layer", "layers");
    // A bill of materials need not know of any.
    let is_layered = artifact.kind.has_layers() && !artifact.layers.is_empty();
    let layers = if is_layered { format!(" in {layers}") } else { String::new() };
    line(text, format_args!("  holds   {packages}{layers}"));
}

fn summary(text: &mut String, report: &Report, look: Look) {
    if !report.checks.iter().any(|check| check == "vuln") {
        return;
    }
    if report.findings.is_empty() {
        nothing_found(text, report, look);
    } else {
        let number = count(report.findings.len(), "vulnerability", "vulnerabilities");
        let counts = report.by_severity().into_iter();
        let counts = severities(counts.filter(|(_, count)| *count > 0), look);
        line(text, format_args!("{number}: {counts}; {} can be fixed", report.fixable()));
        bars(text, report, look);
        if report.is_incomplete() {
            line(text, format_args!("{}", paint("the result is incomplete", warning(), look)));
        }
    }
    if !report.left_out.is_empty() {
        let number: usize = report.left_out.values().sum();
        let counts = report.left_out.iter().rev().map(|(severity, count)| (*severity, *count));
        let counts = severities(counts, look);
        line(text, format_args!("{number} not shown, as was asked for: {counts}"));
    }
}

/// The vulnerabilities of each severity compared to those of the others.
fn bars(text: &mut String, report: &Report, look: Look) {
    let counts = report.by_severity();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    for (severity, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let length = (count * BAR_WIDTH).div_ceil(most);
        let bar = format!("{}{}", "▰".repeat(length), "▱".repeat(BAR_WIDTH - length));
        let bar = paint(&bar, severity_style(severity), look);
        line(text, format_args!("  {:<10}  {bar}  {count}", severity.name()));
    }
}

fn trojans(text: &mut String, report: &Report, look: Look) {
    if !report.checks.iter().any(|check| check == "malware") {
        return;
    }
    let hits = &report.inventory.malware;
    if !hits.is_empty() {
        let of = |severity| hits.iter().filter(|hit| hit.severity == severity).count();
        let counts = Severity::ALL.into_iter().map(|severity| (severity, of(severity)));
        let counts = severities(counts.filter(|(_, count)| *count > 0), look);
        let number = count(hits.len(), "hit", "hits");
        line(text, format_args!("{number} of malware: {counts}"));
    } else if report.is_partial() {
        let caution = "no malware found in what could be read; the result is incomplete";
        line(text, format_args!("{}", paint(caution, warning(), look)));
    } else if report.malware_left_out > 0 {
        line(text, format_args!("no malware of the severities asked for"));
    } else {
        line(text, format_args!("no malware found"));
    }
    if report.malware_left_out > 0 {
        let number = count(report.malware_left_out, "hit", "hits");
        line(text, format_args!("{number} of malware not shown, as was asked for"));
    }
}

fn leaks(text: &mut String, report: &Report, look: Look) {
    if !report.checks.iter().any(|check| check == "secret") {
        return;
    }
    let secrets = &report.inventory.secrets;
    if secrets.is_empty() {
        no_secret(text, report, look);
    } else {
        let of = |severity| secrets.iter().filter(|secret| secret.severity == severity).count();
        let counts = Severity::ALL.into_iter().map(|severity| (severity, of(severity)));
        let counts = severities(counts.filter(|(_, count)| *count > 0), look);
        let number = count(secrets.len(), "secret", "secrets");
        line(text, format_args!("{number}: {counts}"));
    }
    if report.secrets_left_out > 0 {
        let number = count(report.secrets_left_out, "secret", "secrets");
        line(text, format_args!("{number} not shown, as was asked for"));
    }
}

/// As with vulnerabilities: what could not be read may hold some.
fn no_secret(text: &mut String, report: &Report, look: Look) {
    if report.is_partial() {
        let caution = "no secret found in what could be read; the result is incomplete";
        line(text, format_args!("{}", paint(caution, warning(), look)));
    } else if report.secrets_left_out > 0 {
        line(text, format_args!("no secret of the severities asked for"));
    } else {
        line(text, format_args!("no secret found"));
    }
}

fn settings(text: &mut String, report: &Report, look: Look) {
    if !report.checks.iter().any(|check| check == "config") {
        return;
    }
    let all = &report.inventory.misconfigurations;
    if !all.is_empty() {
        let of = |severity| all.iter().filter(|it| it.severity == severity).count();
        let counts = Severity::ALL.into_iter().map(|severity| (severity, of(severity)));
        let counts = severities(counts.filter(|(_, count)| *count > 0), look);
        let number = count(all.len(), "misconfiguration", "misconfigurations");
        line(text, format_args!("{number}: {counts}"));
    } else if report.is_incomplete() {
        let caution =
            "no misconfiguration found in what could be checked; the result is incomplete";
        line(text, format_args!("{}", paint(caution, warning(), look)));
    } else if report.misconfigurations_left_out == 0 {
        line(text, format_args!("no misconfiguration found"));
    }
    if report.misconfigurations_left_out > 0 {
        let left_out = report.misconfigurations_left_out;
        let number = count(left_out, "misconfiguration", "misconfigurations");
        line(text, format_args!("{number} not shown, as was asked for"));
    }
}

/// Nothing found and not everything looked at is not the same as clean; nor is nothing shown.
fn nothing_found(text: &mut String, report: &Report, look: Look) {
    let (said, is_plain) = if report.is_incomplete() {
        ("no vulnerability found in what could be checked; the result is incomplete", false)
    } else if report.inventory.packages.is_empty() {
        ("no packages found, so there was nothing to check for vulnerabilities", false)
    } else if report.left_out.is_empty() && report.silenced.is_empty() {
        ("no known vulnerability", true)
    } else if report.left_out.is_empty() {
        ("no vulnerability but those that are silenced", true)
    } else {
        ("no vulnerability of the kinds asked for", true)
    };
    // After the end of support nobody looks any more, so that nothing known means nothing.
    let ended = match &report.eol {
        Eol::Ended(date) => {
            format!("; the release is past its end of life ({date}): nobody looks for new ones")
        }
        Eol::Ends(_) | Eol::Unknown => String::new(),
    };
    match is_plain && ended.is_empty() {
        true => line(text, format_args!("{said}")),
        false => {
            line(text, format_args!("{}", paint(&(said.to_owned() + &ended), warning(), look)))
        }
    }
}

fn severities(counts: impl Iterator<Item = (Severity, usize)>, look: Look) -> String {
    let shown = counts.map(|(severity, count)| {
        paint(&format!("{count} {severity}"), severity_style(severity), look)
    });
    shown.collect::<Vec<_>>().join(", ")
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
    for DataSource { source, stream, built_at, modified, .. } in &report.data {
        let (word, time) = match modified {
            Some(time) => ("as of", time),
            // The publisher does not say how old its data is.
            None => ("read on", built_at),
        };
        let day = time.get(..10).unwrap_or(time);
        let (stream, source) = (printable(stream), printable(source));
        line(text, format_args!("  data    {stream} from {source}, {word} {day}"));
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
        let said = printable(&said);
        let (what, hint) =
            said.split_once("; hint: ").map_or((&*said, None), |(what, hint)| (what, Some(hint)));
        let what = wrap(&format!("{kind}: {what}"), look.width);
        let shown = what.strip_prefix(&kind).unwrap_or(&what);
        line(text, format_args!("{}{shown}", paint(&kind, warning(), look)));
        if let Some(hint) = hint {
            line(text, format_args!("{}", wrap(&format!("hint: {hint}"), look.width)));
        }
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

/// A severity as a word, and as a bar of five cells that is seen before the word is read.
fn rated(severity: Severity) -> String {
    let full = Severity::ALL.iter().rev().position(|it| *it == severity).unwrap_or_default();
    let rest = Severity::ALL.len().saturating_sub(full + 1);
    format!("{:<10} {}{}", severity.name(), "▰".repeat(full), "▱".repeat(rest))
}

fn paint(text: &str, style: Style, look: Look) -> String {
    if look.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
