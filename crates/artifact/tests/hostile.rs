//! Archives that are cut off, damaged, or lie: a clear error or a problem, and the rest kept.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use artifact::{LayerRead, OpenErrorKind, Options, Progress, Stop, open};
use model::{Problem, ProblemKind};
use serde_json::json;
use testkit::{Header, ImageBuilder, LayerBuilder, Recorder, TarBuilder, gzip, sha256, xz, zstd};

fn base() -> LayerBuilder {
    LayerBuilder::plain(TarBuilder::new().file("base", vec![7; 5000]).file("last", "x"))
}

fn write(directory: &Path, name: &str, bytes: &[u8]) -> String {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn read(target: &str, options: &Options) -> (Vec<Problem>, Vec<LayerRead<Recorder>>) {
    let image = open(target, options).unwrap();
    let layers: Vec<u32> = image.artifact().layers.iter().map(|layer| layer.index).collect();
    (image.problems().to_vec(), image.read(&layers, &Recorder::default).unwrap())
}

/// Every problem as `kind: message`.
fn told(layer: &LayerRead<Recorder>) -> Vec<String> {
    layer.problems.iter().map(|it| format!("{}: {}", it.kind.name(), it.message)).collect()
}

#[test]
fn a_layer_that_is_not_what_its_digests_say_is_told_and_kept() {
    let tar = TarBuilder::new().file("top", "x").finish();
    let other = TarBuilder::new().file("top", "y").finish();
    let (gz, other_gz) = (gzip(&tar), gzip(&other));
    let stored = |blob: &[u8]| {
        LayerBuilder::stored(&tar, blob.to_vec(), "application/vnd.oci.image.layer.v1.tar+gzip")
    };
    let longer = [&gz[..], b"more than a header has"].concat();
    let layers = [
        ("diff id", LayerBuilder { diff_id: sha256(b"?"), ..stored(&gz) }, "have the diff ID"),
        ("blob", LayerBuilder { digest: sha256(&gz), ..stored(&other_gz) }, "named after"),
        ("rubbish behind", stored(&longer), "does not decompress"),
        ("garbage", stored(&[9; 4096]), "checksum is wrong"),
        ("nothing", stored(b""), "it has 0 bytes"),
    ];
    let directory = tempfile::tempdir().unwrap();
    for (name, layer, message) in layers {
        let layout = directory.path().join(name);
        let mut image = ImageBuilder::new("a:1").layer(base()).layer(layer.clone());
        image.write_oci_dir(&layout);
        if name == "nothing" {
            // Listed with the bytes it should have.
            image.layers[1].blob = gz.clone();
            image.layers[1].digest = sha256(&gz);
            image.write_oci_dir(&layout);
            fs::write(layout.join(format!("blobs/sha256/{}", sha256(&gz).hex())), b"").unwrap();
        }
        let (_, layers) = read(layout.to_str().unwrap(), &Options::default());
        assert_eq!(layers[0].problems, [], "{name}");
        assert!(!layers[1].verified, "{name}");
        let told = told(&layers[1]);
        assert!(told[0].starts_with("damaged: ") && told[0].contains(message), "{name}: {told:?}");
        assert!(layers[1].problems.iter().all(|problem| problem.layer == Some(1)));
        if ["diff id", "blob", "rubbish behind"].contains(&name) {
            assert_eq!(layers[1].visitor.paths(), ["top"], "{name}");
        }
    }
}

#[test]
fn an_uncompressed_layer_is_checked_when_all_of_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let layer = LayerBuilder { diff_id: sha256(b"?"), ..base() };
    let image = ImageBuilder::new("a:1").layer(layer);
    let path = write(directory.path(), "a.tar", &image.old_docker_archive());
    let (_, sought) = read(&path, &Options::default());
    assert!(!sought[0].verified && sought[0].problems.is_empty());
    let (_, whole) = read(&path, &Options { verify: true, ..Options::default() });
    assert!(!whole[0].verified);
    assert!(told(&whole[0])[0].contains("have the diff ID"));
    assert!(sought[0].visitor == whole[0].visitor);
}

