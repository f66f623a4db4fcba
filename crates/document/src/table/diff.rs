//! A difference for people: packages, then what is new and gone, then what it comes to.
//!
//! A word at the head of each line says what became of it; a color says the same once more.

use anstyle::{AnsiColor, Style};
use model::Severity;

use super::{Look, heading, line, paint, severities, severity_style, warning};
use crate::diff::{Diff, Direction, Faults, LeftOut, PackageChange};
use crate::fault::{Fault, Kind};
use crate::text::{cell, pad, printable, size, widths, wrap};
use crate::{DataSource, Report};

/// How many problems of a side are spelled out; the JSON has them all.
const PROBLEMS_SHOWN: usize = 20;

/// The whole difference as text with a final newline.
pub fn diff(diff: &Diff<'_>, look: Look) -> String {
    let mut text = String::new();
    for (word, report) in sides(diff) {
        line(&mut text, format_args!("{}", paint(word, Style::new().bold(), look)));
        heading(&mut text, report, look);
    }
    packages(&mut text, diff, look);
    for (kind, faults) in diff.faults.iter().filter_map(|(kind, it)| Some((*kind, it.as_ref()?))) {
        changed(&mut text, kind, faults, look);
    }
    text.push('\n');
    summary(&mut text, diff, look);
    for (word, report) in sides(diff) {
        problems(&mut text, word, report, look);
    }
    verdicts(&mut text, diff, look);
    text
}

fn sides<'a>(diff: &Diff<'a>) -> [(&'static str, &'a Report); 2] {
    [("before", diff.before), ("after", diff.after)]
}

fn packages(text: &mut String, diff: &Diff<'_>, look: Look) {
    let changes = &diff.packages;
    let lists = [
        ("added", bad(), &changes.added),
        ("removed", good(), &changes.removed),
        ("changed", Style::new(), &changes.changed),
    ];
    let row = |word: &str, change: &PackageChange<'_>| {
        let versions = |versions: &[&str]| cell(&versions.join(", "));
        let PackageChange { kind, name, from, to, direction: _ } = change;
        [word.to_owned(), cell(name), versions(from), versions(to), kind.name().to_owned()]
    };
    let rows = lists.into_iter().flat_map(|(word, style, list)| {
        list.iter().map(move |change| match change.direction {
            Some(Direction::Upgrade) => (style, row("upgraded", change)),
            Some(Direction::Downgrade) => (warning(), row("downgraded", change)),
            None => (style, row(word, change)),
        })
    });
    table(text, ["CHANGE", "PACKAGE", "BEFORE", "AFTER", "TYPE"], rows.collect(), look);
}

fn changed(text: &mut String, kind: Kind, faults: &Faults<'_>, look: Look) {
    let row = |word: &str, fault: &Fault<'_>| {
        let fixed = fault.fixed_version().unwrap_or_default();
        let place = match kind {
            Kind::Vulnerability => fault.subject.clone(),
            _ => fault.place(),
        };
        [
            word.to_owned(),
            fault.severity.name().to_owned(),
            cell(fault.rule),
            cell(&place),
            cell(fixed),
        ]
    };
    let lists = [("new", bad(), &faults.new), ("gone", good(), &faults.gone)];
    let rows = lists
        .into_iter()
        .flat_map(|(word, style, list)| list.iter().map(move |fault| (style, row(word, fault))));
    let (what, fix) = match kind {
        Kind::Vulnerability => ("VULNERABILITY", "FIXED IN"),
        Kind::Malware => ("MALWARE", ""),
        Kind::Secret => ("SECRET", ""),
        Kind::Misconfiguration => ("MISCONFIGURATION", ""),
    };
    table(text, ["CHANGE", "SEVERITY", what, "WHERE", fix], rows.collect(), look);
}

/// Rows below a head, after an empty line; nothing where there are none. The style is the first
/// cell's; a severity has its own.
fn table(text: &mut String, head: [&str; 5], rows: Vec<(Style, [String; 5])>, look: Look) {
    if rows.is_empty() {
        return;
    }
    text.push('\n');
    let bold = Style::new().bold();
    let mut all = vec![(bold, head.map(str::to_owned))];
    all.extend(rows);
    let cells: Vec<[String; 5]> = all.iter().map(|(_, row)| row.clone()).collect();
    let widths = widths(&cells);
    for (position, (style, row)) in all.iter().enumerate() {
        let mut cells = pad(row, &widths);
        if position == 0 {
            let head = paint(cells.join("  ").trim_end(), bold, look);
            line(text, format_args!("{head}"));
            continue;
        }
        let severity =
            Severity::ALL.into_iter().find(|it| row.get(1).is_some_and(|cell| cell == it.name()));
        let styles = [*style, severity.map_or(Style::new(), severity_style)];
        for (cell, style) in cells.iter_mut().zip(styles) {
            *cell = paint(cell, style, look);
        }
        line(text, format_args!("{}", cells.join("  ").trim_end()));
    }
}

