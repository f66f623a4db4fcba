//! Red Hat's security data API: one JSON document a CVE
//! (access.redhat.com/hydra/rest/securitydata/cve/CVE-….json), also offered as a whole by mirrors.
//!
//! `affected_release` names the source build that fixes the CVE in a product
//! (`kernel-0:5.14.0-284.62.1.el9_2`), so its statements are about source packages; `package_state`
//! names source components and why there is no fix.
//!
//! **Module builds.** For modular content the fix is a build of the whole module
//! (`nodejs:18-8090020231019152822.a75119d5`), and no package version is given. Such a statement
//! has the module itself (`nodejs:18`) as its package and the build's number
//! (`8090020231019152822`, the third part of an installed package's module label) as its version.

use std::borrow::Cow;

use model::{Cvss, Details, Severity, Status};
use serde::Deserialize;

use super::{Component, LICENSE};
use crate::rpm::Nevra;
use crate::statements::{Place, Statements};
use crate::text::Text;
use crate::{Covers, Document, Feed, FeedError, Form, Sample, Sink, json, time};

/// The feed of CVE documents.
pub(crate) struct CveApi;

impl Feed for CveApi {
    fn name(&self) -> &'static str {
        "redhat-cve"
    }

    fn license(&self) -> &'static str {
        LICENSE
    }

    fn covers(&self) -> Covers {
        Covers::Vulnerability
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        sample.form() == Form::JsonObject
            && sample.has_keys(&["name", "public_date", "details"])
            && (sample.has_keys(&["bugzilla"]) || sample.has_keys(&["threat_severity"]))
    }

    /// The API serves one CVE at a time; there is nothing to fetch as a whole.
    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        super::is_stream(stream)
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let bytes = document.bytes()?;
        let cve: Cve<'_> = json::read(&bytes)?;
        if !crate::stream::is_cve(&cve.name) {
            return Err(FeedError::content(format!("`{}` is not a CVE id", &*cve.name)));
        }
        sink.covers(&cve.name);
        let mut statements = Statements::default();
        for release in &cve.affected_release {
            put_release(&cve, release, &mut statements, sink);
        }
        for state in &cve.package_state {
            put_state(&cve, state, &mut statements, sink);
        }
        let details = details(&cve);
        for stream in statements.streams() {
            sink.details(stream, details.clone());
        }
        statements.put(&cve.name, sink);
        // Nothing in it is known to be newer.
        details.published.iter().for_each(|when| sink.modified_all(when));
        Ok(())
    }
}

#[derive(Deserialize)]
struct Cve<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow, default)]
    threat_severity: Text<'a>,
    #[serde(borrow, default)]
    public_date: Text<'a>,
    #[serde(borrow, default)]
    bugzilla: Option<Bugzilla<'a>>,
    #[serde(borrow, default)]
    cvss: Option<Cvss2<'a>>,
    #[serde(borrow, default)]
    cvss3: Option<Cvss3<'a>>,
    #[serde(borrow, default)]
    cwe: Text<'a>,
    #[serde(borrow, default)]
    details: Vec<Text<'a>>,
    #[serde(borrow, default)]
    references: Vec<Text<'a>>,
    #[serde(borrow, default)]
    affected_release: Vec<Release<'a>>,
    #[serde(borrow, default)]
    package_state: Vec<State<'a>>,
}

#[derive(Deserialize)]
struct Bugzilla<'a> {
    #[serde(borrow, default)]
    description: Text<'a>,
}

#[derive(Deserialize)]
struct Cvss2<'a> {
    #[serde(borrow, default, rename = "cvss_base_score")]
    score: Text<'a>,
    #[serde(borrow, default, rename = "cvss_scoring_vector")]
    vector: Text<'a>,
}

#[derive(Deserialize)]
struct Cvss3<'a> {
    #[serde(borrow, default, rename = "cvss3_base_score")]
    score: Text<'a>,
    #[serde(borrow, default, rename = "cvss3_scoring_vector")]
    vector: Text<'a>,
}

#[derive(Deserialize)]
struct Release<'a> {
    #[serde(borrow, default)]
    cpe: Text<'a>,
    #[serde(borrow, default)]
    package: Text<'a>,
    #[serde(borrow, default)]
    advisory: Text<'a>,
    #[serde(borrow, default)]
    impact: Text<'a>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow, default)]
    cpe: Text<'a>,
    #[serde(borrow, default)]
    fix_state: Text<'a>,
    #[serde(borrow, default)]
    package_name: Text<'a>,
    #[serde(borrow, default)]
    impact: Text<'a>,
}

fn put_release(cve: &Cve<'_>, release: &Release<'_>, statements: &mut Statements, sink: &mut Sink) {
    let products = super::products(&release.cpe);
    if products.is_empty() {
        return sink.passed_over("fixes in products other than RHEL");
    }
    let Some(fix) = fix(&release.package) else {
        // Container images, and the times when errata named no build (`kpatch-patch`).
        return sink.passed_over("fixes that name no build");
    };
    let severity = severity(cve, &release.impact);
    for product in products {
        let place = Place {
            track: product.track,
            module: fix.module.map(str::to_owned),
            ..Place::source(product.stream, fix.package)
        };
        statements.fixed(place, (fix.version.clone(), ""), &release.advisory, severity);
    }
}

struct Fix<'a> {
    package: &'a str,
    module: Option<&'a str>,
    version: String,
}

