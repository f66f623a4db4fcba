//! SARIF 2.1.0 (OASIS): what code hosts and IDEs show as alerts.
//!
//! A rule for every vulnerability, kind of secret, malware rule and check; a result for every place
//! where it holds. What somebody says not to report is a result with a suppression; what could not
//! be done is a notification of the invocation. Locations are paths in the image, relative to
//! `IMAGE`; fingerprints stay the same when lines move or versions change.

mod rule;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write};

use model::{Problem, Severity};
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::rule::Rule;
use crate::Report;
use crate::fault::{self, Fault, Of};
use crate::json::{Each, pretty};
use crate::text::printable;

/// The name of our fingerprint, with the version of what goes into it.
const FINGERPRINT: &str = "lazaret/v1";
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the report as pretty-printed JSON with a final newline.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let faults: Vec<Fault<'_>> =
        fault::faults(report).into_iter().chain(fault::silenced(report)).collect();
    let fingerprints = fault::fingerprints(&faults, report);
    let ruling = rule::worst_of_each(&faults);
    let positions: HashMap<&str, usize> =
        ruling.iter().enumerate().map(|(position, fault)| (fault.rule, position)).collect();
    let results = faults.iter().zip(&fingerprints).map(|(fault, fingerprint)| {
        let position = positions.get(fault.rule).copied().unwrap_or_default();
        outcome(report, fault, position, fingerprint)
    });
    let version = env!("CARGO_PKG_VERSION");
    let rules = Each(ruling.iter().map(|fault| Rule::of(fault)));
    let run = Run {
        automation_details: json!({
            "id": format!("lazaret/{}", printable(&report.artifact.name)),
        }),
        column_kind: "utf16CodeUnits",
        invocations: [invocation(report)],
        original_uri_base_ids: json!({
            "IMAGE": { "description": { "text": "the root directory of the image" } },
        }),
        properties: image(report),
        results: Each(results),
        tool: Tool {
            driver: Driver { name: "Lazaret", rules, semantic_version: version, version },
        },
    };
    pretty(&Log { schema: SCHEMA, runs: [run], version: "2.1.0" }, out)
}

/// What may be long is made as it is written; the rest is a [`Value`], whose fields stand in the order
/// of the alphabet as these do.
#[derive(Serialize)]
struct Log<O, R> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<O, R>; 1],
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<O, R> {
    automation_details: Value,
    column_kind: &'static str,
    invocations: [Value; 1],
    original_uri_base_ids: Value,
    properties: Value,
    results: O,
    tool: Tool<R>,
}

#[derive(Serialize)]
struct Tool<R> {
    driver: Driver<R>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<R> {
    name: &'static str,
    rules: R,
    semantic_version: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    kind: &'static str,
    level: &'static str,
    locations: [Value; 1],
    message: Value,
    partial_fingerprints: BTreeMap<&'static str, &'a str>,
    properties: Map<String, Value>,
    rule_id: &'a str,
    rule_index: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Value>,
}

fn invocation(report: &Report) -> Value {
    json!({
        "executionSuccessful": !report.is_incomplete(),
        "endTimeUtc": report.now,
        "toolExecutionNotifications": report.problems.iter().map(notification).collect::<Vec<_>>(),
    })
}

fn notification(problem: &Problem) -> Value {
    let level = if problem.kind.makes_incomplete() { "error" } else { "note" };
    json!({
        "level": level,
        "message": { "text": printable(&problem.to_string()) },
        "descriptor": { "id": problem.kind.name() },
    })
}

/// What image this is about: the format has no place of its own for it.
fn image(report: &Report) -> Value {
    let artifact = &report.artifact;
    json!({
        "image": printable(&artifact.name),
        "kind": artifact.kind.name(),
        "digest": artifact.digest.as_ref().map(ToString::to_string),
        "manifestDigest": artifact.manifest_digest.as_ref().map(ToString::to_string),
        "platform": artifact.platform.as_ref().map(ToString::to_string),
        "verdict": report.verdict.as_ref().map(|it| it.decision.name()),
    })
}

fn outcome<'a>(
    report: &Report,
    fault: &Fault<'a>,
    rule_index: usize,
    fingerprint: &'a str,
) -> Outcome<'a> {
    Outcome {
        kind: "fail",
        level: level(fault.severity),
        locations: [location(fault)],
        message: json!({ "text": message(fault) }),
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, fingerprint)]),
        properties: properties(fault, report),
        rule_id: fault.rule,
        rule_index,
        suppressions: fault.silenced.map(suppression).into_iter().collect(),
    }
}

