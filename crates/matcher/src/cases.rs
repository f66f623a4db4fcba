//! The traps of every distribution as data: each file under `testdata/` is an installation, what
//! publishers say, and what must be found. Adding a case needs no code.
//!
//! ```toml
//! why = "what goes wrong in a matcher that does not know this"
//! os = "debian 12"                      # family, version, codename; absent: no release file
//! repositories = []
//! packages = ["deb libssl3 3.0.11-1+b1 amd64 source=openssl@3.0.11-1"]
//! says = [{ stream = "debian-12", id = "CVE-2024-1", source = "openssl", fixed = "3.0.13-1" }]
//! finds = ["CVE-2024-1 libssl3 fixed 3.0.13-1"]     # id, package, status, fixed version or `-`
//! ```
//!
//! A statement is `fixed` where it gives a fixed version, else it names its `status`; ranges are
//! written `>=1.0 <2.0`, `<=1.5`. Where a case lists `evidence`, `severities` or `aliases`, they
//! are checked too, one entry a finding.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use advisories::SegmentMeta;
use model::{
    Advisory, Affected, Finding, Inventory, Location, Os, Package, PackageKind, Problem, Scope,
    Severity, Source, Status, Subject, VersionRange,
};
use serde::Deserialize;

use crate::distro::{self, Plan};
use crate::voice::{Name, Voice};
use crate::{eol, foreign, judge_all, missing};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    os: Option<String>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    says: Vec<Says>,
    #[serde(default)]
    finds: Vec<String>,
    /// Kind and subject of every problem.
    #[serde(default)]
    problems: Vec<String>,
    evidence: Option<Vec<String>>,
    severities: Option<Vec<String>>,
    aliases: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Says {
    stream: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    source: Option<String>,
    binary: Option<String>,
    status: Option<String>,
    fixed: Option<String>,
    #[serde(default)]
    ranges: Vec<String>,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    notices: Vec<String>,
    #[serde(default)]
    architectures: Vec<String>,
    module: Option<String>,
    track: Option<String>,
}

#[test]
fn every_case_finds_what_it_says() {
    let files = case_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"));
    assert!(files.len() >= 60, "only {} cases found", files.len());
    let wrong: Vec<String> = files.iter().filter_map(|file| check(file).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

fn case_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(case_files(&path)),
            false if path.extension().is_some_and(|e| e == "toml") => files.push(path),
            false => {}
        }
    }
    files.sort();
    files
}

fn check(file: &Path) -> Result<(), String> {
    let name = file.file_stem().unwrap().to_string_lossy();
    let case: Case = toml::from_str(&std::fs::read_to_string(file).unwrap())
        .map_err(|error| format!("{name}: {error}"))?;
    let (findings, problems) = run(&case);
    let all = |show: fn(&Finding) -> String| findings.iter().map(show).collect::<Vec<_>>();
    let problems: Vec<String> =
        problems.iter().map(|p| format!("{} {}", p.kind.name(), p.subject)).collect();
    let compared = [
        ("finds", Some(&case.finds), all(shown)),
        ("problems", Some(&case.problems), problems),
        ("evidence", case.evidence.as_ref(), all(evidence)),
        ("severities", case.severities.as_ref(), all(severity)),
        ("aliases", case.aliases.as_ref(), all(|finding| finding.aliases.join(" "))),
    ];
    for (what, expected, found) in compared {
        if expected.is_some_and(|expected| *expected != found) {
            return Err(format!(
                "{name}: {}\n  {what}: expected {expected:?}\n  {what}: found    {found:?}",
                case.why
            ));
        }
    }
    Ok(())
}

fn shown(finding: &Finding) -> String {
    let fixed = finding.fixed_version.as_deref().unwrap_or("-");
    let status = finding.status.name();
    format!("{} {} {status} {fixed}", finding.id, finding.package.name)
}

fn evidence(finding: &Finding) -> String {
    let one = |evidence: &model::Evidence| match evidence.notices.is_empty() {
        true => format!("{}: {}", evidence.stream, evidence.compared),
        false => {
            format!("{} {}: {}", evidence.stream, evidence.notices.join(" "), evidence.compared)
        }
    };
    finding.evidence.iter().map(one).collect::<Vec<_>>().join(" | ")
}

fn severity(finding: &Finding) -> String {
    let opinion = |o: &model::Opinion| format!("{}={}", o.source, o.severity);
    let opinions: Vec<String> = finding.opinions.iter().map(opinion).collect();
    format!("{} by {} of {}", finding.severity, finding.severity_source, opinions.join(" "))
}

/// What `findings` does, with statements from the case instead of a store.
fn run(case: &Case) -> (Vec<Finding>, Vec<Problem>) {
    let inventory = inventory(case);
    let now = "2026-11-22".parse().unwrap();
    let mut problems: Vec<Problem> = Vec::new();
    problems.extend(inventory.os.as_ref().and_then(|os| eol::notice(os, now)));
    match distro::plan(&inventory) {
        None => (Vec::new(), problems),
        Some(Err(problem)) => {
            problems.push(problem);
            (Vec::new(), problems)
        }
        Some(Ok(plan)) => {
            problems.extend(foreign(&plan, &inventory));
            let voices = voices(&plan, case, &mut problems);
            (judge_all(&plan, &inventory, &voices), problems)
        }
    }
}