#[test]
fn a_layer_cut_off_anywhere_keeps_what_came_before() {
    let tar = TarBuilder::new().file("first", vec![1; 70_000]).file("second", vec![2; 70_000]);
    let tar = tar.finish();
    let directory = tempfile::tempdir().unwrap();
    type Compress = fn(&[u8]) -> Vec<u8>;
    let compressions: [(&str, Compress); 4] =
        [("plain", <[u8]>::to_vec), ("gzip", gzip), ("zstd", zstd), ("xz", xz)];
    for (name, compress) in compressions {
        let blob = compress(&tar);
        for percent in [0, 1, 30, 60, 99] {
            let cut = &blob[..blob.len() * percent / 100];
            let digest = sha256(&blob);
            let image = ImageBuilder::new("a:1").layer(base()).layer(LayerBuilder::stored(
                &tar,
                blob.clone(),
                "application/vnd.oci.image.layer.v1.tar",
            ));
            let layout = directory.path().join(name);
            image.write_oci_dir(&layout);
            fs::write(layout.join(format!("blobs/sha256/{}", digest.hex())), cut).unwrap();
            let (_, layers) = read(layout.to_str().unwrap(), &Options::default());
            let case = format!("{name} at {percent} %: {:?}", told(&layers[1]));
            assert!(!layers[1].verified, "{case}");
            assert!(!layers[1].problems.is_empty(), "{case}");
            assert!(layers[1].problems.iter().all(|it| it.kind == ProblemKind::Damaged), "{case}");
            assert_eq!(layers[0].visitor.paths(), ["base", "last"], "{case}");
            if name == "plain" && percent >= 60 {
                assert_eq!(layers[1].visitor.contents.keys().next().unwrap(), "first", "{case}");
            }
        }
    }
}

#[test]
fn an_archive_cut_off_says_so_or_lacks_nothing() {
    let image = ImageBuilder::new("a:1").layer(base()).layer(base());
    let directory = tempfile::tempdir().unwrap();
    let mut told = 0;
    for whole in [image.old_docker_archive(), image.docker_archive(), image.oci_archive()] {
        let (_, expected) = read(&write(directory.path(), "a.tar", &whole), &Options::default());
        for bytes in [whole.clone(), gzip(&whole)] {
            for cut in (0..bytes.len()).step_by(bytes.len() / 40) {
                let path = write(directory.path(), "cut.tar", &bytes[..cut]);
                let Ok(image) = open(&path, &Options::default()) else { continue };
                let read = image.read(&[0, 1], &Recorder::default).unwrap();
                let of_layers = read.iter().flat_map(|layer| &layer.problems);
                let mut problems = image.problems().iter().chain(of_layers);
                let is_told = problems.any(|problem| problem.kind.makes_incomplete());
                let all = || read.iter().zip(&expected).all(|(a, b)| a.visitor == b.visitor);
                assert!(is_told || all(), "{cut} of {}", bytes.len());
                told += u32::from(is_told);
            }
        }
    }
    assert!(told > 50, "{told}");
}

