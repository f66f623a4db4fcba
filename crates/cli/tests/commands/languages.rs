//! Packages of languages from end to end: what is installed is matched, what is declared only where
//! it counts, and a malicious package is malware.

use serde_json::{Value, json};
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::Sandbox;

/// Records as OSV publishes them.
fn with_records(sandbox: Sandbox) -> Sandbox {
    let record = |id: &str, aliases: &[&str], ecosystem: &str, name: &str, events: Value| {
        let text = json!({
            "id": id, "aliases": aliases, "modified": "2024-01-01T00:00:00Z", "summary": id,
            "affected": [{
                "package": { "ecosystem": ecosystem, "name": name },
                "ranges": [{ "type": "ECOSYSTEM", "events": events }],
            }],
        });
        sandbox.file(&format!("records/{id}.json"), text.to_string());
    };
    let below = |version: &str| json!([{ "introduced": "0" }, { "fixed": version }]);
    record("GHSA-1111-2222-3333", &["CVE-2024-1001"], "npm", "tide", below("1.1.0"));
    record("GHSA-2222-3333-4444", &["CVE-2024-1002"], "npm", "rope", below("1.1.0"));
    record("PYSEC-2024-1", &["CVE-2024-1003"], "PyPI", "mast", below("1.1"));
    record(
        "GHSA-3333-4444-5555",
        &["CVE-2024-1003", "PYSEC-2024-1"],
        "PyPI",
        "mast",
        json!([{ "introduced": "2.0" }, { "last_affected": "2.1" }]),
    );
    record("MAL-2024-1", &[], "npm", "gull", json!([{ "introduced": "0" }]));
    let ended = sandbox.run(&["db", "import", "records"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    sandbox
}

fn root() -> Vec<(&'static str, String)> {
    let npm = |name: &str| json!({ "name": name, "version": "1.0.0" }).to_string();
    let lock = json!({
        "lockfileVersion": 3,
        "packages": { "node_modules/rope": { "version": "1.0.0" } },
    });
    let python = "Metadata-Version: 2.1\nName: mast\nVersion: 2.1\n".to_owned();
    vec![
        ("srv/node_modules/tide/package.json", npm("tide")),
        ("srv/node_modules/gull/package.json", npm("gull")),
        ("srv/package-lock.json", lock.to_string()),
        ("usr/local/lib/python3.12/site-packages/mast-2.1.dist-info/METADATA", python),
    ]
}

/// Findings with the packages they are on, and malware.
fn found(sandbox: &Sandbox, arguments: &[&str]) -> (Vec<String>, Vec<String>) {
    let all = [&["scan", "--offline", "--format", "json"], arguments].concat();
    let ended = sandbox.run(&all);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let texts = |key: &str, show: fn(&Value) -> String| {
        report[key].as_array().unwrap().iter().map(show).collect()
    };
    let finding = |finding: &Value| {
        let text = |pointer: &str| finding.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        format!("{} {}", text("/id"), text("/package/name"))
    };
    let malware = |malware: &Value| {
        let text = |key: &str| malware[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("rule"), text("family"), text("path"))
    };
    (texts("findings", finding), texts("malware", malware))
}

#[test]
fn an_image_and_its_sources() {
    let sandbox = with_records(Sandbox::new());
    let mut tar = TarBuilder::new();
    for (path, content) in root() {
        sandbox.file(&format!("sources/{path}"), &content);
        tar = tar.file(path, content);
    }
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar));
    sandbox.file("shop.tar", image.docker_archive());

    let malware = ["MAL-2024-1 malicious-package srv/node_modules/gull/package.json"];
    let installed = ["CVE-2024-1001 tide", "CVE-2024-1003 mast"];
    let with_declared = ["CVE-2024-1001 tide", "CVE-2024-1002 rope", "CVE-2024-1003 mast"];
    let cases: [(&[&str], &[&str]); 3] = [
        (&["shop.tar"], &installed),
        (&["--declared", "shop.tar"], &with_declared),
        (&["dir:sources"], &with_declared),
    ];
    for (arguments, expected) in cases {
        let (mut findings, found_malware) = found(&sandbox, arguments);
        findings.sort();
        assert_eq!(findings, expected, "{arguments:?}");
        assert_eq!(found_malware, malware, "{arguments:?}");
    }
    let ended = sandbox.run(&["scan", "--offline", "--fail-on", "critical", "shop.tar"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("MAL-2024-1"), "{ended:?}");
    // The table says in which file of a package's language it is.
    let ended = sandbox.run(&["scan", "--offline", "dir:sources"]);
    assert!(ended.stdout.contains("\n  in srv/package-lock.json\n"), "{ended:?}");
}

/// Package managers keep a store and link to it (pnpm, uv): what is linked is installed where the link is, in
/// a layer, in layers over each other, in an archive and in a folder alike.
#[test]
fn packages_that_are_links_are_found_in_every_source() {
    let sandbox = with_records(Sandbox::new());
    let npm = |name: &str| json!({ "name": name, "version": "1.0.0" }).to_string();
    let python = "Metadata-Version: 2.1\nName: mast\nVersion: 2.1\n".to_owned();
    let store = [("aa/01", npm("tide")), ("bb/02", npm("gull")), ("cc/03", python)];
    let linked = [
        ("srv/node_modules/tide/package.json", "aa/01"),
        ("srv/node_modules/gull/package.json", "bb/02"),
        ("usr/lib/python3/dist-packages/mast-2.1.dist-info/METADATA", "cc/03"),
    ];
    let (mut files, mut links) = (TarBuilder::new(), TarBuilder::new());
    for (name, content) in store {
        let path = format!("root/store/{name}");
        sandbox.file(&format!("root/{path}"), &content);
        files = files.file(&path, &content);
    }
    let mut all = files.clone();
    for (path, name) in linked {
        let (first, link) = (format!("root/root/store/{name}"), format!("root/{path}"));
        std::fs::create_dir_all(sandbox.path(&link).parent().unwrap()).unwrap();
        std::fs::hard_link(sandbox.path(&first), sandbox.path(&link)).unwrap();
        links = links.hard_link(path, &format!("root/store/{name}"));
        all = all.hard_link(path, &format!("root/store/{name}"));
    }
    let one = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(all.clone()));
    sandbox.file("one.tar", one.docker_archive());
    let two = ImageBuilder::new("shop:2").layer(LayerBuilder::gzip(files));
    sandbox.file("two.tar", two.layer(LayerBuilder::gzip(links)).docker_archive());
    sandbox.file("root.tar", all.finish());

    for target in ["one.tar", "two.tar", "fs-archive:root.tar", "dir:root"] {
        for _cached in 0..2 {
            let (mut findings, malware) = found(&sandbox, &[target]);
            findings.sort();
            assert_eq!(findings, ["CVE-2024-1001 tide", "CVE-2024-1003 mast"], "{target}");
            let gull = ["MAL-2024-1 malicious-package srv/node_modules/gull/package.json"];
            assert_eq!(malware, gull, "{target}");
        }
    }
}

