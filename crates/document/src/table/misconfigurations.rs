//! The checks that were not passed, one a line: how bad, what, where, what was seen.

use anstyle::Style;
use model::{ConfigPlace, Misconfiguration};

use super::{Look, line, paint, severity_style};
use crate::Report;
use crate::text::{cell, pad, widths};

const HEAD: [&str; 5] = ["SEVERITY", "SETTING", "WHERE", "SEEN", "CHECK"];

/// Every misconfiguration of a report, the worst first.
pub(super) fn misconfigurations(text: &mut String, report: &Report, look: Look) {
    let mut sorted: Vec<_> = report.inventory.misconfigurations.iter().collect();
    sorted.sort_by_key(|it| std::cmp::Reverse(it.severity));
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(sorted.iter().map(|it| {
        [
            it.severity.to_string(),
            cell(&it.title),
            cell(&place(it)),
            cell(&it.evidence),
            cell(&it.check),
        ]
    }));
    let widths = widths(&rows);
    for (position, row) in rows.iter().enumerate() {
        let mut cells = pad(row, &widths);
        let shown = position.checked_sub(1).and_then(|position| sorted.get(position));
        let style = shown.map_or(Style::new().bold(), |it| severity_style(it.severity));
        for cell in cells.iter_mut().take(if shown.is_some() { 1 } else { HEAD.len() }) {
            *cell = paint(cell, style, look);
        }
        line(text, format_args!("{}", cells.join("  ").trim_end()));
    }
}

/// `Dockerfile:3`, `history, step 4`, `deploy/web.yaml:12 (Deployment shop/web)`.
fn place(it: &Misconfiguration) -> String {
    let path = &it.location.path;
    let place = match it.place {
        ConfigPlace::Image => "image".to_owned(),
        ConfigPlace::History => format!("history, step {}", it.line),
        _ if it.line == 0 => path.clone(),
        _ => format!("{path}:{}", it.line),
    };
    if it.resource.is_empty() { place } else { format!("{place} ({})", it.resource) }
}