fn voices(plan: &Plan, case: &Case, problems: &mut Vec<Problem>) -> Vec<Voice> {
    let mut voices = Vec::new();
    for (stream, role) in &plan.streams {
        let said: Vec<&Says> = case.says.iter().filter(|says| says.stream == *stream).collect();
        if said.is_empty() {
            problems.push(missing(stream));
            continue;
        }
        let mut statements: BTreeMap<Name, Vec<Advisory>> = BTreeMap::new();
        for advisory in said.into_iter().filter(|says| !says.id.is_empty()).map(advisory) {
            let name = (advisory.subject, advisory.package.clone());
            statements.entry(name).or_default().push(advisory);
        }
        let meta = SegmentMeta {
            stream: stream.clone(),
            source: format!("{stream}-feed"),
            ..SegmentMeta::default()
        };
        voices.push(Voice::new(&meta, *role, statements.into_iter()));
    }
    voices
}

fn inventory(case: &Case) -> Inventory {
    let os = case.os.as_ref().map(|os| {
        let mut words = os.split(' ');
        Os {
            family: words.next().unwrap().to_owned(),
            version: words.next().unwrap_or_default().to_owned(),
            codename: words.next().map(str::to_owned),
            pretty_name: None,
            derived_id: None,
        }
    });
    Inventory {
        os,
        packages: case.packages.iter().map(|text| package(text)).collect(),
        repositories: case.repositories.clone(),
        problems: Vec::new(),
    }
}

fn package(text: &str) -> Package {
    let words: Vec<&str> = text.split(' ').collect();
    let [kind, name, version, architecture, more @ ..] = words.as_slice() else {
        panic!("package `{text}`: want kind, name, version, architecture");
    };
    let field = |key: &str| more.iter().find_map(|word| word.strip_prefix(key));
    let source = field("source=").map(|source| {
        let (name, version) = source.split_once('@').unwrap_or((source, version));
        Source { name: name.to_owned(), version: version.to_owned() }
    });
    Package {
        kind: match *kind {
            "apk" => PackageKind::Apk,
            "deb" => PackageKind::Deb,
            "rpm" => PackageKind::Rpm,
            other => panic!("package kind `{other}`"),
        },
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        architecture: (*architecture).to_owned(),
        source,
        module: field("module=").map(str::to_owned),
        module_build: field("build=").map(str::to_owned),
        license: String::new(),
        vendor: String::new(),
        location: Location { path: "db".to_owned(), layer: None },
        files: Vec::new(),
    }
}

/// A finding with nothing but a package, an id, and a fixed version or `-`.
pub(crate) fn bare_finding(package: &str, id: &str, fixed: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        aliases: Vec::new(),
        package: self::package(package),
        status: if fixed == "-" { Status::Affected } else { Status::Fixed },
        fixed_version: (fixed != "-").then(|| fixed.to_owned()),
        severity: Severity::Unknown,
        severity_source: String::new(),
        opinions: Vec::new(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        cwes: Vec::new(),
        title: String::new(),
        description: String::new(),
        references: Vec::new(),
        published: None,
        modified: None,
        evidence: Vec::new(),
    }
}

fn advisory(says: &Says) -> Advisory {
    let (package, subject) = match (&says.source, &says.binary) {
        (Some(name), None) => (name, Subject::Source),
        (None, Some(name)) => (name, Subject::Binary),
        _ => panic!("{}: a statement is about a source or a binary package", says.id),
    };
    let fixed = says
        .fixed
        .iter()
        .map(|fixed| VersionRange { introduced: None, until: Affected::Before(fixed.clone()) });
    Advisory {
        id: says.id.clone(),
        aliases: says.aliases.clone(),
        package: package.clone(),
        subject,
        scope: Scope {
            architectures: says.architectures.clone(),
            module: says.module.clone(),
            track: says.track.clone(),
        },
        status: status(says),
        ranges: fixed.chain(says.ranges.iter().map(|range| self::range(range))).collect(),
        severity: Severity::from_publisher(&says.severity),
        notices: says.notices.clone(),
    }
}

fn status(says: &Says) -> Status {
    match says.status.as_deref() {
        None => Status::Fixed,
        Some(name) => {
            let named = Status::ALL.into_iter().find(|status| status.name() == name);
            named.unwrap_or_else(|| panic!("{}: status `{name}`", says.id))
        }
    }
}

fn range(text: &str) -> VersionRange {
    let mut range = VersionRange { introduced: None, until: Affected::Onwards };
    for word in text.split(' ') {
        if let Some(version) = word.strip_prefix(">=") {
            range.introduced = Some(version.to_owned());
        } else if let Some(version) = word.strip_prefix("<=") {
            range.until = Affected::Through(version.to_owned());
        } else if let Some(version) = word.strip_prefix('<') {
            range.until = Affected::Before(version.to_owned());
        } else {
            panic!("range `{text}`");
        }
    }
    range
}
