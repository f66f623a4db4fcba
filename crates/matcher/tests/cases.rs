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
//! written `>=1.0 <2.0`, `<=1.5`, with ` fix:1.6` (or ` fix:-`) where the end is not the fix. One without an `id` only makes its stream exist; so does `knows`,
//! which is what is known of a vulnerability apart from packages. `problems` are kinds and
//! subjects; `silenced` and `malware` are checked always. Where a case lists `evidence`, `severities`, `aliases` or `details`, they are checked
//! too, one entry a finding; so are `needs`, the streams asked for before and after matching.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use advisories::{KnownExploited, Score, SegmentMeta, SegmentWriter, Store};
use matcher::Options;
use model::{
    Advisory, Affected, Basis, Cvss, Details, Evidence, Finding, Inventory, Location, Opinion, Os,
    Package, PackageKind, Problem, Scope, Severity, Source, Status, Subject, Symbols,
    SymbolsBuilder, VersionRange,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    why: String,
    /// The source of all streams; absent: one of no consequence.
    feed: Option<String>,
    os: Option<String>,
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    says: Vec<Says>,
    #[serde(default)]
    knows: Vec<Knows>,
    finds: Vec<String>,
    #[serde(default)]
    problems: Vec<String>,
    needs: Option<Vec<String>>,
    evidence: Option<Vec<String>>,
    severities: Option<Vec<String>>,
    aliases: Option<Vec<String>>,
    details: Option<Vec<String>>,
    #[serde(default)]
    silenced: Vec<String>,
    #[serde(default)]
    malware: Vec<String>,
    /// Lock files count.
    #[serde(default)]
    declared: bool,
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
    #[serde(default)]
    symbols: Vec<String>,
    #[serde(default)]
    platforms: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Knows {
    stream: String,
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    severity: String,
    /// `nvd 3.1 9.8`
    #[serde(default)]
    cvss: Vec<String>,
    #[serde(default)]
    cwes: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
    published: Option<String>,
    withdrawn: Option<String>,
    /// Probability and percentile.
    epss: Option<(f64, f64)>,
    /// The day it was added.
    kev: Option<String>,
}

#[test]
fn every_case_finds_what_it_says() {
    let files = case_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"));
    assert!(files.len() >= 150, "only {} cases found", files.len());
    let wrong: Vec<String> = files.iter().filter_map(|file| check(file).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

fn case_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
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
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let text = std::fs::read_to_string(file).expect("a case");
    let case: Case = toml::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
    let Outcome { findings, silenced, malware, problems, needs } = run(&case);
    let all = |show: fn(&Finding) -> String| findings.iter().map(show).collect::<Vec<_>>();
    let problems: Vec<String> =
        problems.iter().map(|p| format!("{} {}", p.kind.name(), p.subject)).collect();
    let compared = [
        ("finds", Some(&case.finds), all(shown)),
        ("problems", Some(&case.problems), problems),
        ("silenced", Some(&case.silenced), silenced),
        ("malware", Some(&case.malware), malware),
        ("needs", case.needs.as_ref(), needs),
        ("evidence", case.evidence.as_ref(), all(evidence)),
        ("severities", case.severities.as_ref(), all(severity)),
        ("aliases", case.aliases.as_ref(), all(|finding| finding.aliases.join(" "))),
        ("details", case.details.as_ref(), all(details)),
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
    let one = |evidence: &Evidence| match evidence.notices.is_empty() {
        true => format!("{}: {}", evidence.stream, evidence.compared),
        false => {
            format!("{} {}: {}", evidence.stream, evidence.notices.join(" "), evidence.compared)
        }
    };
    finding.evidence.iter().map(one).collect::<Vec<_>>().join(" | ")
}

fn severity(finding: &Finding) -> String {
    let opinion = |opinion: &Opinion| format!("{}={}", opinion.source, opinion.severity);
    let opinions: Vec<String> = finding.opinions.iter().map(opinion).collect();
    format!("{} by {} of {}", finding.severity, finding.severity_source, opinions.join(" "))
}

fn details(finding: &Finding) -> String {
    let score = |cvss: &Cvss| format!("{}/{}/{}", cvss.source, cvss.version, cvss.score);
    let cvss: Vec<String> = finding.cvss.iter().map(score).collect();
    let (cwes, references) = (finding.cwes.join(" "), finding.references.join(" "));
    let published = finding.published.as_deref().unwrap_or("-");
    let kev = finding.kev.as_deref().unwrap_or("-");
    let (cvss, title) = (cvss.join(" "), &finding.title);
    format!("{title}; {cvss}; {:?}; {kev}; {cwes}; {references}; {published}", finding.epss)
}

struct Outcome {
    findings: Vec<Finding>,
    silenced: Vec<String>,
    malware: Vec<String>,
    problems: Vec<Problem>,
    needs: Vec<String>,
}

/// What a scan does with an inventory, on a store that holds what the case says.
fn run(case: &Case) -> Outcome {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let store = Store::open(dir.path());
    for writer in segments(case) {
        store.write(writer).expect("a segment can be written");
    }
    let inventory = inventory(case);
    let mut needs = matcher::needs(&inventory, case.declared).streams;
    let today = "2026-11-22".parse().expect("a date");
    let options = Options { today, declared: case.declared };
    let mut matched = matcher::findings(&inventory, &store, options, &|| false);
    needs.extend(matcher::metadata_needs(&matched.findings));
    if !case.knows.is_empty() {
        matched.problems.extend(matcher::enrich(&mut matched.findings, &store).problems);
    }
    let with_files = matched.findings.iter().find(|finding| !finding.package.files.is_empty());
    assert_eq!(with_files, None, "findings do not repeat the files of their package");
    let silenced = matched
        .silenced
        .iter()
        .map(|one| format!("{} {}: {}", one.by.name(), shown(&one.finding), one.reason));
    let malware = matched
        .malware
        .iter()
        .map(|one| format!("{} {} at {}", one.rule, one.title, one.location.path));
    Outcome {
        silenced: silenced.collect(),
        malware: malware.collect(),
        findings: matched.findings,
        problems: matched.problems,
        needs,
    }
}

fn segments(case: &Case) -> Vec<SegmentWriter> {
    let mut writers: BTreeMap<&str, SegmentWriter> = BTreeMap::new();
    let streams = case.says.iter().map(|says| &says.stream);
    for stream in streams.chain(case.knows.iter().map(|knows| &knows.stream)) {
        writers.entry(stream).or_insert_with(|| {
            SegmentWriter::new(SegmentMeta {
                stream: stream.clone(),
                source: case.feed.clone().unwrap_or_else(|| format!("{stream}-feed")),
                ..SegmentMeta::default()
            })
        });
    }
    for says in case.says.iter().filter(|says| !says.id.is_empty()) {
        if let Some(writer) = writers.get_mut(says.stream.as_str()) {
            writer.advisory(&advisory(says));
        }
    }
    for knows in &case.knows {
        if let Some(writer) = writers.get_mut(knows.stream.as_str()) {
            put(knows, writer);
        }
    }
    writers.into_values().collect()
}

fn put(knows: &Knows, writer: &mut SegmentWriter) {
    if let Some((epss, percentile)) = knows.epss {
        return writer.score(&knows.id, Score { epss, percentile });
    }
    if let Some(added) = knows.kev.clone() {
        let entry = KnownExploited { added, due: None, ransomware: false };
        return writer.known_exploited(&knows.id, &entry);
    }
    writer.details(&Details {
        id: knows.id.clone(),
        title: knows.title.clone(),
        severity: Severity::from_publisher(&knows.severity),
        cvss: knows.cvss.iter().map(|text| cvss(text)).collect(),
        cwes: knows.cwes.clone(),
        references: knows.references.clone(),
        published: knows.published.clone(),
        withdrawn: knows.withdrawn.clone(),
        ..Details::default()
    });
}

fn cvss(text: &str) -> Cvss {
    let mut words = text.split(' ').map(str::to_owned);
    let mut word = || words.next().expect("scorer, version and score");
    let (source, version, score) = (word(), word(), word());
    Cvss { source, version, vector: String::new(), score: score.parse().expect("a score") }
}

fn inventory(case: &Case) -> Inventory {
    let os = case.os.as_ref().map(|os| {
        let mut words = os.split(' ').map(str::to_owned);
        Os {
            family: words.next().unwrap_or_default(),
            version: words.next().unwrap_or_default(),
            codename: words.next(),
            pretty_name: None,
            derived_id: words.next(),
        }
    });
    Inventory {
        os,
        packages: case.packages.iter().map(|text| package(text)).collect(),
        repositories: case.repositories.clone(),
        ..Inventory::default()
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
    let kind = PackageKind::ALL.iter().find(|known| known.name() == *kind).expect("a package kind");
    Package {
        architecture: (*architecture).to_owned(),
        source,
        module: field("module=").map(str::to_owned),
        module_build: field("build=").map(str::to_owned),
        location: Location { path: field("path=").unwrap_or("db").to_owned(), layer: None },
        files: ["usr/bin/file"].into_iter().collect(),
        declared: more.contains(&"declared"),
        owner: field("owner=").map(str::to_owned),
        symbols: symbols(field("links=")),
        basis: match field("basis=") {
            None => Basis::Record,
            Some("file_name") => Basis::FileName,
            Some("mention") => Basis::Mention,
            Some("elsewhere") => Basis::Elsewhere,
            Some(other) => panic!("basis `{other}`"),
        },
        vendor: field("vendor=").unwrap_or_default().to_owned(),
        ..Package::new(*kind, name, version)
    }
}

/// `example.org/tide:Rise,example.org/tide:Moon.Pull`
fn symbols(list: Option<&str>) -> Symbols {
    let mut builder = SymbolsBuilder::default();
    for symbol in list.into_iter().flat_map(|list| list.split(',')) {
        let (package, name) = symbol.split_once(':').expect("package and name");
        builder.add(package, "", name);
    }
    builder.finish()
}

fn advisory(says: &Says) -> Advisory {
    let (package, subject) = match (&says.source, &says.binary) {
        (Some(name), None) => (name, Subject::Source),
        (None, Some(name)) => (name, Subject::Binary),
        _ => panic!("{}: a statement is about a source or a binary package", says.id),
    };
    let fixed = says.fixed.iter().map(|fixed| format!("<{fixed}"));
    Advisory {
        id: says.id.clone(),
        aliases: says.aliases.clone(),
        package: package.clone(),
        subject,
        scope: Scope {
            architectures: says.architectures.clone(),
            module: says.module.clone(),
            track: says.track.clone(),
            symbols: says.symbols.clone(),
            platforms: says.platforms.clone(),
        },
        status: status(says),
        ranges: fixed.chain(says.ranges.iter().cloned()).map(|text| range(&text)).collect(),
        severity: Severity::from_publisher(&says.severity),
        notices: says.notices.clone(),
    }
}

fn status(says: &Says) -> Status {
    let name = says.status.as_deref().unwrap_or("fixed");
    Status::ALL.into_iter().find(|status| status.name() == name).expect("a status")
}

fn range(text: &str) -> VersionRange {
    if let Some((range, fix)) = text.split_once(" fix:") {
        let VersionRange { introduced, until } = self::range(range);
        let (end, included) = until.end().expect("it has an end");
        let fix = (fix != "-").then(|| fix.to_owned());
        let until = Affected::Until { end: end.to_owned(), included, fix };
        return VersionRange { introduced, until };
    }
    let (introduced, end) = match text.split_once(" <") {
        Some((introduced, end)) => (introduced.strip_prefix(">="), Some(end)),
        None => (text.strip_prefix(">="), text.strip_prefix('<')),
    };
    let until = match end.map(|end| (end, end.strip_prefix('='))) {
        Some((_, Some(last))) => Affected::Through(last.to_owned()),
        Some((fix, None)) => Affected::Before(fix.to_owned()),
        None => Affected::Onwards,
    };
    VersionRange { introduced: introduced.map(str::to_owned), until }
}
