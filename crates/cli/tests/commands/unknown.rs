//! What is not known is not clean: images whose system was removed, and folders that hold an image rather
//! than a root file system.

use serde_json::Value;
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.base");

fn good() -> LayerBuilder {
    let tar =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS);
    LayerBuilder::gzip(tar)
}

fn scan(sandbox: &Sandbox, target: &str) -> Ended {
    sandbox.run(&["scan", "--offline", "--no-cache", "--format", "json", target])
}

/// The problems of these kinds, with their layers.
fn problems(ended: &Ended, kind: &str) -> Vec<(String, Option<u64>)> {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let problems = report["problems"].as_array().unwrap().iter();
    let of_kind = problems.filter(|problem| problem["kind"] == kind);
    let text = |problem: &Value| problem["message"].as_str().unwrap().to_owned();
    of_kind.map(|problem| (text(problem), problem["layer"].as_u64())).collect()
}

#[test]
fn a_system_that_a_layer_removed_is_not_clean() {
    let sandbox = Sandbox::new().with_advisories();
    let removed = TarBuilder::new().whiteout("var/lib/dpkg").whiteout("etc/os-release");
    let image = ImageBuilder::new("shop:1").layer(good()).layer(LayerBuilder::gzip(removed));
    image.write_oci_dir(&sandbox.path("slim"));
    let ended = scan(&sandbox, "oci-dir:slim");
    assert_eq!(ended.code, Some(21), "{}", ended.stderr);
    let told = problems(&ended, "unreadable");
    assert!(told[0].0.contains("packages of the operating system"), "{told:?}");
    assert_eq!(told[0].1, Some(0), "the layer that still has it");
}

/// One program on nothing at all is no error, and still nobody knows what is in it.
#[test]
fn an_image_of_a_single_program_is_complete_and_says_so() {
    let sandbox = Sandbox::new().with_advisories();
    let program = TarBuilder::new().executable("app", b"\x7fELF and no more");
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(program));
    image.write_oci_dir(&sandbox.path("single"));
    let ended = scan(&sandbox, "oci-dir:single");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told = problems(&ended, "notice");
    assert!(told[0].0.contains("neither a distribution nor a package"), "{told:?}");
    sandbox.file("root/app", "x");
    let told = problems(&scan(&sandbox, "dir:root"), "notice");
    assert!(told[0].0.contains("neither a distribution nor a package"), "{told:?}");
}

/// `skopeo copy … dir:`, an OCI layout without its mark, and a `docker save` that somebody unpacked.
#[test]
fn a_folder_with_an_image_is_no_root_file_system() {
    let sandbox = Sandbox::new().with_advisories();
    let image = ImageBuilder::new("shop:1").layer(good());
    let files = image.oci_files();
    let manifest = image.descriptor()["digest"].as_str().unwrap().replace("sha256:", "");
    for (path, bytes) in &files {
        if path != "oci-layout" {
            sandbox.file(&format!("unmarked/{path}"), bytes);
        }
        let name = path.rsplit('/').next().unwrap();
        match name == manifest {
            true => sandbox.file("copied/manifest.json", bytes),
            false if path.starts_with("blobs/") => sandbox.file(&format!("copied/{name}"), bytes),
            false => sandbox.file("copied/version", "Directory Transport Version: 1.1\n"),
        };
    }
    for target in ["copied", "oci-dir:copied", "unmarked"] {
        let ended = scan(&sandbox, target);
        assert_eq!(ended.code, Some(0), "{target}: {}", ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert!(!report["findings"].as_array().unwrap().is_empty(), "{target}");
        assert_eq!(report["artifact"]["kind"], "oci-dir", "{target}");
    }
    sandbox.file("unpacked/manifest.json", r#"[{"Config": "c.json", "Layers": ["a/layer.tar"]}]"#);
    sandbox.file("unpacked/c.json", "{}");
    let ended = scan(&sandbox, "unpacked");
    assert_eq!(ended.code, Some(15), "{ended:?}");
    assert!(ended.stderr.contains("pack it again"), "{}", ended.stderr);
    sandbox.file("site/manifest.json", r#"[{"Config": "c.json"}]"#);
    assert_eq!(scan(&sandbox, "site").code, Some(0), "any site may have a file of that name");
}

/// One stray record of a release is no knowledge of it.
#[test]
fn a_handful_of_advisories_is_said() {
    let sandbox = Sandbox::new();
    let record = |number: usize| {
        format!(
            r#"{{"id": "ALPINE-CVE-2024-{number:04}", "modified": "2026-11-01T00:00:00Z", "upstream":
            ["CVE-2024-{number:04}"], "affected": [{{"package": {{"ecosystem": "Alpine:v3.20", "name": "zork"}},
            "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "1-r0"}}]}}]}}]}}"#
        )
    };
    sandbox.file("few/1.json", record(1));
    (1..=250).for_each(|number| drop(sandbox.file(&format!("many/{number}.json"), record(number))));
    sandbox.file("root/etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n");
    sandbox.file("root/lib/apk/db/installed", "P:musl\nV:1.2.5-r0\nA:x86_64\n\n");
    let of = |folder: &str| {
        let db = sandbox.path(&format!("db-{folder}")).display().to_string();
        let ended = sandbox.run(&["db", "import", "--db", &db, folder]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let offline = ["scan", "--offline", "--no-cache", "--checks", "vuln", "--db", &db];
        let table = sandbox.run(&[&offline[..], &["dir:root"]].concat());
        let report = sandbox.run(&[&offline[..], &["--format", "json", "dir:root"]].concat());
        // It proves nothing: whether such a result may pass is the user's to say.
        assert_eq!((table.code, report.code), (Some(0), Some(0)), "{report:?}");
        (table, problems(&report, "advisories_few"))
    };
    let (table, told) = of("few");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].0.starts_with("1 statement is at hand, where a release has hundreds"),
        "{told:?}"
    );
    assert!(table.stdout.contains("1 statement is at hand"), "{table:?}");
    let (table, told) = of("many");
    assert_eq!(told, []);
    assert!(!table.stdout.contains("at hand"), "{table:?}");
}

#[test]
fn the_summary_says_that_support_has_ended() {
    let sandbox = Sandbox::new().with_advisories();
    let ended = |os_release: &str| {
        sandbox.file("root/etc/os-release", os_release);
        let report: Value = serde_json::from_str(&scan(&sandbox, "dir:root").stdout).unwrap();
        (report["summary"]["eol"].clone(), report["os"]["eol"].clone())
    };
    assert_eq!(ended("ID=alpine\nVERSION_ID=3.16.9\n"), (true.into(), true.into()));
    assert_eq!(ended("ID=debian\nVERSION_ID=13\n"), (false.into(), false.into()));
    assert_eq!(ended("ID=zork\nVERSION_ID=1\n"), (Value::Null, Value::Null));
}
