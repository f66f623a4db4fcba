//! A difference as JSON, described by `docs/diff.schema.json`; a promise like the report.

use serde::Serialize;

use super::verdict::VerdictJson;
use super::{DataJson, ProblemJson, SCHEMA_VERSION};
use crate::Report;
use crate::diff::{Diff, Direction, Faults, LeftOut, PackageChange};
use crate::fault::{Fault, Kind};

/// The difference as pretty-printed JSON with a final newline.
pub fn diff(diff: &Diff<'_>) -> String {
    let mut text = serde_json::to_string_pretty(&DiffJson::of(diff))
        .expect("strings, numbers and lists of them always serialize");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct DiffJson<'a> {
    schema_version: &'static str,
    created: &'a str,
    before: SideJson<'a>,
    after: SideJson<'a>,
    shared_layers: usize,
    packages: PackagesJson<'a>,
    /// Null where not both were searched; so are the three below.
    vulnerabilities: Option<FaultsJson<'a>>,
    secrets: Option<FaultsJson<'a>>,
    malware: Option<FaultsJson<'a>>,
    misconfigurations: Option<FaultsJson<'a>>,
    not_compared: Vec<&'static str>,
    incomplete: bool,
}

impl<'a> DiffJson<'a> {
    fn of(diff: &'a Diff<'_>) -> Self {
        let of = |wanted: Kind| {
            let faults = diff.faults.iter().find(|(kind, _)| *kind == wanted);
            faults.and_then(|(_, it)| it.as_ref()).map(FaultsJson::of)
        };
        Self {
            schema_version: SCHEMA_VERSION,
            created: &diff.after.now,
            before: SideJson::of(diff.before),
            after: SideJson::of(diff.after),
            shared_layers: diff.shared_layers(),
            packages: PackagesJson::of(diff),
            vulnerabilities: of(Kind::Vulnerability),
            secrets: of(Kind::Secret),
            malware: of(Kind::Malware),
            misconfigurations: of(Kind::Misconfiguration),
            not_compared: diff.not_compared().collect(),
            incomplete: diff.is_incomplete(),
        }
    }
}

/// One of the two artifacts.
#[derive(Serialize)]
struct SideJson<'a> {
    name: &'a str,
    kind: &'static str,
    digest: Option<String>,
    platform: Option<String>,
    os: Option<OsJson<'a>>,
    created: Option<&'a str>,
    size_bytes: Option<u64>,
    layers: usize,
    packages: usize,
    checks: &'a [String],
    /// When it was scanned.
    scanned: &'a str,
    data: Vec<DataJson<'a>>,
    problems: Vec<ProblemJson<'a>>,
    incomplete: bool,
    /// How many things somebody says not to report.
    silenced: usize,
    /// Null without a policy.
    verdict: Option<VerdictJson<'a>>,
}

#[derive(Serialize)]
struct OsJson<'a> {
    family: &'a str,
    version: &'a str,
}

impl<'a> SideJson<'a> {
    fn of(report: &'a Report) -> Self {
        let Report { artifact, inventory, .. } = report;
        Self {
            name: &artifact.name,
            kind: artifact.kind.name(),
            digest: artifact.digest.as_ref().map(ToString::to_string),
            platform: artifact.platform.as_ref().map(ToString::to_string),
            os: inventory.os.as_ref().map(|os| OsJson { family: &os.family, version: &os.version }),
            created: artifact.created.as_deref(),
            size_bytes: artifact.size_bytes,
            layers: if artifact.kind.has_layers() { artifact.layers.len() } else { 0 },
            packages: inventory.packages.len(),
            checks: &report.checks,
            scanned: &report.now,
            data: report.data.iter().map(DataJson::of).collect(),
            problems: report.problems.iter().map(ProblemJson::of).collect(),
            incomplete: report.is_incomplete(),
            silenced: report.told_apart(),
            verdict: report.verdict.as_ref().map(VerdictJson::of),
        }
    }
}

#[derive(Serialize)]
struct PackagesJson<'a> {
    added: Vec<PackageJson<'a>>,
    removed: Vec<PackageJson<'a>>,
    changed: Vec<PackageJson<'a>>,
    kept: usize,
}

#[derive(Serialize)]
struct PackageJson<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// The versions that are no longer there.
    from: &'a [&'a str],
    /// Those that were not there before.
    to: &'a [&'a str],
    /// Null where there is none, or nobody can tell.
    direction: Option<&'static str>,
}

impl<'a> PackagesJson<'a> {
    fn of(diff: &'a Diff<'_>) -> Self {
        let list = |changes: &'a [PackageChange<'_>]| changes.iter().map(PackageJson::of).collect();
        Self {
            added: list(&diff.packages.added),
            removed: list(&diff.packages.removed),
            changed: list(&diff.packages.changed),
            kept: diff.packages.kept,
        }
    }
}

impl<'a> PackageJson<'a> {
    fn of(change: &'a PackageChange<'_>) -> Self {
        let PackageChange { kind, name, from, to, direction } = change;
        Self { name, kind: kind.name(), from, to, direction: direction.map(Direction::name) }
    }
}

#[derive(Serialize)]
struct FaultsJson<'a> {
    new: Vec<FaultJson<'a>>,
    gone: Vec<FaultJson<'a>>,
    kept: Vec<FaultJson<'a>>,
    left_out: LeftOutJson,
}

/// What the user does not want to see, in numbers.
#[derive(Serialize)]
struct LeftOutJson {
    new: usize,
    gone: usize,
    kept: usize,
}

impl<'a> FaultsJson<'a> {
    fn of(faults: &'a Faults<'_>) -> Self {
        let list = |faults: &'a [Fault<'_>]| faults.iter().map(FaultJson::of).collect();
        let LeftOut { new, gone, kept } = faults.left_out;
        Self {
            new: list(&faults.new),
            gone: list(&faults.gone),
            kept: list(&faults.kept),
            left_out: LeftOutJson { new, gone, kept },
        }
    }
}

/// Enough to know it by; the report of either side has the rest.
#[derive(Serialize)]
struct FaultJson<'a> {
    /// The vulnerability, the kind of secret, the rule, the check.
    id: &'a str,
    severity: &'static str,
    title: &'a str,
    /// The package with its version, or what else is concerned.
    subject: &'a str,
    path: &'a str,
    line: u32,
    layer: Option<u32>,
    fixed_version: Option<&'a str>,
}

impl<'a> FaultJson<'a> {
    fn of(fault: &'a Fault<'_>) -> Self {
        Self {
            id: fault.rule,
            severity: fault.severity.name(),
            title: fault.title,
            subject: &fault.subject,
            path: fault.path,
            line: fault.line,
            layer: fault.layer,
            fixed_version: fault.fixed_version(),
        }
    }
}
