//! What the publishers of languages' advisories have in common: one statement on a package, under
//! the name and in the stream that matching looks it up by.
//!
//! A stream is called as its packages are in purls (`pypi`, `golang`). One record is one statement
//! on a package, with all its ranges: versions behind the last fix of one line of releases can be
//! affected in another that has none.

use model::{Advisory, Scope, Severity, Status, Subject, VersionRange};
use version::Scheme;

/// The streams, and the order of their versions.
const STREAMS: &[(&str, Scheme)] = &[
    ("bitnami", Scheme::Semver),
    ("cargo", Scheme::Cargo),
    ("composer", Scheme::Composer),
    ("conan", Scheme::Semver),
    ("cpan", Scheme::Cpan),
    ("cran", Scheme::Cran),
    ("gem", Scheme::Gem),
    ("golang", Scheme::Golang),
    ("hackage", Scheme::Hackage),
    ("hex", Scheme::Hex),
    ("julia", Scheme::Semver),
    ("maven", Scheme::Maven),
    ("npm", Scheme::Npm),
    ("nuget", Scheme::Nuget),
    ("pub", Scheme::Pub),
    ("pypi", Scheme::Pep440),
    ("swift", Scheme::Swift),
];

/// The order of versions in a language's stream; None for every other stream.
pub(crate) fn scheme(stream: &str) -> Option<Scheme> {
    STREAMS.iter().find(|(name, _)| *name == stream).map(|(_, scheme)| *scheme)
}

/// A name as installed packages have it: registries for which case (or PyPI's punctuation,
/// PEP 503) is of no account file a package under one spelling.
pub(crate) fn package_name(stream: &str, name: &str) -> String {
    match stream {
        "composer" | "nuget" => name.to_lowercase(),
        // Swift's package manager takes addresses of repositories so (SE-0292, canonical locations).
        "swift" => {
            let (_scheme, name) = name.split_once("://").unwrap_or(("", name));
            let name = name.trim_end_matches('/');
            name.strip_suffix(".git").unwrap_or(name).to_lowercase()
        }
        "pypi" => {
            let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
            parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
        }
        _ => name.to_owned(),
    }
}

/// Under which names a vulnerability is told: the CVE, else the GHSA, else the record's own. All
/// of them but the first are aliases.
pub(crate) fn names(names: impl IntoIterator<Item = String>, own: &str) -> (String, Vec<String>) {
    let mut names: Vec<String> = names.into_iter().chain([own.to_owned()]).collect();
    let rank = |name: &String| match name {
        name if name.starts_with("CVE-") => 0,
        name if name.starts_with("GHSA-") => 1,
        name if name == own => 2,
        _ => 3,
    };
    names.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    names.dedup();
    let id = names.remove(0);
    names.sort();
    (id, names)
}

/// The one statement of a record on a package; None where no version is affected.
pub(crate) fn advisory(
    (id, aliases): (&str, &[String]),
    package: String,
    ranges: Vec<VersionRange>,
    severity: Severity,
    record: &str,
) -> Option<Advisory> {
    let is_fixed = |range: &VersionRange| range.until.fix().is_some();
    let status = if ranges.iter().any(is_fixed) { Status::Fixed } else { Status::Affected };
    (!ranges.is_empty()).then(|| Advisory {
        id: id.to_owned(),
        aliases: aliases.to_vec(),
        package,
        subject: Subject::Binary,
        scope: Scope::default(),
        status,
        ranges,
        severity,
        notices: if record == id { Vec::new() } else { vec![record.to_owned()] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_filed_under_one_spelling() {
        let cases = [
            ("pypi", "Flask_Login", "flask-login"),
            ("pypi", "zope..interface", "zope-interface"),
            ("nuget", "Newtonsoft.Json", "newtonsoft.json"),
            ("golang", "github.com/Masterminds/goutils", "github.com/Masterminds/goutils"),
            ("swift", "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio"),
            ("swift", "github.com/apple/swift-nio", "github.com/apple/swift-nio"),
        ];
        for (stream, name, expected) in cases {
            assert_eq!(package_name(stream, name), expected);
        }
    }

    #[test]
    fn the_best_known_name_is_the_id() {
        let all = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let cases: [(&[&str], &str, &str, &[&str]); 4] = [
            (&["GHSA-1", "CVE-2024-1"], "GO-1", "CVE-2024-1", &["GHSA-1", "GO-1"]),
            (&["PYSEC-1"], "GHSA-1", "GHSA-1", &["PYSEC-1"]),
            (&["AAA-1"], "GO-1", "GO-1", &["AAA-1"]),
            (&[], "GO-1", "GO-1", &[]),
        ];
        for (others, own, id, aliases) in cases {
            assert_eq!(names(all(others), own), (id.to_owned(), all(aliases)));
        }
    }
}
