//! One thing that is wrong, whatever its kind: vulnerabilities, malware, secrets and
//! misconfigurations in one row of the same columns.
//!
//! Formats that list everything (SARIF, HTML, CSV, JUnit, Markdown, GitLab) read these; what only
//! one kind has stays in the noun that the row was made from. The order is the same in all of
//! them: malware, secrets, vulnerabilities, misconfigurations; the most severe first within a kind.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{
    Excepted, Finding, Malware, Misconfiguration, Package, Secret, SecretPlace, Severity, Silenced,
    SilencedBy,
};
use sha2::{Digest as _, Sha256};

use crate::{Report, purl};

/// What kind of thing is wrong; in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Malware,
    Secret,
    Vulnerability,
    Misconfiguration,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] =
        [Self::Malware, Self::Secret, Self::Vulnerability, Self::Misconfiguration];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Malware => "malware",
            Self::Secret => "secret",
            Self::Vulnerability => "vulnerability",
            Self::Misconfiguration => "misconfiguration",
        }
    }

    /// As a heading.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Malware => "Malware",
            Self::Secret => "Secrets",
            Self::Vulnerability => "Vulnerabilities",
            Self::Misconfiguration => "Misconfigurations",
        }
    }

    /// The check that finds it, as [`Report::checks`] names it.
    pub(crate) fn check(self) -> &'static str {
        match self {
            Self::Malware => "malware",
            Self::Secret => "secret",
            Self::Vulnerability => "vuln",
            Self::Misconfiguration => "config",
        }
    }
}

/// The noun that a row was made from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of<'a> {
    Malware(&'a Malware),
    Secret(&'a Secret),
    Finding(&'a Finding),
    Misconfiguration(&'a Misconfiguration),
    /// What an exception covers, of which no more is kept than its name and place.
    Excepted(&'a Excepted),
}

/// Who says not to report something, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silencer<'a> {
    pub(crate) by: SilencedBy,
    pub(crate) source: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) expires: Option<&'a str>,
}

/// One row. Texts are as they came: each format makes them safe in its own way.
#[derive(Clone, Debug)]
pub(crate) struct Fault<'a> {
    pub(crate) kind: Kind,
    pub(crate) of: Of<'a>,
    /// What others like it share: the vulnerability, the kind of secret, the rule, the check.
    pub(crate) rule: &'a str,
    pub(crate) severity: Severity,
    /// What it is, in a few words; empty if nobody says.
    pub(crate) title: &'a str,
    /// What is concerned: the package, or the path.
    pub(crate) subject: Cow<'a, str>,
    /// The file, without a leading slash; empty for the image's own settings.
    pub(crate) path: &'a str,
    /// From 1; 0 where there is none.
    pub(crate) line: u32,
    pub(crate) layer: Option<u32>,
    /// What was seen: the comparison, the excerpt, the setting.
    pub(crate) evidence: Cow<'a, str>,
    /// What to do about it, as a sentence; empty if nobody knows.
    pub(crate) remedy: Cow<'a, str>,
    /// Who says not to report it.
    pub(crate) silenced: Option<Silencer<'a>>,
}

/// The fingerprint of each, and which of those with the same it is (`…:2`): a viewer takes two of one
/// fingerprint for one thing.
pub(crate) fn fingerprints(faults: &[Fault<'_>], report: &Report) -> Vec<String> {
    let mut seen = HashMap::<String, u32>::new();
    let mut numbered = |fault: &Fault<'_>| {
        let fingerprint = fault.fingerprint(report);
        let count = seen.entry(fingerprint.clone()).and_modify(|count| *count += 1).or_insert(1);
        format!("{fingerprint}:{count}")
    };
    faults.iter().map(&mut numbered).collect()
}

/// How many of a kind the user did not want to see.
pub(crate) fn left_out(report: &Report, kind: Kind) -> usize {
    match kind {
        Kind::Malware => report.malware_left_out,
        Kind::Secret => report.secrets_left_out,
        Kind::Vulnerability => report.left_out.values().sum(),
        Kind::Misconfiguration => report.misconfigurations_left_out,
    }
}

/// The same of all kinds.
pub(crate) fn all_left_out(report: &Report) -> usize {
    Kind::ALL.into_iter().map(|kind| left_out(report, kind)).sum()
}

/// Everything that is to be reported.
pub(crate) fn faults(report: &Report) -> Vec<Fault<'_>> {
    let inventory = &report.inventory;
    let mut faults: Vec<Fault<'_>> = inventory.malware.iter().map(of_malware).collect();
    faults.extend(inventory.secrets.iter().map(of_secret));
    faults.extend(report.findings.iter().map(of_finding));
    faults.extend(inventory.misconfigurations.iter().map(of_misconfiguration));
    faults.sort_by_key(|fault| (fault.kind, Reverse(fault.severity)));
    faults
}