#[test]
fn manifests_and_configurations_are_what_they_are_named_after() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("a:1").layer(base());
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes).hex());
    let (manifest, config) = (image.manifest(), image.config());
    let changed = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("amd64", "arm64");
    let spaced = [&config[..], b" "].concat();
    let layouts = [
        (blob(&manifest), b"{}".to_vec(), "has 2 bytes, not the"),
        (blob(&manifest), manifest.to_ascii_uppercase(), "is not what it is named after"),
        (blob(&config), changed(&config).into_bytes(), "is not what it is named after"),
        (blob(&config), spaced, "bytes, not the"),
        ("index.json".to_owned(), b"[".to_vec(), "does not parse"),
        ("index.json".to_owned(), manifest.clone(), "is not an index"),
        (
            "index.json".to_owned(),
            json!({ "schemaVersion": 2, "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": "sha256:../../../../etc/passwd", "size": 9,
            }]})
            .to_string()
            .into_bytes(),
            "does not parse",
        ),
        (
            "index.json".to_owned(),
            json!({ "schemaVersion": 2, "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": sha256(&manifest).to_string(), "size": 1_u64 << 40,
            }]})
            .to_string()
            .into_bytes(),
            "bytes where at most",
        ),
        ("index.json".to_owned(), vec![b' '; 5 << 20], "more than the 4194304 bytes"),
        ("index.json".to_owned(), "[".repeat(100_000).into_bytes(), "does not parse"),
    ];
    for (number, (path, bytes, message)) in layouts.into_iter().enumerate() {
        let layout = directory.path().join(number.to_string());
        image.write_oci_dir(&layout);
        fs::write(layout.join(&path), bytes).unwrap();
        let error = open(layout.to_str().unwrap(), &Options::default()).err().unwrap();
        assert_eq!(error.kind(), OpenErrorKind::Damaged, "{number}: {error}");
        assert!(error.to_string().contains(message), "{number}: {error}");
    }
}

#[test]
fn archives_hold_what_their_manifest_lists() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("a:1").layer(base());
    let config = image.config();
    let fewer = ImageBuilder { layers: Vec::new(), ..image.clone() };
    let manifest = |config: &str, layers: &[&str]| {
        json!([{ "Config": config, "RepoTags": ["a:1"], "Layers": layers }]).to_string()
    };
    let name = format!("{}.json", sha256(&config).hex());
    let archives = [
        (manifest(&name, &["l.tar"]), &fewer.config()[..], "is not what it is named after"),
        (manifest("c.json", &["l.tar"]), &fewer.config(), "0 diff IDs for 1 layers"),
        (manifest("c.json", &[]), &config, "1 diff IDs for 0 layers"),
        (manifest("missing.json", &["l.tar"]), &config, "lacks the configuration"),
        (manifest("../../c.json", &["l.tar"]), &config, "a file outside itself"),
        (manifest("c.json", &["../../../etc/passwd"]), &config, "a file outside itself"),
        ("[]".to_owned(), &config, "holds no image"),
        ("{}".to_owned(), &config, "does not parse"),
        (manifest("c.json", &["l"; 1001]), &config, "lists 1001 layers"),
    ];
    for (manifest, config, message) in archives {
        let tar = TarBuilder::new()
            .file("manifest.json", &manifest)
            .file("c.json", config)
            .file(&name, config)
            .file("l.tar", &image.layers[0].blob);
        let path = write(directory.path(), "a.tar", &tar.finish());
        let error = open(&format!("docker-archive:{path}"), &Options::default()).err().unwrap();
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn links_within_an_archive_stay_within_it() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("a:1").layer(base()).layer(base()).layer(base());
    let manifest = json!([{
        "Config": "c.json",
        "Layers": ["loop/layer.tar", "out/layer.tar", "good/layer.tar"],
    }]);
    let tar = TarBuilder::new()
        .file("manifest.json", manifest.to_string())
        .file("c.json", image.config())
        .symlink("loop/layer.tar", "../loop2/layer.tar")
        .symlink("loop2/layer.tar", "../loop/layer.tar")
        .symlink("out/layer.tar", "/etc/passwd")
        .symlink("good/layer.tar", "../real.tar")
        .file("real.tar", &image.layers[0].blob)
        .finish();
    let (_, layers) = read(&write(directory.path(), "a.tar", &tar), &Options::default());
    assert_eq!(told(&layers[0]), ["unreadable: `loop/layer.tar` is missing"]);
    assert_eq!(told(&layers[1]), ["unreadable: `out/layer.tar` is missing"]);
    assert_eq!(layers[2].visitor.paths(), ["base", "last"]);
}

