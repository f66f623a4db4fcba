//! Facts of a vulnerability on a package.

use model::{Cvss, Finding, Status};

use super::{Fact, Read};
use crate::facts::Scene;
use crate::value::{Type, Value, age};

words!(STATUSES, Status);

pub(super) const FINDING: &[Fact] = &[
    fact("id", Type::Text, "the CVE, or the publisher's own name", |_, it| Value::Text(&it.id)),
    fact("aliases", Type::List, "other names of the same vulnerability", |_, it| {
        Value::List(&it.aliases)
    }),
    Fact {
        name: "package",
        kind: Type::Object("package"),
        about: "the package that has it",
        read: Read::Table,
    },
    fact("severity", Type::Severity, "null where nobody rated it", |_, it| {
        Value::severity(it.severity)
    }),
    fact("severity_source", Type::Text, "who rated it so", |_, it| {
        Value::text(Some(it.severity_source.as_str()).filter(|text| !text.is_empty()))
    }),
    fact("status", Type::Word(STATUSES), "what the publisher says of the package", |_, it| {
        Value::Text(it.status.name())
    }),
    fact("fixable", Type::Bool, "whether a published version fixes it", |_, it| {
        Value::Bool(it.fixed_version.is_some())
    }),
    fact("fixed_version", Type::Text, "the version that does", |_, it| {
        Value::text(it.fixed_version.as_deref())
    }),
    fact(
        "fix_age_days",
        Type::Number,
        "how long the fix may have been there: days since the vulnerability was published, for publishers date no fixes; null without a fix",
        |scene, it| {
            let published = it.published.as_deref().filter(|_| it.fixed_version.is_some());
            Value::number(age(published, scene.today))
        },
    ),
    fact("published", Type::Date, "when the vulnerability was", |_, it| {
        Value::date(it.published.as_deref())
    }),
    fact("age_days", Type::Number, "days since then", |scene, it| {
        Value::number(age(it.published.as_deref(), scene.today))
    }),
    fact("modified", Type::Date, "when its record last was", |_, it| {
        Value::date(it.modified.as_deref())
    }),
    fact(
        "cvss",
        Type::Number,
        "the highest base score, of CVSS 3 or 4 where there is one",
        |_, it| Value::number(score(&it.cvss)),
    ),
    fact(
        "epss",
        Type::Number,
        "probability of exploitation within 30 days, 0 to 1",
        |scene, it| {
            let probability = it.epss.map(|(probability, _)| probability);
            looked_up(scene, "epss", it.epss.is_some(), Value::number(probability))
        },
    ),
    fact(
        "epss_percentile",
        Type::Number,
        "share of vulnerabilities with a lower one, 0 to 1",
        |scene, it| {
            let percentile = it.epss.map(|(_, percentile)| percentile);
            looked_up(scene, "epss", it.epss.is_some(), Value::number(percentile))
        },
    ),
    fact("kev", Type::Bool, "whether it is known to be exploited (CISA's catalog)", |scene, it| {
        looked_up(scene, "kev", it.kev.is_some(), Value::Bool(it.kev.is_some()))
    }),
    fact("kev_since", Type::Date, "when it was entered there", |scene, it| {
        looked_up(scene, "kev", it.kev.is_some(), Value::date(it.kev.as_deref()))
    }),
    fact("cwes", Type::List, "`CWE-79`", |scene, it| {
        described(scene, it, !it.cwes.is_empty(), Value::List(&it.cwes))
    }),
    fact("title", Type::Text, "as published", |scene, it| {
        described(scene, it, !it.title.is_empty(), Value::Text(&it.title))
    }),
    fact("source", Type::Text, "whose statement it rests on", |_, it| {
        Value::text(it.evidence.first().map(|evidence| evidence.source.as_str()))
    }),
    fact("path", Type::Text, "of its package", |_, it| Value::Text(&it.package.location.path)),
    fact("layer", Type::Number, "of its package", |_, it| {
        Value::number(it.package.location.layer.map(f64::from))
    }),
    fact("in_base", Type::Bool, "whether that is a layer of the base image", |scene, it| {
        Value::bool(scene.in_base(it.package.location.layer))
    }),
];

/// What a stream says of a finding; that it says nothing is not known where it is not at hand.
fn looked_up<'a>(scene: &Scene<'_>, stream: &str, is_there: bool, value: Value<'a>) -> Value<'a> {
    if is_there || !scene.facts.lacks(stream) { value } else { Value::Missing }
}

/// What records of the CVE say where the advisory does not: not known while those of its year are not
/// at hand.
fn described<'a>(
    scene: &Scene<'_>,
    finding: &Finding,
    is_there: bool,
    value: Value<'a>,
) -> Value<'a> {
    let mut ids = std::iter::once(&finding.id).chain(&finding.aliases);
    let lacks = |id: &String| {
        let year = id.strip_prefix("CVE-").and_then(|rest| rest.split('-').next());
        year.is_some_and(|year| scene.facts.lacks(&format!("cve-{year}")))
    };
    if !is_there && ids.any(lacks) { Value::Missing } else { value }
}

/// Scores of CVSS 2 stand on another scale and count only where there is no other.
fn score(cvss: &[Cvss]) -> Option<f64> {
    let highest = |old: bool| {
        let scores = cvss.iter().filter(|it| it.version.starts_with('2') == old);
        scores.map(|it| it.score).reduce(f64::max)
    };
    highest(false).or_else(|| highest(true))
}

const fn fact(
    name: &'static str,
    kind: Type,
    about: &'static str,
    read: for<'a> fn(&'a Scene<'a>, &'a Finding) -> Value<'a>,
) -> Fact {
    Fact { name, kind, about, read: Read::Finding(read) }
}
