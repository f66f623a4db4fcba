//! What readers of other people's formats rely on: schemas where there are any, else the fields
//! that their documents ask for.

use std::collections::BTreeSet;
use std::path::Path;

use document::{Format, Report, github};
use model::{Basis, Cvss, Decision, Inventory, Severity, Verdict};
use serde_json::Value;

use crate::{golden, sample};

/// The official schema, as a package of others brings it; see `cargo xtask test install`.
const SARIF_SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/tools/sarif/node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
);

fn json(format: Format, report: &Report) -> Value {
    serde_json::from_str(&format.render(report)).unwrap()
}

fn empty() -> Report {
    Report {
        inventory: Inventory::default(),
        findings: Vec::new(),
        silenced: Vec::new(),
        excepted: Vec::new(),
        verdict: None,
        problems: Vec::new(),
        upgrades: Vec::new(),
        ..sample::report()
    }
}

#[test]
fn sarif_pleases_the_official_schema() {
    if !Path::new(SARIF_SCHEMA).exists() {
        eprintln!("skipped: {SARIF_SCHEMA} is not there; `cargo xtask test install`");
        return;
    }
    // One expression in the schema has a bracket too many, which is no expression at all.
    let schema =
        std::fs::read_to_string(SARIF_SCHEMA).unwrap().replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let schema = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let hostile = ["", "a b\u{1b}[%zz", "https://example.org/?a=%zz", "é//../x:y"];
    let reports = hostile.map(sample::hostile).into_iter().chain([sample::report(), empty()]);
    for report in reports {
        let document = json(Format::Sarif, &report);
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    let mut broken = json(Format::Sarif, &sample::report());
    broken["runs"][0]["results"][0]["level"] = "loud".into();
    assert!(!validator.is_valid(&broken), "the judge sleeps");
}

/// A result refers to its rule by position, and an alert is recognised again by its fingerprint.
#[test]
fn sarif_results_find_their_rules_and_themselves() {
    let run = json(Format::Sarif, &sample::many(500))["runs"][0].clone();
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "a rule is there twice");
    let mut fingerprints = BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let fingerprint = result["partialFingerprints"]["lazaret/v1"].as_str().unwrap();
        assert!(fingerprints.insert(fingerprint.to_owned()), "{fingerprint} is there twice");
    }
}

#[test]
fn fingerprints_survive_what_changes_between_scans() {
    let fingerprints = |report: &Report| -> Vec<Value> {
        let run = json(Format::Sarif, report)["runs"][0].clone();
        run["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["partialFingerprints"].clone())
            .collect()
    };
    let before = sample::report();
    let mut after = before.clone();
    after.now = "2025-01-01T00:00:00Z".to_owned();
    after.artifact.name = "registry.example.org/shop/web:1.5".to_owned();
    after.inventory.secrets.iter_mut().for_each(|secret| secret.line += 5);
    after.findings.iter_mut().for_each(|finding| finding.package.version.push_str("+b1"));
    assert_eq!(fingerprints(&before), fingerprints(&after));
    after.findings.iter_mut().for_each(|finding| finding.package.name.push_str("-other"));
    assert_ne!(fingerprints(&before), fingerprints(&after));
}

#[test]
fn security_severity_agrees_with_the_word() {
    let run = json(Format::Sarif, &sample::many(60))["runs"][0].clone();
    for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
        let score: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
        let tags = rule["properties"]["tags"].to_string();
        let word = Severity::from_score(score);
        let agrees = tags.contains(word.name()) || score == 0.0;
        assert!(agrees, "{score} and {tags}");
    }
}

/// Of a bill of materials, each score has the word of its version's scale: 9.8 of CVSS 2 is no `critical`.
#[test]
fn ratings_are_those_of_their_version() {
    let mut report = sample::report();
    let finding = report.findings.first_mut().unwrap();
    let scored = |version: &str| Cvss { version: version.to_owned(), ..finding.cvss[0].clone() };
    finding.cvss = ["2.0", "3.1", "4.0"].map(scored).to_vec();
    let id = finding.id.clone();
    let bill = json(Format::CycloneDxJson, &report);
    let all = bill["vulnerabilities"].as_array().unwrap();
    let ratings = &all.iter().find(|it| it["id"] == id.as_str()).unwrap()["ratings"];
    let told = |method: &str| {
        let ratings = ratings.as_array().unwrap();
        ratings.iter().find(|it| it["method"] == method).map(|it| it["severity"].clone())
    };
    assert_eq!(told("CVSSv2"), Some("high".into()), "{ratings}");
    assert_eq!(told("CVSSv31"), Some("critical".into()), "{ratings}");
    assert_eq!(told("CVSSv4"), Some("critical".into()), "{ratings}");
}

