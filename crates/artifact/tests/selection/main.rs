//! Which image of several is read, and what is no image at all.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

mod engines;

use std::fs;
use std::path::Path;

use artifact::{OpenErrorKind, Options, open};
use model::{Digest, ProblemKind};
use serde_json::{Value, json};
use testkit::{ImageBuilder, LayerBuilder, Recorder, TarBuilder, sha256};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn image(name: &str, architecture: &str) -> ImageBuilder {
    let tar = TarBuilder::new().file("name", format!("{name} {architecture}"));
    ImageBuilder::new(name).architecture(architecture).layer(LayerBuilder::gzip(tar))
}

/// What the file `name` of the image says, or why there is none.
fn content(target: &str, platform: Option<&str>) -> Result<String, (OpenErrorKind, String)> {
    let platform = platform.map(|platform| platform.parse().unwrap());
    let options = Options { platform, ..Options::default() };
    match open(target, &options) {
        Ok(image) => {
            let read = image.read(&[0], &Recorder::default).unwrap();
            Ok(String::from_utf8(read[0].visitor.contents["name"].clone()).unwrap())
        }
        Err(error) => {
            let hint = error.hint_text().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
            Err((error.kind(), format!("{error}{hint}")))
        }
    }
}

/// Writes a layout with these entries in its index.
fn layout(directory: &Path, index: &[Value], blobs: Vec<(Digest, Vec<u8>)>) -> String {
    ImageBuilder::write_files(directory, &ImageBuilder::oci_files_of(index, blobs));
    directory.display().to_string()
}

fn without(mut descriptor: Value, member: &str) -> Value {
    descriptor.as_object_mut().unwrap().remove(member);
    descriptor
}

/// An index as a blob, and its descriptor.
fn nested(entries: &[Value], annotations: Value) -> (Value, (Digest, Vec<u8>)) {
    let bytes = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let bytes = bytes.to_string().into_bytes();
    let descriptor = json!({
        "mediaType": INDEX,
        "digest": sha256(&bytes).to_string(),
        "size": bytes.len(),
        "annotations": annotations,
    });
    (descriptor, (sha256(&bytes), bytes))
}

#[test]
fn the_platform_chooses_within_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let images = ["amd64", "arm64", "s390x"].map(|architecture| image("a:1", architecture));
    let mut entries: Vec<Value> =
        images.iter().map(|it| without(it.descriptor(), "annotations")).collect();
    entries[1]["platform"]["variant"] = "v8".into();
    let attestation = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": sha256(b"").to_string(),
        "size": 0,
        "platform": { "os": "unknown", "architecture": "unknown" },
        "annotations": { "vnd.docker.reference.type": "attestation-manifest" },
    });
    entries.push(attestation);
    let blobs = || images.iter().flat_map(ImageBuilder::blobs).collect::<Vec<_>>();
    let flat = layout(&directory.path().join("flat"), &entries, blobs());
    let (inner, blob) = nested(&entries, json!({ "org.opencontainers.image.ref.name": "1" }));
    let (outer, outer_blob) = nested(&[inner], json!({}));
    let deep = [blobs(), vec![blob, outer_blob]].concat();
    let deep = layout(&directory.path().join("deep"), &[outer], deep);
    for path in [flat, deep] {
        for (platform, architecture) in [
            (Some("linux/arm64"), "arm64"),
            (Some("linux/arm64/v8"), "arm64"),
            (Some("linux/s390x"), "s390x"),
            (Some("linux/amd64"), "amd64"),
        ] {
            assert_eq!(content(&path, platform), Ok(format!("a:1 {architecture}")));
        }
        let host = model::Platform::host();
        if images.iter().any(|image| image.architecture == host.architecture) {
            assert_eq!(content(&path, None), Ok(format!("a:1 {}", host.architecture)));
        }
        let (kind, message) = content(&path, Some("linux/riscv64")).unwrap_err();
        assert_eq!(kind, OpenErrorKind::NotFound);
        assert!(message.contains("has no image for `linux/riscv64`"), "{message}");
        assert!(message.ends_with("linux/amd64, linux/arm64/v8, linux/s390x"), "{message}");
    }
}