fn fix(package: &str) -> Option<Fix<'_>> {
    // `rhel8/go-toolset:1.20.10-3` is a container image, not a build.
    if package.contains('/') {
        return None;
    }
    if let Some(build) = Nevra::without_architecture(package)
        && package.contains('-')
        && !is_module_build(package)
    {
        return Some(Fix { package: build.name, module: None, version: build.version });
    }
    let (module, build) = package.rsplit_once('-')?;
    let number = build.split('.').next()?;
    (is_module_build(package) && module.contains(':')).then(|| Fix {
        package: module,
        module: Some(module),
        version: number.to_owned(),
    })
}

/// `nodejs:18-8090020231019152822.a75119d5`: the digits are the platform (at least `8000`) and the
/// time to the second.
fn is_module_build(package: &str) -> bool {
    const DIGITS: usize = 18;
    let Some((name, build)) = package.rsplit_once('-') else { return false };
    let number = build.split('.').next().unwrap_or("");
    name.contains(':') && number.len() >= DIGITS && number.bytes().all(|b| b.is_ascii_digit())
}

fn put_state(cve: &Cve<'_>, state: &State<'_>, statements: &mut Statements, sink: &mut Sink) {
    let products = super::products(&state.cpe);
    if products.is_empty() {
        return sink.passed_over("states of products other than RHEL");
    }
    let Component::Package { name, module } = super::component(&state.package_name) else {
        return sink.passed_over("states of flatpaks and container images");
    };
    let status = super::status(&state.fix_state).unwrap_or_else(|| {
        sink.passed_over(&format!("unknown words for a state, `{}`", &*state.fix_state));
        Status::Undetermined
    });
    let severity = severity(cve, &state.impact);
    for product in products {
        let place = Place {
            track: product.track,
            module: module.map(str::to_owned),
            ..Place::source(product.stream, name)
        };
        statements.state(place, status, severity);
    }
}

/// The rating for one product, else that of the CVE.
fn severity(cve: &Cve<'_>, impact: &str) -> Severity {
    let word = if impact.is_empty() { &*cve.threat_severity } else { impact };
    Severity::from_publisher(word)
}

fn details(cve: &Cve<'_>) -> Details {
    let title = cve.bugzilla.as_ref().map_or("", |bug| bug.description.trim());
    let title = title.strip_prefix(&*cve.name).map_or(title, str::trim_start);
    let references = cve.references.iter().flat_map(|lines| lines.lines());
    let references = references.map(str::trim).filter(|line| !line.is_empty());
    Details {
        id: cve.name.to_string(),
        title: title.to_owned(),
        // The last text is Red Hat's own; the ones before it repeat the CVE's.
        description: cve.details.last().map(|text| text.trim().to_owned()).unwrap_or_default(),
        severity: Severity::from_publisher(&cve.threat_severity),
        cvss: cvss(cve),
        cwes: cwes(&cve.cwe),
        references: references.map(str::to_owned).collect(),
        published: time::utc(&cve.public_date),
        modified: None,
        withdrawn: None,
    }
}

fn cvss(cve: &Cve<'_>) -> Vec<Cvss> {
    let two = cve.cvss.iter().map(|cvss| (&cvss.vector, &cvss.score));
    let three = cve.cvss3.iter().map(|cvss| (&cvss.vector, &cvss.score));
    two.chain(three)
        .filter_map(|(vector, score)| {
            let version = match vector.strip_prefix("CVSS:") {
                Some(rest) => Cow::Borrowed(rest.split('/').next().unwrap_or("")),
                None => Cow::Borrowed("2.0"),
            };
            Some(Cvss {
                source: "redhat".to_owned(),
                version: version.into_owned(),
                vector: vector.to_string(),
                score: score.parse().ok()?,
            })
        })
        .collect()
}

/// `CWE-20->CWE-119`, `(CWE-125|CWE-787)`: the ids that a chain names.
pub(super) fn cwes(chain: &str) -> Vec<String> {
    let mut ids: Vec<String> = chain
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .map(|part| part.trim_matches('-'))
        .filter(|part| part.starts_with("CWE-"))
        .map(str::to_owned)
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_read_from_what_a_release_names() {
        let cases = [
            ("kernel-0:5.14.0-284.62.1.el9_2", "kernel|5.14.0-284.62.1.el9_2|"),
            ("openssl-1:3.0.7-27.el9", "openssl|1:3.0.7-27.el9|"),
            ("nodejs:18-8090020231019152822.a75119d5", "nodejs:18|8090020231019152822|nodejs:18"),
            (
                "container-tools:rhel8-8100020240808093819.afee755d",
                "container-tools:rhel8|8100020240808093819|container-tools:rhel8",
            ),
            ("ruby:3.1-9040020240503183840.9", "ruby:3.1|9040020240503183840|ruby:3.1"),
            ("kpatch-patch", ""),
            ("rhel8/go-toolset:1.20.10-3", ""),
            ("rhel9/flatpak-runtime:el9-9030020230825103938.1706180714", ""),
            ("mozilla", ""),
            ("", ""),
        ];
        for (package, expected) in cases {
            let read = fix(package).map_or_else(String::new, |f| {
                format!("{}|{}|{}", f.package, f.version, f.module.unwrap_or(""))
            });
            assert_eq!(read, expected, "{package}");
        }
    }

    #[test]
    fn chains_of_weaknesses_are_taken_apart() {
        assert_eq!(cwes("CWE-20->CWE-119"), ["CWE-119", "CWE-20"]);
        assert_eq!(cwes("(CWE-125|CWE-787)"), ["CWE-125", "CWE-787"]);
        assert!(cwes("").is_empty());
    }
}
