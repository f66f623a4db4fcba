//! The secrets of an image, one a line: how bad, what, where.

use anstyle::Style;
use model::{Location, SecretPlace};

use super::{Look, line, paint, rated, severity_style};
use crate::Report;
use crate::text::{cell, pad, widths};

const HEAD: [&str; 5] = ["SEVERITY", "SECRET", "WHERE", "EXCERPT", "LAYER"];

/// Every secret of a report.
pub(super) fn secrets(text: &mut String, report: &Report, look: Look) {
    let mut sorted: Vec<_> = report.inventory.secrets.iter().collect();
    sorted.sort_by_key(|secret| std::cmp::Reverse(secret.severity));
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(sorted.iter().map(|secret| {
        let removed = if secret.removed { " (removed above)" } else { "" };
        let Location { path, layer: _ } = &secret.location;
        let place = match secret.place {
            SecretPlace::File => format!("{path}:{}", secret.line),
            SecretPlace::Environment => format!("variable {path}"),
            SecretPlace::Label => format!("label {path}"),
            SecretPlace::History => format!("history, step {}", secret.line),
            SecretPlace::Configuration => format!("configuration, {path}"),
        };
        [
            rated(secret.severity),
            cell(&secret.title),
            cell(&format!("{place}{removed}")),
            cell(&secret.excerpt),
            secret.location.layer.map(|layer| layer.to_string()).unwrap_or_default(),
        ]
    }));
    let widths = widths(&rows);
    for (position, row) in rows.iter().enumerate() {
        let mut cells = pad(row, &widths);
        let secret = position.checked_sub(1).and_then(|position| sorted.get(position));
        let style = secret.map_or(Style::new().bold(), |secret| severity_style(secret.severity));
        for cell in cells.iter_mut().take(if secret.is_some() { 1 } else { HEAD.len() }) {
            *cell = paint(cell, style, look);
        }
        line(text, format_args!("{}", cells.join("  ").trim_end()));
    }
}