#[test]
fn the_only_image_need_not_be_for_this_machine() {
    let directory = tempfile::tempdir().unwrap();
    let other = image("a:1", "mips64le");
    other.write_oci_dir(&directory.path().join("layout"));
    let path = directory.path().join("layout").display().to_string();
    assert_eq!(content(&path, None), Ok("a:1 mips64le".to_owned()));
    // Neither an index that is silent nor an archive without one hides what the image is for.
    let silent = [without(other.descriptor(), "platform")];
    let silent = layout(&directory.path().join("silent"), &silent, other.blobs());
    // Nor does what is attached to it, and stands beside it.
    let mut named = without(other.descriptor(), "platform");
    named["artifactType"] = "application/vnd.oci.image.config.v1+json".into();
    let attached = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": sha256(b"").to_string(),
        "size": 0,
        "artifactType": "application/vnd.openvex+json",
    });
    let beside = layout(&directory.path().join("beside"), &[attached, named], other.blobs());
    assert_eq!(content(&beside, None), Ok("a:1 mips64le".to_owned()));
    let archive = directory.path().join("archive.tar");
    fs::write(&archive, other.old_docker_archive()).unwrap();
    for path in [path, silent, beside, archive.display().to_string()] {
        assert_eq!(content(&path, Some("linux/mips64le")), Ok("a:1 mips64le".to_owned()));
        let (kind, message) = content(&path, Some("linux/amd64")).unwrap_err();
        assert_eq!(kind, OpenErrorKind::NotFound, "{message}");
        assert!(message.contains("linux/mips64le"), "{message}");
    }
}

#[test]
fn a_name_chooses_among_images() {
    let directory = tempfile::tempdir().unwrap();
    let images = [image("repo/one:1", "amd64"), image("docker.io/library/two:2", "amd64")];
    let archive = directory.path().join("archive.tar");
    fs::write(&archive, ImageBuilder::old_docker_archive_of(&[&images[0], &images[1]])).unwrap();
    let archive = archive.display();
    let entries = images.each_ref().map(ImageBuilder::descriptor);
    let blobs = images.iter().flat_map(ImageBuilder::blobs).collect();
    let layout = layout(&directory.path().join("layout"), &entries, blobs);
    let digest = sha256(&images[1].manifest());
    let one = Ok("repo/one:1 amd64".to_owned());
    let two = Ok("docker.io/library/two:2 amd64".to_owned());
    for (target, expected) in [
        (format!("{archive}#repo/one:1"), &one),
        (format!("docker-archive:{archive}#docker.io/repo/one:1"), &one),
        (format!("{archive}#two:2"), &two),
        (format!("{archive}:2"), &two),
        (format!("docker-archive:{archive}:1"), &one),
        (format!("{layout}:1"), &one),
        (format!("oci-dir:{layout}:2"), &two),
        (format!("{layout}@{digest}"), &two),
    ] {
        assert_eq!(&content(&target, None), expected, "{target}");
    }
    for (target, message) in [
        (format!("{archive}#three"), "holds no image `three`; hint: it holds repo/one:1, docker"),
        (format!("{layout}:3"), "holds no image `3`; hint: it holds 1, 2"),
    ] {
        let (kind, found) = content(&target, None).unwrap_err();
        assert_eq!(kind, OpenErrorKind::NotFound, "{found}");
        assert!(found.contains(message), "{found}");
    }
    for target in [archive.to_string(), layout] {
        let image = open(&target, &Options::default()).unwrap();
        let [notice] = image.problems() else { panic!("{:?}", image.problems()) };
        assert_eq!(notice.kind, ProblemKind::Notice);
        assert!(notice.message.starts_with("it holds 2 images"), "{notice}");
        assert_eq!(content(&target, None), one);
    }
}

