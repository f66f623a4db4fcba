//! Docker archives that hold several images, or two lists of them.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs;
use std::path::Path;

use artifact::{Options, open};
use model::Problem;
use serde_json::{Value, json};
use testkit::{ImageBuilder, LayerBuilder, Recorder, TarBuilder, gzip, sha256};

fn image(content: &str, architecture: &str) -> ImageBuilder {
    let tar = TarBuilder::new().file("name", format!("{content} {architecture}"));
    ImageBuilder::new("a:1").architecture(architecture).layer(LayerBuilder::gzip(tar))
}

/// What the file `name` says, and what is said of the image on opening.
fn opened(target: &str, platform: Option<&str>) -> Result<(String, Vec<Problem>), String> {
    let platform = platform.map(|platform| platform.parse().unwrap());
    let options = Options { platform, ..Options::default() };
    let image = open(target, &options).map_err(|error| {
        let hint = error.hint_text().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
        format!("{error}{hint}")
    })?;
    let read = image.read(&[0], &Recorder::default).unwrap();
    let content = String::from_utf8(read[0].visitor.contents["name"].clone()).unwrap();
    Ok((content, image.problems().to_vec()))
}

/// An archive whose `manifest.json` lists the images of `docker`, each with its names, and whose
/// `index.json` has these entries; both find all blobs.
fn archive(docker: &[(&ImageBuilder, &[&str])], index: &[Value], all: &[&ImageBuilder]) -> Vec<u8> {
    let path = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes).hex());
    let list = docker.iter().map(|(image, names)| {
        let layers: Vec<String> = image.layers.iter().map(|it| path(&it.blob)).collect();
        json!({ "Config": path(&image.config()), "RepoTags": names, "Layers": layers })
    });
    let manifest = Value::from_iter(list).to_string();
    let blobs = all.iter().flat_map(|image| image.blobs());
    let mut files = ImageBuilder::oci_files_of(index, blobs);
    if index.is_empty() {
        files.retain(|(path, _)| path != "index.json" && path != "oci-layout");
    }
    files.push(("manifest.json".to_owned(), manifest.into_bytes()));
    files.iter().fold(TarBuilder::new(), |tar, (path, bytes)| tar.file(path, bytes)).finish()
}

fn write(directory: &Path, name: &str, bytes: &[u8]) -> String {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// The entry of an index, called so by containerd and by its tag.
fn listed(image: &ImageBuilder, name: Option<&str>, tag: Option<&str>) -> Value {
    let mut entry = image.descriptor();
    let named = [("io.containerd.image.name", name), ("org.opencontainers.image.ref.name", tag)];
    let named = named.into_iter().filter_map(|(key, name)| Some((key.to_owned(), name?.into())));
    entry["annotations"] = Value::Object(named.collect());
    entry
}

#[test]
fn the_platform_chooses_among_the_images_of_a_manifest() {
    let directory = tempfile::tempdir().unwrap();
    let images = ["amd64", "arm64", "s390x"].map(|architecture| image("it", architecture));
    let [amd64, arm64, s390x] = images.each_ref();
    let one = archive(
        &[(amd64, &["a:1"]), (arm64, &["a:1"]), (s390x, &["b:1"])],
        &[],
        &[amd64, arm64, s390x],
    );
    for (name, bytes) in [("a.tar", one.clone()), ("a.tar.gz", gzip(&one))] {
        let path = write(directory.path(), name, &bytes);
        for (target, platform, content, notice) in [
            (
                path.clone(),
                None,
                "amd64",
                "it holds 3 images, of which the first is read: a:1, a:1, b:1",
            ),
            (
                path.clone(),
                Some("linux/arm64"),
                "arm64",
                "it holds 3 images, of which the first for `linux/arm64` is read: a:1, a:1, b:1",
            ),
            (
                path.clone(),
                Some("linux/s390x"),
                "s390x",
                "it holds 3 images, of which the first for `linux/s390x` is read: a:1, a:1, b:1",
            ),
            (
                format!("{path}#a:1"),
                Some("linux/arm64"),
                "arm64",
                "it holds 2 images `a:1`, of which the first for `linux/arm64` is read: a:1, a:1, b:1",
            ),
            (
                format!("{path}#a:1"),
                None,
                "amd64",
                "it holds 2 images `a:1`, of which the first is read: a:1, a:1, b:1",
            ),
            (format!("{path}#b:1"), Some("linux/s390x"), "s390x", ""),
        ] {
            let (found, told) = opened(&target, platform).unwrap();
            let told: Vec<&str> = told.iter().map(|problem| problem.message.as_str()).collect();
            assert_eq!(
                (found, told.join("|")),
                (format!("it {content}"), notice.to_owned()),
                "{target}"
            );
        }
        let error = opened(&path, Some("linux/riscv64")).unwrap_err();
        assert!(error.contains("has no image for `linux/riscv64`; hint: "), "{error}");
        assert!(error.ends_with("linux/amd64, linux/arm64, linux/s390x"), "{error}");
        let error = opened(&format!("{path}#b:1"), Some("linux/amd64")).unwrap_err();
        assert!(error.contains("only for `linux/s390x`"), "{error}");
    }
}

/// containerd goes by the index, Docker by its manifest.
#[test]
fn a_manifest_and_an_index_that_differ_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let host = model::Platform::host().architecture;
    let (clean, bad, foreign) =
        (image("clean", &host), image("bad", &host), image("foreign", "s390x"));
    let full = Some("docker.io/library/a:1");
    let differ: [(&str, Vec<Value>); 7] = [
        ("another", vec![listed(&bad, full, Some("1"))]),
        (
            "both",
            vec![listed(&clean, Some("docker.io/library/b:1"), None), listed(&bad, full, None)],
        ),
        ("first", vec![listed(&bad, full, None), listed(&clean, full, None)]),
        ("by tag", vec![listed(&bad, None, Some("1")), listed(&clean, None, Some("2"))]),
        ("without names", vec![listed(&bad, None, None)]),
        ("no entry", vec![json!({ "digest": sha256(b"").to_string(), "size": 0 })]),
        ("not there", vec![listed(&image("gone", &host), full, None), listed(&clean, None, None)]),
    ];
    for (name, index) in differ {
        let bytes = archive(&[(&clean, &["a:1"])], &index, &[&clean, &bad]);
        let path = write(directory.path(), name, &bytes);
        let (content, told) = opened(&path, None).unwrap();
        assert_eq!(content, format!("clean {host}"), "{name}");
        let [problem] = told.as_slice() else { panic!("{name}: {told:?}") };
        assert!(problem.kind.makes_incomplete(), "{name}: {problem}");
        assert!(problem.message.contains("`index.json`"), "{name}: {problem}");
    }
    // What runs on this machine is told from what was chosen for another.
    let index = [listed(&foreign, full, None), listed(&bad, full, None)];
    let bytes = archive(&[(&foreign, &["a:1"])], &index, &[&foreign, &bad]);
    let path = write(directory.path(), "platforms", &bytes);
    let (_, told) = opened(&path, None).unwrap();
    assert!(told.len() == 1 && told[0].message.contains(&host), "{told:?}");
    assert_eq!(opened(&path, Some("linux/s390x")).unwrap().1, []);

    let same: [(&str, Vec<Value>); 4] = [
        ("same", vec![listed(&clean, full, Some("1"))]),
        (
            "other names",
            vec![
                listed(&bad, Some("docker.io/library/b:1"), Some("1")),
                listed(&clean, full, Some("1")),
            ],
        ),
        ("unnamed", vec![listed(&clean, None, None)]),
        ("other platform", vec![listed(&foreign, full, None), listed(&clean, full, None)]),
    ];
    for (name, index) in same {
        let bytes = archive(&[(&clean, &["a:1"])], &index, &[&clean, &bad]);
        let path = write(directory.path(), name, &bytes);
        assert_eq!(opened(&path, None), Ok((format!("clean {host}"), Vec::new())), "{name}");
    }
}

