//! What one image leaves in the cache, and what another one then finds there.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use artifact::{Environment, Progress, RegistryOptions};
use jiff::Timestamp;
use model::{Inventory, ProblemKind};
use scan::{Checks, Options};
use serde_json::json;
use testkit::{
    Content, Fault, ImageBuilder, LayerBuilder, Reply, Server, TarBuilder, gzip, sha256, zstd,
};

const STATUS: &str =
    "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n";

fn base() -> TarBuilder {
    TarBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("var/lib/dpkg/status", STATUS)
}

fn options(cache: &Path) -> Options {
    Options {
        artifact: artifact::Options {
            // No configuration of this machine may change a test.
            environment: Environment::default().with_system("/nonexistent"),
            ..artifact::Options::default()
        },
        cache_dir: Some(cache.to_owned()),
        cache_limit: u64::MAX,
        checks: Checks::default(),
        check_set: None,
        signatures: None,
        clamd: None,
        declared: false,
        attached: false,
        distro: None,
        feeds: feeds::Options::new(Timestamp::UNIX_EPOCH),
        now: Timestamp::UNIX_EPOCH,
        give_back: || {},
    }
}

fn inspect(target: &str, options: &Options) -> Inventory {
    scan::inspect(target, options).unwrap().inventory
}

fn packages(inventory: &Inventory) -> Vec<&str> {
    inventory.packages.iter().map(|package| package.name.as_str()).collect()
}

fn is_incomplete(inventory: &Inventory) -> bool {
    inventory.problems.iter().any(|problem| problem.kind.makes_incomplete())
}

/// Counts the layers that are read.
#[derive(Default)]
struct Count {
    begun: AtomicU32,
    bytes: Mutex<u64>,
}

impl Progress for Count {
    fn layer_begins(&self, _index: u32, _name: &str, _total_bytes: Option<u64>) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    fn layer_bytes(&self, _index: u32, count: u64) {
        *self.bytes.lock().unwrap() += count;
    }

    fn layer_ends(&self, _index: u32) {}
}

/// Images that claim the diff ID of another's layer, each in a way of its own, and an honest one
/// after each: it shows what it holds.
#[test]
fn nothing_is_kept_under_a_diff_id_that_was_not_found_to_have_it() {
    let genuine = LayerBuilder::gzip(base());
    let victim = ImageBuilder::new("victim:1").layer(genuine.clone());
    let empty = TarBuilder::new().finish();
    let claim = |blob: Vec<u8>, media_type: &str| LayerBuilder {
        diff_id: genuine.diff_id.clone(),
        ..LayerBuilder::stored(&empty, blob, media_type)
    };
    let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
    let absent = LayerBuilder { distributed: false, ..claim(gzip(&empty), tar) };
    let claims = [
        ("odd type", claim(gzip(&empty), "application/vnd.example.layer+gzip")),
        ("other contents", claim(gzip(&empty), tar)),
        ("nothing", claim(Vec::new(), tar)),
        ("missing", absent),
    ];
    for (name, layer) in claims {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let options = options(&directory.path().join("cache"));
        let ordinary = LayerBuilder::gzip(TarBuilder::new().file("a", "b"));
        let liar = ImageBuilder::new("liar:1").layer(layer).layer(ordinary);
        liar.write_oci_dir(Path::new(&path("liar")));
        victim.write_oci_dir(Path::new(&path("victim")));
        let lied = inspect(&format!("oci-dir:{}", path("liar")), &options);
        assert!(is_incomplete(&lied), "{name}: {:?}", lied.problems);
        let found = inspect(&format!("oci-dir:{}", path("victim")), &options);
        assert_eq!(packages(&found), ["bash"], "{name}");
        assert!(!is_incomplete(&found), "{name}: {:?}", found.problems);
        if name == "odd type" {
            let again = inspect(&format!("oci-dir:{}", path("liar")), &options);
            assert!(is_incomplete(&again), "what is cached does not make it a layer that is read");
        }
    }
}

/// The same file in one layout, once as something that is not read and once as a layer.
#[test]
fn what_was_not_read_is_not_kept_under_the_name_of_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(&directory.path().join("cache"));
    let layer = LayerBuilder::plain(base());
    let odd = LayerBuilder { media_type: "application/vnd.example".to_owned(), ..layer.clone() };
    let ordinary = LayerBuilder::gzip(TarBuilder::new().file("a", "b"));
    let layout = directory.path().join("layout");
    let target = format!("oci-dir:{}", layout.display());
    ImageBuilder::new("a:1").layer(odd).layer(ordinary).write_oci_dir(&layout);
    assert!(is_incomplete(&inspect(&target, &options)));
    // Same inode, same times: only the documents are written anew.
    let blob = layout.join(format!("blobs/sha256/{}", layer.digest.hex()));
    let honest = ImageBuilder::new("a:1").layer(layer);
    for (path, bytes) in honest.oci_files() {
        if layout.join(&path) != blob {
            std::fs::write(layout.join(path), bytes).unwrap();
        }
    }
    assert_eq!(packages(&inspect(&target, &options)), ["bash"]);
}

