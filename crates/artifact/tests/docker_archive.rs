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
