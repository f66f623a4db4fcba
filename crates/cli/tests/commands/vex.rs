//! `--vex`: what is said not to matter is told apart, with its reason, and does not stop a gate.

use serde_json::{Value, json};
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const APP: &str = include_str!("../../../../content/demo/image/status.app");

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().with_advisories();
    let layer =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", APP);
    ImageBuilder::new("shop:1")
        .layer(LayerBuilder::gzip(layer))
        .write_oci_dir(&sandbox.path("layout"));
    sandbox
}

fn scan(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    sandbox
        .run(&[&["scan", "--offline", "--checks", "vuln"], arguments, &["oci-dir:layout"]].concat())
}

fn report(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let ended = scan(sandbox, &[&["--format", "json"], arguments].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// A statement for each finding on packages of this source.
fn openvex(findings: &Value, source: &str, status: &str) -> String {
    let statements: Vec<Value> = (findings.as_array().unwrap().iter())
        .filter(|finding| finding["package"]["source"]["name"] == source)
        .map(|finding| {
            json!({
                "vulnerability": {"name": finding["id"]},
                "products": [{"@id": finding["package"]["purl"]}],
                "status": status,
                "justification": "vulnerable_code_not_in_execute_path",
                "impact_statement": "never called",
            })
        })
        .collect();
    assert!(!statements.is_empty());
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "the builder",
        "timestamp": "2024-01-01T00:00:00Z", "version": 1, "statements": statements,
    });
    document.to_string()
}

#[test]
fn silenced_findings_are_told_apart_and_stop_no_gate() {
    let sandbox = sandbox();
    let all = report(&sandbox, &[])["findings"].clone();
    let total = all.as_array().unwrap().len();
    sandbox.file("curl.json", openvex(&all, "curl", "not_affected"));
    sandbox.file("later.json", openvex(&all, "curl", "affected").replace("2024-01", "2024-02"));
    sandbox.file("folder/deep/openssl.json", openvex(&all, "openssl", "fixed"));
    sandbox.file("folder/readme.json", "{}");
    sandbox.file("folder/notes.txt", "no JSON");

    let one = report(&sandbox, &["--vex", "curl.json"]);
    let silenced = one["silenced"].as_array().unwrap();
    assert!(!silenced.is_empty());
    assert_eq!(one["findings"].as_array().unwrap().len() + silenced.len(), total);
    assert_eq!(silenced[0]["by"], "vex");
    assert_eq!(silenced[0]["source"], "curl.json");
    assert_eq!(silenced[0]["reason"], "vulnerable_code_not_in_execute_path: never called");

    let both = report(&sandbox, &["--vex", "curl.json", "--vex", "folder"]);
    assert!(both["silenced"].as_array().unwrap().len() > silenced.len());
    let problems = both["problems"].to_string();
    assert!(problems.contains("folder/readme.json") && !problems.contains("notes"), "{problems}");

    let overruled = report(&sandbox, &["--vex", "curl.json", "--vex", "later.json"]);
    assert_eq!(overruled["findings"], all);

    // A repository: the index says what belongs to it, and of what each document speaks.
    sandbox.file(
        "repository/index.json",
        r#"{"packages": [
        {"id": "pkg:deb/ubuntu/curl", "location": "pkg/deb/curl.json"},
        {"id": "pkg:deb/ubuntu/libcurl4", "location": "pkg/deb/curl.json"},
        {"id": "pkg:npm/leftpad", "location": "pkg/deb/leftpad.json"},
        {"id": "pkg:deb/ubuntu/x", "location": "../curl.json"}]}"#,
    );
    sandbox.file("repository/pkg/deb/leftpad.json", openvex(&all, "openssl", "not_affected"));
    sandbox.file("repository/pkg/deb/curl.json", openvex(&all, "curl", "not_affected"));
    sandbox.file("repository/pkg/deb/openssl.json", openvex(&all, "openssl", "not_affected"));
    let listed = report(&sandbox, &["--vex", "repository"]);
    assert_eq!(listed["findings"], one["findings"]);
    let problems = listed["problems"].to_string();
    assert!(
        problems.contains("are not the package that the repository lists it for"),
        "{problems}"
    );

    let table = scan(&sandbox, &["--vex", "curl.json"]).stdout;
    assert!(
        table.contains("vulnerable_code_not_in_execute_path: never called (the builder)"),
        "{table}"
    );

    let everything: Vec<String> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["package"]["source"]["name"].as_str().unwrap().to_owned())
        .collect();
    for source in &everything {
        sandbox.file(&format!("all/{source}.json"), openvex(&all, source, "not_affected"));
    }
    assert_eq!(scan(&sandbox, &["--fail-on", "low"]).code, Some(1));
    let ended = scan(&sandbox, &["--fail-on", "low", "--vex", "all"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("no vulnerability but those that are silenced"), "{ended:?}");
}

