//! Indexes that are not what honest ones are: what engines run of them is read, and where engines do
//! not agree, that is told.

use super::*;

/// A name, what two entries have beside their digests, the platform that is asked for, which of the
/// two, `a` or `b`, is read, and what names those who would run the other.
type Case = (&'static str, Value, Value, Option<&'static str>, &'static str, &'static str);

fn cases() -> Vec<Case> {
    let amd64 = || json!({ "os": "linux", "architecture": "amd64" });
    let with = |member: &str, value: Value| json!({ "platform": amd64(), member: value });
    let marked = json!({ "vnd.docker.reference.type": "attestation-manifest" });
    let zstd = json!({ "io.github.containers.compression.zstd": "true" });
    let of = |variant: &str| json!({ "os": "linux", "architecture": "amd64", "variant": variant });
    let plain = || json!({ "platform": amd64() });
    vec![
        ("plain", plain(), plain(), Some("linux/amd64"), "a", ""),
        ("marked", with("annotations", marked.clone()), plain(), None, "a", "containerd's store"),
        ("marked after", plain(), with("annotations", marked), None, "a", ""),
        ("of a type", with("artifactType", "application/x.y".into()), plain(), None, "a", ""),
        ("no media type", with("mediaType", "application/x".into()), plain(), None, "a", ""),
        ("no platform", json!({}), plain(), Some("linux/amd64"), "b", ""),
        ("empty platform", json!({ "platform": {} }), plain(), Some("linux/amd64"), "b", ""),
        (
            "no system",
            json!({ "platform": { "architecture": "amd64", "os": "" } }),
            plain(),
            Some("linux/amd64"),
            "a",
            "(Podman, newer Podman)",
        ),
        (
            "other words",
            json!({ "platform": { "architecture": "x86_64", "os": "linux" } }),
            plain(),
            Some("linux/amd64"),
            "a",
            "(Podman, newer Podman)",
        ),
        (
            "features",
            json!({ "platform": { "architecture": "amd64", "os": "linux", "os.features": ["x"] } }),
            plain(),
            Some("linux/amd64"),
            "a",
            "(newer containerd)",
        ),
        ("zstd", plain(), with("annotations", zstd), Some("linux/amd64"), "a", "(newer Podman)"),
        (
            "of the family",
            json!({ "platform": { "os": "linux", "architecture": "386" } }),
            json!({}),
            Some("linux/amd64"),
            "b",
            "containerd, Docker",
        ),
        ("variant", json!({ "platform": of("v2") }), plain(), Some("linux/amd64"), "b", ""),
        (
            "machine",
            json!({ "platform": of("v2") }),
            plain(),
            None,
            "b",
            "(Docker on linux/amd64/v2",
        ),
        ("asked", json!({ "platform": of("v2") }), plain(), Some("linux/amd64/v2"), "a", ""),
    ]
}

/// What an index leads engines to, by entries that are not what an honest index has: what is read,
/// and who is told to run something else.
#[test]
fn what_engines_run_is_read_and_where_they_differ_is_told() {
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let directory = tempfile::tempdir().unwrap();
    let images = ["a", "b"].map(|name| image(name, "amd64"));
    for (name, first, second, platform, expected, told) in cases() {
        if platform.is_none() && model::Platform::host().architecture != "amd64" {
            continue;
        }
        let entry = |image: &ImageBuilder, members: Value| {
            let digest = sha256(&image.manifest());
            let size = image.manifest().len();
            let mut entry =
                json!({ "mediaType": manifest, "digest": digest.to_string(), "size": size });
            entry.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            entry
        };
        let entries = [entry(&images[0], first), entry(&images[1], second)];
        let blobs = images.iter().flat_map(ImageBuilder::blobs).collect();
        let path = layout(&directory.path().join(name), &entries, blobs);
        let (read, problems) = read_and_told(&path, platform);
        assert_eq!(read, format!("{expected} amd64"), "{name}");
        let rivals: Vec<_> = problems.iter().filter(|it| it.kind != ProblemKind::Notice).collect();
        match (rivals.as_slice(), told) {
            ([], "") => {}
            ([problem], _) if !told.is_empty() => {
                assert_eq!(problem.kind, ProblemKind::Unsupported, "{name}");
                assert!(problem.message.contains(told), "{name}: {problem}");
                let other = if expected == "a" { &images[1] } else { &images[0] };
                let other = format!("`@{}`", sha256(&other.manifest()));
                assert!(problem.message.contains(&other), "{name}: {problem}");
            }
            _ => panic!("{name}: {rivals:?}"),
        }
    }
}