/// The required fields and limits of GitLab's schema 15.2.1, written down by hand: no package
/// registry that tests use brings the schema itself.
#[test]
fn gitlab_gets_what_its_schema_asks_for() {
    let long = "x".repeat(5000);
    for report in [sample::report(), empty(), sample::hostile(""), sample::hostile(&long)] {
        let document = json(Format::Gitlab, &report);
        let text = |value: &Value| value.as_str().map(str::to_owned).unwrap();
        let filled = |value: &Value| !text(value).is_empty();
        assert_eq!(document["version"], "15.2.1");
        let scan = &document["scan"];
        for tool in [&scan["analyzer"], &scan["scanner"]] {
            let fields = [&tool["id"], &tool["name"], &tool["version"], &tool["vendor"]["name"]];
            assert!(fields.into_iter().all(filled), "{tool}");
        }
        assert_eq!(scan["type"], "container_scanning");
        assert_eq!(scan["status"], "success");
        for time in [&scan["start_time"], &scan["end_time"]] {
            assert_eq!(text(time), "2024-06-02T00:00:00");
        }
        for message in scan["messages"].as_array().unwrap() {
            assert!(["info", "warn", "fatal"].contains(&text(&message["level"]).as_str()));
            assert!(filled(&message["value"]));
        }
        let mut ids = BTreeSet::new();
        for it in document["vulnerabilities"].as_array().unwrap() {
            assert!(ids.insert(text(&it["id"])), "{it}");
            assert!(text(&it["name"]).chars().count() <= 255);
            assert!(text(&it["description"]).chars().count() <= 1_048_576);
            let solution = it["solution"].as_str().unwrap_or_default();
            assert!(solution.chars().count() <= 7000);
            let words = ["Info", "Unknown", "Low", "Medium", "High", "Critical"];
            assert!(words.contains(&text(&it["severity"]).as_str()));
            let identifiers = it["identifiers"].as_array().unwrap();
            assert!(!identifiers.is_empty());
            for identifier in identifiers {
                let fields = [&identifier["type"], &identifier["name"], &identifier["value"]];
                assert!(fields.into_iter().all(filled), "{identifier}");
            }
            let location = &it["location"];
            assert!(location["dependency"]["package"]["name"].is_string());
            assert!(location["dependency"]["version"].is_string());
            assert!(filled(&location["operating_system"]) && filled(&location["image"]));
            for link in it["links"].as_array().unwrap() {
                assert!(text(&link["url"]).starts_with("http"));
            }
        }
    }
}

/// What GitHub's dependency submission API asks for, by its reference.
#[test]
fn github_gets_what_its_interface_asks_for() {
    let mut report = sample::report();
    // Of a package from elsewhere it would tell what is known of another of its name.
    let named = report.inventory.packages.iter().find(|it| it.name == "lodash").unwrap();
    let other =
        model::Package { name: "rope".to_owned(), basis: Basis::Elsewhere, ..named.clone() };
    report.inventory.packages.push(other);
    let document: Value = serde_json::from_str(&github::render(&report, &golden::job())).unwrap();
    assert!(document["version"].is_u64());
    for field in ["sha", "ref", "scanned"] {
        assert!(document[field].is_string(), "{field}");
    }
    for field in ["id", "correlator"] {
        assert!(document["job"][field].is_string(), "{field}");
    }
    for field in ["name", "version", "url"] {
        assert!(document["detector"][field].is_string(), "{field}");
    }
    let manifests = document["manifests"].as_object().unwrap();
    assert_eq!(manifests.len(), 2);
    let mut purls = BTreeSet::new();
    for manifest in manifests.values() {
        assert!(manifest["name"].is_string());
        for dependency in manifest["resolved"].as_object().unwrap().values() {
            purls.insert(dependency["package_url"].as_str().unwrap().to_owned());
        }
    }
    assert!(purls.contains("pkg:npm/lodash@4.17.20"), "{purls:?}");
    assert_eq!(purls.len(), 3);
}

