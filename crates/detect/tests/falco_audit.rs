//! Falco's Kubernetes rules over Falco's own test events: what they say is what reading both says
//! (`testdata/audit/falco-events.txt`). The files are not ours to ship: where they are not, this
//! test says so and is skipped.

use std::collections::BTreeMap;
use std::path::Path;

use detect::audit::{Record, read};
use detect::{Engine, RuleFile, Ruleset};

const FALCO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/falco");

#[test]
fn the_events_give_the_alerts_that_reading_them_gives() {
    let falco = Path::new(FALCO);
    let Ok(rules) = std::fs::read(falco.join("rules/k8s_audit_rules.yaml")) else {
        println!("skipped: there is no {}", falco.display());
        return;
    };
    let (ruleset, diagnostics) =
        Ruleset::load(&[RuleFile { name: "k8s_audit_rules.yaml", bytes: &rules }]);
    let errors = diagnostics.iter().filter(|it| it.level == detect::Level::Error);
    assert_eq!(errors.count(), 0, "{diagnostics:#?}");
    assert_eq!(ruleset.rules().len(), 48);
    let engine = Engine::new(&ruleset);

    let expected = table();
    let mut found = BTreeMap::new();
    for entry in falco.join("k8s-audit-events").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut records: Vec<Record> = Vec::new();
        let mut problems = Vec::new();
        read(&std::fs::read(&path).unwrap(), &mut |result| match result {
            Ok(record) => records.push(record),
            Err(problem) => problems.push(problem.to_string()),
        });
        if records.is_empty() {
            assert_eq!(problems.len(), 1, "{name}");
            found.insert(name, vec!["no record".to_owned()]);
            continue;
        }
        assert!(problems.is_empty(), "{name}: {problems:?}");
        for record in &records {
            let key = match records.len() {
                1 => name.clone(),
                _ => format!("{name} {}", record.number),
            };
            let told = engine.judge_record(record);
            let mut names: Vec<String> = told.iter().map(|it| it.rule.name.clone()).collect();
            names.sort();
            found.insert(key, names);
        }
    }
    for (event, rules) in &expected {
        assert_eq!(found.get(event), Some(rules), "{event}");
    }
    assert_eq!(found.len(), expected.len());
}

fn table() -> BTreeMap<String, Vec<String>> {
    let table = include_str!("../testdata/audit/falco-events.txt");
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &str| {
        let (event, rules) = line.split_once(':')?;
        let rules = rules.split(';').map(|rule| rule.trim().to_owned());
        Some((event.to_owned(), rules.filter(|rule| !rule.is_empty()).collect()))
    };
    lines.filter_map(row).collect()
}