/// What somebody says not to report, in the order of the report: findings, then all else.
pub(crate) fn silenced(report: &Report) -> Vec<Fault<'_>> {
    let findings = report.silenced.iter().map(of_silenced);
    findings.chain(report.excepted.iter().map(of_excepted)).collect()
}

impl<'a> Fault<'a> {
    pub(crate) fn finding(&self) -> Option<&'a Finding> {
        match self.of {
            Of::Finding(finding) => Some(finding),
            _ => None,
        }
    }

    pub(crate) fn package(&self) -> Option<&'a Package> {
        self.finding().map(|finding| &finding.package)
    }

    pub(crate) fn fixed_version(&self) -> Option<&'a str> {
        self.finding().and_then(|finding| finding.fixed_version.as_deref())
    }

    /// `path:line`, or what is concerned where that is no file.
    pub(crate) fn place(&self) -> Cow<'a, str> {
        match (self.path, self.line) {
            ("", _) => self.subject.clone(),
            (path, 0) => Cow::Borrowed(path),
            (path, line) => Cow::Owned(format!("{path}:{line}")),
        }
    }

    /// The same for the same thing in the next scan, even if lines have moved or versions changed.
    pub(crate) fn fingerprint(&self, report: &Report) -> String {
        let mut hash = Sha256::new();
        let own = match self.of {
            Of::Finding(finding) => {
                let purl = purl(&finding.package, report.inventory.os.as_ref());
                purl.split('@').next().unwrap_or_default().to_owned()
            }
            Of::Secret(secret) => format!("{}\0{}", secret.location.path, secret.excerpt),
            Of::Malware(malware) => malware.sha256.clone(),
            Of::Misconfiguration(it) => format!("{}\0{}", it.resource, it.evidence),
            Of::Excepted(it) => it.place.clone(),
        };
        for part in [self.kind.name(), self.rule, self.path, &own] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn of_malware(malware: &Malware) -> Fault<'_> {
    let file =
        if malware.removed { "It was removed later and is still in the layer. " } else { "" };
    Fault {
        kind: Kind::Malware,
        of: Of::Malware(malware),
        rule: &malware.rule,
        severity: malware.severity,
        title: &malware.title,
        subject: Cow::Borrowed(&malware.location.path),
        path: &malware.location.path,
        line: 0,
        layer: malware.location.layer,
        evidence: match malware.offset {
            Some(offset) => Cow::Owned(format!("at byte {offset}")),
            None => Cow::Borrowed(""),
        },
        remedy: Cow::Owned(format!(
            "{file}Rebuild the image without this file, and find out how it got in."
        )),
        silenced: None,
    }
}

