//! GitLab's container scanning report (schema 15.2.1), which its merge requests and vulnerability
//! list show.
//!
//! GitLab has one location for such reports: a package of an operating system in an image. What is
//! wrong with a file is said with the path in place of the package. Its texts are Markdown, so
//! nothing from outside enters them unescaped.

use std::io::{self, Write};

use model::Severity;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Report;
use crate::fault::{self, Fault, Of};
use crate::json::{Each, pretty};
use crate::markdown::escaped;
use crate::text::{link, printable, shortened};

/// The longest texts that the schema allows, with room for our own escapes.
const NAME_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 100_000;
const SOLUTION_MAX: usize = 3000;
/// Messages are for people; the JSON report has all that is silenced.
const SILENCED_NAMED: usize = 100;

/// Fields stand in the order of the alphabet, as in the values below them.
#[derive(Serialize)]
struct Document<V> {
    scan: Value,
    version: &'static str,
    vulnerabilities: V,
}

/// Writes the report as pretty-printed JSON with a final newline.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let faults = fault::faults(report);
    let fingerprints = fault::fingerprints(&faults, report);
    let named = faults.iter().zip(&fingerprints);
    let vulnerabilities = Each(named.map(|(fault, id)| vulnerability(report, fault, id)));
    pretty(&Document { scan: scan(report), version: "15.2.1", vulnerabilities }, out)
}

fn scan(report: &Report) -> Value {
    let tool = json!({
        "id": "lazaret",
        "name": "Lazaret",
        "version": env!("CARGO_PKG_VERSION"),
        "vendor": { "name": "Lazaret" },
    });
    // `2024-06-02T00:00:00Z`: the schema wants the same without the zone, which is UTC.
    let time = report.now.get(..19).unwrap_or(&report.now);
    let message = |it: &model::Problem| {
        let level = if it.kind.makes_incomplete() { "warn" } else { "info" };
        json!({ "level": level, "value": printable(&it.to_string()) })
    };
    json!({
        "analyzer": tool,
        "scanner": tool,
        "type": "container_scanning",
        "start_time": time,
        "end_time": time,
        // Findings of a failed scan are not shown; an incomplete one says so in its messages.
        "status": "success",
        "messages": report.problems.iter().map(message).chain(silenced(report)).collect::<Vec<_>>(),
    })
}

/// What somebody says not to report, and the verdict: the schema has no place of its own for
/// either, and as vulnerabilities they would block what they are to let pass.
fn silenced(report: &Report) -> Vec<Value> {
    let all = fault::silenced(report);
    let said = all.iter().take(SILENCED_NAMED).filter_map(|it| {
        let by = it.silenced?;
        let what = format!("silenced: {} {} in {}", it.kind.name(), it.rule, it.subject);
        Some(format!("{what}: {} ({}, {})", by.reason, by.by.name(), by.source))
    });
    let more = all.len().checked_sub(SILENCED_NAMED).filter(|more| *more > 0);
    let more = more.map(|more| format!("silenced: {more} more"));
    let verdict = report.verdict.as_ref();
    let verdict = verdict.map(|it| format!("verdict: {} by {}", it.decision.name(), it.policy));
    let message = |text: String| json!({ "level": "info", "value": printable(&text) });
    said.chain(more).chain(verdict).map(message).collect()
}

fn vulnerability(report: &Report, fault: &Fault<'_>, fingerprint: &str) -> Value {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, fingerprint.as_bytes());
    let name = if fault.title.is_empty() { fault.rule } else { fault.title };
    let os = report.inventory.os.as_ref();
    let named = |os: &model::Os| format!("{} {}", os.family, os.version).trim().to_owned();
    let os = os.map(named).filter(|os| !os.is_empty());
    let (package, version) = match fault.package() {
        Some(package) => (package.name.as_str(), package.version.as_str()),
        None => (&*fault.subject, ""),
    };
    let image = if report.artifact.name.is_empty() { "image" } else { &report.artifact.name };
    let mut vulnerability = json!({
        "id": id.to_string(),
        "name": printable(&shortened(name, NAME_MAX)),
        "description": escaped(&shortened(&description(fault), DESCRIPTION_MAX)),
        "severity": severity(fault.severity),
        "identifiers": identifiers(fault),
        "links": links(fault),
        "location": {
            "dependency": { "package": { "name": printable(package) }, "version": printable(version) },
            "operating_system": printable(os.as_deref().unwrap_or("unknown")),
            "image": printable(image),
        },
    });
    if !fault.remedy.is_empty() {
        vulnerability["solution"] = json!(escaped(&shortened(&fault.remedy, SOLUTION_MAX)));
    }
    vulnerability
}

fn description(fault: &Fault<'_>) -> String {
    let what = match fault.of {
        Of::Finding(finding) => finding.description.as_str(),
        Of::Misconfiguration(it) => &it.why,
        Of::Secret(_) | Of::Malware(_) | Of::Excepted(_) => fault.title,
    };
    let seen = [&*fault.place(), &*fault.evidence].join(": ");
    format!("{what}\n\n{}", seen.trim_end_matches(": "))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Negligible => "Info",
        Severity::Unknown => "Unknown",
    }
}

/// The first one is what GitLab takes two findings for the same by.
fn identifiers(fault: &Fault<'_>) -> Vec<Value> {
    let aliases = fault.finding().map(|finding| finding.aliases.as_slice()).unwrap_or_default();
    let ids = std::iter::once(fault.rule).chain(aliases.iter().map(String::as_str));
    let named = ids.filter(|id| !id.is_empty()).map(|id| {
        let kind = match (&fault.of, id.split_once('-')) {
            (Of::Finding(_), Some(("CVE", _))) => "cve",
            (Of::Finding(_), Some(("GHSA", _))) => "ghsa",
            (Of::Finding(_), Some(("RUSTSEC", _))) => "rustsec",
            _ => "lazaret",
        };
        json!({ "type": kind, "name": printable(id), "value": printable(id) })
    });
    let mut identifiers: Vec<Value> = named.collect();
    if identifiers.is_empty() {
        let name = fault.kind.name();
        identifiers.push(json!({ "type": "lazaret", "name": name, "value": name }));
    }
    identifiers
}

fn links(fault: &Fault<'_>) -> Vec<Value> {
    let references = fault.finding().map(|it| it.references.as_slice()).unwrap_or_default();
    references.iter().filter_map(|it| link(it)).map(|it| json!({ "url": it })).collect()
}