/// The predicate has the four parts of its specification, and our whole report as the result.
#[test]
fn cosign_gets_its_predicate() {
    let report = sample::report();
    let predicate = json(Format::CosignVuln, &report);
    for place in [
        "/invocation/uri",
        "/invocation/event_id",
        "/invocation/builder.id",
        "/scanner/uri",
        "/scanner/version",
        "/scanner/db/uri",
        "/scanner/db/version",
        "/scanner/db/lastUpdate",
        "/metadata/scanStartedOn",
        "/metadata/scanFinishedOn",
    ] {
        assert!(predicate.pointer(place).is_some_and(Value::is_string), "{place}");
    }
    assert_eq!(predicate["scanner"]["result"], json(Format::Json, &report));
}

/// Counts in JUnit are what build servers show, and must be those of the cases.
#[test]
fn junit_counts_what_it_lists() {
    for report in [sample::report(), empty()] {
        let xml = Format::Junit.render(&report);
        let count = |tag: &str| xml.matches(tag).count();
        let total = |name: &str| -> usize {
            let head = xml.split("<testsuites").nth(1).unwrap().split('>').next().unwrap();
            let value = head.split(&format!(" {name}=\"")).nth(1).unwrap();
            value.split('"').next().unwrap().parse().unwrap()
        };
        assert_eq!(total("tests"), count("<testcase "));
        assert_eq!(total("failures"), count("<failure "));
        assert_eq!(total("errors"), count("<error "));
        assert_eq!(count("<testsuite "), if report.problems.is_empty() { 4 } else { 6 });
    }
}

/// What an exception covers is told with its reason by every format that lists what is wrong, and
/// the verdict by those that have a place for it.
#[test]
fn what_is_excepted_and_the_verdict_are_told() {
    let report = Report { verdict: sample::report().verdict, ..empty() };
    let report = Report { excepted: sample::report().excepted, ..report };
    let all = [Format::Csv, Format::Gitlab, Format::Html, Format::Junit, Format::Markdown];
    for format in all.into_iter().chain([Format::Sarif]) {
        let text = format.render(&report);
        for said in ["image-no-healthcheck", "accepted for the tests", "jwt"] {
            assert!(text.contains(said), "{format:?} does not say {said}");
        }
    }
    let junit = Format::Junit.render(&report);
    // Two that are excepted, and for two kinds what was left out.
    assert_eq!(junit.matches("<skipped ").count(), 4, "{junit}");
    assert!(junit.contains("<failure message=\"deny: No malware\""), "{junit}");
    assert!(junit.contains("<error message=\"unknown: No malware\""), "{junit}");
    assert!(Format::Html.render(&report).contains("id=\"verdict\""));
    assert!(Format::Markdown.render(&report).contains("**Verdict: deny**"));
    let run = json(Format::Sarif, &report)["runs"][0].clone();
    for result in run["results"].as_array().unwrap() {
        let suppressed = &result["suppressions"][0]["justification"];
        assert!(suppressed.as_str().unwrap().contains("accepted for the tests"), "{result}");
    }
}

/// Nothing found and not everything looked at is not the same as clean.
#[test]
fn an_incomplete_result_is_never_clean() {
    let clean = Report {
        left_out: std::collections::BTreeMap::new(),
        secrets_left_out: 0,
        inventory: Inventory {
            packages: sample::report().inventory.packages,
            ..Inventory::default()
        },
        ..empty()
    };
    let incomplete = Report { problems: sample::report().problems, ..clean.clone() };
    let bare = Report { inventory: Inventory::default(), ..clean.clone() };
    let says_clean = |report: &Report| Format::Html.render(report).contains("id=\"clean\"");
    assert!(says_clean(&clean));
    let decided = |decision| Some(Verdict { decision, ..Verdict::default() });
    let allowed = Report { verdict: decided(Decision::Allow), ..clean.clone() };
    assert!(says_clean(&allowed));
    let Report { excepted, silenced, .. } = sample::report();
    for other in [
        Report { excepted, ..clean.clone() },
        Report { silenced, ..clean.clone() },
        Report { verdict: decided(Decision::Unknown), ..clean.clone() },
        Report { verdict: decided(Decision::Deny), ..clean.clone() },
    ] {
        assert!(!says_clean(&other), "{other:?}");
    }
    assert!(!says_clean(&incomplete) && !says_clean(&bare));
    assert!(Format::Html.render(&incomplete).contains("id=\"incomplete\""));
    assert!(Format::Markdown.render(&incomplete).contains("**The result is incomplete**"));
    assert!(Format::Junit.render(&clean).contains("\"no malware found\""));
    assert!(
        Format::Junit.render(&incomplete).contains("\"no malware found in what could be checked\"")
    );
}