/// A registry that breaks off in the middle of a layer, and is there again when a link in another
/// layer leads to a second pass: what the first pass missed is not missed for good.
#[test]
fn a_first_pass_that_was_cut_is_not_kept_because_a_second_one_was_not() {
    let noise: Vec<u8> =
        (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let lower = TarBuilder::new()
        .file("data/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("noise", noise)
        .file("var/lib/dpkg/status", STATUS);
    let upper = TarBuilder::new().symlink("etc/os-release", "../data/os-release");
    let image = ImageBuilder::new("shop:1")
        .layer(LayerBuilder::gzip(lower))
        .layer(LayerBuilder::gzip(upper));
    let big = image.layers[0].digest.to_string();
    let asked = AtomicU32::new(0);
    let content = Content::default().image("shop", "1", &image);
    let server = Server::meddling_registry(content, move |request, reply| {
        // Not there any more, after a part of it.
        match request.path.ends_with(&big).then(|| asked.fetch_add(1, Ordering::Relaxed)) {
            Some(0) => reply.with(Fault::BreakAfter(300_000)),
            Some(1) => Reply::new(404, ""),
            _ => reply,
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(directory.path());
    options.artifact.registry =
        RegistryOptions { insecure: vec![server.host()], ..RegistryOptions::default() };
    let target = format!("registry:{}/shop:1", server.host());
    let cut = inspect(&target, &options);
    assert!(is_incomplete(&cut) && cut.packages.is_empty(), "{:?}", cut.problems);
    assert!(cut.os.is_some(), "the second pass found it");
    let again = inspect(&target, &options);
    assert_eq!(packages(&again), ["bash"]);
    assert!(!is_incomplete(&again), "{:?}", again.problems);
    let before = server.requests().len();
    assert_eq!(packages(&inspect(&target, &options)), ["bash"]);
    let requests = server.requests();
    let blobs = requests.iter().skip(before).filter(|it| it.path.contains("/blobs/")).count();
    assert_eq!(blobs, 1, "the configuration; layers and what links lead to are cached");
}

/// What a link of one image makes of a file is nothing to another image that has the file.
#[test]
fn what_a_second_pass_found_is_kept_for_the_same_links_alone() {
    let lower = LayerBuilder::gzip(TarBuilder::new().file("data/file", STATUS));
    let linking = |from: &str| {
        let upper = TarBuilder::new().symlink(from, "/data/file");
        ImageBuilder::new("a:1").layer(lower.clone()).layer(LayerBuilder::gzip(upper))
    };
    let directory = tempfile::tempdir().unwrap();
    let options = options(&directory.path().join("cache"));
    let scan = |image: &ImageBuilder, name: &str| {
        image.write_oci_dir(&directory.path().join(name));
        inspect(&format!("oci-dir:{}", directory.path().join(name).display()), &options)
    };
    scan(&linking("etc/os-release"), "as-release");
    assert_eq!(packages(&scan(&linking("var/lib/dpkg/status"), "as-status")), ["bash"]);
}

#[test]
fn a_layer_that_is_listed_often_is_read_once() {
    let directory = tempfile::tempdir().unwrap();
    let layer = LayerBuilder::gzip(base());
    let image = (0..300).fold(ImageBuilder::new("a:1"), |image, _| image.layer(layer.clone()));
    image.write_oci_dir(&directory.path().join("layout"));
    let old = directory.path().join("old.tar");
    std::fs::write(&old, image.old_docker_archive()).unwrap();
    let liar = LayerBuilder { diff_id: sha256(b"?"), ..layer.clone() };
    image.layer(liar).write_oci_dir(&directory.path().join("liar"));
    for (target, layers, incomplete) in [
        ("oci-dir:layout", 300, false),
        ("docker-archive:old.tar", 300, false),
        ("oci-dir:liar", 301, true),
    ] {
        let target = target.replacen(':', &format!(":{}/", directory.path().display()), 1);
        let count = Arc::new(Count::default());
        let mut options = options(directory.path());
        options.cache_dir = None;
        options.artifact.progress = Arc::<Count>::clone(&count);
        let found = scan::inspect(&target, &options).unwrap();
        assert_eq!(found.artifact.layers.len(), layers, "{target}");
        assert_eq!(packages(&found.inventory), ["bash"], "{target}");
        assert_eq!(count.begun.load(Ordering::Relaxed), 1, "{target}");
        assert_eq!(is_incomplete(&found.inventory), incomplete, "{target}");
    }
}

/// Layers that grow beyond measure share one limit, and what is cut does not depend on the number
/// of threads or on what is cached.
#[test]
fn bombs_of_one_image_share_one_limit() {
    let directory = tempfile::tempdir().unwrap();
    let bomb = |name: &str| {
        // 600 MiB of zeros, under a name of its own so that no two are the same.
        let header = testkit::Header::file(name, 600 << 20);
        let begin = TarBuilder::new().header(&header).unfinished();
        let zeros = zstd(&vec![0; 4 << 20]).repeat(150);
        let blob = [zstd(&begin), zeros, zstd(&TarBuilder::new().finish())].concat();
        let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
        hash.update(&begin);
        (0..150).for_each(|_| hash.update(&vec![0; 4 << 20]));
        hash.update(&TarBuilder::new().finish());
        let diff_id = model::Digest::sha256(hash.finish().as_ref().try_into().unwrap());
        let tar = "application/vnd.oci.image.layer.v1.tar+zstd";
        LayerBuilder { diff_id, ..LayerBuilder::stored(b"", blob, tar) }
    };
    let image = ["a", "b", "c"]
        .iter()
        .fold(ImageBuilder::new("a:1").layer(LayerBuilder::gzip(base())), |image, name| {
            image.layer(bomb(name))
        });
    image.write_oci_dir(&directory.path().join("layout"));
    let target = format!("oci-dir:{}", directory.path().join("layout").display());
    let mut options = options(&directory.path().join("cache"));
    let mut told = Vec::new();
    for jobs in [4, 1, 2] {
        options.artifact.jobs = NonZeroUsize::new(jobs).unwrap();
        let found = inspect(&target, &options);
        assert_eq!(packages(&found), ["bash"]);
        let limits = found.problems.iter().filter(|it| it.kind == ProblemKind::LimitReached);
        told.push(limits.map(|it| it.layer).collect::<Vec<_>>());
    }
    assert_eq!(told[0], [Some(2), Some(3)], "the lowest bomb is within the limit");
    assert!(told.iter().all(|it| *it == told[0]), "{told:?}");
}

/// A daemon packs up the whole image for each request, so a second pass makes one for all layers.
#[test]
fn a_daemon_is_asked_once_a_pass() {
    let lower =
        |name: &str| LayerBuilder::plain(TarBuilder::new().file(&format!("data/{name}"), STATUS));
    let links = TarBuilder::new()
        .symlink("var/lib/dpkg/status.d/a", "/data/a")
        .symlink("var/lib/dpkg/status.d/b", "/data/b")
        .symlink("var/lib/dpkg/status.d/c", "/data/c");
    let image = ImageBuilder::new("app:1")
        .layer(lower("a"))
        .layer(lower("b"))
        .layer(lower("c"))
        .layer(LayerBuilder::plain(links));
    let id = sha256(&image.config()).to_string();
    let diff_ids: Vec<String> = image.layers.iter().map(|it| it.diff_id.to_string()).collect();
    let inspected = json!({
        "Id": id, "Os": "linux", "Architecture": "amd64", "Size": 1,
        "RootFS": { "Type": "layers", "Layers": diff_ids },
        "GraphDriver": { "Name": "test", "Data": { "UpperDir": "/nonexistent" } },
    });
    let step = json!({ "CreatedBy": "RUN", "Size": 1 });
    let steps = json!([step, step, step, step]).to_string();
    let export = image.old_docker_archive();
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("d.sock");
    let server = Server::on_socket(&socket, move |request| match request.path.as_str() {
        "/images/app:1/json" => Reply::new(200, inspected.to_string()),
        path if path.ends_with("/history") => Reply::new(200, steps.clone()),
        path if path.ends_with("/get") => Reply::new(200, export.clone()),
        _ => Reply::new(404, "{}"),
    });
    let mut options = options(directory.path());
    options.artifact.environment = Environment::default()
        .with_system("/nonexistent")
        .with("DOCKER_HOST", format!("unix://{}", socket.display()));
    let found = inspect("docker:app:1", &options);
    assert_eq!(packages(&found), ["bash"], "{:?}", found.problems);
    let exports = server.requests().iter().filter(|it| it.path.ends_with("/get")).count();
    assert_eq!(exports, 2);
}
