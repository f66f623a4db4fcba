//! The charts of the page, as SVG without a style of its own: classes say what a shape means.

use std::fmt::Write as _;

use model::Severity;
use serde::Serialize;

use crate::fault::Fault;

/// How many of each severity, the worst first.
pub(super) struct Counts([(Severity, usize); 6]);

/// One severity of a count, as the page lists it.
#[derive(Serialize)]
pub(super) struct Share {
    severity: &'static str,
    count: usize,
}

impl Counts {
    pub(super) fn of<'a, 'f: 'a>(faults: impl Iterator<Item = &'a Fault<'f>>) -> Self {
        let mut counts = Severity::ALL.map(|severity| (severity, 0));
        for fault in faults {
            let own = counts.iter_mut().find(|(severity, _)| *severity == fault.severity);
            own.into_iter().for_each(|(_, count)| *count += 1);
        }
        Self(counts)
    }

    pub(super) fn sum(&self) -> usize {
        self.0.iter().map(|(_, count)| count).sum()
    }

    pub(super) fn severities(&self) -> Vec<Share> {
        let share =
            |&(severity, count): &(Severity, usize)| Share { severity: severity.name(), count };
        self.0.iter().map(share).collect()
    }

    /// Only those that there are any of.
    pub(super) fn present(&self) -> Vec<Share> {
        self.severities().into_iter().filter(|share| share.count > 0).collect()
    }
}

/// A ring of all severities with the total inside. The legend beside it says the same in words.
pub(super) fn donut(counts: &Counts) -> String {
    const GAP: f64 = 0.8;
    let total = counts.sum();
    let mut svg = String::from(
        "<svg viewBox=\"0 0 120 120\" aria-hidden=\"true\"><g transform=\"rotate(-90 60 60)\">\
         <circle class=\"rest\" cx=\"60\" cy=\"60\" r=\"50\"/>",
    );
    let mut begin = 0.0;
    for (severity, count) in counts.0.iter().filter(|(_, count)| *count > 0) {
        let part = hundredths(*count, total);
        // One that is alone closes the ring.
        let length = if part > 99.9 { 100.0 } else { (part - GAP).max(0.4) };
        put(
            &mut svg,
            format_args!(
                "<circle class=\"{severity}\" cx=\"60\" cy=\"60\" r=\"50\" pathLength=\"100\" \
             stroke-dasharray=\"{length:.2} {:.2}\" stroke-dashoffset=\"{:.2}\"/>",
                100.0 - length,
                -begin
            ),
        );
        begin += part;
    }
    put(
        &mut svg,
        format_args!(
            "</g><text x=\"60\" y=\"64\">{total}</text>\
         <text class=\"sub\" x=\"60\" y=\"80\" data-word=\"chart.total\">in total</text></svg>"
        ),
    );
    svg
}

/// Counts as parts of a bar that is as long as they are compared to the most.
pub(super) fn bar(counts: &Counts, most: usize) -> String {
    let parts: Vec<_> =
        counts.0.iter().map(|(severity, count)| (severity.name(), *count)).collect();
    parts_of_a_bar(&parts, most)
}

/// How much of the whole is fixed.
pub(super) fn share(fixed: usize, whole: usize) -> String {
    parts_of_a_bar(&[("fixed", fixed), ("unfixed", whole.saturating_sub(fixed))], whole)
}

/// One number compared to the most.
pub(super) fn plain(count: usize, most: usize) -> String {
    parts_of_a_bar(&[("plain", count)], most)
}

fn parts_of_a_bar(parts: &[(&str, usize)], most: usize) -> String {
    let mut svg = String::from(
        "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
         <rect class=\"rest\" width=\"100\" height=\"8\"/>",
    );
    let mut x = 0.0;
    for (class, count) in parts.iter().filter(|(_, count)| *count > 0) {
        let width = hundredths(*count, most);
        put(
            &mut svg,
            format_args!(
                "<rect class=\"{class}\" x=\"{x:.2}\" width=\"{width:.2}\" height=\"8\"/>"
            ),
        );
        x += width;
    }
    svg.push_str("</svg>");
    svg
}

fn hundredths(part: usize, whole: usize) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { 100.0 * number(part) / number(whole) }
}

fn put(svg: &mut String, content: std::fmt::Arguments<'_>) {
    svg.write_fmt(content).expect("writing to a String cannot fail");
}