fn summary(text: &mut String, diff: &Diff<'_>, look: Look) {
    let changes = &diff.packages;
    let (added, removed, changed) =
        (changes.added.len(), changes.removed.len(), changes.changed.len());
    let kept = changes.kept;
    let ways = [Direction::Upgrade, Direction::Downgrade];
    let ways = ways.into_iter().map(|way| (way, changes.moved(way))).filter(|(_, many)| *many > 0);
    let ways: Vec<String> = ways.map(|(way, many)| format!("{many} {}d", way.name())).collect();
    let ways = if ways.is_empty() { String::new() } else { format!(" ({})", ways.join(", ")) };
    line(
        text,
        format_args!(
            "packages: {added} added, {removed} removed, {changed} changed{ways}; {kept} the same"
        ),
    );
    for (kind, faults) in &diff.faults {
        let name = kind.plural().to_lowercase();
        match faults {
            Some(faults) => tallies(text, &name, faults, look),
            None => line(text, format_args!("{name}: not compared; {}", unsearched(diff, *kind))),
        }
    }
    let (old, new) = (diff.before.told_apart(), diff.after.told_apart());
    if old + new > 0 {
        line(text, format_args!("silenced: {old} before, {new} after"));
    }
    sizes(text, diff);
    for (before, after) in diff.uneven_data() {
        let said = format!(
            "the advisories are not the same: {} of {} and of {}, so that what is new or gone may \
             not be the artifact's doing",
            printable(&after.stream),
            day(before),
            day(after)
        );
        line(text, format_args!("{}", paint(&wrap(&said, look.width), warning(), look)));
    }
    if diff.is_incomplete() {
        let caution = "the result is incomplete: more may be new or gone";
        line(text, format_args!("{}", paint(caution, warning(), look)));
    }
}

/// What is new, gone and as before; then what of it is not shown.
fn tallies(text: &mut String, name: &str, faults: &Faults<'_>, look: Look) {
    let Faults { new, gone, kept, left_out } = faults;
    let (new, gone) = (tally(new, "new", look), tally(gone, "gone", look));
    line(text, format_args!("{name}: {new}, {gone}; {} as before", kept.len()));
    if *left_out != LeftOut::default() {
        let LeftOut { new, gone, kept } = left_out;
        line(text, format_args!("  not shown: {new} new, {gone} gone; {kept} as before"));
    }
}

/// The verdict on what was in a word, and on what is with its reasons.
fn verdicts(text: &mut String, diff: &Diff<'_>, look: Look) {
    if let Some(before) = &diff.before.verdict {
        line(text, format_args!("\nverdict before: {}", before.decision.name().to_uppercase()));
    }
    super::verdict::verdict(text, diff.after, look);
}

/// `3 new (1 high, 2 low)`
fn tally(faults: &[Fault<'_>], word: &str, look: Look) -> String {
    let of = |severity| faults.iter().filter(|fault| fault.severity == severity).count();
    let counts = Severity::ALL.into_iter().map(|severity| (severity, of(severity)));
    let counts = severities(counts.filter(|(_, count)| *count > 0), look);
    match faults.len() {
        0 => format!("none {word}"),
        number => format!("{number} {word} ({counts})"),
    }
}

fn unsearched(diff: &Diff<'_>, kind: Kind) -> String {
    let lacks = |report: &&(&str, &Report)| !report.1.checks.iter().any(|it| it == kind.check());
    let words: Vec<&str> = sides(diff).iter().filter(lacks).map(|(word, _)| *word).collect();
    format!("not looked for {}", words.join(" and "))
}

/// What both take; the difference only where it is of the same kind: a registry holds layers
/// compressed, an archive may not.
fn sizes(text: &mut String, diff: &Diff<'_>) {
    let (before, after) = (&diff.before.artifact, &diff.after.artifact);
    match diff.shared_layers() {
        0 => {}
        1 => line(text, format_args!("layers: the lowest is the same")),
        many => line(text, format_args!("layers: the lowest {many} are the same")),
    }
    let (Some(old), Some(new)) = (before.size_bytes, after.size_bytes) else { return };
    let step = match (before.kind == after.kind, new.checked_sub(old)) {
        (false, _) => format!(" ({} and {})", before.kind.name(), after.kind.name()),
        (true, Some(0)) => ", the same".to_owned(),
        (true, Some(more)) => format!(", {} more", size(more)),
        (true, None) => format!(", {} less", size(old.saturating_sub(new))),
    };
    line(text, format_args!("size: {} before, {} after{step}", size(old), size(new)));
}

/// When the publisher last changed its data, or when it was read if nobody knows.
fn day(data: &DataSource) -> &str {
    let time = data.modified.as_ref().unwrap_or(&data.built_at);
    time.get(..10).unwrap_or(time)
}

fn problems(text: &mut String, word: &str, report: &Report, look: Look) {
    if report.problems.is_empty() {
        return;
    }
    text.push('\n');
    for problem in report.problems.iter().take(PROBLEMS_SHOWN) {
        let kind = problem.kind.name().replace('_', " ");
        let said = format!("{word}: {kind}: {}", printable(&problem.to_string()));
        line(text, format_args!("{}", wrap(&said, look.width)));
    }
    if let Some(more) = report.problems.len().checked_sub(PROBLEMS_SHOWN).filter(|more| *more > 0) {
        line(text, format_args!("{word}: and {more} more problems (all are in the JSON)"));
    }
}

fn bad() -> Style {
    Style::new().fg_color(Some(AnsiColor::Red.into()))
}

fn good() -> Style {
    Style::new().fg_color(Some(AnsiColor::Green.into()))
}
