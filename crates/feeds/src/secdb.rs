//! The security database of the apk world (secdb.alpinelinux.org, and the same form from Wolfi,
//! Chainguard and MinimOS), as JSON or YAML: which version of a package fixed which vulnerability.
//!
//! ```text
//! distroversion: v3.20
//! packages:
//!   - pkg: { name: xen, secfixes: { "4.8.1-r1": ["CVE-2017-8903 XSA-213"], "0": ["CVE-2019-1"] } }
//! ```
//!
//! - The version `0` says that the package was never vulnerable.
//! - Packages are source packages (`origin`).
//! - An entry may name one vulnerability several ways and carry a remark behind `#`. A GHSA beside
//!   a CVE is the same vulnerability; an XSA or a vendor's bulletin may be about several, so it is
//!   a notice.
//! - A vulnerability listed under several versions was not fixed by the first of them: the greatest
//!   counts.
//! - A package that the database does not name is not known to be clean, only not known.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use model::{Advisory, Affected, Scope, Severity, Status, Subject, VersionRange};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use version::Scheme;

use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, json, stream, yaml};

/// How the database writes that no version was ever vulnerable.
const NEVER: &str = "0";
/// The first Alpine release with a `community` repository.
const FIRST_WITH_COMMUNITY: (u32, u32) = (3, 3);

/// One publisher of such a database.
pub(crate) struct Secdb {
    name: &'static str,
    /// The stream, or for Alpine the family of the streams.
    family: &'static str,
    /// Found in every document of this publisher and in no other's: part of `urlprefix`.
    mark: &'static str,
    /// Empty where releases have URLs of their own.
    url: &'static str,
}

pub(crate) const ALPINE: Secdb =
    Secdb { name: "alpine-secdb", family: "alpine", mark: "distroversion", url: "" };
pub(crate) const CHAINGUARD: Secdb = Secdb {
    name: "chainguard-secdb",
    family: "chainguard",
    mark: "https://packages.cgr.dev",
    url: "https://packages.cgr.dev/chainguard/security.json",
};
pub(crate) const MINIMOS: Secdb = Secdb {
    name: "minimos-secdb",
    family: "minimos",
    mark: "https://packages.mini.dev",
    url: "https://packages.mini.dev/advisories/secdb/security.json",
};
pub(crate) const WOLFI: Secdb = Secdb {
    name: "wolfi-secdb",
    family: "wolfi",
    mark: "https://packages.wolfi.dev",
    url: "https://packages.wolfi.dev/os/security.json",
};

impl Feed for Secdb {
    fn name(&self) -> &'static str {
        self.name
    }

    fn license(&self) -> &'static str {
        ""
    }

    fn covers(&self) -> Covers {
        Covers::Package
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        let is_secdb = match sample.form() {
            Form::JsonObject => sample.contains("\"packages\"") && sample.contains("\"apkurl\""),
            Form::Text => starts_as_yaml(sample.head()) && sample.contains("\npackages:"),
            _ => false,
        };
        is_secdb && sample.contains(self.mark)
    }

    fn urls(&self, stream: &str) -> Vec<String> {
        if stream == self.family && !self.url.is_empty() {
            return vec![self.url.to_owned()];
        }
        let release = stream::release(stream, self.family).filter(|_| self.url.is_empty());
        release.map_or_else(Vec::new, alpine_urls)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        if Sample::new(*document).form() == Form::JsonObject {
            let stream = self.stream(json::text_at(document, "distroversion").as_deref())?;
            return json::each_element(document, "packages", &mut |entry| match entry.read() {
                Ok(Entry { pkg }) => pkg.read(&stream, sink),
                Err(error) => sink.damaged("pkg", error),
            });
        }
        // The end of YAML shows only in its last line being whole.
        let bytes = document.bytes()?;
        let whole = bytes.ends_with(b"\n");
        let end = memchr::memrchr(b'\n', &bytes).unwrap_or_default();
        let database: Database = yaml::document(bytes.get(..end).unwrap_or_default())?;
        let stream = self.stream(Some(&database.distroversion))?;
        database.packages.iter().flatten().for_each(|entry| entry.pkg.read(&stream, sink));
        if whole { Ok(()) } else { Err(FeedError::content("ends within a line")) }
    }
}

