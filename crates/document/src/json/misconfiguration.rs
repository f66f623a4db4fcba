//! A check that was not passed, as the JSON report shows it.

use model::Misconfiguration;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct MisconfigurationJson<'a> {
    check: &'a str,
    title: &'a str,
    severity: &'static str,
    why: &'a str,
    remediation: &'a str,
    benchmarks: &'a [String],
    place: &'static str,
    path: &'a str,
    layer: Option<u32>,
    line: u32,
    resource: &'a str,
    evidence: &'a str,
}

impl<'a> MisconfigurationJson<'a> {
    pub(super) fn of(it: &'a Misconfiguration) -> Self {
        Self {
            check: &it.check,
            title: &it.title,
            severity: it.severity.name(),
            why: &it.why,
            remediation: &it.remediation,
            benchmarks: &it.benchmarks,
            place: it.place.name(),
            path: &it.location.path,
            layer: it.location.layer,
            line: it.line,
            resource: &it.resource,
            evidence: &it.evidence,
        }
    }
}
