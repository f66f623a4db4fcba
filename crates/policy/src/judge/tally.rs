//! What one rule met while it was asked.

use std::collections::{BTreeMap, BTreeSet};

use model::Hit;

use super::hit;
use super::remedy::{self, Remedies};
use crate::facts::{On, Scene, Subject};
use crate::rule::Rule;

#[derive(Debug, Default)]
pub(super) struct Tally<'a> {
    pub(super) looked_at: usize,
    pub(super) holds: usize,
    pub(super) excused: usize,
    pub(super) hits: Vec<Hit>,
    /// How often which fact was not known.
    unknown: BTreeMap<&'a str, usize>,
    remedies: Remedies,
    /// Exceptions that would excuse something and count no more.
    pub(super) over: BTreeSet<String>,
}

impl<'a> Tally<'a> {
    /// The rule holds of this; an exception may excuse it.
    pub(super) fn hold(&mut self, scene: &Scene<'_>, subject: Subject<'_>, excused: bool) {
        self.holds += 1;
        if excused {
            self.excused += 1;
        } else {
            self.hits.push(hit(scene, subject));
            self.remedies.add(subject);
        }
    }

    pub(super) fn unknown(&mut self, fact: &'a str) {
        *self.unknown.entry(fact).or_default() += 1;
    }

    /// In words, one a fact.
    pub(super) fn unknowns(&self, on: On) -> Vec<String> {
        let said = |(fact, count): (&&str, &usize)| match on {
            On::Image => format!("`{fact}` is not known"),
            _ => format!("`{fact}` is not known of {count} of {}", counted(on, self.looked_at)),
        };
        self.unknown.iter().map(said).collect()
    }

    pub(super) fn remedies(&self, rule: &Rule) -> Vec<String> {
        if self.hits.is_empty() {
            return Vec::new();
        }
        remedy::said(&self.remedies, rule)
    }
}

fn counted(on: On, count: usize) -> String {
    let (one, many) = match on {
        On::Image => ("image", "images"),
        On::Package => ("package", "packages"),
        On::Finding => ("finding", "findings"),
        On::Secret => ("secret", "secrets"),
        On::Malware => ("hit of malware", "hits of malware"),
        On::Misconfiguration => ("misconfiguration", "misconfigurations"),
        On::Problem => ("problem", "problems"),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}
