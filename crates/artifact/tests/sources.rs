//! One image in every form in which it can lie on a disk gives the same entries, and is what its
//! digests say it is.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs;
use std::path::Path;

use artifact::{Image, Options, open};
use model::ArtifactKind;
use testkit::{
    ImageBuilder, LayerBuilder, Recorder, TarBuilder, bzip2, gzip, gzip_members, sha256, xz, zstd,
    zstd_chunked, zstd_frames,
};

type Compress = fn(&[u8]) -> Vec<u8>;

fn base() -> TarBuilder {
    TarBuilder::new()
        .directory("etc")
        .file("etc/os-release", "ID=test\n")
        .file("etc/large", vec![7; 300_000])
        .symlink("etc/link", "os-release")
}

fn top() -> TarBuilder {
    TarBuilder::new().file("opt/app", "app").whiteout("etc/large").opaque("var")
}

/// Two layers, the upper one as `store` compresses it, and the lower one once more on top: a
/// layer may come twice.
fn image(store: fn(&[u8]) -> Vec<u8>) -> ImageBuilder {
    let tar = top().finish();
    let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    ImageBuilder::new("repo/app:1")
        .layer(LayerBuilder::plain(base()).created_by("ADD base"))
        .layer(LayerBuilder::stored(&tar, store(&tar), media_type).created_by("COPY app"))
        .layer(LayerBuilder::plain(base()).created_by("ADD again"))
}

/// What all layers of an image show, without problems.
fn read_all(image: &Image) -> Vec<Recorder> {
    assert_eq!(image.problems(), []);
    let layers: Vec<u32> = image.artifact().layers.iter().map(|layer| layer.index).collect();
    let read = image.read(&layers, &Recorder::default).unwrap();
    assert_eq!(read.iter().map(|layer| layer.index).collect::<Vec<_>>(), layers);
    for layer in &read {
        assert_eq!(layer.problems, []);
        assert_eq!(layer.entries, layer.visitor.lines.len() as u64);
    }
    read.into_iter().map(|layer| layer.visitor).collect()
}

fn expected() -> Vec<Recorder> {
    [base(), top(), base()]
        .map(|tar| {
            let mut recorder = Recorder::default();
            assert_eq!(artifact::walk_tar(&tar.finish(), &mut recorder), []);
            recorder
        })
        .to_vec()
}

/// The forms of `image` in files under `directory`, each with the kind it is recognised as.
fn forms(image: &ImageBuilder, directory: &Path) -> Vec<(String, ArtifactKind)> {
    let mut forms = Vec::new();
    let archives = [
        ("old.tar", image.old_docker_archive(), ArtifactKind::DockerArchive),
        ("new.tar", image.docker_archive(), ArtifactKind::DockerArchive),
        ("oci.tar", image.oci_archive(), ArtifactKind::OciArchive),
    ];
    for (name, bytes, kind) in archives {
        for (end, bytes) in [("", bytes.clone()), (".gz", gzip(&bytes)), (".zst", zstd(&bytes))] {
            let path = directory.join(format!("{name}{end}"));
            fs::write(&path, bytes).unwrap();
            forms.push((path.display().to_string(), kind));
        }
    }
    let layout = directory.join("layout");
    image.write_oci_dir(&layout);
    forms.push((layout.display().to_string(), ArtifactKind::OciDir));
    forms
}

#[test]
fn every_form_gives_the_same() {
    let compressions: [(&str, Compress); 6] = [
        ("plain", <[u8]>::to_vec),
        ("gzip", gzip),
        ("eStargz", |tar| gzip_members(tar, 700)),
        ("zstd", zstd),
        ("zstd in frames", |tar| zstd_frames(tar, 700)),
        ("zstd:chunked", zstd_chunked),
    ];
    let expected = expected();
    for (compression, store) in compressions {
        let directory = tempfile::tempdir().unwrap();
        let image = image(store);
        for (path, kind) in forms(&image, directory.path()) {
            for (prefix, verify) in [("", false), ("", true), (kind.name(), false)] {
                let colon = if prefix.is_empty() { "" } else { ":" };
                let options = Options { verify, ..Options::default() };
                let opened = open(&format!("{prefix}{colon}{path}"), &options).unwrap();
                assert_eq!(opened.artifact().kind, kind, "{path}");
                assert!(read_all(&opened) == expected, "{compression} {path} verify: {verify}");
            }
        }
    }
}

