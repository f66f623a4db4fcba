//! `lazaret diff`: two images, a bill and an image, a stored report and an image.

use serde_json::Value;
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const BASE: &str = include_str!("../../../../content/demo/image/status.base");
const APP: &str = include_str!("../../../../content/demo/image/status.app");
/// Not a key of anybody: it has the form of one.
const KEY: &str = "aws_access_key_id = AKIAQ3EGZ7XVXWTQ5LKB\n";

/// Says that the vulnerability of curl is none.
const VEX: &str = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "us",
    "timestamp": "2024-01-01T00:00:00Z", "version": 1, "statements": [{
        "vulnerability": {"name": "CVE-2023-38545"},
        "products": [{"@id": "pkg:deb/ubuntu/curl?arch=src"}],
        "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}]}"#;

/// Denies one vulnerability.
fn policy(id: &str) -> String {
    format!(
        "version: 1\nrules:\n  - id: one\n    on: finding\n    when: finding.id == '{id}'\n    \
         action: deny\n    reason: it is this one\n"
    )
}

/// The base with what both images have, and a layer of each.
fn images() -> Sandbox {
    let sandbox = Sandbox::new().with_advisories();
    let base =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", BASE);
    let image = |name: &str, layer: TarBuilder| {
        let image = ImageBuilder::new(name)
            .layer(LayerBuilder::gzip(base.clone()).created_by("ADD base"))
            .layer(LayerBuilder::gzip(layer).created_by("RUN a step"));
        sandbox.file(&format!("{}.tar", name.replace(':', "-")), image.docker_archive());
    };
    let newer = APP.replace("3.0.2-0ubuntu1.6", "3.0.2-0ubuntu1.12");
    image("shop:1", TarBuilder::new().file("var/lib/dpkg/status", BASE).file("srv/old.ini", KEY));
    image("shop:2", TarBuilder::new().file("var/lib/dpkg/status", newer).file("srv/new.ini", KEY));
    sandbox
}

fn diff(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    sandbox.run(&[&["diff", "--offline"], arguments].concat())
}

fn json(sandbox: &Sandbox, arguments: &[&str], code: i32) -> Value {
    let ended = diff(sandbox, &[&["-f", "json"], arguments].concat());
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let difference: Value = serde_json::from_str(&ended.stdout).unwrap();
    let schema = include_str!("../../../../docs/diff.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&difference).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    difference
}

fn texts<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|it| it[key].as_str().unwrap()).collect()
}

#[test]
fn what_an_upgrade_brings_and_takes() {
    let sandbox = images();
    let ended = diff(&sandbox, &["shop-1.tar", "shop-2.tar"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    insta::assert_snapshot!("diff", ended.stdout);

    let difference = json(&sandbox, &["shop-1.tar", "shop-2.tar"], 0);
    assert_eq!(texts(&difference["packages"]["changed"], "name"), ["libssl3", "openssl"]);
    assert_eq!(difference["packages"]["changed"][0]["from"][0], "3.0.2-0ubuntu1.6");
    assert_eq!(difference["packages"]["changed"][0]["to"][0], "3.0.2-0ubuntu1.12");
    assert_eq!(difference["shared_layers"], 1);
    // A secret is known by its place: moved, it is another.
    assert_eq!(texts(&difference["secrets"]["new"], "path"), ["srv/new.ini"]);
    assert_eq!(texts(&difference["secrets"]["gone"], "path"), ["srv/old.ini"]);
    // Both ways say the same.
    let back = json(&sandbox, &["shop-2.tar", "shop-1.tar"], 0);
    for kind in ["vulnerabilities", "secrets"] {
        assert_eq!(texts(&back[kind]["gone"], "id"), texts(&difference[kind]["new"], "id"));
        assert_eq!(texts(&back[kind]["new"], "id"), texts(&difference[kind]["gone"], "id"));
        assert_eq!(texts(&back[kind]["kept"], "id"), texts(&difference[kind]["kept"], "id"));
    }
    assert_eq!(back["packages"]["removed"].as_array().unwrap().len(), 4);
    let same = json(&sandbox, &["shop-1.tar", "shop-1.tar"], 0);
    for kind in ["vulnerabilities", "secrets", "malware", "misconfigurations"] {
        assert!(texts(&same[kind]["new"], "id").is_empty());
        assert!(texts(&same[kind]["gone"], "id").is_empty());
    }
    assert!(!same["vulnerabilities"]["kept"].as_array().unwrap().is_empty());
}

/// What both have does not stop it, however bad.
#[test]
fn the_gate_sees_what_is_new() {
    let sandbox = images();
    let scan = |image: &str| sandbox.run(&["scan", "--offline", "--fail-on", "low", image]).code;
    assert_eq!((scan("shop-1.tar"), scan("shop-2.tar")), (Some(1), Some(1)));
    for (before, after, threshold, code) in [
        ("shop-1.tar", "shop-2.tar", "high", 1),
        ("shop-2.tar", "shop-2.tar", "unknown", 0),
        ("shop-1.tar", "shop-1.tar", "low", 0),
    ] {
        let ended = diff(&sandbox, &["--fail-on", threshold, before, after]);
        assert_eq!(ended.code, Some(code), "{before} {after} {threshold}: {ended:?}");
        assert_eq!(ended.stderr.contains("gate: "), code == 1, "{ended:?}");
    }
}

/// Options, the exit code, and what the table says.
const FILTERED: &[(&[&str], i32, &str)] = &[
    (&["--fail-on", "high"], 1, "vulnerabilities: 3 new (2 high, 1 medium), 6 gone (6 high)"),
    (&["--severity", "medium"], 0, "vulnerabilities: 1 new (1 medium), none gone"),
    (&["--severity", "medium"], 0, "  not shown: 2 new, 6 gone; "),
    // What is not reported stops nothing.
    (&["--severity", "medium", "--fail-on", "high"], 0, "  not shown: 2 new"),
    (&["--vex", "vex.json"], 0, "vulnerabilities: 1 new (1 medium), 6 gone (6 high)"),
    (&["--vex", "vex.json"], 0, "silenced: 0 before, 2 after"),
    (&["--vex", "vex.json", "--fail-on", "high"], 0, "silenced: 0 before, 2 after"),
    (&["--ignore-file", "ignore"], 0, "vulnerabilities: 1 new (1 medium), 4 gone (4 high)"),
    (&["--ignore-file", "ignore", "--fail-on", "high"], 0, "silenced: 2 before, 2 after"),
    // The verdict on what is ends the run, not the one on what was.
    (&["--policy", "old.yaml"], 0, "verdict before: DENY\n"),
    (&["--policy", "old.yaml"], 0, "verdict: ALLOW by old.yaml"),
    (&["--policy", "new.yaml"], 1, "verdict before: ALLOW\n"),
    (&["--policy", "new.yaml"], 1, "verdict: DENY by new.yaml"),
];

/// A severity, a VEX document, an ignore file and a policy do to either side what they do in a scan.
#[test]
fn either_side_is_filtered_and_judged_as_a_scan_is() {
    let sandbox = images();
    sandbox.file("vex.json", VEX);
    sandbox.file("ignore", "CVE-2023-38545\nCVE-2022-3602\n");
    sandbox.file("old.yaml", policy("CVE-2022-3786"));
    sandbox.file("new.yaml", policy("CVE-2023-4863"));
    let (one, two) = ("shop-1.tar", "shop-2.tar");
    for (arguments, code, words) in FILTERED {
        let ended = diff(&sandbox, &[&["--checks", "vuln"][..], *arguments, &[one, two]].concat());
        assert_eq!(ended.code, Some(*code), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.contains(words), "{arguments:?}: `{words}` in {}", ended.stdout);
    }
    // The same of reports that were stored.
    for (file, image) in [("one.json", one), ("two.json", two)] {
        let write = ["scan", "--offline", "-f", "json", "-o", file, image];
        assert_eq!(sandbox.run(&write).code, Some(0));
    }
    // What would have to be looked for again is not, and that is said.
    for arguments in [&["--attached"][..], &["--clamd", "/nonexistent/clamd.socket"]] {
        let ended = diff(&sandbox, &[arguments, &["one.json", "two.json"]].concat());
        assert_eq!(ended.code, Some(21), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.contains("not looked into again"), "{}", ended.stdout);
    }
    for arguments in [["--vex", "vex.json"], ["--policy", "new.yaml"]] {
        let of =
            |sides: [&str; 2]| diff(&sandbox, &[&["-f", "json"][..], &arguments, &sides].concat());
        let (images, reports) = (of([one, two]), of(["one.json", "two.json"]));
        assert_eq!(images.code, reports.code, "{arguments:?}: {reports:?}");
        let parsed = |ended: Ended| serde_json::from_str::<Value>(&ended.stdout).unwrap();
        let (images, reports) = (parsed(images), parsed(reports));
        for part in ["vulnerabilities", "packages"] {
            assert_eq!(images[part], reports[part], "{arguments:?}: {part}");
        }
        for side in ["before", "after"] {
            assert_eq!(images[side]["verdict"], reports[side]["verdict"], "{arguments:?}");
            assert_eq!(images[side]["silenced"], reports[side]["silenced"], "{arguments:?}");
        }
    }
}

/// A package of a lower version is no upgrade, as its own ecosystem orders versions.
#[test]
fn which_way_a_package_went_is_told() {
    let sandbox = images();
    for (before, after, direction, word) in [
        ("shop-1.tar", "shop-2.tar", "upgrade", "upgraded"),
        ("shop-2.tar", "shop-1.tar", "downgrade", "downgraded"),
    ] {
        let difference = json(&sandbox, &[before, after], 0);
        let changed = &difference["packages"]["changed"];
        assert_eq!(texts(changed, "direction"), [direction; 2]);
        let ended = diff(&sandbox, &[before, after]);
        assert!(ended.stdout.contains(&format!("\n{word}")), "{ended:?}");
        assert!(ended.stdout.contains(&format!("2 changed (2 {word})")), "{ended:?}");
    }
}

#[test]
fn a_report_or_a_bill_stands_for_its_image() {
    let sandbox = images();
    for (file, format) in [("one.json", "json"), ("one.cdx.json", "cyclonedx-json")] {
        let write = ["scan", "--offline", "-f", format, "-o", file, "shop-1.tar"];
        assert_eq!(sandbox.run(&write).code, Some(0));
    }
    let images = json(&sandbox, &["shop-1.tar", "shop-2.tar"], 0);
    let stored = json(&sandbox, &["one.json", "shop-2.tar"], 0);
    let bill = json(&sandbox, &["one.cdx.json", "shop-2.tar"], 0);
    for (part, other) in [
        ("packages", &stored),
        ("vulnerabilities", &stored),
        ("secrets", &stored),
        ("malware", &stored),
        ("misconfigurations", &stored),
        ("packages", &bill),
        ("vulnerabilities", &bill),
    ] {
        assert_eq!(images[part], other[part], "{part}");
    }

    // A bill was never searched for secrets, so that none of the image's are new; and who asked
    // for them is told that there is no answer.
    assert_eq!(bill["secrets"], Value::Null);
    assert_eq!(bill["not_compared"], serde_json::json!(["malware", "secret", "config"]));
    let asked = ["--checks", "vuln,secret", "--fail-on", "critical", "one.cdx.json", "shop-2.tar"];
    let ended = diff(&sandbox, &asked);
    assert_eq!(ended.code, Some(21), "{ended:?}");
    for said in ["secrets: not compared; not looked for before", "secret could not be compared"] {
        assert!(ended.stdout.contains(said), "{ended:?}");
    }
    assert!(ended.stderr.contains("gate: not judged"), "{ended:?}");

    // Advisories of another day: what is new may have been there.
    let mut older: Value =
        serde_json::from_slice(&std::fs::read(sandbox.path("one.json")).unwrap()).unwrap();
    older["data"][0]["modified"] = "2020-01-01T00:00:00Z".into();
    sandbox.file("one.json", older.to_string());
    let ended = diff(&sandbox, &["one.json", "shop-2.tar"]);
    assert!(ended.stdout.contains("the advisories are not the same"), "{ended:?}");
    assert!(ended.stdout.contains("of 2020-01-01 and of "), "{ended:?}");
}

/// A side that cannot be read, or not all of it, is never one where nothing is.
#[test]
fn what_is_missing_on_one_side_is_said() {
    let sandbox = images();
    sandbox.file("damaged.json", r#"{"schema_version": "1.0", "artifact": {}}"#);
    sandbox.file("later.json", r#"{"schema_version": "2.0", "artifact": {}}"#);
    for (before, code, words) in [
        ("absent.tar", 10, "absent.tar"),
        ("damaged.json", 14, "`damaged.json` is not a report"),
        ("later.json", 14, "`later.json` is "),
    ] {
        let ended = diff(&sandbox, &[before, "shop-2.tar"]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
    let write = ["scan", "--offline", "--severity", "critical", "-f", "json", "-o", "some.json"];
    assert_eq!(sandbox.run(&[&write[..], &["shop-1.tar"]].concat()).code, Some(0));
    let ended = diff(&sandbox, &["some.json", "shop-2.tar"]);
    assert_eq!(ended.code, Some(21), "{ended:?}");
    assert!(ended.stdout.contains("before: unreadable: `report`: leaves out"), "{ended:?}");
    assert!(ended.stdout.contains("the result is incomplete"), "{ended:?}");

    // Nor are advisories that nobody has.
    let lock = r#"{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}"#;
    sandbox.file("npm/package-lock.json", lock);
    for sides in [["dir:npm", "shop-1.tar"], ["shop-1.tar", "dir:npm"]] {
        let ended = diff(&sandbox, &sides);
        assert_eq!(ended.code, Some(20), "{ended:?}");
    }
}

/// Tokens of a vendor begin alike, and more than that is not shown of them.
#[test]
fn a_second_secret_beside_one_that_looks_like_it_is_new() {
    let sandbox = Sandbox::new();
    let second = KEY.replace("Q3EGZ7XVXWTQ5LKB", "R5HKM2YBTCVNW7QD");
    sandbox.file("before/srv/app.ini", KEY);
    sandbox.file("after/srv/app.ini", format!("{KEY}{second}"));
    let arguments = ["--checks", "secret", "--fail-on", "low", "dir:before", "dir:after"];
    let difference = json(&sandbox, &arguments, 1);
    assert_eq!(texts(&difference["secrets"]["new"], "path"), ["srv/app.ini"]);
    assert_eq!(difference["secrets"]["gone"].as_array().unwrap().len(), 0);
    let back = ["--checks", "secret", "--fail-on", "low", "dir:after", "dir:before"];
    let difference = json(&sandbox, &back, 0);
    assert_eq!(texts(&difference["secrets"]["gone"], "path"), ["srv/app.ini"]);
}
