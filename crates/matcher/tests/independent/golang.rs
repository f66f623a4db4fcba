//! Go's vulnerability database: modules at, just below and just above every version that its
//! records name.
//!
//! What is affected is worked out as the OSV specification evaluates events (ossf.github.io/
//! osv-schema, "Evaluation"), on versions compared as SemVer 2.0.0, section 11, says.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::{Finding, Inventory, Location, Package, PackageKind};
use serde_json::Value;

use crate::{findings, shared, unpacked};

/// One module in so many is looked at: it takes some seconds.
const SAMPLED: usize = 3;

/// The events of one record on a module, with the record's id.
type Events = Vec<(String, Vec<(String, Kind)>)>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Introduced,
    Fixed,
}

#[test]
fn vulnerability_database() {
    let Some(feed) = shared("feeds/go-vulndb-osv.tar.zst") else { return };
    let documents = unpacked(&feed);
    let modules = modules(documents.path());
    let mut packages = Vec::new();
    let mut expected: BTreeSet<(String, String, String)> = BTreeSet::new();
    for (module, records) in modules.iter().step_by(SAMPLED) {
        for version in versions(records) {
            for (record, events) in records {
                if is_affected(&version, events) {
                    expected.insert((module.clone(), version.clone(), record.clone()));
                }
            }
            packages.push(package(module, &version));
        }
    }
    assert!(
        packages.len() > 2_000 && expected.len() > 2_000,
        "{} {}",
        packages.len(),
        expected.len()
    );
    let inventory = Inventory { packages, ..Inventory::default() };
    let findings = findings(&inventory, &[feed]);

    let named: BTreeSet<(String, String, String)> = findings.iter().flat_map(all_names).collect();
    let missed: Vec<_> = expected.difference(&named).take(20).collect();
    assert!(missed.is_empty(), "missed: {missed:#?}");
    let is_expected =
        |finding: &&Finding| all_names(finding).iter().any(|it| expected.contains(it));
    let invented: Vec<_> = findings.iter().filter(|it| !is_expected(it)).take(20).collect();
    assert!(invented.is_empty(), "invented: {invented:#?}");
    eprintln!("go-vulndb: {} statements, {} findings", expected.len(), findings.len());
}

/// The records on each module that were not withdrawn.
fn modules(root: &Path) -> BTreeMap<String, Events> {
    let mut modules: BTreeMap<String, Events> = BTreeMap::new();
    for entry in std::fs::read_dir(root.join("data/osv")).expect("a folder of records") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a record");
        let record: Value = serde_json::from_str(&text).expect("JSON");
        if record.get("withdrawn").is_some() {
            continue;
        }
        let id = record["id"].as_str().expect("an id");
        for affected in record["affected"].as_array().into_iter().flatten() {
            let module = affected["package"]["name"].as_str().expect("a name");
            let events = events(affected);
            if !events.is_empty() {
                modules.entry(module.to_owned()).or_default().push((id.to_owned(), events));
            }
        }
    }
    modules
}

fn events(affected: &Value) -> Vec<(String, Kind)> {
    let ranges = affected["ranges"].as_array().into_iter().flatten();
    let all = ranges.flat_map(|range| range["events"].as_array().into_iter().flatten());
    let event = |event: &Value| {
        let at = |key: &str| event[key].as_str().map(str::to_owned);
        let introduced = at("introduced").map(|version| (version, Kind::Introduced));
        introduced.or_else(|| at("fixed").map(|version| (version, Kind::Fixed)))
    };
    all.filter_map(event).collect()
}

/// All that the records name, and one beside each.
fn versions(records: &Events) -> BTreeSet<String> {
    let named = records.iter().flat_map(|(_, events)| events).map(|(version, _)| version.clone());
    let named: BTreeSet<String> = named.filter(|version| version != "0").collect();
    let beside = named.iter().flat_map(|version| {
        let core = version.split(['-', '+']).next().expect("a split has a first part");
        let mut numbers: Vec<u64> = core.split('.').map(|n| n.parse().expect("a number")).collect();
        let after = {
            let last = numbers.last_mut().expect("a number");
            *last += 1;
            numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
        };
        [format!("{core}-0.test"), after]
    });
    beside.chain(named.clone()).collect()
}

fn is_affected(version: &str, events: &[(String, Kind)]) -> bool {
    let mut sorted: Vec<_> = events.iter().collect();
    sorted.sort_by(|a, b| compare(&a.0, &b.0));
    let mut affected = false;
    for (at, kind) in sorted {
        if at == "0" || compare(version, at).is_ge() {
            affected = *kind == Kind::Introduced;
        }
    }
    affected
}

/// SemVer 2.0.0, section 11; `0` is before all.
fn compare(a: &str, b: &str) -> Ordering {
    let parts = |version: &str| {
        let version = version.split('+').next().expect("a first part").to_owned();
        let (core, pre) = version.split_once('-').unwrap_or((&version, ""));
        let core: Vec<u64> = core.split('.').map(|n| n.parse().expect("a number")).collect();
        (core, pre.to_owned())
    };
    match (a == "0", b == "0") {
        (false, false) => {}
        (a, b) => return b.cmp(&a),
    }
    let ((a, a_pre), (b, b_pre)) = (parts(a), parts(b));
    let identifiers = |pre: &str| -> Vec<(u8, u64, String)> {
        let one = |text: &str| match text.parse() {
            Ok(number) => (0, number, String::new()),
            Err(_) => (1, 0, text.to_owned()),
        };
        pre.split('.').map(one).collect()
    };
    a.cmp(&b).then_with(|| match (a_pre.is_empty(), b_pre.is_empty()) {
        (false, false) => identifiers(&a_pre).cmp(&identifiers(&b_pre)),
        (a, b) => a.cmp(&b),
    })
}

fn package(module: &str, version: &str) -> Package {
    let location = Location { path: format!("{module}@{version}"), layer: None };
    Package { location, ..Package::new(PackageKind::Golang, module, &format!("v{version}")) }
}

/// The records that a finding names.
fn all_names(finding: &Finding) -> Vec<(String, String, String)> {
    let notices = finding.evidence.iter().flat_map(|evidence| &evidence.notices);
    let names = notices.chain(&finding.aliases).chain([&finding.id]);
    let version = finding.package.version.trim_start_matches('v').to_owned();
    let of = |name: &String| (finding.package.name.clone(), version.clone(), name.clone());
    names.filter(|name| name.starts_with("GO-")).map(of).collect()
}