#[test]
fn the_artifact_is_described_by_what_its_source_knows() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(gzip);
    for (path, kind) in forms(&image, directory.path()) {
        let opened = open(&path, &Options::default()).unwrap();
        let artifact = opened.artifact();
        assert_eq!(artifact.digest, Some(sha256(&image.config())), "{path}");
        let has_manifest = !path.contains("old");
        let manifest_digest = has_manifest.then(|| sha256(&image.manifest()));
        assert_eq!(artifact.manifest_digest, manifest_digest, "{path}");
        assert_eq!(artifact.platform.as_ref().unwrap().to_string(), "linux/amd64");
        assert_eq!(artifact.created.as_deref(), Some("2024-01-02T03:04:05Z"));
        let commands: Vec<_> = artifact.layers.iter().map(|it| it.created_by.as_str()).collect();
        assert_eq!(commands, ["ADD base", "COPY app", "ADD again"]);
        for (layer, built) in artifact.layers.iter().zip(&image.layers) {
            assert_eq!(layer.diff_id.as_ref(), Some(&built.diff_id), "{path}");
            let knows_digest = kind != ArtifactKind::DockerArchive || has_manifest;
            assert_eq!(layer.digest, knows_digest.then(|| built.digest.clone()), "{path}");
            assert_eq!(layer.size_bytes, Some(built.blob.len() as u64), "{path}");
        }
    }
}

#[test]
fn what_was_not_verified_is_kept_under_the_name_of_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(gzip);
    for (path, _) in forms(&image, directory.path()) {
        let is_plain = path.ends_with(".tar") || path.ends_with("layout");
        for verify in [false, true] {
            let options = Options { verify, ..Options::default() };
            let opened = open(&path, &options).unwrap();
            let read = opened.read(&[0, 1, 2], &Recorder::default).unwrap();
            for (layer, read) in opened.artifact().layers.iter().zip(read) {
                let key = opened.cache_key(layer.index).unwrap();
                // The upper layer is compressed, so that all of it is read.
                let seeks = is_plain && !verify && layer.index != 1;
                assert_eq!(key.starts_with("file:"), seeks, "{path} {verify}");
                assert_eq!(read.verified, !seeks, "{path} {verify}");
                assert!(seeks || key == layer.diff_id.as_ref().unwrap().to_string());
            }
            assert_eq!(opened.cache_key(3), None);
        }
    }
    let path = directory.path().join("new.tar");
    let key = || open(path.to_str().unwrap(), &Options::default()).unwrap().cache_key(0).unwrap();
    let before = key();
    fs::write(&path, image.docker_archive()).unwrap();
    assert_ne!(before, key(), "written again, it is another file");
}

#[test]
fn a_layer_is_read_alone() {
    let directory = tempfile::tempdir().unwrap();
    for (path, _) in forms(&image(zstd), directory.path()) {
        let opened = open(&path, &Options::default()).unwrap();
        let read = opened.read(&[1], &Recorder::default).unwrap();
        assert_eq!(read.len(), 1);
        assert!(read[0].visitor == expected()[1], "{path}");
        assert_eq!(opened.read(&[], &Recorder::default).unwrap().len(), 0);
    }
}

#[test]
fn root_file_systems_come_in_any_compression() {
    let directory = tempfile::tempdir().unwrap();
    let tar = base().file("usr/.wh.name", "an ordinary name here").finish();
    let compressions: [(&str, Compress); 7] = [
        ("tar", <[u8]>::to_vec),
        ("tar.gz", gzip),
        ("members.gz", |tar| gzip_members(tar, 1000)),
        ("tar.xz", xz),
        ("tar.bz2", bzip2),
        ("tar.zst", zstd),
        ("frames.zst", |tar| zstd_frames(tar, 1000)),
    ];
    let mut seen = Vec::new();
    for (name, compress) in compressions {
        let path = directory.path().join(name);
        fs::write(&path, compress(&tar)).unwrap();
        for prefix in ["", "fs-archive:"] {
            let image = open(&format!("{prefix}{}", path.display()), &Options::default()).unwrap();
            let artifact = image.artifact();
            assert_eq!(artifact.kind, ArtifactKind::FsArchive, "{name}");
            assert_eq!((&artifact.digest, artifact.layers.len()), (&None, 1));
            assert_eq!(image.cache_key(0), None);
            seen.extend(read_all(&image));
        }
    }
    assert!(seen.iter().all(|recorder| *recorder == seen[0]));
    assert!(seen[0].paths().contains(&"usr/.wh.name"));
}

