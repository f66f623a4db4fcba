//! The data of the page: rows, and once each what rows of the same rule share.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rank;
use crate::Report;
use crate::fault::{Fault, Of};
use crate::text::{printable, printable_lines, shortened};

/// A description that fills more than a screen is cut; the JSON report has it whole.
const DESCRIPTION_MAX: usize = 3000;
/// References that are shown of one vulnerability.
const REFERENCES_SHOWN: usize = 12;
/// A name longer than that is not read by anybody.
const TEXT_MAX: usize = 400;

#[derive(Serialize)]
struct Data<'a> {
    words: &'a BTreeMap<String, [String; 2]>,
    rules: Vec<Rule>,
    rows: Vec<Row>,
    /// The commands that made the layers, by index.
    layers: BTreeMap<u32, String>,
}

#[derive(Serialize)]
struct Rule {
    description: String,
    cvss: Vec<String>,
    aliases: Vec<String>,
    cwes: Vec<String>,
    benchmarks: Vec<String>,
    references: Vec<String>,
    published: Option<String>,
}

#[derive(Serialize)]
struct Row {
    kind: &'static str,
    severity: usize,
    /// The position of its rule.
    rule: usize,
    id: String,
    title: String,
    subject: String,
    place: String,
    layer: Option<u32>,
    package: String,
    fixed: Option<String>,
    status: &'static str,
    evidence: Vec<String>,
    remedy: String,
    epss: Option<f64>,
    kev: Option<String>,
    rated: String,
    sha256: String,
    removed: bool,
}

/// All of it as JSON.
pub(super) fn data(
    report: &Report,
    faults: &[Fault<'_>],
    words: &BTreeMap<String, [String; 2]>,
) -> String {
    let mut positions = BTreeMap::<(&str, &str), usize>::new();
    let mut rules = Vec::new();
    let mut rows = Vec::with_capacity(faults.len());
    for fault in faults {
        let position = *positions.entry((fault.kind.name(), fault.rule)).or_insert_with(|| {
            rules.push(rule(fault));
            rules.len() - 1
        });
        rows.push(row(fault, position));
    }
    let layers = report.artifact.layers.iter().map(|it| (it.index, safe(&it.created_by)));
    let data = Data { words, rules, rows, layers: layers.collect() };
    serde_json::to_string(&data).expect("strings, numbers and lists of them always serialize")
}

fn rule(fault: &Fault<'_>) -> Rule {
    let finding = fault.finding();
    let all = |texts: &[String]| texts.iter().map(|it| safe(it)).collect::<Vec<_>>();
    let description = match fault.of {
        Of::Finding(finding) => &finding.description,
        Of::Misconfiguration(it) => &it.why,
        Of::Secret(_) | Of::Malware(_) | Of::Excepted(_) => "",
    };
    let benchmarks = match fault.of {
        Of::Misconfiguration(it) => all(&it.benchmarks),
        _ => Vec::new(),
    };
    let score =
        |it: &model::Cvss| safe(&format!("{:.1}  {}  ({})", it.score, it.vector, it.source));
    let published = finding.and_then(|it| it.published.as_deref());
    let references = finding.map(|it| it.references.as_slice()).unwrap_or_default();
    Rule {
        description: shortened(&printable_lines(description), DESCRIPTION_MAX).into_owned(),
        cvss: finding.map(|it| it.cvss.iter().map(score).collect()).unwrap_or_default(),
        aliases: finding.map(|it| all(&it.aliases)).unwrap_or_default(),
        cwes: finding.map(|it| all(&it.cwes)).unwrap_or_default(),
        benchmarks,
        references: references.iter().take(REFERENCES_SHOWN).map(|it| safe(it)).collect(),
        published: published.map(|it| safe(it.get(..10).unwrap_or(it))),
    }
}

fn row(fault: &Fault<'_>, rule: usize) -> Row {
    let finding = fault.finding();
    let (removed, sha256) = match fault.of {
        Of::Secret(secret) => (secret.removed, ""),
        Of::Malware(malware) => (malware.removed, &*malware.sha256),
        _ => (false, ""),
    };
    let evidence = match fault.of {
        Of::Finding(finding) => {
            let said = |it: &model::Evidence| safe(&format!("{}: {}", it.source, it.compared));
            finding.evidence.iter().map(said).collect()
        }
        _ if fault.evidence.is_empty() => Vec::new(),
        _ => vec![safe(&fault.evidence)],
    };
    // Without a name of its own it is the image's configuration, which the page says in its words.
    let subject = match fault.of {
        Of::Misconfiguration(it) if it.resource.is_empty() && fault.path.is_empty() => {
            String::new()
        }
        _ => safe(&fault.subject),
    };
    Row {
        kind: fault.kind.name(),
        severity: rank(fault.severity),
        rule,
        id: safe(fault.rule),
        title: safe(fault.title),
        subject,
        place: if fault.path.is_empty() { String::new() } else { safe(&fault.place()) },
        layer: fault.layer,
        package: safe(fault.package().map_or("", |package| &package.name)),
        fixed: fault.fixed_version().map(safe),
        status: finding.map_or("", |finding| finding.status.name()),
        evidence,
        remedy: safe(&fault.remedy),
        epss: finding.and_then(|finding| finding.epss).map(|(probability, _)| probability),
        kev: finding.and_then(|finding| finding.kev.as_deref()).map(safe),
        rated: safe(finding.map_or("", |finding| &finding.severity_source)),
        sha256: safe(sha256),
        removed,
    }
}

fn safe(text: &str) -> String {
    shortened(&printable(text), TEXT_MAX).into_owned()
}
