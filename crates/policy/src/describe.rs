//! What a policy says, rule by rule, for whoever wants to read it without knowing its language.

use model::Decision;

use crate::exception::{Exception, Named};
use crate::facts::On;
use crate::glob::Glob;
use crate::policy::Policy;
use crate::rule::{Action, Rule, Scope};

/// One rule in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub id: String,
    pub title: String,
    /// One sentence fragment: `denies an image with a finding for which …`.
    pub does: String,
    /// Where it is asked; empty if everywhere.
    pub scope: String,
    pub unknown: Decision,
    /// Before this day it only warns.
    pub observe_until: Option<String>,
    pub because: String,
}

/// One exception in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionDescription {
    /// `CVE-2023-0286 in openssl, up to 2026-12-31`.
    pub covers: String,
    pub owner: String,
    pub reason: String,
}

impl Policy {
    /// Every rule, in their order.
    pub fn describe(&self) -> Vec<Description> {
        self.rules.iter().map(describe).collect()
    }

    pub fn describe_exceptions(&self) -> Vec<ExceptionDescription> {
        let describe = |it: &Exception| ExceptionDescription {
            covers: covers(it),
            owner: it.owner.clone(),
            reason: it.reason.clone(),
        };
        self.exceptions.iter().map(describe).collect()
    }
}

fn describe(rule: &Rule) -> Description {
    let when = rule.when.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let with = match rule.on {
        On::Image => "for which".to_owned(),
        On::Malware => "with malware for which".to_owned(),
        other => format!("with a {} for which", other.name()),
    };
    let does = match rule.action {
        Action::Allow => {
            format!("lets no later rule look at a {} for which `{when}`", rule.on.name())
        }
        Action::Warn => format!("warns of an image {with} `{when}`"),
        Action::Deny => format!("denies an image {with} `{when}`"),
    };
    Description {
        id: rule.id.clone(),
        title: rule.title.clone(),
        does,
        scope: scope(&rule.scope),
        unknown: rule.unknown,
        observe_until: rule.observe_until.map(|date| date.to_string()),
        because: rule.because.clone(),
    }
}

fn scope(scope: &Scope) -> String {
    let mut parts = Vec::new();
    if !scope.images.is_empty() {
        parts.push(format!("images named {}", listed(&scope.images)));
    }
    if !scope.except.is_empty() {
        parts.push(format!("none named {}", listed(&scope.except)));
    }
    for (label, glob) in &scope.labels {
        parts.push(format!("the label {label} like {}", glob.as_str()));
    }
    parts.join(", ")
}

fn listed(globs: &[Glob]) -> String {
    globs.iter().map(Glob::as_str).collect::<Vec<_>>().join(" or ")
}

fn covers(exception: &Exception) -> String {
    let mut text = match &exception.named {
        Named::Anything(name) | Named::Vulnerability(name) => name.clone(),
        Named::Secret(name) => format!("secrets of kind {name}"),
        Named::Malware(name) => format!("malware {name}"),
        Named::Check(name) => format!("misconfiguration {name}"),
        Named::Nothing => match &exception.license {
            Some(license) => format!("license {license}"),
            None => "anything".to_owned(),
        },
    };
    let version = exception.version.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
    let package = exception.package.as_ref().map(|it| format!(" in {}{version}", it.as_str()));
    text.extend(package);
    if !exception.paths.is_empty() {
        text.extend([" at ", &listed(&exception.paths)]);
    }
    if !exception.images.is_empty() {
        text.extend([" on images named ", &listed(&exception.images)]);
    }
    text.extend(exception.rule.as_ref().map(|rule| format!(", for rule {rule} alone")));
    text.extend(exception.expires.map(|date| format!(", up to {date}")));
    if exception.until_fixed {
        text.push_str(", until a fix is known");
    }
    text
}