/// Some engines run what is marked as something else and has not even the configuration of an image:
/// nothing else is read instead.
#[test]
fn what_runs_under_another_name_is_not_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let other = "application/x".to_owned();
    let first = ImageBuilder { config_media_type: other, ..image("a", "amd64") };
    let second = image("b", "amd64");
    let mut entries = [&first, &second].map(|it| without(it.descriptor(), "annotations"));
    entries[0]["artifactType"] = "application/x".into();
    let blobs = [first.blobs(), second.blobs()].concat();
    let path = layout(&directory.path().join("marked"), &entries, blobs);
    let (kind, message) = content(&path, Some("linux/amd64")).unwrap_err();
    assert_eq!(kind, OpenErrorKind::NotAnImage, "{message}");
    // What nobody can run is: it has no layer of an image.
    let layer = LayerBuilder::stored(b"x", b"x".to_vec(), "application/x");
    let nothing = ImageBuilder::new("a").architecture("amd64").layer(layer);
    entries[0] = without(nothing.descriptor(), "annotations");
    entries[0]["artifactType"] = "application/x".into();
    let blobs = [nothing.blobs(), second.blobs()].concat();
    let path = layout(&directory.path().join("nothing"), &entries, blobs);
    assert_eq!(content(&path, Some("linux/amd64")), Ok("b amd64".to_owned()));
}

/// The content, and what is said on opening.
fn read_and_told(path: &str, platform: Option<&str>) -> (String, Vec<model::Problem>) {
    let wanted = platform.map(|platform| platform.parse().unwrap());
    let options = Options { platform: wanted, ..Options::default() };
    let told = open(path, &options).unwrap().problems().to_vec();
    (content(path, platform).unwrap(), told)
}

#[test]
fn an_index_within_an_index_comes_where_engines_have_it() {
    let directory = tempfile::tempdir().unwrap();
    let [outer, inner] = ["outer", "inner"].map(|name| image(name, "amd64"));
    let entry = |image: &ImageBuilder| without(image.descriptor(), "annotations");
    let (bare, blob) = nested(&[entry(&inner)], json!({}));
    let mut described = bare.clone();
    described["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    let blobs = || [outer.blobs(), inner.blobs(), vec![blob.clone()]].concat();
    for (name, first, expected) in [("bare", bare, "outer"), ("described", described, "inner")] {
        let path = layout(&directory.path().join(name), &[first, entry(&outer)], blobs());
        let (read, told) = read_and_told(&path, Some("linux/amd64"));
        assert_eq!(read, format!("{expected} amd64"), "{name}");
        let [notice] = told.as_slice() else { panic!("{name}: {told:?}") };
        assert!(notice.message.contains("2 images for `linux/amd64`"), "{name}: {notice}");
    }
}

/// Of entries that say nothing of a platform Docker and Podman take the first, whatever it is for.
#[test]
fn the_first_of_silent_entries_may_run_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let images = ["arm64", "amd64"].map(|architecture| image("a", architecture));
    let silent = |it: &ImageBuilder| without(without(it.descriptor(), "annotations"), "platform");
    let blobs = images.iter().flat_map(ImageBuilder::blobs).collect();
    let path = layout(&directory.path().join("silent"), &images.each_ref().map(silent), blobs);
    let (read, told) = read_and_told(&path, Some("linux/amd64"));
    assert_eq!(read, "a amd64");
    let [problem] = told.as_slice() else { panic!("{told:?}") };
    assert!(problem.message.contains("(Docker, Podman, newer Podman)"), "{problem}");
}