/// The notices on opening, after the content.
fn notices(target: &str, platform: &str) -> (String, Vec<String>) {
    let options = Options { platform: platform.parse().ok(), ..Options::default() };
    let image = open(target, &options).unwrap();
    assert!(image.problems().iter().all(|it| it.kind == ProblemKind::Notice));
    let told = image.problems().iter().map(|it| it.message.clone()).collect();
    (content(target, Some(platform)).unwrap(), told)
}

#[test]
fn variants_are_what_runtimes_take() {
    let directory = tempfile::tempdir().unwrap();
    let variants = ["v5", "v6", "v7", "v8"].map(|variant| {
        let image = image(variant, "arm");
        let mut entry = without(image.descriptor(), "annotations");
        entry["platform"]["variant"] = variant.into();
        (image, entry)
    });
    let of = |name: &str, chosen: &[usize]| {
        let entries: Vec<Value> = chosen.iter().map(|&it| variants[it].1.clone()).collect();
        let blobs = chosen.iter().flat_map(|&it| variants[it].0.blobs()).collect();
        layout(&directory.path().join(name), &entries, blobs)
    };
    let (all, old) = (of("all", &[0, 1, 2, 3]), of("old", &[0, 1]));
    for (path, platform, variant) in [
        (&all, "linux/arm", "v7"),
        (&all, "linux/arm/v6", "v6"),
        (&all, "linux/armel", "v6"),
        (&all, "linux/arm/v8", "v8"),
        (&old, "linux/arm", "v6"),
        (&old, "linux/arm/v7", "v6"),
        (&old, "linux/arm/v5", "v5"),
    ] {
        assert_eq!(content(path, Some(platform)), Ok(format!("{variant} arm")), "{platform}");
    }
    let new = of("new", &[2, 3]);
    let (kind, message) = content(&new, Some("linux/arm/v6")).unwrap_err();
    assert_eq!(kind, OpenErrorKind::NotFound);
    assert!(message.ends_with("linux/arm/v7, linux/arm/v8"), "{message}");
    image("a:1", "arm64").write_oci_dir(&directory.path().join("arm64"));
    let path = directory.path().join("arm64").display().to_string();
    assert_eq!(content(&path, Some("linux/aarch64")), Ok("a:1 arm64".to_owned()));
}

#[test]
fn several_images_for_one_platform_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let images = ["first", "second"].map(|name| image(name, "amd64"));
    let blobs = || images.iter().flat_map(ImageBuilder::blobs).collect::<Vec<_>>();
    let mut entries = images.each_ref().map(|it| without(it.descriptor(), "annotations"));
    let second = sha256(&images[1].manifest());
    let unnamed = layout(&directory.path().join("unnamed"), &entries, blobs());
    let (content, told) = notices(&unnamed, "linux/amd64");
    assert_eq!(content, "first amd64");
    let [told] = &told[..] else { panic!("{told:?}") };
    assert!(told.starts_with("it holds 2 images for `linux/amd64`, of which"), "{told}");
    assert!(told.ends_with(&format!("the others: @{second}")), "{told}");
    let (content, told) = notices(&format!("{unnamed}@{second}"), "linux/amd64");
    assert_eq!((content.as_str(), told.len()), ("second amd64", 0));
    // One of them named, or one of three.
    entries[1]["annotations"] = json!({ "org.opencontainers.image.ref.name": "a" });
    let one = layout(&directory.path().join("one"), &entries, blobs());
    assert_eq!(notices(&one, "linux/amd64").1.len(), 1);
    let third = without(image("third", "amd64").descriptor(), "annotations");
    entries[0]["annotations"] = json!({ "org.opencontainers.image.ref.name": "b" });
    let three = [entries.to_vec(), vec![third]].concat();
    let three = layout(&directory.path().join("three"), &three, blobs());
    let (_, told) = notices(&three, "linux/amd64");
    assert_eq!(told, ["it holds 2 images, of which `b` is read: b, a, and 1 without a name"]);
    // The same files, compressed otherwise, are no other image.
    let tar = TarBuilder::new().file("name", "first amd64");
    let again = ImageBuilder::new("first").architecture("amd64").layer(LayerBuilder::zstd(tar));
    assert_eq!(again.config(), images[0].config());
    let mut entries = [&images[0], &again].map(|it| without(it.descriptor(), "annotations"));
    entries[1]["annotations"] = json!({ "io.github.containers.compression.zstd": "true" });
    let twice = [blobs(), again.blobs()].concat();
    let twice = layout(&directory.path().join("twice"), &entries, twice);
    assert_eq!(notices(&twice, "linux/amd64").1.len(), 0);
}

