//! What a tar is, is told by all its members: neither by what comes first nor by names alone.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs;
use std::path::Path;

use artifact::{OpenErrorKind, Options, open};
use model::ProblemKind;
use serde_json::json;
use testkit::{ImageBuilder, LayerBuilder, Recorder, TarBuilder, bzip2, gzip};

/// `KIND: PATHS, PROBLEMS` of the first layer, or `ERROR: MESSAGE`.
fn recognised(target: &str) -> String {
    let image = match open(target, &Options::default()) {
        Ok(image) => image,
        Err(error) => return format!("{:?}: {error}", error.kind()),
    };
    let read = image.read(&[0], &Recorder::default).unwrap();
    let told = image.problems().iter().chain(&read[0].problems);
    let problems: Vec<&str> = told.map(|problem| problem.kind.name()).collect();
    let kind = image.artifact().kind.name();
    format!("{kind}: {} [{}]", read[0].visitor.paths().join(" "), problems.join(" "))
}

fn image() -> ImageBuilder {
    ImageBuilder::new("a:1").layer(LayerBuilder::plain(TarBuilder::new().file("base", "x")))
}

/// The members of a Docker archive that are called like nothing in particular.
fn docker(tar: TarBuilder) -> TarBuilder {
    let image = image();
    let entry = json!([{ "Config": "c", "RepoTags": ["a:1"], "Layers": ["l0.tar"] }]);
    let tar = tar.file("l0.tar", &image.layers[0].blob).file("c", image.config());
    tar.file("manifest.json", entry.to_string())
}

fn oci(tar: TarBuilder) -> TarBuilder {
    image().oci_files().iter().rev().fold(tar, |tar, (path, bytes)| tar.file(path, bytes))
}

fn junk(count: usize) -> TarBuilder {
    (0..count).fold(TarBuilder::new(), |tar, number| tar.file(&format!("readme{number}"), "x"))
}

fn root() -> TarBuilder {
    TarBuilder::new().file("etc/os-release", "ID=test\n")
}

const PWA: &str = r#"{"name":"pwa","icons":[]}"#;

/// Plain and compressed give the same.
fn assert_recognised(directory: &Path, cases: &[(&str, TarBuilder, &str)]) {
    for (name, tar, expected) in cases {
        let tar = tar.clone().finish();
        let forms = [("tar", tar.clone()), ("tar.gz", gzip(&tar)), ("tar.bz2", bzip2(&tar))];
        for (end, bytes) in forms {
            let path = directory.join(format!("{name}.{end}"));
            fs::write(&path, bytes).unwrap();
            let found = recognised(path.to_str().unwrap());
            assert!(found.starts_with(expected), "{name}.{end}: {found}");
        }
    }
}

#[test]
fn what_comes_first_hides_no_image() {
    let directory = tempfile::tempdir().unwrap();
    let layers = (1..20).fold(TarBuilder::new(), |tar, n| tar.file(&format!("l{n}.tar"), "x"));
    let cases = [
        ("docker", docker(junk(16)), "docker-archive: base []"),
        ("layers", docker(layers), "docker-archive: base []"),
        ("oci", oci(junk(16)), "oci-archive: base []"),
        ("without layout", without_layout(), "oci-archive: base []"),
        ("of an image", docker(TarBuilder::new().file("manifest.json", PWA)), "docker-archive: b"),
    ];
    assert_recognised(directory.path(), &cases);
}

/// An index says what it is.
fn without_layout() -> TarBuilder {
    let files = image().oci_files();
    let files = files.iter().filter(|(path, _)| path != "oci-layout");
    files.fold(junk(20), |tar, (path, bytes)| tar.file(path, bytes))
}