#[test]
fn nothing_is_waited_for_that_never_comes() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("a:1").layer(base());
    image.write_oci_dir(directory.path());
    let blob = directory.path().join(format!("blobs/sha256/{}", image.layers[0].digest.hex()));
    fs::remove_file(&blob).unwrap();
    let fifo = |path: &PathBuf| {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    fifo(&blob);
    let (_, layers) = read(directory.path().to_str().unwrap(), &Options::default());
    assert!(told(&layers[0])[0].contains("is not a regular file"), "{:?}", layers[0].problems);
    let target = directory.path().join("fifo.tar");
    fifo(&target);
    let error = open(target.to_str().unwrap(), &Options::default()).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::NotAnImage, "{error}");
}

#[test]
fn indexes_nested_too_deep_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("a:1").layer(base());
    let mut blobs = image.blobs();
    let mut descriptor = image.descriptor();
    let media_type = "application/vnd.oci.image.index.v1+json";
    for _ in 0..6 {
        let index =
            json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": [descriptor] });
        let bytes = index.to_string().into_bytes();
        let digest = sha256(&bytes);
        descriptor = json!({
            "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len(),
        });
        blobs.push((digest, bytes));
    }
    let files = ImageBuilder::oci_files_of(&[descriptor], blobs);
    ImageBuilder::write_files(directory.path(), &files);
    let error = open(directory.path().to_str().unwrap(), &Options::default()).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::Damaged);
    assert!(error.to_string().contains("nests more than"), "{error}");
}

#[test]
fn entries_of_many_gigabytes_are_passed_over_and_told_if_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.tar");
    let size = 10_u64 << 30;
    let large =
        TarBuilder::new().file("etc/os-release", "ID=x").header(&Header::file("large", size));
    let large = large.unfinished();
    let behind = TarBuilder::new().file("behind", "found").finish();
    {
        // The file system need not have room for it either.
        use std::os::unix::fs::FileExt;
        let file = fs::File::create(&path).unwrap();
        file.write_all_at(&large, 0).unwrap();
        file.write_all_at(&behind, large.len() as u64 + size).unwrap();
    }
    let (_, layers) = read(path.to_str().unwrap(), &Options::default());
    assert_eq!(layers[0].visitor.paths(), ["etc/os-release", "large", "behind"]);
    assert_eq!(layers[0].visitor.contents["behind"], b"found");
    assert_eq!(told(&layers[0]), ["limit_reached: 10737418240 bytes are too many to look into"]);
    assert_eq!(layers[0].bytes, large.len() as u64 + size + behind.len() as u64);
}

#[test]
fn without_room_for_a_temporary_file_the_rest_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let tar = TarBuilder::new().file("large", vec![1; 40 << 20]).file("small", "x").finish();
    let path = write(directory.path(), "a.tar", &tar);
    let options = Options { temp_dir: Some("/nonexistent".into()), ..Options::default() };
    let (_, layers) = read(&path, &options);
    assert_eq!(layers[0].visitor.paths(), ["large", "small"]);
    assert_eq!(layers[0].visitor.contents.keys().collect::<Vec<_>>(), ["small"]);
    let told = told(&layers[0]);
    assert!(told[0].starts_with("unreadable: no room for a temporary copy"), "{told:?}");
    let (_, layers) = read(&path, &Options::default());
    assert_eq!(layers[0].visitor.contents["large"].len(), 40 << 20);
}

/// Asks for a stop as soon as bytes flow.
struct Impatient(Stop, AtomicBool);

impl Progress for Impatient {
    fn layer_begins(&self, _index: u32, _name: &str, _total_bytes: Option<u64>) {}

    fn layer_bytes(&self, _index: u32, _count: u64) {
        self.0.stop();
    }

