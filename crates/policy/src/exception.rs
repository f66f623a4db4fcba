//! An exception: what somebody has looked at, answers for, and does not want to be stopped by.
//!
//! One that names a rule or a license speaks of that alone; any other silences the thing itself,
//! which reports then list apart. It counts up to its date, and one `until_fixed` up to the day on
//! which a fix is known.

use jiff::civil::Date;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::error::PolicyError;
use crate::facts::{On, Scene, Subject};
use crate::glob::Glob;
use crate::policy::{EXCEPTIONS_MAX, check_license};
use crate::rule::{date, glob, globs};
use crate::suggest;

/// An exception as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionFile {
    cve: Option<Spanned<String>>,
    secret: Option<Spanned<String>>,
    malware: Option<Spanned<String>>,
    check: Option<Spanned<String>>,
    rule: Option<Spanned<String>>,
    license: Option<Spanned<String>>,
    package: Option<Spanned<String>>,
    version: Option<String>,
    path: Option<Spanned<String>>,
    #[serde(default)]
    images: Vec<Spanned<String>>,
    owner: Spanned<String>,
    reason: Spanned<String>,
    expires: Option<Spanned<String>>,
    #[serde(default)]
    until_fixed: bool,
}

/// What kind of thing is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// Whatever is called so.
    Anything(String),
    Vulnerability(String),
    Secret(String),
    Malware(String),
    Check(String),
    /// Nothing: what else the exception says decides.
    Nothing,
}

/// A checked exception.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    pub(crate) named: Named,
    pub(crate) rule: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) package: Option<Glob>,
    /// The purl type, where a package URL names the package: then it means that package, and not
    /// others of the same source.
    pub(crate) package_type: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) paths: Vec<Glob>,
    pub(crate) images: Vec<Glob>,
    /// The policy or ignore file, as the user named it.
    pub(crate) source: String,
    pub(crate) owner: String,
    pub(crate) reason: String,
    /// The last day on which it counts.
    pub(crate) expires: Option<Date>,
    pub(crate) until_fixed: bool,
}

/// Whether an exception counts for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does not speak of it.
    Elsewhere,
    Counts,
    /// It would, and its time is over: why.
    Over(String),
}

impl ExceptionFile {
    /// Checks an exception beside the policy's rules and what each looks at.
    pub(crate) fn check(
        &self,
        source: &str,
        rules: &[(&str, Option<On>)],
        errors: &mut Vec<PolicyError>,
    ) -> Option<Exception> {
        let before = errors.len();
        self.check_rule(rules, errors);
        if let Some(license) = &self.license {
            check_license(license, errors);
        }
        for (what, text) in [("owner", &self.owner), ("reason", &self.reason)] {
            if text.value.trim().is_empty() {
                errors.push(PolicyError::at(text, format!("an exception without {what}")));
            }
        }
        let exception = Exception {
            named: self.named(errors),
            rule: self.rule.as_ref().map(|it| it.value.clone()),
            license: self.license.as_ref().map(|it| it.value.clone()),
            package: self.package.as_ref().and_then(|it| glob(it, Glob::name, errors)),
            package_type: None,
            version: self.version.clone(),
            paths: self.path.iter().filter_map(|it| glob(it, Glob::path, errors)).collect(),
            images: globs(&self.images, Glob::name, errors),
            source: source.to_owned(),
            owner: self.owner.value.clone(),
            reason: self.reason.value.clone(),
            expires: date(self.expires.as_ref(), errors),
            until_fixed: self.until_fixed,
        };
        if exception.is_boundless() {
            let message = "an exception that names nothing, or anything, would excuse everything";
            let hint = "name a cve, secret, malware, check, rule, license, package or path";
            errors.push(PolicyError::at(&self.reason, message).hint(Some(hint.to_owned())));
        }
        if exception.until_fixed && !exception.may_be_fixed() {
            let message = "`until_fixed` speaks of vulnerabilities, and this names something else";
            errors.push(PolicyError::at(&self.reason, message));
        }
        (errors.len() == before).then_some(exception)
    }

    /// That it is one more than a policy may have.
    pub(crate) fn too_many(&self) -> PolicyError {
        PolicyError::at(&self.owner, format!("more than {EXCEPTIONS_MAX} exceptions"))
    }

    /// A misspelt rule would leave an exception that never counts.
    fn check_rule(&self, rules: &[(&str, Option<On>)], errors: &mut Vec<PolicyError>) {
        let Some(rule) = &self.rule else { return };
        let mut same = rules.iter().filter(|(id, _)| *id == rule.value).peekable();
        if same.peek().is_none() {
            let hint = suggest::hint(&rule.value, rules.iter().map(|(id, _)| *id));
            let message = format!("there is no rule `{}`", rule.value);
            errors.push(PolicyError::at(rule, message).hint(Some(hint)));
        }
        let is_of_findings = |on: &Option<On>| on.is_none_or(|on| on == On::Finding);
        if self.until_fixed && !same.all(|(_, on)| is_of_findings(on)) {
            let message = "`until_fixed` speaks of vulnerabilities, and the rule looks at others";
            errors.push(PolicyError::at(rule, message));
        }
    }

