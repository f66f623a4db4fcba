//! Trivy's ignore files, read as exceptions: plain lines, and YAML.
//!
//! A plain line is an identifier, whatever it identifies, and perhaps the day it ends:
//! `CVE-2024-1234 exp:2026-12-31`. The YAML form says of what kind the thing is and where:
//! `vulnerabilities`, `misconfigurations`, `secrets` and `licenses`, each with `id`, `paths`,
//! `purls`, `expired_at` and `statement`. Neither names who answers for it.

use jiff::civil::Date;
use model::{License, Purl};
use serde::Deserialize;
use serde_saphyr::Spanned;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::PolicyError;
use crate::exception::{Exception, Named};
use crate::glob::Glob;
use crate::policy::{FILE_BYTES_MAX, read};
use crate::rule::{date, globs};
use crate::value::day;

/// The exceptions of one ignore file.
#[derive(Clone, Debug)]
pub struct Ignored {
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) version: u128,
}

impl Ignored {
    /// Reads an ignore file; `source` is what the user called it.
    pub fn parse(text: &str, source: &str) -> Result<Self, Vec<PolicyError>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let exceptions = if is_yaml(text) { yaml(text, source)? } else { plain(text, source)? };
        Ok(Self { exceptions, version: xxh3_128(text.as_bytes()) })
    }
}

/// A list of one of the kinds begins a line; no identifier ends in a colon.
fn is_yaml(text: &str) -> bool {
    let bare = |line: &str| line.split('#').next().unwrap_or_default().trim_end().to_owned();
    let first = text.lines().map(bare).find(|it| !it.is_empty());
    first.is_some_and(|line| {
        line == "---" || line == "{}" || line.contains(": ") || line.ends_with(':')
    })
}

fn exception(named: Named, source: &str) -> Exception {
    Exception {
        named,
        rule: None,
        license: None,
        package: None,
        package_type: None,
        version: None,
        paths: Vec::new(),
        images: Vec::new(),
        source: source.to_owned(),
        owner: String::new(),
        reason: "ignored".to_owned(),
        expires: None,
        until_fixed: false,
    }
}

fn plain(text: &str, source: &str) -> Result<Vec<Exception>, Vec<PolicyError>> {
    let wrong = |line: u64, message: String| PolicyError { line, column: 1, message, hint: None };
    if text.len() > FILE_BYTES_MAX {
        return Err(vec![wrong(0, format!("more than {} MiB", FILE_BYTES_MAX >> 20))]);
    }
    let (mut exceptions, mut errors) = (Vec::new(), Vec::new());
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(id) = words.next() else { continue };
        let mut one = exception(Named::Anything(id.to_owned()), source);
        for word in words {
            match word.strip_prefix("exp:").map(|date| (date, day(date))) {
                Some((date, Some(expires))) if date.len() == 10 => one.expires = last_day(expires),
                Some((date, _)) => {
                    errors.push(wrong(number, format!("`{date}` is no date (YYYY-MM-DD)")));
                }
                // A namespace or a remark: it narrows nothing down that can be told here.
                None => {
                    errors.push(wrong(
                        number,
                        format!("`{word}` after an identifier is not understood"),
                    ));
                }
            }
        }
        exceptions.push(one);
    }
    if errors.is_empty() { Ok(exceptions) } else { Err(errors) }
}

