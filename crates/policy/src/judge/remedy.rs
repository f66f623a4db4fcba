//! What would turn a reason: the upgrade, the file to remove, the setting to change.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::{On, Subject};
use crate::rule::Rule;

/// How many remedies of one rule are said; the hits themselves are all in the report.
const SAID_MAX: usize = 20;

/// What would help, collected while a rule is asked.
#[derive(Debug, Default)]
pub(super) struct Remedies {
    /// Package and version, to the versions that fix something in it and how much each fixes.
    upgrades: BTreeMap<(String, String), BTreeMap<String, usize>>,
    /// How many vulnerabilities nobody has fixed yet.
    unfixed: usize,
    /// Other things, each said once.
    others: BTreeSet<String>,
}

impl Remedies {
    pub(super) fn add(&mut self, subject: Subject<'_>) {
        match subject {
            Subject::Finding(it) => match &it.fixed_version {
                Some(version) => {
                    let (name, installed) = it.upgraded();
                    let package = (name.to_owned(), installed.to_owned());
                    let fixes = self.upgrades.entry(package).or_default();
                    *fixes.entry(version.clone()).or_default() += 1;
                }
                None => self.unfixed += 1,
            },
            Subject::Secret(it) => {
                let lower = if it.removed { " from the layer that adds it" } else { "" };
                let what = format!("revoke what `{}` holds and remove it{lower}", it.location.path);
                self.say(what);
            }
            Subject::Malware(it) => {
                let lower = if it.removed { " from the layer that adds it" } else { "" };
                self.say(format!("remove `{}`{lower}", it.location.path));
            }
            Subject::Misconfiguration(it) => self.say(it.remediation.clone()),
            Subject::Image | Subject::Package(_) | Subject::Problem(_) => {}
        }
    }

    fn say(&mut self, what: String) {
        if !what.is_empty() {
            self.others.insert(what);
        }
    }
}

/// In words: first what is known of the things, then what the rule itself advises, then that
/// somebody may answer for it.
pub(super) fn said(remedies: &Remedies, rule: &Rule) -> Vec<String> {
    let mut said = Vec::new();
    for ((package, version), fixes) in &remedies.upgrades {
        // Only the ecosystem knows which of several versions is the highest.
        let versions: Vec<&str> = fixes.keys().map(String::as_str).collect();
        let count: usize = fixes.values().sum();
        let highest = if versions.len() > 1 { "the highest of " } else { "" };
        said.push(format!(
            "upgrade {package} {version} to {highest}{} (fixes {count})",
            versions.join(", ")
        ));
    }
    if remedies.unfixed > 0 {
        said.push(format!("{} without a fix: do without the package", remedies.unfixed));
    }
    said.extend(remedies.others.iter().cloned());
    let more = said.len().saturating_sub(SAID_MAX);
    said.truncate(SAID_MAX);
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    if !rule.remedy.is_empty() {
        said.push(rule.remedy.clone());
    }
    said.push(format!("or answer for it: {}", exception(rule)));
    said
}

/// What an exception for the rule would name.
fn exception(rule: &Rule) -> String {
    let name = match rule.on {
        On::Finding => "cve: …",
        On::Secret => "secret: …",
        On::Malware => "malware: …",
        On::Misconfiguration => "check: …",
        On::Image | On::Package | On::Problem => {
            return format!("an exception with `rule: {}`, owner and reason", rule.id);
        }
    };
    format!("an exception with `{name}`, owner and reason")
}