/// A member of the archive ends in the middle of a block of its compression.
#[test]
fn archives_of_images_come_in_any_compression() {
    let directory = tempfile::tempdir().unwrap();
    let image = image(gzip);
    let compressions: [(&str, Compress); 5] =
        [("tar", <[u8]>::to_vec), ("gz", gzip), ("xz", xz), ("bz2", bzip2), ("zst", zstd)];
    let archives = [image.old_docker_archive(), image.docker_archive(), image.oci_archive()];
    for (name, compress) in compressions {
        for (number, archive) in archives.iter().enumerate() {
            let path = directory.path().join(format!("{number}.{name}"));
            fs::write(&path, compress(archive)).unwrap();
            let opened = open(path.to_str().unwrap(), &Options::default()).unwrap();
            assert!(read_all(&opened) == expected(), "{}", path.display());
        }
    }
}

#[test]
fn an_archive_of_a_directory_begins_with_a_dot() {
    let directory = tempfile::tempdir().unwrap();
    let files = image(gzip).oci_files();
    let tar = files.iter().fold(TarBuilder::new().directory("."), |tar, (path, bytes)| {
        tar.file(&format!("./{path}"), bytes)
    });
    let path = directory.path().join("dot.tar");
    fs::write(&path, tar.finish()).unwrap();
    let opened = open(path.to_str().unwrap(), &Options::default()).unwrap();
    assert_eq!(opened.artifact().kind, ArtifactKind::OciArchive);
    assert!(read_all(&opened) == expected());
}

/// Root file systems as distributions publish them.
#[test]
fn published_root_file_systems_are_read_whole() {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/images");
    let Ok(directory) = fs::read_dir(&images) else {
        eprintln!("skipped: no images at {}", images.display());
        return;
    };
    let mut count = 0;
    for path in directory.map(|entry| entry.unwrap().path()) {
        let image = open(path.to_str().unwrap(), &Options::default()).unwrap();
        let kind = image.artifact().kind;
        let [recorder] = &read_all(&image)[..] else { panic!("{}: {kind:?}", path.display()) };
        let has = |name: &&str| recorder.contents.contains_key(*name);
        assert!(["etc/os-release", "usr/lib/os-release"].iter().any(has), "{}", path.display());
        count += 1;
    }
    assert!(count > 0);
}

/// `zstd --long` and `--ultra` make one segment of a whole tar whose window is as large as itself.
#[test]
fn zstd_may_want_a_window_as_large_as_the_layer() {
    let noise: Vec<u8> =
        (0..3_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let tar = TarBuilder::new().file("noise", &noise).file("behind", "x").finish();
    let mut compressor = zstd::bulk::Compressor::new(1).unwrap();
    compressor.set_parameter(zstd::zstd_safe::CParameter::WindowLog(24)).unwrap();
    let blob = compressor.compress(&tar).unwrap();
    assert_ne!(blob[4] & 0x20, 0, "a single segment");
    let directory = tempfile::tempdir().unwrap();
    let media_type = "application/vnd.oci.image.layer.v1.tar+zstd";
    let layer = LayerBuilder::stored(&tar, blob, media_type);
    // The small second layer keeps the first thread busy with the wide one.
    let image = ImageBuilder::new("a:1").layer(layer).layer(LayerBuilder::zstd(base()));
    image.write_oci_dir(directory.path());
    let opened = open(directory.path().to_str().unwrap(), &Options::default()).unwrap();
    let layers = opened.read(&[0, 1], &Recorder::default).unwrap();
    assert!(layers.iter().all(|layer| layer.verified && layer.problems.is_empty()), "{layers:?}");
    assert_eq!(layers[0].visitor.paths(), ["noise", "behind"]);
}
