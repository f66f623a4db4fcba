//! Documents held against what others wrote: the official CycloneDX schemas, SPDX's own tools, other
//! people's readers of purls and license expressions, Syft's purls, and our own promise, the
//! report's schema.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::run::Sandbox;

/// Every root file system that an analyzer is tested on, the damaged ones included.
pub(crate) fn fixtures() -> Vec<PathBuf> {
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

pub(crate) fn dir(path: &Path) -> String {
    format!("dir:{}", path.to_str().unwrap())
}

/// Formats of bills, and the endings of their files' names.
pub(crate) const BILLS: [(&str, &str); 4] = [
    ("cyclonedx-json", "cdx.json"),
    ("cyclonedx-xml", "cdx.xml"),
    ("spdx-json", "spdx.json"),
    ("spdx-tag-value", "spdx"),
];

#[test]
fn bills_of_materials_please_the_official_validators() {
    let python = at("../../target/tools/sbom/bin/python");
    if !python.exists() {
        return testkit::skip(&format!("{} is not there", python.display()));
    }
    let sandbox = Sandbox::new().with_advisories();
    std::fs::create_dir_all(sandbox.path("empty/var/lib/dpkg")).unwrap();
    write_demo(&sandbox, "vulnerable");
    let mut documents = Vec::new();
    let mut write = |verb: &str, name: &str, target: &str, bills: &[(&str, &str)]| {
        for (format, end) in bills {
            let file = format!("{name}.{end}");
            let ended = sandbox.run(&[verb, "--offline", "--format", format, "-o", &file, target]);
            assert!(matches!(ended.code, Some(0 | 20 | 21)), "{target}: {ended:?}");
            documents.push(file);
        }
    };
    // What is odd about a fixture is odd in all formats; two of them see each.
    let [cyclonedx, others @ ..] = BILLS;
    for (number, root) in fixtures().iter().chain(&purl_fixtures()).enumerate() {
        let other = others[number % others.len()];
        write("sbom", &number.to_string(), &dir(root), &[cyclonedx, other]);
    }
    write("sbom", "empty", "dir:empty", &BILLS);
    write("scan", "vulnerable", "dir:vulnerable", &BILLS);
    let found = std::fs::read_to_string(sandbox.path("vulnerable.cdx.xml")).unwrap();
    assert!(found.contains("<vulnerability>"), "{found}");

    let script = at("tests/commands/validate.py");
    let judge = |documents: &[String]| {
        let mut command = Command::new(&python);
        command.arg(&script).args(documents).current_dir(sandbox.dir.path()).output().unwrap()
    };
    let judged = judge(&documents);
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}{}", String::from_utf8_lossy(&judged.stderr));

    for (end, good, bad) in [
        ("cdx.json", "\"specVersion\": \"1.6\"", "\"specVersion\": 1.6"),
        ("cdx.xml", "<aggregate>", "<aggregate a=\"\">"),
        ("spdx.json", "\"CC0-1.0\"", "\"CC1\""),
        ("spdx", "DataLicense: CC0-1.0", "DataLicense: CC1"),
    ] {
        let text = std::fs::read_to_string(sandbox.path(&format!("empty.{end}"))).unwrap();
        assert!(text.contains(good), "{text}");
        let name = format!("broken.{end}");
        sandbox.file(&name, text.replace(good, bad));
        assert!(!judge(std::slice::from_ref(&name)).status.success(), "the judge of {end} sleeps");
    }
}

/// Failures, errors and skipped tests, with and without a policy.
#[test]
fn test_results_please_the_schema_of_their_readers() {
    let python = at("../../target/tools/sbom/bin/python");
    let schema = at("../../target/tools/junit/pytest-8.3.5/testing/example_scripts/junit-10.xsd");
    if let Some(missing) = [&python, &schema].into_iter().find(|it| !it.exists()) {
        return testkit::skip(&format!("{} is not there", missing.display()));
    }
    let sandbox = Sandbox::new().with_advisories();
    write_demo(&sandbox, "vulnerable");
    std::fs::create_dir_all(sandbox.path("empty")).unwrap();
    sandbox.file("ignore", "CVE-2023-38545\n");
    sandbox.file("policy.yaml", "version: 1\npresets: [baseline]\n");
    let write = |name: &str, more: &[&str], target: &str| {
        let file = format!("{name}.junit.xml");
        let fixed = ["scan", "--offline", "--format", "junit", "-o", &file];
        let ended = sandbox.run(&[&fixed[..], more, &[target]].concat());
        assert!(matches!(ended.code, Some(0 | 1 | 3 | 20 | 21)), "{target}: {ended:?}");
        file
    };
    let ignore = ["--ignore-file", "ignore", "--policy", "policy.yaml"];
    let documents =
        [write("vulnerable", &ignore, "dir:vulnerable"), write("empty", &[], "dir:empty")];
    let text = std::fs::read_to_string(sandbox.path(&documents[0])).unwrap();
    for outcome in ["<failure ", "<skipped ", "<testsuite name=\"policy\""] {
        assert!(text.contains(outcome), "{outcome} in {text}");
    }
    let judge = |documents: &[String]| {
        let mut command = Command::new(&python);
        command.arg(at("tests/commands/validate.py")).args(documents);
        command.current_dir(sandbox.dir.path()).output().unwrap()
    };
    let judged = judge(&documents);
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}{}", String::from_utf8_lossy(&judged.stderr));
    sandbox.file(
        "broken.junit.xml",
        text.replacen("<failure ", "<fault ", 1).replacen("</failure>", "</fault>", 1),
    );
    assert!(!judge(&["broken.junit.xml".to_owned()]).status.success(), "the judge sleeps");
}

/// The demo's image as a directory.
fn write_demo(sandbox: &Sandbox, folder: &str) {
    let demo = at("../../content/demo/image");
    for (from, to) in [("os-release", "etc"), ("status.app", "var/lib/dpkg")] {
        let text = std::fs::read_to_string(demo.join(from)).unwrap();
        sandbox.file(&format!("{folder}/{to}/{}", from.trim_end_matches(".app")), text);
    }
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
    let vulnerable = sandbox.path("demo");
    write_demo(&sandbox, "demo");
    // Both verbs write packages by the same means; a scan reads all rules first, so that every fixture is
    // listed, and some are scanned.
    let roots = [vulnerable].into_iter().chain(fixtures()).chain(purl_fixtures());
    for (number, root) in roots.enumerate() {
        let verbs: &[&str] = if number % 8 == 0 { &["sbom", "scan"] } else { &["sbom"] };
        for verb in verbs {
            let ended = sandbox.run(&[*verb, "--offline", "--format", "json", &dir(&root)]);
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
