//! The policy file: read, checked as a whole, and ready to judge.

mod mistakes;

use std::collections::BTreeSet;

use model::Decision;
use serde::Deserialize;
use serde_saphyr::Spanned;
use xxhash_rust::xxh3::xxh3_128;

use crate::case::CaseFile;
use crate::error::PolicyError;
use crate::exception::{Exception, ExceptionFile};
use crate::facts::On;
use crate::license::Licenses;
use crate::preset;
use crate::rule::{OnUnknown, Rule, RuleFile};
use crate::suggest;

/// Larger files are refused: a thousand exceptions take 300 KiB.
pub const FILE_BYTES_MAX: usize = 4 << 20;
/// What the YAML reader may meet; a file of the largest size that means something has less.
const NODES_MAX: usize = 500_000;
/// More rules would make the time of a verdict anybody's guess.
const RULES_MAX: usize = 1000;
/// Each may have patterns, which take some 15 KB compiled.
pub(crate) const EXCEPTIONS_MAX: usize = 10_000;
/// The form of the file that is read here.
const VERSION: u32 = 1;

/// The file as it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    version: Option<Spanned<u32>>,
    name: Option<String>,
    #[serde(default)]
    presets: Vec<Spanned<String>>,
    /// What a rule that denies comes to where it cannot be judged.
    unknown: Option<OnUnknown>,
    #[serde(default, alias = "licences")]
    licenses: Licenses,
    #[serde(default)]
    rules: Vec<RuleFile>,
    #[serde(default)]
    exceptions: Vec<ExceptionFile>,
    #[serde(default)]
    tests: Vec<CaseFile>,
}

/// A checked policy.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) licenses: Licenses,
    /// What the license section comes to where a license is not known.
    pub(crate) license_unknown: Decision,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) cases: Vec<CaseFile>,
    version: u128,
}

impl Policy {
    /// A policy that allows everything; for exceptions that come from elsewhere.
    pub fn empty() -> Self {
        Self {
            name: String::new(),
            rules: Vec::new(),
            licenses: Licenses::default(),
            license_unknown: Decision::Unknown,
            exceptions: Vec::new(),
            cases: Vec::new(),
            version: 0,
        }
    }

    /// Reads and checks a policy file; `source` is what it is called where it has no name. Every
    /// mistake that can be told without the others' being mended is returned, those in what cannot be
    /// read included.
    pub fn parse(text: &str, source: &str) -> Result<Self, Vec<PolicyError>> {
        let file: PolicyFile = read(text).map_err(|first| mistakes::all(text, source, first))?;
        let mut errors = Vec::new();
        match &file.version {
            Some(version) if version.value == VERSION => {}
            Some(version) => errors.push(other_version(version)),
            None => {
                let message = "`version` is missing".to_owned();
                errors.push(PolicyError { line: 1, column: 1, message, hint: None });
            }
        }
        let unknown = file.unknown.unwrap_or(OnUnknown::Unknown);
        let rules = rules(&file, unknown, &mut errors);
        check_licenses(&file.licenses, &mut errors);
        let name = file.name.clone().unwrap_or_else(|| source.to_owned());
        let enabled = rules.iter().map(|rule| (rule.id.as_str(), Some(rule.on)));
        let own = file.rules.iter().map(|rule| (rule.id.value.as_str(), rule.on));
        let known: Vec<(&str, Option<On>)> = enabled.chain(own).collect();
        if let Some(one) = file.exceptions.get(EXCEPTIONS_MAX) {
            return Err(vec![one.too_many()]);
        }
        let exceptions: Vec<Exception> =
            file.exceptions.iter().filter_map(|it| it.check(source, &known, &mut errors)).collect();
        file.tests.iter().for_each(|case| case.check(&mut errors));
        if !errors.is_empty() {
            errors.sort_by_key(|error| (error.line, error.column));
            return Err(errors);
        }
        let licenses = file.licenses;
        let license_unknown = licenses.unknown.unwrap_or(unknown).decision();
        let version = xxh3_128(text.as_bytes());
        Ok(Self { name, rules, licenses, license_unknown, exceptions, cases: file.tests, version })
    }