/// The date is the first on which the line counts no more; ours is the last on which one does.
fn last_day(expires: Date) -> Option<Date> {
    expires.yesterday().ok()
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IgnoreFile {
    vulnerabilities: Vec<Entry>,
    misconfigurations: Vec<Entry>,
    secrets: Vec<Entry>,
    licenses: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    purls: Vec<Spanned<String>>,
    expired_at: Option<Spanned<String>>,
    statement: Option<String>,
}

fn yaml(text: &str, source: &str) -> Result<Vec<Exception>, Vec<PolicyError>> {
    let file: IgnoreFile = read(text).map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    let mut exceptions = Vec::new();
    let IgnoreFile { vulnerabilities, misconfigurations, secrets, licenses } = file;
    let mut add = |entries: Vec<Entry>, named: fn(String) -> Named| {
        for entry in entries {
            let one = exception(named(entry.id.clone()), source);
            exceptions.extend(entry.exceptions(one, &mut errors));
        }
    };
    add(vulnerabilities, Named::Vulnerability);
    add(misconfigurations, Named::Check);
    add(secrets, Named::Secret);
    for entry in licenses {
        let spdx = License::of(&entry.id).map(|it| it.as_str().to_owned());
        let license = Some(spdx.unwrap_or_else(|| entry.id.clone()));
        let one = Exception { license, ..exception(Named::Nothing, source) };
        exceptions.extend(entry.exceptions(one, &mut errors));
    }
    if errors.is_empty() { Ok(exceptions) } else { Err(errors) }
}

impl Entry {
    /// What the entry says of when, where and why.
    fn exceptions(self, one: Exception, errors: &mut Vec<PolicyError>) -> Vec<Exception> {
        let one = Exception {
            expires: date(self.expired_at.as_ref(), errors).and_then(last_day),
            paths: globs(&self.paths, Glob::path, errors),
            reason: self.statement.unwrap_or_else(|| one.reason.clone()),
            ..one
        };
        of_packages(one, &self.purls, errors)
    }
}

/// One exception a package that is named; the one as it is where none is.
fn of_packages(
    one: Exception,
    purls: &[Spanned<String>],
    errors: &mut Vec<PolicyError>,
) -> Vec<Exception> {
    if purls.is_empty() {
        return vec![one];
    }
    let mut all = Vec::new();
    for purl in purls {
        match named(&purl.value) {
            Some((kind, name, version)) => match Glob::name(&name) {
                Ok(glob) => {
                    let (package, package_type) = (Some(glob), Some(kind));
                    all.push(Exception { package, package_type, version, ..one.clone() });
                }
                Err(message) => errors.push(PolicyError::at(purl, message)),
            },
            None => {
                let message = format!("`{}` is no package URL", purl.value);
                errors.push(PolicyError::at(purl, message));
            }
        }
    }
    all
}

/// Type, name as its ecosystem spells it in full, and version of a package URL.
fn named(purl: &str) -> Option<(String, String, Option<String>)> {
    let Purl { kind, namespace, name, version, .. } = purl.parse().ok()?;
    let name = match (kind.as_str(), namespace.as_str()) {
        // A distribution is no part of the name.
        ("deb" | "rpm" | "apk", _) | (_, "") => name,
        ("maven", group) => format!("{group}:{name}"),
        (_, namespace) => format!("{namespace}/{name}"),
    };
    Some((kind, name, Some(version).filter(|version| !version.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_name_anything() {
        let text = "# a remark\n\nCVE-2024-1  # why\nAVD-DS-0002 exp:2026-01-31\n";
        let ignored = Ignored::parse(text, ".trivyignore").expect("well-formed").exceptions;
        let said: Vec<_> = ignored.iter().map(|it| (it.named.clone(), it.expires)).collect();
        let expires = Some(Date::constant(2026, 1, 30));
        assert_eq!(
            said,
            [
                (Named::Anything("CVE-2024-1".to_owned()), None),
                (Named::Anything("AVD-DS-0002".to_owned()), expires),
            ]
        );
        for text in ["CVE-1 # note: x\n", "\u{feff}CVE-1\n", "\u{feff}# a: b\nCVE-1 # c:\n"] {
            let ignored = Ignored::parse(text, "x").expect(text).exceptions;
            let named: Vec<_> = ignored.into_iter().map(|it| it.named).collect();
            assert_eq!(named, [Named::Anything("CVE-1".to_owned())], "{text}");
        }
        for (text, line) in
            [("CVE-1 exp:soon", 1), ("\nCVE-1 exp:2026-01-01x", 2), ("CVE-1 what", 1)]
        {
            let errors = Ignored::parse(text, "x").expect_err(text);
            assert_eq!(errors.iter().map(|it| it.line).collect::<Vec<_>>(), [line], "{text}");
        }
    }

    #[test]
    fn the_yaml_form_says_of_what_kind_and_where() {
        let text = "vulnerabilities:\n  - id: CVE-2024-1\n    paths: ['usr/lib/*']\n    purls: ['pkg:deb/debian/openssl@3.0.1?arch=amd64', 'pkg:npm/%40a/b']\n    expired_at: 2026-01-31\n    statement: not reachable\nlicenses:\n  - id: GPLv2\nsecrets:\n  - id: jwt\n";
        let all = Ignored::parse(text, "x").expect("well-formed").exceptions;
        let package = |at: usize| all[at].package.as_ref().map(|it| it.as_str().to_owned());
        assert_eq!(all.len(), 4);
        assert_eq!(
            (package(0).as_deref(), all[0].version.as_deref()),
            (Some("openssl"), Some("3.0.1"))
        );
        assert_eq!((package(1).as_deref(), all[1].version.as_deref()), (Some("@a/b"), None));
        let types = all.iter().map(|it| it.package_type.as_deref());
        assert_eq!(types.collect::<Vec<_>>(), [Some("deb"), Some("npm"), None, None]);
        assert_eq!(all[0].reason, "not reachable");
        assert_eq!(all[2].named, Named::Secret("jwt".to_owned()));
        assert_eq!(all[3].license.as_deref(), Some("GPL-2.0-only"));
        let errors = Ignored::parse("vulnerabilites:\n  - id: x\n", "x").expect_err("misspelt");
        assert_eq!(errors[0].hint.as_deref(), Some("did you mean `vulnerabilities`?"));
    }

    #[test]
    fn package_urls_come_to_names() {
        let table = [
            ("pkg:deb/debian/openssl@3.0", Some(("deb", "openssl", Some("3.0")))),
            ("pkg:maven/org.a/b@1", Some(("maven", "org.a:b", Some("1")))),
            ("pkg:npm/%40a/b@1", Some(("npm", "@a/b", Some("1")))),
            ("pkg:golang/github.com/a/b@v1", Some(("golang", "github.com/a/b", Some("v1")))),
            ("pkg:pypi/x", Some(("pypi", "x", None))),
            ("pkg:deb/debian/x@1%3A2", Some(("deb", "x", Some("1:2")))),
            ("openssl", None),
            ("pkg:x", None),
        ];
        for (purl, want) in table {
            let got = named(purl);
            let got = got
                .as_ref()
                .map(|(kind, name, version)| (kind.as_str(), name.as_str(), version.as_deref()));
            assert_eq!(got, want, "{purl}");
        }
    }
}
