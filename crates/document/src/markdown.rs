//! Markdown (GitHub's and GitLab's dialect) for a comment on a pull request: what it comes to, the
//! worst of it, the rest folded away.
//!
//! Everything from outside stands in a code span, where nothing is markup, a link, a mention or a
//! reference to an issue. The text is bounded: GitHub refuses comments of more than 65 536
//! characters.

use std::cmp::Reverse;
use std::fmt::Write as _;

use model::Severity;

use crate::Report;
use crate::fault::{self, Fault, Kind};
use crate::text::{printable, shortened};

/// GitHub's limit is 65 536 characters; what surrounds the rows takes less than the difference.
const ROWS_BYTES_MAX: usize = 52_000;
/// Rows that are shown unfolded.
const TOP: usize = 10;
/// Upgrades and problems that are named.
const NAMED: usize = 10;
/// A longer cell makes a table that nobody can read.
const CELL_MAX: usize = 80;

/// The report as Markdown with a final newline.
pub fn render(report: &Report) -> String {
    let faults = fault::faults(report);
    let mut text = String::new();
    put(&mut text, format_args!("### Lazaret: {}\n\n", code(&report.artifact.name)));
    verdict(&mut text, report);
    summary(&mut text, report, &faults);
    let mut ranked: Vec<&Fault<'_>> = faults.iter().collect();
    ranked.sort_by_key(|fault| rank(fault));
    let room = &mut ROWS_BYTES_MAX.saturating_sub(text.len());
    if !ranked.is_empty() {
        text.push_str("\n**Worst first**\n\n");
        rows(&mut text, ranked.iter().take(TOP), room);
    }
    upgrades(&mut text, report);
    for kind in Kind::ALL {
        let of_kind: Vec<_> = ranked.iter().skip(TOP).filter(|it| it.kind == kind).collect();
        if !of_kind.is_empty() {
            let (count, name) = (of_kind.len(), kind.plural());
            put(&mut text, format_args!("\n<details><summary>{name}: {count} more</summary>\n\n"));
            let shown = rows(&mut text, of_kind.into_iter(), room);
            if shown < count {
                put(&mut text, format_args!("\n{} more are in the full report.\n", count - shown));
            }
            text.push_str("\n</details>\n");
        }
    }
    silenced(&mut text, report);
    problems(&mut text, report);
    text
}

/// What does harm already first, then by severity, then what has a fix.
fn rank(fault: &Fault<'_>) -> impl Ord + use<> {
    let exploited = fault.finding().is_some_and(|finding| finding.kev.is_some());
    let has_fix = fault.kind != Kind::Vulnerability || fault.fixed_version().is_some();
    let does_harm = exploited || fault.kind == Kind::Malware;
    (!does_harm, Reverse(fault.severity), !has_fix, fault.kind)
}

fn summary(text: &mut String, report: &Report, faults: &[Fault<'_>]) {
    if report.is_incomplete() {
        text.push_str("**The result is incomplete**: see the problems below.\n\n");
    }
    text.push_str("| | critical | high | medium | low | negligible | unknown | total |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for kind in Kind::ALL {
        let of_kind = || faults.iter().filter(|fault| fault.kind == kind);
        if of_kind().count() == 0 && !report.checks.iter().any(|check| check == kind.check()) {
            continue;
        }
        put(text, format_args!("| {} |", kind.plural()));
        for severity in Severity::ALL {
            let count = of_kind().filter(|fault| fault.severity == severity).count();
            put(text, format_args!(" {count} |"));
        }
        put(text, format_args!(" **{}** |\n", of_kind().count()));
    }
    let vulnerabilities = report.findings.len();
    if vulnerabilities > 0 {
        put(
            text,
            format_args!(
                "\n{} of {vulnerabilities} vulnerabilities can be fixed",
                report.fixable()
            ),
        );
        let exploited = report.findings.iter().filter(|finding| finding.kev.is_some()).count();
        if exploited > 0 {
            put(text, format_args!("; **{exploited} known to be exploited**"));
        }
        text.push_str(".\n");
    }
    let left_out = fault::all_left_out(report);
    if left_out > 0 {
        put(text, format_args!("\n{left_out} more are not shown, as was asked for.\n"));
    }
}

/// A table of as many rows as there is room for; returns how many those are.
fn rows<'a, 'f: 'a>(
    text: &mut String,
    faults: impl Iterator<Item = &'a &'a Fault<'f>>,
    room: &mut usize,
) -> usize {
    text.push_str("| Severity | What | Where | Fix |\n|---|---|---|---|\n");
    let mut shown = 0;
    for fault in faults {
        let row = row(fault);
        let Some(left) = room.checked_sub(row.len()) else { break };
        *room = left;
        text.push_str(&row);
        shown += 1;
    }
    shown
}