#[test]
fn the_documents_of_web_applications_make_no_image() {
    let directory = tempfile::tempdir().unwrap();
    let first = |name: &str| TarBuilder::new().file(name, PWA).file("etc/os-release", "");
    let list = r#"{"manifests":["a.webmanifest"]}"#;
    let cases = [
        ("manifest", root().file("manifest.json", PWA), "fs-archive: etc/os-release manifest.j"),
        ("index", root().file("index.json", PWA), "fs-archive: etc/os-release index.json []"),
        ("manifest first", first("manifest.json"), "fs-archive: manifest.json etc/os-release []"),
        ("index first", first("index.json"), "fs-archive: index.json etc/os-release []"),
        ("list", root().file("index.json", list), "fs-archive: etc/os-release index.json []"),
        ("other", junk(1), "fs-archive: readme0 []"),
    ];
    assert_recognised(directory.path(), &cases);
}

/// Of a compressed archive that begins like a root file system not all is looked through before;
/// what is found later makes the result incomplete.
#[test]
fn an_image_behind_a_file_system_is_found_or_told() {
    let directory = tempfile::tempdir().unwrap();
    let etc = || (0..20).fold(root(), |tar, number| tar.file(&format!("etc/{number}"), "x"));
    for (name, tar, expected) in [
        ("docker-archive", docker(etc()), "docker-archive: base []"),
        ("oci-archive", oci(etc()), "oci-archive: base []"),
        ("link", etc().file("m", "[]").symlink("manifest.json", "m"), "fs-archive: etc/os-rel"),
        ("web", etc().file("manifest.json", PWA).file("index.json", PWA), "fs-archive: etc/os-rel"),
    ] {
        let tar = tar.finish();
        let path = directory.path().join(format!("{name}.tar"));
        fs::write(&path, &tar).unwrap();
        let found = recognised(path.to_str().unwrap());
        assert!(found.starts_with(expected) && found.ends_with("[]"), "{name}: {found}");

        let path = directory.path().join(format!("{name}.tar.gz"));
        fs::write(&path, gzip(&tar)).unwrap();
        let path = path.display();
        let found = recognised(&path.to_string());
        let told = if name == "web" { " []" } else { " [unsupported]" };
        assert!(found.starts_with("fs-archive: etc/os-rel"), "{name}: {found}");
        assert!(found.ends_with(told), "{name}: {found}");
        // Who says what it is, is believed.
        assert!(recognised(&format!("fs-archive:{path}")).ends_with(" []"), "{name}");
        if name.ends_with("archive") {
            assert_eq!(recognised(&format!("{name}:{path}")), expected, "{name}");
        }
    }
    assert!(ProblemKind::Unsupported.makes_incomplete());
}

/// Those who load images do not agree on what these are, so nobody knows what would run.
#[test]
fn a_manifest_that_is_no_ordinary_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let sparse = [("GNU.sparse.size", "2"), ("GNU.sparse.map", "0,2")];
    let cases = [
        ("sparse", root().pax(&sparse).file("manifest.json", "[]")),
        ("sparse index", root().pax(&sparse).file("index.json", "{}")),
        ("replaced", docker(root()).directory("manifest.json")),
    ];
    for (name, tar) in cases {
        let path = directory.path().join(name);
        fs::write(&path, tar.finish()).unwrap();
        let found = recognised(path.to_str().unwrap());
        assert!(found.starts_with("Damaged: ") && found.contains("no ordinary"), "{name}: {found}");
    }
}

/// More members than an archive of images may have are many in no root file system.
#[test]
fn many_members_hide_no_image() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("many.tar");
    let many = || junk(100_001);
    let image = docker(TarBuilder::new()).unfinished();
    let linked = root().file("m", "[]").symlink("manifest.json", "m");
    let cases = [
        (many().file("manifest.json", PWA), "fs-archive: readme0"),
        (many().raw(&image), "Damaged: "),
        (many().raw(&linked.unfinished()), "Damaged: "),
    ];
    for (tar, expected) in cases {
        fs::write(&path, tar.finish()).unwrap();
        let found = recognised(path.to_str().unwrap());
        let shown: String = found.chars().take(100).collect();
        assert!(found.starts_with(expected), "{shown}");
    }
    let error = open(&format!("docker-archive:{}", path.display()), &Options::default());
    assert_eq!(error.err().map(|error| error.kind()), Some(OpenErrorKind::Damaged));
}