fn of_secret(secret: &Secret) -> Fault<'_> {
    Fault {
        kind: Kind::Secret,
        of: Of::Secret(secret),
        rule: &secret.kind,
        severity: secret.severity,
        title: &secret.title,
        subject: match (secret.place, secret.location.path.as_str()) {
            (SecretPlace::File, path) => Cow::Borrowed(path),
            (SecretPlace::Environment, name) => Cow::Owned(format!("variable {name}")),
            (SecretPlace::Label, name) => Cow::Owned(format!("label {name}")),
            (SecretPlace::History, _) => Cow::Borrowed("build history"),
            (SecretPlace::Configuration, field) => Cow::Owned(format!("configuration, {field}")),
        },
        path: if secret.place == SecretPlace::File { &secret.location.path } else { "" },
        line: secret.line,
        layer: secret.location.layer,
        evidence: Cow::Borrowed(&secret.excerpt),
        remedy: Cow::Borrowed(if secret.removed {
            "Revoke it: the file was removed later and is still in the layer."
        } else {
            "Revoke it, and keep it out of the image."
        }),
        silenced: None,
    }
}

fn of_finding(finding: &Finding) -> Fault<'_> {
    let package = &finding.package;
    Fault {
        kind: Kind::Vulnerability,
        of: Of::Finding(finding),
        rule: &finding.id,
        severity: finding.severity,
        title: &finding.title,
        subject: Cow::Owned(format!("{} {}", package.name, package.version).trim_end().to_owned()),
        path: &package.location.path,
        line: 0,
        layer: package.location.layer,
        evidence: finding.evidence.first().map_or(Cow::Borrowed(""), |it| (&*it.compared).into()),
        remedy: match &finding.fixed_version {
            Some(version) => Cow::Owned(format!("Upgrade {} to {version}.", finding.upgraded().0)),
            None => Cow::Borrowed(""),
        },
        silenced: None,
    }
}

fn of_silenced(it: &Silenced) -> Fault<'_> {
    let silencer = Silencer {
        by: it.by,
        source: &it.source,
        reason: &it.reason,
        owner: &it.owner,
        expires: it.expires.as_deref(),
    };
    Fault { silenced: Some(silencer), ..of_finding(&it.finding) }
}

fn of_excepted(it: &Excepted) -> Fault<'_> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == it.kind);
    let kind = kind.unwrap_or(Kind::Misconfiguration);
    // The place of a setting may be a resource.
    let is_path = matches!(kind, Kind::Malware | Kind::Secret);
    Fault {
        kind,
        of: Of::Excepted(it),
        rule: &it.id,
        severity: it.severity,
        title: "",
        subject: Cow::Borrowed(if it.place.is_empty() { "image configuration" } else { &it.place }),
        path: if is_path { &it.place } else { "" },
        line: 0,
        layer: None,
        evidence: Cow::Borrowed(""),
        remedy: Cow::Borrowed(""),
        silenced: Some(Silencer {
            by: SilencedBy::Exception,
            source: &it.source,
            reason: &it.reason,
            owner: &it.owner,
            expires: it.expires.as_deref(),
        }),
    }
}

fn of_misconfiguration(it: &Misconfiguration) -> Fault<'_> {
    let subject = match (it.resource.as_str(), it.location.path.as_str()) {
        ("", "") => "image configuration",
        ("", path) => path,
        (resource, _) => resource,
    };
    Fault {
        kind: Kind::Misconfiguration,
        of: Of::Misconfiguration(it),
        rule: &it.check,
        severity: it.severity,
        title: &it.title,
        subject: Cow::Borrowed(subject),
        path: &it.location.path,
        line: it.line,
        layer: it.location.layer,
        evidence: Cow::Borrowed(&it.evidence),
        remedy: Cow::Borrowed(&it.remediation),
        silenced: None,
    }
}

/// The names that findings of several CVE ids have in common, those of records that speak of several
/// vulnerabilities: none of these is meant by such a name alone.
pub(crate) fn shared_names(report: &Report) -> BTreeSet<&str> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut shared = BTreeSet::new();
    let all = report.findings.iter().chain(report.silenced.iter().map(|it| &it.finding));
    for finding in all.filter(|finding| finding.id.starts_with("CVE-")) {
        for alias in &finding.aliases {
            if *first.entry(alias).or_insert(&finding.id) != finding.id {
                shared.insert(alias.as_str());
            }
        }
    }
    shared
}