    fn layer_ends(&self, _index: u32) {
        self.1.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_stop_ends_reading_wherever_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("a:1").layer(base()).layer(base());
    let tar = TarBuilder::new().file("large", vec![1; 8 << 20]).file("b", "").finish();
    let targets = [
        write(directory.path(), "docker.tar", &image.docker_archive()),
        write(directory.path(), "oci.tar.gz", &gzip(&image.oci_archive())),
        write(directory.path(), "fs.tar", &tar),
        write(directory.path(), "fs.tar.zst", &zstd(&tar)),
        format!("dir:{}", directory.path().display()),
    ];
    for target in &targets {
        let stop = Stop::default();
        let progress = Arc::new(Impatient(stop.clone(), AtomicBool::new(false)));
        let options =
            Options { stop: stop.clone(), progress: progress.clone(), ..Options::default() };
        let opened = open(target, &options).unwrap();
        let error = opened.read(&[0, 1], &Recorder::default).err().unwrap();
        assert_eq!(error.kind(), OpenErrorKind::Interrupted, "{target}");
        assert!(progress.1.load(Ordering::Relaxed), "{target}: progress has its end");
        let late = Options { stop: Stop::at(Instant::now()), ..Options::default() };
        let error = match open(target, &late) {
            Ok(image) => image.read(&[0], &Recorder::default).err().unwrap().to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(error, "the time limit was reached", "{target}");
    }
    let soon = Stop::at(Instant::now() + Duration::from_secs(3600));
    let options = Options { stop: soon, ..Options::default() };
    assert_eq!(read(&targets[0], &options).1.len(), 2);
}

/// Bytes changed at random places: whatever happens, it is no panic and no endless loop. The
/// fuzz targets do the same for hours.
#[test]
fn random_damage_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("a:1").layer(base()).layer(LayerBuilder::zstd(
        TarBuilder::new()
            .pax(&[("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,1")])
            .header(&Header::file("sparse", 1))
            .content(b"x")
            .gnu_long(b'L', "long")
            .header(&Header::file("", 0)),
    ));
    let layout = [image.old_docker_archive(), image.docker_archive(), gzip(&image.oci_archive())];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % below
    };
    for whole in &layout {
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..=random(8) {
                let at = random(bytes.len());
                bytes[at] = u8::try_from(random(256)).unwrap();
            }
            let path = write(directory.path(), "damaged.tar", &bytes);
            if let Ok(image) = open(&path, &Options::default()) {
                image.read(&[0, 1], &Recorder::default).unwrap();
            }
            artifact::walk_tar(&bytes, &mut Recorder::default());
        }
    }
}

/// Documents that are asked for from the last to the first make a compressed archive one that is
/// decompressed as often. So they are kept, and what cannot be kept is not asked for for ever.
#[test]
fn documents_in_reverse_order_do_not_decompress_an_archive_again_and_again() {
    let directory = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new("a:1").layer(base());
    let media_type = "application/vnd.oci.image.index.v1+json";
    for (count, padding, opens) in [(31, 300_000, true), (12, 3_900_000, false)] {
        let padding = "x".repeat(padding);
        let indexes = (0..count).map(|number| {
            let annotations = json!({ "padding": padding, "number": number.to_string() });
            let manifests = [image.descriptor()];
            json!({ "schemaVersion": 2, "manifests": manifests, "annotations": annotations })
                .to_string()
                .into_bytes()
        });
        let mut blobs: Vec<_> = indexes.map(|bytes| (sha256(&bytes), bytes)).collect();
        let entries = blobs.iter().map(|(digest, bytes)| {
            let digest = digest.to_string();
            json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
        });
        let entries: Vec<_> = entries.collect();
        blobs.reverse();
        blobs.extend(image.blobs());
        let files = ImageBuilder::oci_files_of(&entries, blobs);
        let tar = files.iter().fold(TarBuilder::new(), |tar, (path, bytes)| tar.file(path, bytes));
        let tar = tar.finish();
        let plain = write(directory.path(), "a.tar", &tar);
        assert!(open(&plain, &Options::default()).is_ok(), "{count}");
        let path = write(directory.path(), "a.tar.zst", &zstd(&tar));
        match open(&path, &Options::default()) {
            Ok(_) => assert!(opens, "{count}"),
            Err(error) => {
                assert!(!opens, "{count}: {error}");
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let cause = cause.unwrap_or_default();
                assert!(cause.contains("decompressed more than 3 times"), "{error}: {cause}");
            }
        }
    }
}
