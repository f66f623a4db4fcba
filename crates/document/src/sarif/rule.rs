//! The rules of a SARIF run: each vulnerability, kind of secret, malware rule and check once, with
//! the help that a reader of its alerts is shown.

use std::collections::{BTreeSet, HashMap};

use model::Severity;
use serde::Serialize;
use serde_json::{Value, json};

use super::{level, plain};
use crate::fault::{Fault, Kind, Of};
use crate::text::{link, printable_lines, shortened};

/// What viewers show of a short description; GitHub cuts there.
const SHORT_MAX: usize = 1000;
/// A description is a paragraph or two; a feed that says more is cut.
const FULL_MAX: usize = 4000;
/// GitHub refuses a rule with more.
const TAGS_MAX: usize = 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule<'a> {
    default_configuration: Value,
    full_description: Value,
    help: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'a str>,
    id: &'a str,
    name: &'static str,
    properties: Value,
    short_description: Value,
}

/// For each id, in the order in which they first come, what decides how severe its rule is: the
/// worst of its results.
pub(super) fn worst_of_each<'f, 'a>(faults: &'f [Fault<'a>]) -> Vec<&'f Fault<'a>> {
    let mut places = HashMap::<&str, usize>::new();
    let mut worst: Vec<&Fault<'a>> = Vec::new();
    for fault in faults {
        let place = *places.entry(fault.rule).or_insert_with(|| {
            worst.push(fault);
            worst.len() - 1
        });
        if let Some(known) = worst.get_mut(place)
            && known.severity < fault.severity
        {
            *known = fault;
        }
    }
    worst
}

impl<'a> Rule<'a> {
    pub(super) fn of(fault: &Fault<'a>) -> Self {
        let short = if fault.title.is_empty() { fault.rule } else { fault.title };
        let full = description(fault);
        let full = if full.is_empty() { short } else { full };
        let full = shortened(full, FULL_MAX);
        Self {
            id: fault.rule,
            name: match fault.kind {
                Kind::Vulnerability => "VulnerablePackage",
                Kind::Secret => "SecretInImage",
                Kind::Malware => "MalwareInImage",
                Kind::Misconfiguration => "Misconfiguration",
            },
            short_description: json!({ "text": plain(&shortened(short, SHORT_MAX)) }),
            full_description: json!({ "text": lines(&full) }),
            help_uri: fault
                .finding()
                .and_then(|finding| finding.references.iter().find_map(|it| link(it))),
            help: json!({ "text": help(fault, &full) }),
            default_configuration: json!({ "level": level(fault.severity) }),
            properties: json!({
                "precision": "very-high",
                "security-severity": format!("{:.1}", score(fault)),
                "tags": tags(fault),
            }),
        }
    }
}

fn description<'a>(fault: &Fault<'a>) -> &'a str {
    match fault.of {
        Of::Finding(finding) => &finding.description,
        Of::Misconfiguration(it) => &it.why,
        Of::Secret(_) | Of::Malware(_) | Of::Excepted(_) => "",
    }
}

fn lines(text: &str) -> String {
    printable_lines(text).replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

fn help(fault: &Fault<'_>, full: &str) -> String {
    let mut parts = vec![lines(full)];
    parts.push(match fault.of {
        Of::Finding(_) if fault.remedy.is_empty() => "No fixed version is known.".to_owned(),
        Of::Finding(_) => "A version that fixes it is named by each result.".to_owned(),
        _ => plain(&fault.remedy),
    });
    if let Of::Finding(finding) = fault.of {
        let shown = finding.references.iter().filter_map(|it| link(it)).take(10);
        parts.extend(shown.map(str::to_owned));
    }
    if let Of::Misconfiguration(it) = fault.of {
        parts.extend(it.benchmarks.iter().map(|benchmark| plain(benchmark)));
    }
    parts.join("\n\n")
}

/// The number by which viewers rank: the highest CVSS score that agrees with our word, else the
/// middle of what the word stands for. Viewers have the scale of CVSS 3 alone, on which a 10 of CVSS 2 would be
/// critical.
fn score(fault: &Fault<'_>) -> f64 {
    let scores = fault.finding().into_iter().flat_map(|it| &it.cvss).map(|cvss| cvss.score);
    let agrees = |score: &f64| Severity::from_score(*score) == fault.severity;
    scores.filter(agrees).max_by(f64::total_cmp).unwrap_or(match fault.severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::Negligible | Severity::Unknown => 0.0,
    })
}

fn tags(fault: &Fault<'_>) -> Vec<String> {
    let mut tags = vec!["security".to_owned(), fault.kind.name().to_owned()];
    tags.push(fault.severity.name().to_owned());
    match fault.of {
        Of::Finding(finding) => {
            tags.extend(finding.kev.iter().map(|_| "exploited".to_owned()));
            // The form in which GitHub recognises a weakness.
            let cwe = |cwe: &String| format!("external/cwe/{}", plain(cwe).to_lowercase());
            tags.extend(finding.cwes.iter().map(cwe));
        }
        Of::Malware(malware) if !malware.family.is_empty() => tags.push(plain(&malware.family)),
        _ => {}
    }
    // Tags are a set, and a feed may say one twice.
    let mut seen = BTreeSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags.truncate(TAGS_MAX);
    tags
}
