//! Facts of the image as a whole.

use model::{ArtifactKind, Eol};

use super::{Fact, Read};
use crate::facts::{Scene, is_root, user};
use crate::value::{Type, Value, age, day};

words!(KINDS, ArtifactKind);

pub(super) const IMAGE: &[Fact] = &[
    fact("name", Type::Text, "as typed: a name or a path", |it| {
        Value::Text(&it.facts.artifact.name)
    }),
    fact("registry", Type::Text, "`docker.io`; null for what has no image name", |it| {
        Value::text(it.reference().map(|name| name.registry()))
    }),
    fact("repository", Type::Text, "`library/alpine`", |it| {
        Value::text(it.reference().map(|name| name.repository()))
    }),
    fact("tag", Type::Text, "`3.20`; empty where only a digest is named", |it| {
        Value::text(it.reference().map(|name| name.tag().unwrap_or_default()))
    }),
    fact("digest", Type::Text, "of the image configuration", |it| {
        let digest = it.facts.artifact.digest.as_ref();
        digest.map_or(Value::Null, |digest| Value::Owned(digest.to_string()))
    }),
    fact("source", Type::Word(KINDS), "where it was read from", |it| {
        Value::Text(it.facts.artifact.kind.name())
    }),
    fact("platform", Type::Text, "`linux/amd64`", |it| {
        let platform = it.facts.artifact.platform.as_ref();
        platform.map_or(Value::Null, |platform| Value::Owned(platform.to_string()))
    }),
    fact("size_bytes", Type::Number, "of its layers, as stored", |it| {
        Value::number(it.facts.artifact.size_bytes.map(number))
    }),
    fact("created", Type::Date, "when it was built", |it| {
        Value::date(it.facts.artifact.created.as_deref())
    }),
    fact("age_days", Type::Number, "days since then", |it| {
        Value::number(age(it.facts.artifact.created.as_deref(), it.today))
    }),
    fact("layers", Type::Number, "how many it has", |it| {
        Value::Number(count(it.facts.artifact.layers.len()))
    }),
    fact(
        "base_layers",
        Type::Number,
        "how many of them are the base image's; null where none that was scanned before is its base",
        |it| Value::number(it.facts.base.map(|base| f64::from(base.layers))),
    ),
    fact("os", Type::Object("os"), "the distribution", |_| Value::Null),
    fact("user", Type::Text, "that programs run as; `root` where none is set", |it| {
        Value::text(user(it.facts.artifact))
    }),
    fact("runs_as_root", Type::Bool, "whether that user is root (`root`, `0`)", |it| {
        Value::bool(user(it.facts.artifact).map(is_root))
    }),
    fact("labels", Type::Map, "by name; an absent one is empty", |it| {
        it.facts.artifact.config.as_ref().map_or(Value::Null, |config| Value::Map(&config.labels))
    }),
    fact("exposed_ports", Type::List, "`8080/tcp`", |it| {
        let config = it.facts.artifact.config.as_ref();
        config.map_or(Value::Null, |config| Value::List(&config.exposed_ports))
    }),
    fact("volumes", Type::List, "paths", |it| {
        it.facts.artifact.config.as_ref().map_or(Value::Null, |config| Value::List(&config.volumes))
    }),
    fact("has_healthcheck", Type::Bool, "whether the image tests its own health", |it| {
        let config = it.facts.artifact.config.as_ref();
        Value::bool(config.map(|config| config.healthcheck.is_some()))
    }),
    fact(
        "checks",
        Type::List,
        "the checks that ran: `vuln`, `secret`, `malware`, `config`",
        |it| Value::List(it.facts.checks),
    ),
    fact("incomplete", Type::Bool, "whether something could not be read or looked up", |it| {
        Value::Bool(it.facts.problems.iter().any(|problem| problem.kind.makes_incomplete()))
    }),
    fact(
        "signed",
        Type::Bool,
        "whether a trusted signature was verified; never known today",
        |_| Value::Null,
    ),
    fact("packages", Type::Number, "how many were found", |it| {
        Value::Number(count(it.facts.inventory.packages.len()))
    }),
    fact("findings", Type::Number, "how many vulnerabilities no exception covers", |it| {
        Value::Number(count(it.facts.findings.len()))
    }),
    fact("secrets", Type::Number, "how many no exception covers", |it| {
        Value::Number(count(it.facts.inventory.secrets.len()))
    }),
    fact("malware", Type::Number, "how many hits no exception covers", |it| {
        Value::Number(count(it.facts.inventory.malware.len()))
    }),
    fact("misconfigurations", Type::Number, "how many no exception covers", |it| {
        Value::Number(count(it.facts.inventory.misconfigurations.len()))
    }),
];

pub(super) const OS: &[Fact] = &[
    fact("family", Type::Text, "`debian`, `alpine` …", |it| {
        Value::text(it.facts.inventory.os.as_ref().map(|os| os.family.as_str()))
    }),
    fact("version", Type::Text, "`12`; empty for releases that roll on", |it| {
        Value::text(it.facts.inventory.os.as_ref().map(|os| os.version.as_str()))
    }),
    fact("end_of_life", Type::Bool, "whether support has ended", |it| match it.facts.eol {
        Eol::Ended(date) | Eol::Ends(date) => Value::bool(day(date).map(|last| last < it.today)),
        Eol::Unknown => Value::Null,
    }),
    fact("support_ends", Type::Date, "the day on which support ended or will end", |it| {
        match it.facts.eol {
            Eol::Ended(date) | Eol::Ends(date) => Value::date(Some(date)),
            Eol::Unknown => Value::Null,
        }
    }),
];

const fn fact(
    name: &'static str,
    kind: Type,
    about: &'static str,
    read: for<'a> fn(&'a Scene<'a>) -> Value<'a>,
) -> Fact {
    let read = if matches!(kind, Type::Object(_)) { Read::Table } else { Read::Image(read) };
    Fact { name, kind, about, read }
}

/// Counts of things in memory are far below what a number holds exactly.
fn count(length: usize) -> f64 {
    f64::from(u32::try_from(length).unwrap_or(u32::MAX))
}

/// Exact up to 2⁵³, beyond which a comparison of sizes does not mind.
#[expect(clippy::cast_precision_loss, reason = "the doc says why that is fine")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}
