//! The verdict of the policy: the last word of the table, with its reasons.

use anstyle::{AnsiColor, Style};
use model::{Decision, Reason, Verdict};

use super::{Look, count, line, paint, warning};
use crate::Report;
use crate::text::{printable, wrap};

/// How many of a rule's hits and remedies are named; the JSON report has them all.
const SHOWN: usize = 3;

/// What the policy comes to, if there is one.
pub(super) fn verdict(text: &mut String, report: &Report, look: Look) {
    let Some(verdict) = &report.verdict else { return };
    let Verdict { decision, policy, reasons, notes } = verdict;
    text.push('\n');
    for reason in reasons {
        said(text, reason, look);
    }
    for note in notes {
        indented(text, note, look);
    }
    let word = paint(&decision.name().to_uppercase(), style(*decision).bold(), look);
    let by = if policy.is_empty() { String::new() } else { format!(" by {}", printable(policy)) };
    line(text, format_args!("verdict: {word}{by}"));
}

fn said(text: &mut String, reason: &Reason, look: Look) {
    let Reason { rule, title, decision, because, observed_until, hits, unknown, remedies, on } =
        reason;
    let word = paint(decision.name(), style(*decision), look);
    let number = match (hits.len(), on.as_str()) {
        (0, _) | (_, "image") => String::new(),
        (many, _) => format!(": {}", count(many, "case", "cases")),
    };
    let name = if rule == title { String::new() } else { format!(" ({})", printable(rule)) };
    line(text, format_args!("{word}  {}{name}{number}", printable(title)));
    if !because.is_empty() {
        indented(text, &format!("because {because}"), look);
    }
    if let Some(date) = observed_until {
        indented(text, &format!("only observed until {date}; denied from then on"), look);
    }
    if on != "image" {
        for hit in hits.iter().take(SHOWN) {
            let place = if hit.place.is_empty() { "" } else { " in " };
            let severity = hit.severity.map(|it| format!(" ({it})")).unwrap_or_default();
            indented(text, &format!("{}{place}{}{severity}", hit.id, hit.place), look);
        }
        more(text, hits.len());
    }
    for why in unknown {
        indented(text, &format!("cannot be judged: {why}"), look);
    }
    for remedy in remedies.iter().take(SHOWN) {
        indented(text, &format!("to pass: {remedy}"), look);
    }
    more(text, remedies.len());
}

fn more(text: &mut String, all: usize) {
    if let Some(more) = all.checked_sub(SHOWN).filter(|more| *more > 0) {
        line(text, format_args!("  and {more} more"));
    }
}

fn indented(text: &mut String, said: &str, look: Look) {
    let width = look.width.map(|width| width.saturating_sub(2));
    line(text, format_args!("  {}", wrap(&printable(said), width)));
}

fn style(decision: Decision) -> Style {
    match decision {
        Decision::Allow => Style::new().fg_color(Some(AnsiColor::Green.into())),
        Decision::Warn | Decision::Unknown => warning(),
        Decision::Deny => Style::new().fg_color(Some(AnsiColor::Red.into())),
    }
}
