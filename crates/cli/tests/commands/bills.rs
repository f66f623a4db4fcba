//! A bill of materials is as good as the image: what is found in one is found in the other.

use std::path::Path;

use serde_json::Value;
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::documents::{BILLS, dir, fixtures};
use crate::run::Sandbox;

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const BASE: &str = include_str!("../../../../content/demo/image/status.base");
const APP: &str = include_str!("../../../../content/demo/image/status.app");

/// Two layers, and a damaged file, so that there is something to say of all of it.
fn image() -> ImageBuilder {
    let base =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", BASE);
    let app = TarBuilder::new()
        .file("var/lib/dpkg/status", APP)
        .file("srv/package-lock.json", "{\"lockfileVersion\": 3, \"packages\": {");
    ImageBuilder::new("shop:1")
        .layer(LayerBuilder::gzip(base).created_by("ADD base"))
        .layer(LayerBuilder::gzip(app).created_by("RUN install <app>"))
}

fn json(sandbox: &Sandbox, arguments: &[&str], code: i32) -> Value {
    let ended = sandbox.run(&[&["--offline"], arguments].concat());
    assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// All that a bill can tell; notices are about the run, not about what is inside.
fn assert_alike(expected: &Value, actual: &Value, what: &str) {
    let text = |report: &Value, part: &str| {
        let mut value = report[part].clone();
        if part == "problems" {
            value.as_array_mut().unwrap().retain(|problem| problem["kind"] != "notice");
        }
        serde_json::to_string_pretty(&value).unwrap()
    };
    for part in ["os", "layers", "packages", "findings", "problems", "data"] {
        let (expected, actual) = (text(expected, part), text(actual, part));
        assert!(expected == actual, "{what}: {part}: {actual} is not {expected}");
    }
}

#[test]
fn what_is_found_in_an_image_is_found_in_its_bill() {
    let sandbox = Sandbox::new().with_advisories();
    image().write_oci_dir(&sandbox.path("layout"));
    let vulnerabilities = ["scan", "--checks", "vuln", "--format", "json"];
    let scan = |target: &str| json(&sandbox, &[&vulnerabilities[..], &[target]].concat(), 21);
    let expected = scan("oci-dir:layout");
    assert!(!expected["findings"].as_array().unwrap().is_empty());
    for (format, end) in BILLS {
        let file = format!("shop.{end}");
        for verb in ["sbom", "scan"] {
            let write = [verb, "--offline", "--format", format, "-o", &file, "oci-dir:layout"];
            assert_eq!(sandbox.run(&write).code, Some(21));
            // By its prefix, and by its content; written by either verb.
            for target in [format!("sbom:{file}"), file.clone()] {
                let actual = scan(&target);
                assert_alike(&expected, &actual, &target);
                assert_eq!(expected["artifact"]["digest"], actual["artifact"]["digest"]);
                assert_eq!(actual["artifact"]["kind"], "sbom");
            }
        }
        // One format can be made from another.
        for (other, end) in BILLS {
            let (again, from) = (format!("again.{end}"), format!("sbom:{file}"));
            let ended = sandbox.run(&["sbom", "--format", other, "-o", &again, &from]);
            assert_eq!(ended.code, Some(21), "{ended:?}");
            assert_alike(&expected, &scan(&again), &format!("{format} as {other}"));
        }
    }
}

#[test]
fn the_packages_of_every_analyzer_survive() {
    let sandbox = Sandbox::new();
    for (number, root) in fixtures().iter().enumerate() {
        let target = dir(root);
        let (format, end) = BILLS[number % BILLS.len()];
        let file = format!("{number}.{end}");
        let code = sandbox.run(&["sbom", "--format", format, "-o", &file, &target]).code.unwrap();
        let expected = json(&sandbox, &["sbom", "--format", "json", &target], code);
        let actual = json(&sandbox, &["sbom", "--format", "json", &format!("sbom:{file}")], code);
        assert_alike(&expected, &actual, &format!("{} as {format}", root.display()));
    }
}

/// Formats of other tools, and bills that lie: what is found, and what is said.
#[test]
fn bills_of_others_are_matched_as_far_as_they_go() {
    let sandbox = Sandbox::new().with_advisories();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/bills");
    let mut count = 0;
    for entry in std::fs::read_dir(&cases).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|end| end == "snap" || end == "md") {
            continue;
        }
        count += 1;
        let target = path.to_str().unwrap();
        let ended = sandbox.run(&["scan", "--offline", "--format", "json", target]);
        let report: Value = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{name}: {error}: {ended:?}"));
        let list = |part: &str, fields: &[&str]| -> Vec<String> {
            let line = |it: &Value| {
                let field = |field: &&str| it.pointer(field).unwrap().to_string();
                fields.iter().map(field).collect::<Vec<_>>().join(" ")
            };
            report[part].as_array().unwrap().iter().map(line).collect()
        };
        let told = serde_json::json!({
            "exit": ended.code,
            "artifact": report["artifact"]["name"],
            "os": report["os"],
            "packages": list("packages", &["/purl", "/source/name", "/source/version", "/path"]),
            "findings": list("findings", &["/id", "/package/name"]),
            "problems": list("problems", &["/kind", "/message"]),
        });
        let text = serde_json::to_string_pretty(&told)
            .unwrap()
            .replace(cases.to_str().unwrap(), "[BILLS]");
        insta::with_settings!({ snapshot_path => &cases, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, text);
        });
    }
    assert!(count >= 5, "{count} cases");
}