/// SARIF has three words for six of ours; the number is in the rule's `security-severity`.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Negligible | Severity::Unknown => "note",
    }
}

/// Plain text that cannot become a link: in SARIF `[text](target)` is one, and a backslash keeps a
/// bracket a bracket (section 3.11.6).
fn plain(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

fn message(fault: &Fault<'_>) -> String {
    let what = match fault.title {
        "" => fault.rule.to_owned(),
        title => format!("{}: {title}", fault.rule),
    };
    let (what, subject) = (plain(&what), plain(&fault.subject));
    let mut text = format!("{} {}, {what}, in {subject}", fault.severity, fault.kind.name());
    for part in [&fault.evidence, &fault.remedy] {
        if !part.is_empty() {
            text.push_str(". ");
            text.push_str(plain(part).trim_end_matches('.'));
        }
    }
    text.push('.');
    text
}

fn location(fault: &Fault<'_>) -> Value {
    let uri =
        if fault.path.is_empty() { "image-configuration".to_owned() } else { uri(fault.path) };
    let region = json!({ "startLine": fault.line.max(1) });
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri, "uriBaseId": "IMAGE" },
            "region": region,
        },
        "logicalLocations": [{ "fullyQualifiedName": printable(&fault.subject) }],
        "message": { "text": format!("{} in the image", plain(&fault.place())) },
    })
}

/// A path as a relative reference (RFC 3986): what is not a letter, a digit or harmless is a byte
/// in hexadecimal; a colon too, or the first part could be a scheme.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!+@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    uri
}

fn suppression(silenced: fault::Silencer<'_>) -> Value {
    let owner =
        if silenced.owner.is_empty() { String::new() } else { format!(", {}", silenced.owner) };
    let source = format!("{} ({}{owner})", silenced.source, silenced.by.name());
    json!({
        "kind": "external",
        "status": "accepted",
        "justification": printable(&format!("{source}: {}", silenced.reason)),
    })
}

fn properties(fault: &Fault<'_>, report: &Report) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            properties.insert(name.to_owned(), value);
        }
    };
    put("kind", json!(fault.kind.name()));
    put("severity", json!(fault.severity.name()));
    let layer = report.artifact.layers.iter().find(|layer| Some(layer.index) == fault.layer);
    if let Some(layer) = layer {
        put(
            "layer",
            json!({
                "index": layer.index,
                "diffId": layer.diff_id.as_ref().map(ToString::to_string),
                "createdBy": printable(&layer.created_by),
            }),
        );
    }
    match fault.of {
        Of::Finding(finding) => {
            let package = &finding.package;
            put("purl", json!(crate::purl(package, report.inventory.os.as_ref())));
            put("installedVersion", json!(package.version));
            put("fixedVersion", json!(finding.fixed_version));
            put("status", json!(finding.status.name()));
            put("epss", json!(finding.epss.map(|(probability, _)| probability)));
            put("kev", json!(finding.kev));
            let compared = |it: &model::Evidence| json!({ "source": it.source, "stream": it.stream, "compared": printable(&it.compared) });
            put("evidence", finding.evidence.iter().map(compared).collect());
        }
        Of::Secret(secret) => {
            put("place", json!(secret.place.name()));
            put("removed", json!(secret.removed));
        }
        Of::Malware(malware) => {
            put("engine", json!(malware.engine.name()));
            put("sha256", json!(malware.sha256));
            put("offset", json!(malware.offset));
            put("removed", json!(malware.removed));
            put("owner", json!(malware.owner));
        }
        Of::Misconfiguration(it) => {
            put("place", json!(it.place.name()));
            put("resource", json!(printable(&it.resource)));
        }
        Of::Excepted(_) => {}
    }
    properties
}
