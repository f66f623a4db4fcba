//! CSV (RFC 4180): one row for everything that is wrong, for spreadsheets and scripts.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula and runs it. Such
//! a cell gets an apostrophe in front, which spreadsheets show as text.

use crate::Report;
use crate::fault::{self, Fault, Of};
use crate::text::printable;

const HEAD: [&str; 16] = [
    "kind",
    "severity",
    "id",
    "title",
    "package",
    "version",
    "fixed_version",
    "status",
    "path",
    "line",
    "layer",
    "evidence",
    "remedy",
    "epss",
    "kev",
    "silenced",
];

/// The report as CSV; the first row names the columns.
pub fn render(report: &Report) -> String {
    let mut text = row(HEAD.map(str::to_owned));
    for fault in fault::faults(report).iter().chain(&fault::silenced(report)) {
        text.push_str(&row(cells(fault)));
    }
    text
}

fn cells(fault: &Fault<'_>) -> [String; 16] {
    let finding = fault.finding();
    let package = fault.package();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        fault.kind.name().to_owned(),
        fault.severity.to_string(),
        fault.rule.to_owned(),
        fault.title.to_owned(),
        text(package.map(|it| &*it.name)),
        text(package.map(|it| &*it.version)),
        text(fault.fixed_version()),
        status(fault).to_owned(),
        fault.path.to_owned(),
        if fault.line > 0 { fault.line.to_string() } else { String::new() },
        fault.layer.map(|layer| layer.to_string()).unwrap_or_default(),
        fault.evidence.clone().into_owned(),
        fault.remedy.clone().into_owned(),
        finding.and_then(|it| it.epss).map(|(it, _)| format!("{it:.5}")).unwrap_or_default(),
        text(finding.and_then(|it| it.kev.as_deref())),
        fault.silenced.map(|it| format!("{}: {}", it.by.name(), it.reason)).unwrap_or_default(),
    ]
}

fn status(fault: &Fault<'_>) -> &'static str {
    match fault.of {
        Of::Finding(finding) => finding.status.name(),
        Of::Secret(secret) if secret.removed => "removed_above",
        Of::Malware(malware) if malware.removed => "removed_above",
        _ => "",
    }
}

fn row<const N: usize>(cells: [String; N]) -> String {
    cells.map(|it| cell(&it)).join(",") + "\r\n"
}

/// One cell: printable, no formula, quoted where it has to be.
pub(crate) fn cell(text: &str) -> String {
    let mut safe = printable(text).into_owned();
    // Spreadsheets skip blanks before they look for a formula; full-width signs count as well.
    let first = safe.trim_start().chars().next();
    if first.is_some_and(|first| "=+-@＝＋－＠".contains(first)) {
        safe.insert(0, '\'');
    }
    if safe.contains(['"', ',', ' ', ';']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_are_text_and_stay_one_cell() {
        let table = [
            ("openssl", "openssl"),
            ("=1+1", "'=1+1"),
            ("  @SUM(A1)", "\"'  @SUM(A1)\""),
            ("-2", "'-2"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("a\r\nb", "a\u{fffd}\u{fffd}b"),
            ("\t=1", "\u{fffd}=1"),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