fn row(fault: &Fault<'_>) -> String {
    let exploited = fault.finding().is_some_and(|finding| finding.kev.is_some());
    let what = match fault.kind {
        Kind::Vulnerability if exploited => format!("{} **exploited**", code(fault.rule)),
        Kind::Vulnerability => code(fault.rule),
        _ => code(if fault.title.is_empty() { fault.rule } else { fault.title }),
    };
    let place = match fault.kind {
        Kind::Vulnerability => code(&fault.subject),
        _ => code(&fault.place()),
    };
    let fix = match (fault.kind, fault.fixed_version()) {
        (Kind::Vulnerability, Some(version)) => code(version),
        (Kind::Vulnerability, None) => "none yet".to_owned(),
        _ => code(&fault.remedy),
    };
    format!("| {} | {what} | {place} | {fix} |\n", fault.severity)
}

fn upgrades(text: &mut String, report: &Report) {
    if report.upgrades.is_empty() {
        return;
    }
    text.push_str("\n**Upgrades**\n\n");
    for upgrade in report.upgrades.iter().take(NAMED) {
        let (package, to, fixes) = (code(&upgrade.package), code(&upgrade.to), upgrade.fixes.len());
        put(text, format_args!("- {package} to {to} fixes {fixes}\n"));
    }
    more(text, report.upgrades.len());
}

fn silenced(text: &mut String, report: &Report) {
    let all = fault::silenced(report);
    if all.is_empty() {
        return;
    }
    put(text, format_args!("\n<details><summary>Silenced: {}</summary>\n\n", all.len()));
    for it in all.iter().take(NAMED) {
        let Some(by) = it.silenced else { continue };
        let (id, place) = (code(it.rule), code(it.package().map_or(&it.subject, |it| &it.name)));
        let (source, reason) = (code(by.source), code(by.reason));
        put(text, format_args!("- {id} in {place}: {reason} ({}, {source})\n", by.by.name()));
    }
    more(text, all.len());
    text.push_str("\n</details>\n");
}

/// What the policy comes to, and the rules that led there.
fn verdict(text: &mut String, report: &Report) {
    let Some(verdict) = &report.verdict else { return };
    let word = verdict.decision.name();
    put(text, format_args!("**Verdict: {word}** by {}\n\n", code(&verdict.policy)));
    for reason in verdict.reasons.iter().take(NAMED) {
        put(text, format_args!("- {}: {}", reason.decision.name(), code(&reason.title)));
        if reason.on != "image" && !reason.hits.is_empty() {
            put(text, format_args!(" ({})", reason.hits.len()));
        }
        if let Some(why) = reason.unknown.first() {
            put(text, format_args!(", cannot be judged: {}", code(why)));
        }
        text.push('\n');
    }
    more(text, verdict.reasons.len());
    if !verdict.reasons.is_empty() {
        text.push('\n');
    }
}

fn problems(text: &mut String, report: &Report) {
    if report.problems.is_empty() {
        return;
    }
    let count = report.problems.len();
    put(text, format_args!("\n<details><summary>Problems: {count}</summary>\n\n"));
    for problem in report.problems.iter().take(NAMED) {
        let kind = problem.kind.name().replace('_', " ");
        put(text, format_args!("- {kind}: {}\n", code(&problem.to_string())));
    }
    more(text, count);
    text.push_str("\n</details>\n");
}

fn more(text: &mut String, count: usize) {
    if let Some(more) = count.checked_sub(NAMED).filter(|more| *more > 0) {
        put(text, format_args!("- and {more} more\n"));
    }
}

/// Text as a code span that holds in a cell of a table as well.
pub(crate) fn code(text: &str) -> String {
    let safe = printable(text);
    let short = shortened(safe.trim(), CELL_MAX);
    // A span ends at a backtick and a cell at a bar, whatever surrounds them.
    let inert = short.replace('`', "'").replace('|', "¦");
    if inert.is_empty() { "–".to_owned() } else { format!("`{inert}`") }
}

/// Text as running text in which nothing is markup: every sign that could be one is escaped, and a
/// mention is taken apart by a joiner that has no width.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in crate::text::printable_lines(text).chars() {
        match c {
            '@' | '#' | '!' | '~' | '%' | '&' | '$' | '^' => {
                escaped.push('\\');
                escaped.push(c);
                escaped.push('\u{2060}');
            }
            c if c.is_ascii_punctuation() && !",;'".contains(c) => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

fn put(text: &mut String, content: std::fmt::Arguments<'_>) {
    text.write_fmt(content).expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_stays_one_span_in_one_cell() {
        assert_eq!(code("openssl 3.0"), "`openssl 3.0`");
        assert_eq!(code("a`b|c\n@d \\"), "`a'b¦c\u{fffd}@d \\`");
        assert_eq!(code(" "), "–");
        assert_eq!(code(&"x".repeat(100)).chars().count(), CELL_MAX + 3);
    }

    #[test]
    fn no_sign_of_running_text_is_markup() {
        let text = escaped("[a](b) <i> `c` *d* @e #1 https://x.org\n# f");
        let mut before = ' ';
        for c in text.chars() {
            assert!(!"[]()<>`*_@#:/|!~".contains(c) || before == '\\', "{c} in {text}");
            before = c;
        }
        assert!(text.contains("@\u{2060}e"), "{text}");
    }
}