#[test]
fn what_an_index_does_not_say_the_configurations_do() {
    let directory = tempfile::tempdir().unwrap();
    let images = ["amd64", "arm64"].map(|architecture| image("a:1", architecture));
    let silent = |it: &ImageBuilder| without(without(it.descriptor(), "annotations"), "platform");
    let mut entries: Vec<Value> = images.iter().map(silent).collect();
    // Something that is no image, and does not say so in the index.
    let signature = ImageBuilder {
        config_media_type: "application/vnd.cncf.helm.config.v1+json".to_owned(),
        ..image("a:1", "s390x")
    };
    entries.insert(0, silent(&signature));
    let blobs = || {
        let all = images.iter().chain([&signature]);
        all.flat_map(ImageBuilder::blobs).collect::<Vec<_>>()
    };
    let path = layout(&directory.path().join("silent"), &entries, blobs());
    for architecture in ["amd64", "arm64"] {
        let (content, told) = notices(&path, &format!("linux/{architecture}"));
        assert_eq!((content, told), (format!("a:1 {architecture}"), vec![]));
    }
    let (kind, message) = content(&path, Some("linux/s390x")).unwrap_err();
    assert_eq!(kind, OpenErrorKind::NotFound, "{message}");
    assert!(message.ends_with("linux/amd64, linux/arm64"), "{message}");
    // One that is missing is no answer.
    let path = layout(&directory.path().join("missing"), &entries, images[0].blobs());
    let (kind, message) = content(&path, Some("linux/arm64")).unwrap_err();
    assert_eq!(kind, OpenErrorKind::Damaged, "{message}");
    // Where they contradict each other, the configuration is what runs.
    let mut lie = without(images[1].descriptor(), "annotations");
    lie["platform"]["architecture"] = "mips".into();
    let path = layout(&directory.path().join("lie"), &[lie], images[1].blobs());
    let told = open(&path, &Options::default()).unwrap().problems().to_vec();
    let [notice] = &told[..] else { panic!("{told:?}") };
    assert_eq!(notice.kind, ProblemKind::Notice);
    assert!(notice.message.contains("listed for `linux/mips`"), "{notice}");
}