#[test]
fn what_is_written_silences_the_same_again() {
    let sandbox = sandbox();
    let all = report(&sandbox, &[])["findings"].clone();
    sandbox.file("curl.json", openvex(&all, "curl", "not_affected"));
    sandbox.file("openssl.json", openvex(&all, "openssl", "fixed"));
    let vex = ["--vex", "curl.json", "--vex", "openssl.json"];
    let first = report(&sandbox, &vex);
    for format in ["openvex-json", "cyclonedx-json"] {
        let write = [&vex[..], &["--format", format, "-o", "again.json"]].concat();
        assert_eq!(scan(&sandbox, &write).code, Some(0));
        let again = report(&sandbox, &["--vex", "again.json"]);
        assert_eq!(first["findings"], again["findings"], "{format}");
        let told = |report: &Value| -> Vec<(Value, Value)> {
            let silenced = report["silenced"].as_array().unwrap();
            silenced.iter().map(|it| (it["id"].clone(), it["reason"].clone())).collect()
        };
        assert_eq!(told(&first), told(&again), "{format}");
    }
    // Of another image it says nothing.
    let other = TarBuilder::new()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", APP)
        .file("x", "another image");
    std::fs::remove_dir_all(sandbox.path("layout")).unwrap();
    ImageBuilder::new("shop:1")
        .layer(LayerBuilder::gzip(other))
        .write_oci_dir(&sandbox.path("layout"));
    let other = report(&sandbox, &["--vex", "again.json"]);
    assert_eq!(other["silenced"], json!([]));
    assert_eq!(other["findings"].as_array().unwrap().len(), all.as_array().unwrap().len());
}

/// A directory has no digest that a statement could name it by: what is silenced there, for one path or
/// because one program links nothing of it, would be silenced everywhere.
#[test]
fn of_what_has_no_digest_nothing_is_written() {
    let sandbox = sandbox();
    sandbox.file("root/etc/os-release", OS_RELEASE);
    sandbox.file("root/var/lib/dpkg/status", APP);
    let all = report(&sandbox, &[])["findings"].clone();
    sandbox.file("curl.json", openvex(&all, "curl", "not_affected"));
    for format in ["openvex-json", "cyclonedx-json"] {
        let ended = sandbox.run(&[
            "scan",
            "--offline",
            "--checks",
            "vuln",
            "--vex",
            "curl.json",
            "--format",
            format,
            "-o",
            "again.json",
            "dir:root",
        ]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let told = ended.stderr.contains("silenced findings are not written");
        assert_eq!(told, format == "openvex-json", "{ended:?}");
        let again = report(&sandbox, &["--vex", "again.json"]);
        assert_eq!((&again["findings"], &again["silenced"]), (&all, &json!([])), "{format}");
    }
}

/// The shop reaches no vulnerable code of its library: that says nothing of an image that has the
/// library too.
#[test]
fn what_is_said_of_an_application_is_said_of_it_alone() {
    let sandbox = sandbox();
    let all = report(&sandbox, &[])["findings"].clone();
    let finding = &all[0];
    let library =
        json!({"bom-ref": "x", "type": "library", "name": "x", "purl": finding["package"]["purl"]});
    let document = |metadata: &Value| {
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": metadata,
            "components": [library], "vulnerabilities": [{
                "id": finding["id"], "affects": [{"ref": "x"}],
                "analysis": {"state": "not_affected", "justification": "code_not_reachable"},
            }],
        })
        .to_string()
    };
    let shop = json!({"bom-ref": "shop", "type": "application", "name": "shop", "version": "1"});
    let image = json!({"bom-ref": "shop", "type": "container", "name": "shop", "version": "2"});
    for (metadata, count) in
        [(json!({}), 1), (json!({"component": shop}), 0), (json!({"component": image}), 0)]
    {
        sandbox.file("shop.json", document(&metadata));
        let told = report(&sandbox, &["--vex", "shop.json"]);
        assert_eq!(told["silenced"].as_array().unwrap().len(), count, "{metadata}");
    }
}

#[test]
fn what_is_no_vex_ends_before_the_scan() {
    let sandbox = sandbox();
    sandbox.file("other.json", "{}");
    sandbox.file("cut.json", "{\"statements\": [");
    for (path, code, words) in [
        ("absent.json", 10, "cannot read `absent.json`"),
        ("other.json", 2, "it is no VEX document"),
        ("cut.json", 14, "does not parse"),
    ] {
        let ended = scan(&sandbox, &["--vex", path]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
}
