//! Documents held against what others wrote: the official CycloneDX schema, other people's readers
//! of purls and license expressions, Syft's purls, and our own promise, the report's schema.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::run::Sandbox;

/// Every root file system that an analyzer is tested on, the damaged ones included.
fn fixtures() -> Vec<PathBuf> {
    let all = entries(&at("../analyzers/testdata")).into_iter().filter(|path| path.is_dir());
    let cases = all.flat_map(|analyzer| entries(&analyzer));
    let roots: Vec<PathBuf> =
        cases.map(|case| case.join("input")).filter(|it| it.is_dir()).collect();
    assert!(roots.len() > 50, "{roots:?}");
    roots
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn dir(path: &Path) -> String {
    format!("dir:{}", path.to_str().unwrap())
}

#[test]
fn bills_of_materials_please_the_official_validator() {
    let python = at("../../target/tools/cyclonedx/bin/python");
    if !python.exists() {
        return testkit::skip(&format!("{} is not there", python.display()));
    }
    let sandbox = Sandbox::new().with_advisories();
    let mut documents = Vec::new();
    for (number, root) in fixtures().iter().chain(&purl_fixtures()).enumerate() {
        let name = format!("{number}.json");
        let ended = sandbox.run(&["sbom", "--offline", "-o", &name, &dir(root)]);
        assert!(matches!(ended.code, Some(0 | 21)), "{}: {ended:?}", root.display());
        documents.push(name);
    }
    let licenses = sandbox.path("licenses/var/lib/dpkg");
    std::fs::create_dir_all(&licenses).unwrap();
    let ended = sandbox.run(&["sbom", "--offline", "-o", "empty.json", "dir:licenses"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    documents.push("empty.json".to_owned());

    let script = at("tests/commands/validate.py");
    let judge = |documents: &[String]| {
        let mut command = Command::new(&python);
        command.arg(&script).args(documents).current_dir(sandbox.dir.path()).output().unwrap()
    };
    let judged = judge(&documents);
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));

    let broken = std::fs::read_to_string(sandbox.path("empty.json")).unwrap();
    let broken = broken.replace("\"specVersion\": \"1.6\"", "\"specVersion\": 1.6");
    sandbox.file("broken.json", broken);
    assert!(!judge(&["broken.json".to_owned()]).status.success(), "the judge sleeps");
}

fn purl_fixtures() -> Vec<PathBuf> {
    let all = entries(&at("testdata/purls")).into_iter().filter(|path| path.is_dir());
    all.map(|case| case.join("root")).collect()
}

/// See `testdata/purls/README.md`.
#[test]
fn purls_are_spelled_as_syft_spells_them() {
    let sandbox = Sandbox::new();
    for root in purl_fixtures() {
        let expected = std::fs::read_to_string(root.with_file_name("purls.txt")).unwrap();
        assert_eq!(purls(&sandbox, &dir(&root)), expected, "{}", root.display());
    }
    let image = at("../../../shared/data/images/almalinux-9-micro-20231124-aarch64.tar.xz");
    if !image.exists() {
        eprintln!("skipped in part: {} is not there", image.display());
        return;
    }
    let expected = std::fs::read_to_string(at("testdata/purls/almalinux-9.3-aarch64.txt")).unwrap();
    assert_eq!(purls(&sandbox, image.to_str().unwrap()), expected);
}

/// The purls of a target, sorted, a line each.
fn purls(sandbox: &Sandbox, target: &str) -> String {
    let ended = sandbox.run(&["sbom", "--offline", target]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let bom: Value = serde_json::from_str(&ended.stdout).unwrap();
    let components = bom["components"].as_array().unwrap();
    let mut purls: Vec<&str> = components.iter().filter_map(|it| it["purl"].as_str()).collect();
    purls.sort_unstable();
    purls.iter().map(|purl| format!("{purl}\n")).collect()
}

/// What strangers were promised, field by field: that the schema asks for each of them, and that
/// every report has what the schema asks for.
#[test]
fn reports_keep_the_promise() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/report.schema.json")).unwrap();
    for (place, fields) in PROMISED {
        let required = schema.pointer(&format!("{place}/required")).unwrap().as_array().unwrap();
        for field in fields.split_whitespace() {
            assert!(required.iter().any(|it| it == field), "`{field}` is optional in `{place}`");
        }
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let sandbox = Sandbox::new().with_advisories();
    let mut findings = 0;
    let demo = at("../../content/demo/image");
    let vulnerable = sandbox.path("demo");
    for (from, to) in [("os-release", "etc"), ("status.app", "var/lib/dpkg")] {
        let text = std::fs::read_to_string(demo.join(from)).unwrap();
        sandbox.file(&format!("demo/{to}/{}", from.trim_end_matches(".app")), text);
    }
    for root in fixtures().into_iter().chain(purl_fixtures()).chain([vulnerable]) {
        for verb in ["scan", "sbom"] {
            let ended = sandbox.run(&[verb, "--offline", "--format", "json", &dir(&root)]);
            assert!(matches!(ended.code, Some(0 | 20 | 21)), "{}: {ended:?}", root.display());
            let report: Value = serde_json::from_str(&ended.stdout).unwrap();
            let errors: Vec<String> =
                validator.iter_errors(&report).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{verb} {}: {errors:#?}", root.display());
            findings += report["findings"].as_array().unwrap().len();
        }
    }
    assert!(findings > 0, "a report without findings proves little of them");
}

/// Places in the schema, and the fields that a stranger may rely on there.
const PROMISED: [(&str, &str); 5] = [
    ("", "schema_version artifact os layers packages findings problems data summary"),
    ("/properties/artifact", "name kind digest manifest_digest platform size_bytes created"),
    ("/properties/os/anyOf/0", "family version eol"),
    (
        "/properties/findings/items",
        "id aliases package path layer status fixed_version severity cvss epss kev evidence",
    ),
    ("/properties/findings/items/properties/package", "name version source purl type"),
];
