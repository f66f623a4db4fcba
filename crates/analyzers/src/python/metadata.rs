//! A Python package as it is installed: `METADATA` in a `.dist-info` folder (PEP 376, PEP 627),
//! `PKG-INFO` in an `.egg-info` folder or file.
//!
//! The format is that of mail headers ("Core metadata specifications", packaging.python.org): the
//! body and continued lines are prose and say nothing here.

use model::{License, PackageKind, ProblemKind};

use super::name::normalized;
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `python-metadata`.
pub(crate) struct Metadata;

impl Analyzer for Metadata {
    fn name(&self) -> &'static str {
        "python-metadata"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*.dist-info", name: "METADATA" },
                Select::Anywhere { directory: "*.egg-info", name: "PKG-INFO" },
                Select::Anywhere { directory: "EGG-INFO", name: "PKG-INFO" },
                Select::Anywhere { directory: "*", name: "*.egg-info" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // The long description is in there too; the largest published have some hundred KB.
        16 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if let Some(installed) = installed(&file.text(), facts) {
            facts.package(installed);
        }
    }
}

/// The package that the text describes; a Problem and None if it names none.
pub(super) fn installed(text: &str, facts: &mut FileFacts) -> Option<Installed> {
    let headers = Headers::of(text);
    let (name, version) = (normalized(headers.name), headers.version);
    if name.is_empty() || version.is_empty() {
        let missing = if name.is_empty() { "Name" } else { "Version" };
        facts.problem(ProblemKind::Damaged, format!("it has no `{missing}`"));
        return None;
    }
    let mut installed = Installed::new(PackageKind::Pypi, &name, version);
    installed.package.license = headers.license();
    installed.package.dependencies = headers.requires;
    Some(installed)
}

#[derive(Default)]
struct Headers<'a> {
    name: &'a str,
    version: &'a str,
    /// An SPDX expression since version 2.4 of the format.
    expression: &'a str,
    /// Prose, often the whole text.
    license: &'a str,
    classifiers: Vec<&'a str>,
    /// Names, sorted.
    requires: Vec<String>,
}

impl<'a> Headers<'a> {
    /// The first value of each field counts.
    fn of(text: &'a str) -> Self {
        let mut headers = Self::default();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let Some((field, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match field {
                "Name" if headers.name.is_empty() => headers.name = value,
                "Version" if headers.version.is_empty() => headers.version = value,
                "License-Expression" => headers.expression = value,
                "License" if headers.license.is_empty() => headers.license = value,
                "Classifier" => headers.classifiers.extend(value.strip_prefix("License :: ")),
                "Requires-Dist" => headers.requires.extend(required(value)),
                _ => {}
            }
        }
        headers.requires.sort_unstable();
        headers.requires.dedup();
        headers
    }

    /// The most exact there is: the expression, a single line that means one license, what the
    /// classifiers say, the single line as it is.
    fn license(&self) -> String {
        let stated = if self.license == "UNKNOWN" { "" } else { self.license };
        if !self.expression.is_empty() {
            return self.expression.to_owned();
        }
        let classified = self.classified();
        let is_clear = |text: &str| License::of(text).is_some();
        let are_closer = stated.is_empty() || !is_clear(stated) && is_clear(&classified);
        if are_closer { classified } else { stated.to_owned() }
    }

    /// The last parts of the classifiers; without those that say nothing but who approves, if there
    /// are others.
    fn classified(&self) -> String {
        let last = |classifier: &&'a str| classifier.rsplit(" :: ").next().unwrap_or_default();
        let approvals = ["DFSG approved", "OSI Approved"];
        let all: Vec<&str> = self.classifiers.iter().map(last).collect();
        let mut telling = all.clone();
        telling.retain(|name| !approvals.contains(name));
        if telling.is_empty() { all.join(", ") } else { telling.join(", ") }
    }
}

/// The name in `requests[security] (>=2.0); python_version < "3"`; None for what only an extra
/// needs, which nobody may have asked for.
fn required(value: &str) -> Option<String> {
    let (requirement, marker) = value.split_once(';').unwrap_or((value, ""));
    if marker.contains("extra") {
        return None;
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let end = requirement.find(|c| !is_name(c)).unwrap_or(requirement.len());
    requirement.get(..end).map(normalized).filter(|name| !name.is_empty())
}