/// An empty list of packages in a form that is not read would pass for a clean one. What is read of a version
/// that is not known is said to be.
#[test]
fn bills_of_unknown_forms_are_not_clean() {
    let sandbox = Sandbox::new();
    let cases = include_str!("../../testdata/bill-versions.txt");
    let mut count = 0;
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with("//")) {
        let (text, want) = line.rsplit_once(" => ").unwrap();
        let (code, words) = want.split_once(' ').unwrap_or((want, ""));
        sandbox.file("bill", text.replace("\\n", "\n"));
        let ended = sandbox.run(&["scan", "--offline", "--format", "json", "sbom:bill"]);
        assert_eq!(ended.code, code.parse().ok(), "{text}: {ended:?}");
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(words), "{text}: {ended:?}");
        let is_known = words.is_empty() && code == "0";
        assert!(!is_known || !ended.stdout.contains("known: what"), "{text}: {ended:?}");
        // Without the prefix a file that is no bill may be an image.
        if code == "15" {
            let ended = sandbox.run(&["scan", "--offline", "bill"]);
            assert_eq!(ended.code, Some(15), "{text}: {ended:?}");
        }
        count += 1;
    }
    assert!(count >= 18, "{count}");
}

/// Each in bounded time and memory.
#[test]
fn bills_made_to_harm_end() {
    let sandbox = Sandbox::new();
    let component = r#"{"type":"library","name":"a","version":"1","purl":"pkg:npm/a@1"}"#;
    let bill =
        |components: &str| format!(r#"{{"bomFormat":"CycloneDX","components":[{components}"#);
    let million = format!("{}{component}]}}", bill(&format!("{component},").repeat(1_000_000)));
    let deep = bill(&r#"{"type":"library","name":"a","components":["#.repeat(100_000));
    let huge = bill(&format!(r#"{{"type":"library","name":"{}"}}]}}"#, "a".repeat(80 << 20)));
    let cycle = format!(
        r#"{}{component}],"dependencies":[{{"ref":"x","dependsOn":["y"]}},{{"ref":"y","dependsOn":["x"]}}]}}"#,
        bill("").trim_end_matches(component)
    );
    let nested = format!(
        r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components>{}"#,
        "<component>".repeat(1_000_000)
    );
    let cut = format!(
        "SPDXVersion: SPDX-2.3\nPackageName: a\nSPDXID: a\nPackageDescription: <text>{}",
        "x\n".repeat(1_000_000)
    );
    for (name, text, code, words) in [
        ("million", million, 21, "components beyond the first 100000 were not read"),
        ("deep", deep, 21, "recursion limit"),
        ("huge", huge, 21, "no package URL"),
        ("cycle", cycle, 0, ""),
        ("nested", nested, 21, "nest deeper"),
        ("cut", cut, 21, "does not end"),
    ] {
        let path = sandbox.file(name, text);
        let scan = ["sbom", "--offline", "--format", "json", &path];
        let ended = sandbox.run_bounded(&mut sandbox.command(&scan));
        assert_eq!(ended.code, Some(code), "{name}: {}", ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert!(report["problems"].to_string().contains(words), "{name}: {}", report["problems"]);
    }
    for (name, text, code) in [
        ("json", "{\"a\": 1}", 11),
        ("half", "{\"bomFormat\": \"Cyc", 11),
        ("text", "SPDXVersion", 11),
        ("xml", "<html/>", 11),
    ] {
        let target = format!("sbom:{}", sandbox.file(name, text));
        assert_eq!(sandbox.run(&["scan", &target]).code, Some(code), "{name}");
    }
    assert_eq!(sandbox.run(&["scan", "sbom:absent"]).code, Some(10));
}
