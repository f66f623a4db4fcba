//! A check as its file describes it, ready to be held against things.

use model::Severity;
use serde::Deserialize;
use toml::Spanned;

use super::condition::{Condition, Fault, Patterns};
use super::thing::On;

/// A file of the content, or of a user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    pub(super) title: Spanned<String>,
    pub(super) why: String,
    pub(super) severity: Spanned<String>,
    pub(super) remediation: String,
    #[serde(default)]
    pub(super) benchmarks: Vec<String>,
    pub(super) on: Spanned<Vec<String>>,
    pub(super) when: Spanned<String>,
    #[serde(default)]
    pub(super) evidence: Option<Spanned<String>>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
    pub(super) fixtures: Fixtures,
}

/// What the check reports, and what it does not although it looks alike.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
pub(super) struct Fixtures {
    pub(super) failing: Vec<String>,
    pub(super) passing: Vec<String>,
    /// The path of the file they are in, where that matters.
    #[serde(default)]
    pub(super) file: Option<String>,
}

/// A check, compiled for every kind of thing it is made for.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) why: String,
    pub(super) severity: Severity,
    pub(super) remediation: String,
    pub(super) benchmarks: Vec<String>,
    pub(super) rules: Vec<Rule>,
}

/// A condition on one kind of thing: what holds for it is reported.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) on: On,
    pub(super) when: Condition,
    pub(super) evidence: Option<Condition>,
    /// Where both stand in the file of the check.
    pub(super) when_at: usize,
    pub(super) evidence_at: usize,
}

/// What is wrong, and where in the file: a byte, or a place in the text that begins at one.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) at: usize,
    pub(super) fault: Option<Fault>,
    pub(super) message: String,
}

impl Refusal {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, fault: None, message: message.into() }
    }
}

impl Check {
    pub(super) fn compile(
        id: &str,
        description: Description,
        patterns: &mut Patterns,
    ) -> Result<Self, Refusal> {
        let severity = &description.severity;
        let known = severity.get_ref().parse::<Severity>().ok();
        let severity = known.ok_or_else(|| {
            let message = format!("`{}` is no severity", severity.get_ref());
            Refusal::new(severity.span().start, message)
        })?;
        let at = description.on.span().start;
        if description.on.get_ref().is_empty() {
            return Err(Refusal::new(at, "a check is `on` something"));
        }
        let mut rules = Vec::new();
        for name in description.on.get_ref() {
            let on = On::from_name(name).ok_or_else(|| {
                let known = On::ALL.map(On::name).join(", ");
                Refusal::new(at, format!("`{name}` is nothing to check; there are {known}"))
            })?;
            rules.push(Rule::compile(on, &description, patterns)?);
        }
        Ok(Self {
            id: id.to_owned(),
            title: description.title.into_inner(),
            why: description.why,
            severity,
            remediation: description.remediation,
            benchmarks: description.benchmarks,
            rules,
        })
    }
}

impl Rule {
    fn compile(
        on: On,
        description: &Description,
        patterns: &mut Patterns,
    ) -> Result<Self, Refusal> {
        let example = on.example();
        let mut compile = |source: &Spanned<String>| {
            let compiled = Condition::compile(source.get_ref(), on.variable(), &example, patterns);
            compiled.map_err(|fault| Refusal {
                at: source.span().start,
                message: fault.message.clone(),
                fault: Some(fault),
            })
        };
        let when = compile(&description.when)?;
        let evidence = description.evidence.as_ref().map(compile).transpose()?;
        let evidence_at = description.evidence.as_ref().map_or(0, |it| it.span().start);
        Ok(Self { on, when, evidence, when_at: description.when.span().start, evidence_at })
    }
}
