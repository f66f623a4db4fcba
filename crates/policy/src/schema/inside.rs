//! Facts of secrets, malware, misconfigurations and problems.

use model::{
    ConfigPlace, Malware, MalwareEngine, Misconfiguration, Problem, ProblemKind, Secret,
    SecretPlace,
};

use super::{Fact, Read};
use crate::facts::Scene;
use crate::value::{Type, Value};

words!(SECRET_PLACES, SecretPlace);
words!(ENGINES, MalwareEngine);
words!(CONFIG_PLACES, ConfigPlace);
words!(PROBLEM_KINDS, ProblemKind);

pub(super) const SECRET: &[Fact] = &[
    secret("kind", Type::Text, "`aws-access-key-id`", |_, it| Value::Text(&it.kind)),
    secret("title", Type::Text, "for people", |_, it| Value::Text(&it.title)),
    secret("severity", Type::Severity, "how bad it is to lose", |_, it| {
        Value::severity(it.severity)
    }),
    secret("place", Type::Word(SECRET_PLACES), "what it stands in", |_, it| {
        Value::Text(it.place.name())
    }),
    secret("path", Type::Text, "the file; the name of the variable, label or field", |_, it| {
        Value::Text(&it.location.path)
    }),
    secret("layer", Type::Number, "0 being the lowest", |_, it| {
        Value::number(it.location.layer.map(f64::from))
    }),
    secret("in_base", Type::Bool, "whether that is a layer of the base image", |scene, it| {
        Value::bool(scene.in_base(it.location.layer))
    }),
    secret("removed", Type::Bool, "a layer above hides the file; it is still there", |_, it| {
        Value::Bool(it.removed)
    }),
];

pub(super) const MALWARE: &[Fact] = &[
    malware("rule", Type::Text, "the rule, signature or advisory", |_, it| Value::Text(&it.rule)),
    malware(
        "family",
        Type::Text,
        "`webshell`, `miner` …; empty if the rule does not say",
        |_, it| Value::Text(&it.family),
    ),
    malware("title", Type::Text, "for people", |_, it| Value::Text(&it.title)),
    malware("severity", Type::Severity, "how bad it is", |_, it| Value::severity(it.severity)),
    malware("engine", Type::Word(ENGINES), "who says so", |_, it| Value::Text(it.engine.name())),
    malware("sha256", Type::Text, "of the file; null where no file was matched", |_, it| {
        Value::text(Some(it.sha256.as_str()).filter(|digest| !digest.is_empty()))
    }),
    malware("path", Type::Text, "the file; within an archive after `!/`", |_, it| {
        Value::Text(&it.location.path)
    }),
    malware("layer", Type::Number, "0 being the lowest", |_, it| {
        Value::number(it.location.layer.map(f64::from))
    }),
    malware("in_base", Type::Bool, "whether that is a layer of the base image", |scene, it| {
        Value::bool(scene.in_base(it.location.layer))
    }),
    malware("removed", Type::Bool, "a layer above hides the file; it is still there", |_, it| {
        Value::Bool(it.removed)
    }),
    malware("owner", Type::Text, "the package that owns the file; empty if none", |_, it| {
        Value::Text(it.owner.as_deref().unwrap_or_default())
    }),
    malware("intact", Type::Bool, "whether the file is as its owner shipped it", |_, it| {
        Value::bool(it.intact)
    }),
];

pub(super) const MISCONFIGURATION: &[Fact] = &[
    misconfiguration("check", Type::Text, "`image-root-user`", |_, it| Value::Text(&it.check)),
    misconfiguration("title", Type::Text, "for people", |_, it| Value::Text(&it.title)),
    misconfiguration("severity", Type::Severity, "how bad it is", |_, it| {
        Value::severity(it.severity)
    }),
    misconfiguration("place", Type::Word(CONFIG_PLACES), "what is set wrong", |_, it| {
        Value::Text(it.place.name())
    }),
    misconfiguration("path", Type::Text, "the file; empty for the image itself", |_, it| {
        Value::Text(&it.location.path)
    }),
    misconfiguration("layer", Type::Number, "0 being the lowest", |_, it| {
        Value::number(it.location.layer.map(f64::from))
    }),
    misconfiguration("resource", Type::Text, "what in the file; empty for all of it", |_, it| {
        Value::Text(&it.resource)
    }),
    misconfiguration("benchmarks", Type::List, "who asks for the same", |_, it| {
        Value::List(&it.benchmarks)
    }),
    misconfiguration("evidence", Type::Text, "what was seen", |_, it| Value::Text(&it.evidence)),
];

pub(super) const PROBLEM: &[Fact] = &[
    problem("kind", Type::Word(PROBLEM_KINDS), "what class of trouble", |_, it| {
        Value::Text(it.kind.name())
    }),
    problem("subject", Type::Text, "a path, a digest, a stream of advisories", |_, it| {
        Value::Text(&it.subject)
    }),
    problem("message", Type::Text, "for people", |_, it| Value::Text(&it.message)),
    problem("layer", Type::Number, "0 being the lowest", |_, it| {
        Value::number(it.layer.map(f64::from))
    }),
    problem(
        "incomplete",
        Type::Bool,
        "whether the result may lack something because of it",
        |_, it| Value::Bool(it.kind.makes_incomplete()),
    ),
];

const fn secret(
    name: &'static str,
    kind: Type,
    about: &'static str,
    read: for<'a> fn(&'a Scene<'a>, &'a Secret) -> Value<'a>,
) -> Fact {
    Fact { name, kind, about, read: Read::Secret(read) }
}

const fn malware(
    name: &'static str,
    kind: Type,
    about: &'static str,
    read: for<'a> fn(&'a Scene<'a>, &'a Malware) -> Value<'a>,
) -> Fact {
    Fact { name, kind, about, read: Read::Malware(read) }
}

const fn misconfiguration(
    name: &'static str,
    kind: Type,
    about: &'static str,
    read: for<'a> fn(&'a Scene<'a>, &'a Misconfiguration) -> Value<'a>,
) -> Fact {
    Fact { name, kind, about, read: Read::Misconfiguration(read) }
}

const fn problem(
    name: &'static str,
    kind: Type,
    about: &'static str,
    read: for<'a> fn(&'a Scene<'a>, &'a Problem) -> Value<'a>,
) -> Fact {
    Fact { name, kind, about, read: Read::Problem(read) }
}