/// The first line behind `---` is one of the database's own fields, in whatever order they come.
fn starts_as_yaml(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"---").unwrap_or(head).trim_ascii_start();
    let fields = ["apkurl:", "archs:", "distroversion:", "reponame:", "urlprefix:"];
    fields.iter().any(|field| head.starts_with(field.as_bytes()))
}

fn alpine_urls(release: &str) -> Vec<String> {
    let number = |text: &str| text.parse::<u32>().ok();
    let branch = match release.split_once('.') {
        Some((major, minor)) => number(major).zip(number(minor)),
        None if release == "edge" => Some((u32::MAX, 0)),
        None => None,
    };
    let Some(branch) = branch else { return Vec::new() };
    let folder = if release == "edge" { release.to_owned() } else { format!("v{release}") };
    let repositories: &[&str] =
        if branch < FIRST_WITH_COMMUNITY { &["main"] } else { &["main", "community"] };
    let url = |name| format!("https://secdb.alpinelinux.org/{folder}/{name}.json");
    repositories.iter().map(url).collect()
}

#[derive(serde::Deserialize)]
struct Database {
    distroversion: String,
    /// Nothing stands behind the colon where a repository has no fixes.
    packages: Option<Vec<Entry>>,
}

#[derive(serde::Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: Fixes,
}

/// What one version fixed, in the document's order; a version may come twice.
#[derive(Default)]
struct Fixes(Vec<(String, Vec<String>)>);

impl Secdb {
    fn stream(&self, distroversion: Option<&str>) -> Result<String, FeedError> {
        if !self.url.is_empty() {
            return Ok(self.family.to_owned());
        }
        let version = distroversion.unwrap_or_default();
        let release = version.strip_prefix('v').unwrap_or(version);
        if alpine_urls(release).is_empty() {
            let message = format!("unknown `distroversion` `{version}`");
            return Err(FeedError::content(message));
        }
        Ok(format!("{}-{release}", self.family))
    }
}

impl Package {
    fn read(&self, stream: &str, sink: &mut Sink) {
        let mut known: BTreeMap<String, Advisory> = BTreeMap::new();
        for (version, entries) in &self.secfixes.0 {
            for name in entries.iter().flat_map(|entry| names(entry)) {
                let advisory = self.advisory(name, version);
                match known.get_mut(&advisory.id) {
                    Some(other) => join(other, advisory),
                    None => {
                        known.insert(advisory.id.clone(), advisory);
                    }
                }
            }
        }
        known.into_values().for_each(|advisory| sink.advisory(stream, advisory));
    }

    fn advisory(&self, name: Name, version: &str) -> Advisory {
        let until = Affected::Before(version.to_owned());
        let (status, ranges) = match version {
            NEVER => (Status::NotAffected, Vec::new()),
            _ => (Status::Fixed, vec![VersionRange { introduced: None, until }]),
        };
        Advisory {
            id: name.id,
            aliases: name.aliases,
            package: self.name.clone(),
            subject: Subject::Source,
            scope: Scope::default(),
            status,
            ranges,
            severity: Severity::Unknown,
            notices: name.notices,
        }
    }
}

/// Two versions are said to fix one vulnerability: the greater did.
fn join(known: &mut Advisory, other: Advisory) {
    let Advisory { aliases, status, ranges, notices, .. } = other;
    let is_later = match (fixed(&known.ranges), fixed(&ranges)) {
        (Some(a), Some(b)) => Scheme::Apk.compare(a, b).is_ok_and(Ordering::is_lt),
        (a, b) => a.is_none() && b.is_some(),
    };
    if is_later {
        known.status = status;
        known.ranges = ranges;
    }
    for (all, more) in [(&mut known.aliases, aliases), (&mut known.notices, notices)] {
        all.extend(more);
        all.sort();
        all.dedup();
    }
}

fn fixed(ranges: &[VersionRange]) -> Option<&str> {
    ranges.iter().find_map(|range| range.until.fix())
}

/// The names of one vulnerability.
#[derive(Debug, PartialEq)]
struct Name {
    id: String,
    aliases: Vec<String>,
    notices: Vec<String>,
}