/// What a lock file has from a registry, folder or repository of one's own shares a name with what is public,
/// and no more; it is told, and stays in the inventory with where it is from.
#[test]
fn what_only_shares_a_name_is_not_matched() {
    let sandbox = with_records(Sandbox::new());
    let locked = |resolved: &str| json!({ "version": "1.0.0", "resolved": resolved });
    let lock = json!({
        "lockfileVersion": 3,
        "packages": {
            "node_modules/tide": locked("https://registry.npmjs.org/tide/-/tide-1.0.0.tgz"),
            "node_modules/rope": locked("https://npm.harbour.example/rope/-/rope-1.0.0.tgz"),
            "node_modules/gull": locked("file:packages/gull"),
        },
    });
    sandbox.file("src/package-lock.json", lock.to_string());
    let (findings, malware) = found(&sandbox, &["dir:src"]);
    assert_eq!((findings, malware), (vec!["CVE-2024-1001 tide".to_owned()], Vec::new()));
    let ended = sandbox.run(&["scan", "--offline", "--format", "json", "dir:src"]);
    assert!(ended.stdout.contains("packages not from npm's registry"), "{ended:?}");
    assert!(
        ended.stdout.contains("pkg:npm/rope@1.0.0?repository_url=https://npm.harbour.example"),
        "{ended:?}"
    );
}

/// A gate sees the license that a Python package declares by its classifier alone.
#[test]
fn a_gate_sees_licenses_of_classifiers() {
    let sandbox = with_records(Sandbox::new());
    let python = "Metadata-Version: 2.1\nName: tide\nVersion: 1.0\nClassifier: License :: OSI Approved :: \
                  GNU Affero General Public License v3 or later (AGPLv3+)\n";
    sandbox.file("src/lib/tide-1.0.dist-info/METADATA", python);
    sandbox.file("policy.yaml", "version: 1\nlicenses: {deny: [AGPL-3.0-or-later]}\n");
    let ended = sandbox.run(&["scan", "--offline", "--policy", "policy.yaml", "dir:src"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("deny  licenses: 1 case"), "{ended:?}");
}

/// Of what nobody can tell the version, a notice speaks; what was built for another platform is told apart; and
/// a policy leaves out what only developers need.
#[test]
fn what_is_not_known_and_what_is_not_meant_is_told() {
    let sandbox = with_records(Sandbox::new());
    let gem = "gem: knot\nplatform: jruby\ncve: 2024-1004\ntitle: x\ndate: 2024-01-01\n\
               cvss_v3: 9.8\npatched_versions:\n  - \">= 2.0\"\n";
    sandbox.file("gems/knot/CVE-2024-1004.yml", format!("---\n{gem}"));
    let ended = sandbox.run(&["db", "import", "gems"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lock = json!({
        "lockfileVersion": 3,
        "packages": {
            "node_modules/rope": { "version": "1.0.0", "dev": true },
            "node_modules/sail": {},
        },
    });
    sandbox.file("src/package-lock.json", lock.to_string());
    let gems = "GEM\n  specs:\n    knot (1.0-x86_64-linux)\n\nPLATFORMS\n  x86_64-linux\n";
    sandbox.file("src/Gemfile.lock", gems);
    let policy = "version: 1\nrules:\n  - {id: shipped, on: finding, action: deny, \
                  when: \"!finding.package.development\"}\n";
    sandbox.file("policy.yaml", policy);
    let ended = sandbox.run(&[
        "scan",
        "--offline",
        "--format",
        "json",
        "--policy",
        "policy.yaml",
        "dir:src",
    ]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let finding = report.pointer("/findings/0/id").unwrap();
    assert_eq!(
        (finding, report["findings"].as_array().unwrap().len()),
        (&json!("CVE-2024-1002"), 1)
    );
    let silenced = report.pointer("/silenced/0").unwrap();
    assert_eq!(silenced["by"], "other_platform", "{silenced}");
    assert_eq!(
        report.pointer("/packages/0/purl").unwrap(),
        "pkg:gem/knot@1.0?platform=x86_64-linux"
    );
    let development: Vec<&Value> =
        report["packages"].as_array().unwrap().iter().map(|it| &it["development"]).collect();
    assert_eq!(development, [&Value::Null, &json!(true), &json!(false)]);
    let told = report["problems"].to_string();
    assert!(told.contains("packages not matched: 1; nothing tells their version: sail"), "{told}");
}