    /// Adds the exceptions of an ignore file.
    pub fn ignore(&mut self, ignored: crate::Ignored) {
        self.version = self.version.rotate_left(1) ^ ignored.version;
        self.exceptions.extend(ignored.exceptions);
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A number that changes with the policy: part of what a remembered verdict is known by.
    pub fn version(&self) -> u128 {
        self.version
    }
}

fn other_version(version: &Spanned<u32>) -> PolicyError {
    let message = format!("version {} of policies is not known", version.value);
    let hint = format!("this program reads version {VERSION}");
    PolicyError::at(version, message).hint(Some(hint))
}

/// The rules of the presets, replaced by the file's own of the same name, then the file's others.
/// Of presets that have rules of one name the later one's counts.
fn rules(file: &PolicyFile, unknown: OnUnknown, errors: &mut Vec<PolicyError>) -> Vec<Rule> {
    let mut all: Vec<RuleFile> = Vec::new();
    for name in &file.presets {
        match preset::rules(&name.value) {
            Some(rules) => rules.into_iter().for_each(|rule| put(&mut all, rule)),
            None => {
                let message = format!("there is no preset `{}`", name.value);
                let hint = suggest::hint(&name.value, preset::ALL.iter().map(|(name, _)| *name));
                errors.push(PolicyError::at(name, message).hint(Some(hint)));
            }
        }
    }
    let mut own = BTreeSet::new();
    for rule in &file.rules {
        if !own.insert(rule.id.value.as_str()) {
            let message = format!("two rules are called `{}`", rule.id.value);
            errors.push(PolicyError::at(&rule.id, message));
            // Both are checked.
            all.push(rule.clone());
            continue;
        }
        put(&mut all, rule.clone());
    }
    if let Some(rule) = all.get(RULES_MAX) {
        errors.push(PolicyError::at(&rule.id, format!("more than {RULES_MAX} rules")));
    }
    let enabled = all.iter().filter(|rule| rule.enabled);
    enabled.filter_map(|rule| rule.check(unknown, errors)).collect()
}

/// Puts a rule in the place of that of the same name, or at the end.
fn put(all: &mut Vec<RuleFile>, rule: RuleFile) {
    match all.iter_mut().find(|it| it.id.value == rule.id.value) {
        Some(same) => *same = rule,
        None => all.push(rule),
    }
}

fn check_licenses(licenses: &Licenses, errors: &mut Vec<PolicyError>) {
    licenses.allow.iter().chain(&licenses.deny).for_each(|license| check_license(license, errors));
}

/// One that is spelled in another way would never be met.
pub(crate) fn check_license(license: &Spanned<String>, errors: &mut Vec<PolicyError>) {
    let known = model::License::of(&license.value);
    let known = known.as_ref().map(model::License::as_str);
    if known != Some(&license.value) {
        let hint = known.map_or_else(
            || "see https://spdx.org/licenses".to_owned(),
            |known| format!("SPDX spells it `{known}`"),
        );
        let message = format!("`{}` is no license of the SPDX list", license.value);
        errors.push(PolicyError::at(license, message).hint(Some(hint)));
    }
}

/// Reads YAML within limits, and says what is wrong with it as people would.
pub(crate) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, PolicyError> {
    let nowhere = |message: String| PolicyError { line: 0, column: 0, message, hint: None };
    if text.len() > FILE_BYTES_MAX {
        return Err(nowhere(format!("more than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 2 * NODES_MAX, max_nodes: NODES_MAX },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        let location = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
        let (message, hint) = told(error);
        PolicyError { line: location.line(), column: location.column(), message, hint }
    })
}

fn told(error: &serde_saphyr::Error) -> (String, Option<String>) {
    use serde_saphyr::Error;
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let hint = suggest::hint(field, expected.iter().copied());
            (format!("there is no setting `{field}` here"), Some(hint))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let hint = suggest::hint(variant, expected.iter().copied());
            (format!("`{variant}` is not allowed here"), Some(hint))
        }
        Error::SerdeMissingField { field, .. } => (format!("`{field}` is missing"), None),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (format!("`{key}` stands here a second time"), None)
        }
        Error::Unexpected { expected: "sequence start", .. } => {
            ("a list is needed here".to_owned(), None)
        }
        Error::Unexpected { expected: "mapping start", .. } => {
            ("settings with names are needed here".to_owned(), None)
        }
        other => {
            let text = other.to_string();
            let line = text.lines().next().unwrap_or_default();
            // The place is told apart from the message.
            let line = line.split_once(" at line ").map_or(line, |(message, _)| message);
            let line = line.strip_prefix("error: ").unwrap_or(line);
            (line.to_owned(), None)
        }
    }
}