#[test]
fn what_is_not_an_image_is_called_so() {
    let directory = tempfile::tempdir().unwrap();
    let layer = |media_type: &str| LayerBuilder::stored(b"x", b"x".to_vec(), media_type);
    let chart = ImageBuilder {
        config_media_type: "application/vnd.cncf.helm.config.v1+json".to_owned(),
        ..ImageBuilder::new("chart:1")
            .layer(layer("application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
    };
    let signature = ImageBuilder::new("signature:1")
        .layer(layer("application/vnd.dev.cosign.simplesigning.v1+json"));
    let windows = image("windows:1", "amd64").os("windows");
    let linux = image("linux:1", "amd64");
    let old_schema = json!({ "schemaVersion": 1, "name": "a", "fsLayers": [] }).to_string();
    let both = json!({ "schemaVersion": 2, "manifests": [], "layers": [] }).to_string();
    let layout_of = |name: &str, image: &ImageBuilder| {
        let path = directory.path().join(name);
        image.write_oci_dir(&path);
        path.display().to_string()
    };
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let index = |name: &str, index: &str| {
        let path = directory.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("oci-layout"), "{}").unwrap();
        fs::write(path.join("index.json"), index).unwrap();
        path.display().to_string()
    };
    let missing = directory.path().join("missing");
    let cases = [
        (layout_of("chart", &chart), OpenErrorKind::NotAnImage, "is not an image: its configurat"),
        (layout_of("signature", &signature), OpenErrorKind::NotAnImage, "is not an image: it hol"),
        (layout_of("windows", &windows), OpenErrorKind::Unsupported, "is a Windows image"),
        (file("windows.tar", &windows.docker_archive()), OpenErrorKind::Unsupported, "Windows"),
        (index("schema1", &old_schema), OpenErrorKind::Unsupported, "Docker's schema 1"),
        (index("both", &both), OpenErrorKind::Damaged, "neither an image nor an index"),
        (index("empty", r#"{"schemaVersion":2,"manifests":[]}"#), OpenErrorKind::NotFound, "no im"),
        (index("broken", "{"), OpenErrorKind::Damaged, "does not parse"),
        (file("text", b"just a text"), OpenErrorKind::NotAnImage, "is not an image, nor a tar"),
        (file("void", b""), OpenErrorKind::NotAnImage, "is not an image, nor a tar"),
        (file("x.gz", &testkit::gzip(b"text")), OpenErrorKind::NotAnImage, "is not an image"),
        (missing.display().to_string(), OpenErrorKind::NotFound, "does not exist"),
        (format!("oci-dir:{}", missing.display()), OpenErrorKind::NotFound, "cannot be read"),
        (format!("dir:{}", missing.display()), OpenErrorKind::NotFound, "cannot be read"),
        ("docker-archive:".to_owned(), OpenErrorKind::Usage, "has to be followed"),
        ("oci-archive:/dev/null".to_owned(), OpenErrorKind::NotAnImage, "not a regular file"),
        (
            format!("docker-archive:{}", file("oci.tar", &linux.oci_archive())),
            OpenErrorKind::NotAnImage,
            "has no `manifest.json`",
        ),
        (
            format!("oci-archive:{}", file("old.tar", &linux.old_docker_archive())),
            OpenErrorKind::NotAnImage,
            "has no `index.json`",
        ),
    ];
    for (target, kind, message) in cases {
        let (found_kind, found) = content(&target, None).unwrap_err();
        assert_eq!(found_kind, kind, "{target}: {found}");
        assert!(found.contains(message), "{target}: {found}");
    }
}

/// Of layers of images Docker takes a configuration that nobody gave its name, and so do registries that lost it.
#[test]
fn a_configuration_without_its_name_is_one_where_the_layers_are_an_images() {
    let directory = tempfile::tempdir().unwrap();
    let tar = TarBuilder::new().file("name", "x").finish();
    let ordinary = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    let cases = [
        ("application/octet-stream", ordinary, true),
        ("application/json", ordinary, true),
        ("", ordinary, true),
        ("application/octet-stream", "application/octet-stream", false),
        ("application/vnd.unknown.config.v1+json", ordinary, false),
    ];
    for (number, (config, layer, is_image)) in cases.into_iter().enumerate() {
        let image = ImageBuilder {
            config_media_type: config.to_owned(),
            ..ImageBuilder::new("a:1").layer(LayerBuilder::stored(&tar, testkit::gzip(&tar), layer))
        };
        let path = directory.path().join(number.to_string());
        image.write_oci_dir(&path);
        let found = content(&path.display().to_string(), None);
        assert_eq!(found.is_ok(), is_image, "{config} {layer}: {found:?}");
    }
}

#[test]
fn layers_that_are_not_there_are_told_and_the_rest_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let tar = TarBuilder::new().file("name", "x").finish();
    let layer = |media_type: &str, distributed| LayerBuilder {
        distributed,
        ..LayerBuilder::stored(&tar, testkit::gzip(&tar), media_type)
    };
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    let restricted = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let ordinary = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    let encrypted = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
    // Each has a blob of its own, so that one left out is nowhere.
    for (media_type, distributed, expected) in [
        (ordinary, true, None),
        (foreign, true, None),
        (foreign, false, Some((ProblemKind::Unreadable, "the layer is not distributed"))),
        (restricted, false, Some((ProblemKind::Unreadable, "the layer is not distributed"))),
        (ordinary, false, Some((ProblemKind::Unreadable, "is missing"))),
        (encrypted, true, Some((ProblemKind::Unsupported, "+encrypted` are not read"))),
    ] {
        let base = LayerBuilder::gzip(TarBuilder::new().file("base", ""));
        let image = ImageBuilder::new("a:1").layer(base).layer(layer(media_type, distributed));
        let path = directory.path().join("layout");
        // Absent the first time.
        drop(fs::remove_dir_all(&path));
        image.write_oci_dir(&path);
        let opened = open(path.to_str().unwrap(), &Options::default()).unwrap();
        let read = opened.read(&[0, 1], &Recorder::default).unwrap();
        assert_eq!(read[0].visitor.paths(), ["base"], "{media_type}");
        assert_eq!(read[1].verified, expected.is_none());
        match expected {
            None => assert_eq!(read[1].problems, []),
            Some((kind, message)) => {
                let [problem] = read[1].problems.as_slice() else { panic!("{media_type}") };
                assert_eq!((problem.kind, problem.layer), (kind, Some(1)));
                assert!(problem.message.contains(message), "{problem}");
            }
        }
    }
}

/// A member that comes twice is what its last one is, in a compressed archive too: whoever unpacks
/// it has no other.
#[test]
fn of_members_under_one_name_the_last_one_counts() {
    let directory = tempfile::tempdir().unwrap();
    let images = [image("first:1", "amd64"), image("last:1", "amd64")];
    // Below and beyond what is kept of a compressed archive.
    let manifest = |image: &ImageBuilder, padding: usize| {
        let config = format!("{}.json", sha256(&image.config()).hex());
        let entry =
            json!({ "Config": config, "Layers": [image.name], "Padding": " ".repeat(padding) });
        json!([entry]).to_string()
    };
    let files = images.iter().fold(TarBuilder::new(), |tar, image| {
        let config = format!("{}.json", sha256(&image.config()).hex());
        tar.file(&config, image.config()).file(&image.name, &image.layers[0].blob)
    });
    let [first, last] = images.each_ref().map(|image| manifest(image, 0));
    let long = manifest(&images[1], 300_000);
    let with_first = || files.clone().file("manifest.json", &first);
    for (name, archive) in [
        ("twice", with_first().file("manifest.json", &last)),
        ("long", with_first().file("manifest.json", &long)),
        ("first long", files.clone().file("manifest.json", &long).file("manifest.json", &last)),
        ("symlink", with_first().file("last", &last).symlink("manifest.json", "last")),
        ("hard link", with_first().file("last", &last).hard_link("manifest.json", "last")),
        (
            "a hard link keeps what its target was",
            files.clone().file("m", &last).hard_link("manifest.json", "m").file("m", &first),
        ),
    ] {
        let tar = archive.finish();
        for (end, bytes) in [("tar", tar.clone()), ("tar.gz", testkit::gzip(&tar))] {
            let path = directory.path().join(format!("{name}.{end}"));
            fs::write(&path, bytes).unwrap();
            let target = format!("docker-archive:{}", path.display());
            assert_eq!(content(&target, None), Ok("last:1 amd64".to_owned()), "{name}.{end}");
        }
    }
    let gone = with_first().directory("manifest.json").finish();
    for (end, bytes) in [("tar", gone.clone()), ("tar.gz", testkit::gzip(&gone))] {
        let path = directory.path().join(format!("gone.{end}"));
        fs::write(&path, bytes).unwrap();
        let (kind, _) = content(&format!("docker-archive:{}", path.display()), None).unwrap_err();
        assert_eq!(kind, OpenErrorKind::Damaged, "{end}");
    }
}
