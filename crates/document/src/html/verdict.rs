//! The verdict of a policy, as the page shows it: the word first, then the rules that led to it.

use minijinja::{Value, context};
use model::{Decision, Reason};

use crate::Report;
use crate::text::printable;

/// Hits and remedies of a rule that are named; the JSON report has them all.
const NAMED: usize = 3;

/// What the frame shows; none without a policy.
pub(super) fn verdict(report: &Report) -> Option<Value> {
    let verdict = report.verdict.as_ref()?;
    Some(context! {
        decision => verdict.decision.name(),
        class => class(verdict.decision),
        policy => printable(&verdict.policy).into_owned(),
        reasons => verdict.reasons.iter().map(reason).collect::<Vec<_>>(),
        notes => safe(verdict.notes.iter()),
    })
}

fn reason(it: &Reason) -> Value {
    let hit = |hit: &model::Hit| printable(&format!("{} {}", hit.id, hit.place)).trim().to_owned();
    let hits = if it.on == "image" { 0 } else { it.hits.len() };
    context! {
        decision => it.decision.name(),
        class => class(it.decision),
        title => printable(&it.title).into_owned(),
        because => printable(&it.because).into_owned(),
        hits => it.hits.iter().take(hits.min(NAMED)).map(hit).collect::<Vec<_>>(),
        more => hits.saturating_sub(NAMED),
        unknown => safe(it.unknown.iter().take(NAMED)),
        remedies => safe(it.remedies.iter().take(NAMED)),
    }
}

fn class(decision: Decision) -> &'static str {
    if decision == Decision::Allow { "muted" } else { "warning" }
}

fn safe<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    texts.map(|text| printable(text).into_owned()).collect()
}
