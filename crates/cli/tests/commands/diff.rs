//! `lazaret diff`: two images, a bill and an image, a stored report and an image.

use serde_json::Value;
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const BASE: &str = include_str!("../../../../content/demo/image/status.base");
const APP: &str = include_str!("../../../../content/demo/image/status.app");
/// Not a key of anybody: it has the form of one.
const KEY: &str = "aws_access_key_id = AKIAQ3EGZ7XVXWTQ5LKB\n";

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