    fn named(&self, errors: &mut Vec<PolicyError>) -> Named {
        let choices = [
            (&self.cve, Named::Vulnerability as fn(String) -> Named),
            (&self.secret, Named::Secret),
            (&self.malware, Named::Malware),
            (&self.check, Named::Check),
        ];
        let mut named =
            choices.into_iter().filter_map(|(text, named)| Some((text.as_ref()?, named)));
        let Some((first, make)) = named.next() else { return Named::Nothing };
        if let Some((second, _)) = named.next() {
            let message = "an exception names one thing: a cve, a secret, malware or a check";
            errors.push(PolicyError::at(second, message));
        }
        make(first.value.clone())
    }
}

impl Exception {
    fn is_boundless(&self) -> bool {
        self.named == Named::Nothing
            && self.rule.is_none()
            && self.license.is_none()
            && self.package.as_ref().is_none_or(Glob::is_everything)
            && self.paths.iter().all(Glob::is_everything)
    }

    fn may_be_fixed(&self) -> bool {
        matches!(self.named, Named::Anything(_) | Named::Vulnerability(_) | Named::Nothing)
    }

    /// Whether it silences things; the others speak to one rule, or of a license.
    pub(crate) fn silences(&self) -> bool {
        self.rule.is_none() && self.license.is_none()
    }

    /// Whether it counts for a thing, on this image, today. What it says of rules and licenses is
    /// for the caller to compare.
    pub(crate) fn standing(&self, scene: &Scene<'_>, subject: Subject<'_>) -> Standing {
        if !self.speaks_of(subject) {
            return Standing::Elsewhere;
        }
        // Nothing is excused because nobody knows what it is called.
        if !self.images.is_empty() && scene.is_named(&self.images) != Some(true) {
            return Standing::Elsewhere;
        }
        if let Some(date) = self.expires.filter(|date| *date < scene.today) {
            return Standing::Over(format!("it expired on {date}"));
        }
        match subject {
            Subject::Finding(finding) if self.until_fixed => match &finding.fixed_version {
                Some(version) => Standing::Over(format!("{version} fixes it")),
                None => Standing::Counts,
            },
            _ => Standing::Counts,
        }
    }

    fn speaks_of(&self, subject: Subject<'_>) -> bool {
        let (on, ids, package, path) = parts(subject);
        let is_called = |name: &String| ids.iter().any(|id| id.eq_ignore_ascii_case(name));
        let names = match &self.named {
            Named::Anything(name) => is_called(name),
            Named::Vulnerability(name) => on == On::Finding && is_called(name),
            Named::Secret(name) => on == On::Secret && is_called(name),
            Named::Malware(name) => on == On::Malware && is_called(name),
            Named::Check(name) => on == On::Misconfiguration && is_called(name),
            Named::Nothing => true,
        };
        let in_package = match (&self.package, package) {
            (None, _) => true,
            (Some(glob), Some(it)) => match &self.package_type {
                Some(kind) => kind == it.kind.name() && glob.matches(&it.name),
                None => glob.matches(&it.name) || glob.matches(it.source_name()),
            },
            (Some(_), None) => false,
        };
        let at_version = match (&self.version, package) {
            (None, _) => true,
            (Some(version), Some(it)) => *version == it.version || version == it.source_version(),
            (Some(_), None) => false,
        };
        let at_path = self.paths.is_empty() || self.paths.iter().any(|glob| glob.matches(path));
        names && in_package && at_version && at_path
    }
}

/// What an exception can compare: what it is, what it is called, its package and its path.
fn parts(subject: Subject<'_>) -> (On, Vec<&str>, Option<&model::Package>, &str) {
    match subject {
        Subject::Image => (On::Image, Vec::new(), None, ""),
        Subject::Package(it) => (On::Package, Vec::new(), Some(it), &it.location.path),
        Subject::Finding(it) => {
            let ids = std::iter::once(&it.id).chain(&it.aliases).map(String::as_str).collect();
            (On::Finding, ids, Some(&it.package), &it.package.location.path)
        }
        Subject::Secret(it) => (On::Secret, vec![&it.kind], None, &it.location.path),
        Subject::Malware(it) => (On::Malware, vec![&it.rule], None, &it.location.path),
        Subject::Misconfiguration(it) => {
            (On::Misconfiguration, vec![&it.check], None, &it.location.path)
        }
        Subject::Problem(it) => (On::Problem, Vec::new(), None, &it.subject),
    }
}