/// The same for who names the layout in it, and reads the index.
#[test]
fn an_index_and_a_manifest_that_differ_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let host = model::Platform::host().architecture;
    let (clean, bad, foreign) =
        (image("clean", &host), image("bad", &host), image("foreign", "s390x"));
    let full = Some("docker.io/library/a:1");
    let other = Some("docker.io/library/b:1");
    type Docker<'a> = Vec<(&'a ImageBuilder, &'a [&'a str])>;
    let cases: [(&str, Docker<'_>, Vec<Value>, bool); 6] = [
        ("another", vec![(&bad, &["a:1"])], vec![listed(&clean, full, None)], true),
        ("another name", vec![(&bad, &["b:1"])], vec![listed(&clean, full, None)], true),
        (
            "names changed",
            vec![(&bad, &["a:1"]), (&clean, &["b:1"])],
            vec![listed(&clean, full, None), listed(&bad, other, None)],
            true,
        ),
        ("same", vec![(&clean, &["a:1"])], vec![listed(&clean, full, None)], false),
        (
            "two images",
            vec![(&clean, &["a:1"]), (&bad, &["b:1"])],
            vec![listed(&clean, full, None), listed(&bad, other, None)],
            false,
        ),
        (
            "another platform",
            vec![(&foreign, &["a:1"])],
            vec![listed(&clean, full, None), listed(&foreign, full, None)],
            false,
        ),
    ];
    for (name, docker, index, is_told) in cases {
        let bytes = archive(&docker, &index, &[&clean, &bad, &foreign]);
        let path = write(directory.path(), name, &bytes);
        let (content, told) = opened(&format!("oci-archive:{path}"), None).unwrap();
        assert_eq!(content, format!("clean {host}"), "{name}");
        let told: Vec<&Problem> =
            told.iter().filter(|problem| problem.kind.makes_incomplete()).collect();
        assert_eq!(told.len(), usize::from(is_told), "{name}: {told:?}");
        assert!(told.iter().all(|it| it.message.contains("`manifest.json`")), "{name}: {told:?}");
    }
    // What lies behind so many is not passed over.
    let mut many: Docker<'_> = vec![(&clean, &["a:1"]); 100];
    many.push((&bad, &["a:1"]));
    let bytes = archive(&many, &[listed(&clean, full, None)], &[&clean, &bad]);
    let path = write(directory.path(), "many", &bytes);
    let told = opened(&format!("oci-archive:{path}"), None).unwrap().1;
    assert!(told.iter().any(|it| it.message.contains("lists 101 images")), "{told:?}");
    let bytes = archive(&[], &[listed(&clean, full, None)], &[&clean]);
    let path = write(directory.path(), "no list", &bytes);
    assert_eq!(opened(&format!("oci-archive:{path}"), None).unwrap().1, []);
}
