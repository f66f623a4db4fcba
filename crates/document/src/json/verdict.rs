//! The verdict of a policy, and what its exceptions cover, as the JSON report shows them.

use model::{Excepted, Hit, Reason, Verdict};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct VerdictJson<'a> {
    decision: &'static str,
    policy: &'a str,
    reasons: Vec<ReasonJson<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct ReasonJson<'a> {
    rule: &'a str,
    title: &'a str,
    decision: &'static str,
    because: &'a str,
    observed_until: Option<&'a str>,
    on: &'a str,
    count: usize,
    hits: Vec<HitJson<'a>>,
    unknown: &'a [String],
    remedies: &'a [String],
}

#[derive(Serialize)]
struct HitJson<'a> {
    id: &'a str,
    place: &'a str,
    severity: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct ExceptedJson<'a> {
    kind: &'a str,
    id: &'a str,
    place: &'a str,
    severity: &'static str,
    source: &'a str,
    reason: &'a str,
    owner: &'a str,
    expires: Option<&'a str>,
}

impl<'a> VerdictJson<'a> {
    pub(super) fn of(verdict: &'a Verdict) -> Self {
        let Verdict { decision, policy, reasons, notes } = verdict;
        Self {
            decision: decision.name(),
            policy,
            reasons: reasons.iter().map(ReasonJson::of).collect(),
            notes,
        }
    }
}

impl<'a> ReasonJson<'a> {
    fn of(reason: &'a Reason) -> Self {
        let Reason { rule, title, decision, because, observed_until, on, hits, unknown, remedies } =
            reason;
        Self {
            rule,
            title,
            decision: decision.name(),
            because,
            observed_until: observed_until.as_deref(),
            on,
            count: hits.len(),
            hits: hits.iter().map(HitJson::of).collect(),
            unknown,
            remedies,
        }
    }
}

impl<'a> HitJson<'a> {
    fn of(hit: &'a Hit) -> Self {
        let Hit { id, place, severity } = hit;
        Self { id, place, severity: severity.map(model::Severity::name) }
    }
}

impl<'a> ExceptedJson<'a> {
    pub(super) fn of(excepted: &'a Excepted) -> Self {
        let Excepted { kind, id, place, severity, source, reason, owner, expires } = excepted;
        Self {
            kind,
            id,
            place,
            severity: severity.name(),
            source,
            reason,
            owner,
            expires: expires.as_deref(),
        }
    }
}