/// The vulnerabilities that an entry names: each CVE is one, else the whole entry is.
fn names(entry: &str) -> Vec<Name> {
    let entry = entry.split('#').next().unwrap_or_default().replace("CVE ", "CVE-");
    let separator = |c: char| c.is_whitespace() || ",;/()".contains(c);
    let words = entry.split(separator).filter(|word| is_name(word)).map(spelled);
    let (mut ids, others): (Vec<_>, Vec<_>) = words.partition(|word| stream::is_cve(word));
    let (mut aliases, mut notices): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|word| word.starts_with("GHSA-"));
    if ids.is_empty() {
        let list = if aliases.is_empty() { &mut notices } else { &mut aliases };
        ids.extend((!list.is_empty()).then(|| list.remove(0)));
    }
    aliases.sort();
    notices.sort();
    // Of several CVEs nobody says which one the GHSA names.
    let aliases = if ids.len() == 1 { aliases } else { Vec::new() };
    ids.dedup();
    ids.into_iter()
        .map(|id| Name { id, aliases: aliases.clone(), notices: notices.clone() })
        .collect()
}

/// Whether a word looks like a vulnerability's name: capitals, a dash, digits.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.contains(['-', '_'])
        && word.contains(|c: char| c.is_ascii_digit())
}

/// `CVE_2019-2426`, `CVE-2017-17434-2` and `CVE-2019-19451.patch` are seen; all mean the CVE.
fn spelled(word: &str) -> String {
    let Some(rest) = word.strip_prefix("CVE").and_then(|rest| rest.get(1..)) else {
        return word.to_owned();
    };
    let mut parts = rest.split(|c: char| !c.is_ascii_digit());
    let cve =
        format!("CVE-{}-{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if stream::is_cve(&cve) { cve } else { word.to_owned() }
}

impl<'de> Deserialize<'de> for Fixes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fixes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of versions to lists of vulnerabilities")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fixes, A::Error> {
                let mut fixes = Vec::new();
                while let Some((version, entries)) =
                    map.next_entry::<String, Option<Vec<String>>>()?
                {
                    fixes.push((version, entries.unwrap_or_default()));
                }
                Ok(Fixes(fixes))
            }

            fn visit_unit<E>(self) -> Result<Fixes, E> {
                Ok(Fixes::default())
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_name_vulnerabilities_in_many_ways() {
        type Names<'a> = &'a [(&'a str, &'a str, &'a str)];
        let cases: &[(&str, Names<'_>)] = &[
            ("CVE-2017-8903 XSA-213", &[("CVE-2017-8903", "", "XSA-213")]),
            (
                "CVE-2026-48785 / GHSA-cr2j-534f-mf3g",
                &[("CVE-2026-48785", "GHSA-cr2j-534f-mf3g", "")],
            ),
            (
                "ELEMENTSEC-2026-1071, GHSA-fp53-rw9v-hcf9",
                &[("GHSA-fp53-rw9v-hcf9", "", "ELEMENTSEC-2026-1071")],
            ),
            ("CVE-2020-27955 # (only affect windows, see ABC-1)", &[("CVE-2020-27955", "", "")]),
            ("CVE-2017-2616 (+ regression fix)", &[("CVE-2017-2616", "", "")]),
            ("CVE 2025-48379", &[("CVE-2025-48379", "", "")]),
            ("CVE-2017-17434-2", &[("CVE-2017-17434", "", "")]),
            ("CVE-2019-19451.patch", &[("CVE-2019-19451", "", "")]),
            ("CVE_2019-2426", &[("CVE-2019-2426", "", "")]),
            ("XSA-207", &[("XSA-207", "", "")]),
            ("DW202402-001", &[("DW202402-001", "", "")]),
            (
                "CVE-2018-19968 CVE-2018-19969",
                &[("CVE-2018-19968", "", ""), ("CVE-2018-19969", "", "")],
            ),
            ("regression", &[]),
            ("", &[]),
            ("CVEé", &[]),
        ];
        for (entry, expected) in cases {
            let found = names(entry);
            let found: Vec<_> = found
                .iter()
                .map(|n| (n.id.as_str(), n.aliases.join(","), n.notices.join(",")))
                .collect();
            let expected: Vec<_> =
                expected.iter().map(|(a, b, c)| (*a, (*b).to_owned(), (*c).to_owned())).collect();
            assert_eq!(found, expected, "{entry}");
        }
    }
}
