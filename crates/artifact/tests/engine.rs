//! Daemons that answer as Docker does, and ones that do not: the export in every order and
//! dialect, cut off, wrong, or not to be had.

use std::sync::atomic::{AtomicUsize, Ordering};

use artifact::{Environment, Image, LayerRead, OpenError, OpenErrorKind, Options, open};
use model::{Entry, ProblemKind, Visitor, Want};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    Authority, Fault, ImageBuilder, LayerBuilder, Recorder, Reply, Request, Server, TarBuilder, Tls,
};

fn image() -> ImageBuilder {
    let noise: Vec<u8> =
        (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    ImageBuilder::new("app:1")
        .layer(LayerBuilder::plain(TarBuilder::new().file("a", "one")).created_by("ADD a"))
        .layer(LayerBuilder::plain(TarBuilder::new().file("noise", noise)).created_by("ADD noise"))
}

/// A daemon on a socket of its own; it stops with the test.
struct Daemon {
    server: Server,
    directory: TempDir,
}

impl Daemon {
    fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server::on_socket(&directory.path().join("d.sock"), answer);
        Self { server, directory }
    }

    fn options(&self) -> Options {
        let address = format!("unix://{}", self.directory.path().join("d.sock").display());
        let environment = Environment::default()
            .with_system("/nonexistent")
            .with("DOCKER_HOST", address)
            .with("CONTAINER_HOST", "unix:///nonexistent")
            .with("CONTAINERD_ROOT", "/nonexistent");
        Options { environment, ..Options::default() }
    }

    fn open(&self) -> Result<Image, OpenError> {
        open("docker:app:1", &self.options())
    }

    fn asked(&self, what: &str) -> usize {
        self.server.requests().iter().filter(|request| request.path.ends_with(what)).count()
    }
}

/// What `inspect` answers, with the ID and the graph driver's data that a kind of store gives.
fn inspected(image: &ImageBuilder, id: &str, graph_data: &Value) -> Value {
    let diff_ids: Vec<String> =
        image.layers.iter().map(|layer| layer.diff_id.to_string()).collect();
    json!({
        "Id": id, "Os": "linux", "Architecture": "amd64", "Created": "2024-01-02T03:04:05Z",
        "Size": 1_200_000, "RootFS": { "Type": "layers", "Layers": diff_ids },
        "GraphDriver": { "Name": "test", "Data": graph_data },
    })
}

/// A daemon with overlay2, whose directories are out of reach, that exports `export`.
fn docker(image: &ImageBuilder, export: Reply) -> Daemon {
    let id = testkit::sha256(&image.config()).to_string();
    let graph = json!({ "UpperDir": "/nonexistent/1", "LowerDir": "/nonexistent/0" });
    let answer = inspected(image, &id, &graph);
    let steps = json!([
        { "CreatedBy": "ADD noise", "Size": 1_200_000 },
        { "CreatedBy": "ADD a", "Size": 3 },
        { "CreatedBy": "ENV a=b", "Size": 0 },
    ]);
    Daemon::new(move |request| match request.path.as_str() {
        "/images/app:1/json" => Reply::new(200, answer.to_string()),
        path if path.ends_with("/history") => Reply::new(200, steps.to_string()),
        path if path == format!("/images/{id}/get") => export.clone(),
        _ => Reply::new(404, r#"{"message":"no such image"}"#),
    })
}

fn read(image: &Image) -> Vec<LayerRead<Recorder>> {
    let all: Vec<u32> = image.artifact().layers.iter().map(|layer| layer.index).collect();
    image.read(&all, &Recorder::default).expect("nothing interrupts it")
}

fn assert_whole(opened: &Image, built: &ImageBuilder) {
    assert_eq!(opened.artifact().digest, Some(testkit::sha256(&built.config())));
    let commands: Vec<&str> =
        opened.artifact().layers.iter().map(|it| it.created_by.as_str()).collect();
    assert_eq!(commands, ["ADD a", "ADD noise"]);
    let layers = read(opened);
    assert_eq!(layers[0].visitor.paths(), ["a"]);
    assert_eq!(layers[1].visitor.paths(), ["noise"]);
    assert!(layers.iter().all(|layer| layer.verified && layer.problems.is_empty()));
}

#[test]
fn exports_in_every_dialect() {
    let built = image();
    let mut backwards = built.oci_files();
    backwards.reverse();
    let backwards =
        backwards.into_iter().fold(TarBuilder::new(), |tar, (path, bytes)| tar.file(&path, bytes));
    let podman = built.layers.iter().fold(TarBuilder::new(), |tar, layer| {
        let path = format!("{}.tar", layer.diff_id.hex());
        tar.file(&path, &layer.blob).directory("x").symlink("x/layer.tar", &format!("../{path}"))
    });
    let exports = [
        ("before 25", built.old_docker_archive()),
        ("since 25", built.docker_archive()),
        ("since 25, in another order", backwards.finish()),
        ("Podman's", podman.finish()),
    ];
    for (what, export) in exports {
        let daemon = docker(&built, Reply::new(200, export));
        let opened = daemon.open().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(daemon.asked("/get"), 0, "{what}: facts need no export");
        assert_whole(&opened, &built);
        assert_eq!(daemon.asked("/get"), 1, "{what}");
        // What is cached is not read, and what is named by its digest not even looked at.
        let one = opened.read(&[0], &Recorder::default).unwrap();
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].visitor.paths(), ["a"]);
    }
}

/// In containerd's store an image's ID is the digest of a manifest, and its layers are stored as
/// they were pulled: the configuration has to come from the export.
#[test]
fn a_daemon_whose_ids_are_not_configurations() {
    let built = image();
    let mut pulled = built.clone();
    for layer in &mut pulled.layers {
        layer.blob = testkit::gzip(&layer.blob);
        layer.digest = testkit::sha256(&layer.blob);
    }
    let id = testkit::sha256(b"a manifest").to_string();
    let answer = inspected(&built, &id, &Value::Null);
    let export = pulled.docker_archive();
    let daemon = Daemon::new(move |request| match request.path.as_str() {
        "/images/app:1/json" => Reply::new(200, answer.to_string()),
        path if path.ends_with("/get") => Reply::new(200, export.clone()),
        _ => Reply::new(500, ""),
    });
    assert_whole(&daemon.open().unwrap(), &built);
    assert_eq!(daemon.asked("/get"), 2);
}

#[test]
fn an_export_that_breaks_off_keeps_what_came() {
    let built = image();
    let export = built.old_docker_archive();
    let faults =
        [Fault::BreakAfter(600_000), Fault::Raw(b"HTTP/1.1 200 OK\r\n\r\ngarbage".to_vec())];
    for (fault, came) in faults.into_iter().zip([true, false]) {
        let daemon = docker(&built, Reply::new(200, export.clone()).with(fault));
        let layers = read(&daemon.open().unwrap());
        assert_eq!(layers[0].verified, came);
        assert!(!layers[1].verified);
        let kinds: Vec<ProblemKind> =
            layers[1].problems.iter().map(|problem| problem.kind).collect();
        assert!(kinds.iter().any(|kind| kind.makes_incomplete()), "{:?}", layers[1].problems);
        assert!(layers[1].problems.iter().all(|problem| problem.layer == Some(1)));
    }
}

#[test]
fn a_layer_that_is_not_what_it_should_be_is_damaged() {
    let built = image();
    let mut other = built.clone();
    other.layers[0].blob = TarBuilder::new().file("b", "two").finish();
    let daemon = docker(&built, Reply::new(200, other.old_docker_archive()));
    let opened = daemon.open().unwrap();
    let layers = read(&opened);
    assert!(!layers[0].verified);
    assert!(layers[0].problems.iter().any(|problem| problem.kind == ProblemKind::Damaged));
    assert!(layers[1].verified && layers[1].problems.is_empty());
    // A layer that is known, and not asked for, is none that could stand in its place.
    let one = opened.read(&[0], &Recorder::default).unwrap();
    assert_eq!(one[0].visitor.paths(), ["b"]);
}

/// A visitor that may have had enough from the beginning.
struct Reluctant {
    recorder: Recorder,
    has_enough: bool,
}

impl Visitor for Reluctant {
    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        if self.has_enough { Want::Nothing } else { self.recorder.entry(entry) }
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        if !self.has_enough {
            self.recorder.content(entry, bytes);
        }
    }
}

/// Visitors that share a limit: the first has the most of what it was shown.
#[test]
fn of_a_layer_that_is_there_twice_the_lower_is_the_fuller() {
    let layer = LayerBuilder::plain(TarBuilder::new().file("a", "one"));
    let built = ImageBuilder::new("app:1").layer(layer.clone()).layer(layer);
    let daemon = docker(&built, Reply::new(200, built.old_docker_archive()));
    let made = AtomicUsize::new(0);
    let make = || {
        let has_enough = made.fetch_add(1, Ordering::Relaxed) > 0;
        Reluctant { recorder: Recorder::default(), has_enough }
    };
    let layers = daemon.open().unwrap().read(&[0, 1], &make).unwrap();
    let seen = layers.iter().map(|layer| layer.visitor.recorder.contents.len());
    assert_eq!(Vec::from_iter(seen), [1, 0]);
}

#[test]
fn daemons_that_are_not_there_or_say_no() {
    let options = |address: &str| Options {
        environment: Environment::default().with("DOCKER_HOST", address),
        ..Options::default()
    };
    let kind = |address: &str, name: &str| {
        let error = open(&format!("docker:{name}"), &options(address)).err().unwrap();
        (error.kind(), error.to_string())
    };
    let (missing, message) = kind("unix:///nonexistent/d.sock", "app:1");
    assert_eq!(missing, OpenErrorKind::Network);
    assert_eq!(message, "Docker does not run at `unix:///nonexistent/d.sock`");
    assert_eq!(kind("ssh://somewhere", "app:1").0, OpenErrorKind::Unsupported);
    assert_eq!(kind("npipe://x", "app:1").0, OpenErrorKind::Usage);
    assert_eq!(kind("unix:///nonexistent/d.sock", "../containers/x").0, OpenErrorKind::Usage);
    assert_eq!(kind("unix:///nonexistent/d.sock", "a b").0, OpenErrorKind::Usage);

    let daemon = Daemon::new(|_| Reply::new(500, r#"{"message":"out of\norder"}"#));
    let error = daemon.open().err().unwrap();
    assert_eq!(error.to_string(), "Docker answers 500 about `app:1`: it says “out oforder”");
    let daemon = Daemon::new(|_| Reply::new(200, "[[[["));
    assert_eq!(daemon.open().err().unwrap().kind(), OpenErrorKind::Network);
    let daemon = docker(&image(), Reply::new(404, ""));
    let error = open("docker:other:1", &daemon.options()).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::NotFound);
    // The image is gone between the question and the export.
    let opened = daemon.open().unwrap();
    assert!(opened.read(&[0], &Recorder::default).is_err());
}

#[test]
fn a_daemon_on_the_network_is_one_unless_offline() {
    let built = image();
    let answer = inspected(&built, &testkit::sha256(&built.config()).to_string(), &Value::Null);
    let export = built.old_docker_archive();
    let server = Server::new(move |request| match request.path.as_str() {
        "/images/app:1/json" => Reply::new(200, answer.to_string()),
        path if path.ends_with("/get") => Reply::new(200, export.clone()),
        _ => Reply::new(404, ""),
    });
    let environment =
        Environment::default().with("DOCKER_HOST", format!("tcp://{}", server.host()));
    let options = Options { environment, ..Options::default() };
    assert_whole(&open("docker:app:1", &options).unwrap(), &built);
    let asked = server.requests().len();
    let offline = Options { offline: true, ..options };
    assert_eq!(open("docker:app:1", &offline).err().unwrap().kind(), OpenErrorKind::Network);
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn a_container_that_cannot_be_taken_apart_is_read_flattened() {
    let export = TarBuilder::new().file("etc/os-release", "ID=test\n").file("note", "x").finish();
    let daemon = Daemon::new(move |request| match request.path.as_str() {
        "/containers/web/json" => {
            Reply::new(200, r#"{"Id":"0123","Image":"sha256:00","GraphDriver":{"Data":null}}"#)
        }
        "/containers/0123/export" => Reply::new(200, export.clone()),
        _ => Reply::new(404, ""),
    });
    let opened = open("container:web", &daemon.options()).unwrap();
    assert_eq!(opened.problems().len(), 1);
    assert_eq!(opened.problems()[0].kind, ProblemKind::Notice);
    let layers = read(&opened);
    assert_eq!(layers[0].visitor.paths(), ["etc/os-release", "note"]);
    assert!(layers[0].problems.is_empty(), "{:?}", layers[0].problems);
    assert_eq!(opened.cache_key(0), None);

    let error = open("container:other", &daemon.options()).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::NotFound);
}

/// `DOCKER_HOST=tcp://…` with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`: both sides show who they
/// are, and nobody else is believed.
#[test]
fn a_daemon_on_the_network_is_spoken_to_in_secret() {
    let built = image();
    let (ours, theirs) = (Authority::default(), Authority::default());
    let id = testkit::sha256(&built.config()).to_string();
    let graph = json!({ "UpperDir": "/nonexistent/1", "LowerDir": "/nonexistent/0" });
    let answer = inspected(&built, &id, &graph).to_string();
    let export = built.docker_archive();
    let tls = Tls::new(&ours.identity(&["127.0.0.1"]), Some(&ours));
    let server = Server::secure(&tls, move |request| match request.path.as_str() {
        "/images/app:1/json" => Reply::new(200, answer.clone()),
        path if path.ends_with("/get") => Reply::new(200, export.clone()),
        _ => Reply::new(500, ""),
    });
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let open = || {
        let environment = Environment::default()
            .with("DOCKER_HOST", format!("tcp://{}", server.host()))
            .with("DOCKER_TLS_VERIFY", "1")
            .with("DOCKER_CERT_PATH", directory.path().display().to_string());
        open("docker:app:1", &Options { environment, ..Options::default() })
    };
    assert_eq!(open().err().map(|it| it.kind()), Some(OpenErrorKind::Network), "no ca.pem");
    for (trusted, shown, fits) in [
        (&ours, Some(&ours), true),
        (&theirs, Some(&ours), false),
        (&ours, Some(&theirs), false),
        (&ours, None, false),
    ] {
        write("ca.pem", &trusted.certificate);
        match shown.map(|authority| authority.identity(&[])) {
            Some(identity) => {
                write("cert.pem", &identity.certificate);
                write("key.pem", &identity.key);
            }
            None => std::fs::remove_file(directory.path().join("cert.pem")).unwrap(),
        }
        match open() {
            Ok(opened) => {
                assert!(fits);
                assert!(read(&opened).iter().all(|layer| layer.verified));
            }
            Err(error) => {
                assert!(!fits, "{error:?}");
                assert_eq!(error.kind(), OpenErrorKind::Network, "{error:?}");
            }
        }
    }
}

/// A place that is set up wrongly, or damaged, keeps nobody from finding the image elsewhere.
#[test]
fn a_broken_engine_is_passed_by_and_told() {
    let built = image();
    let daemon = docker(&built, Reply::new(200, built.old_docker_archive()));
    let podman = format!("unix://{}", daemon.directory.path().join("d.sock").display());
    let store = daemon.directory.path().join("io.containerd.metadata.v1.bolt");
    std::fs::create_dir_all(&store).expect("a directory");
    std::fs::write(store.join("meta.db"), [7; 8192]).expect("a file");
    let options = |podman: &str| {
        let environment = Environment::default()
            .with_system("/nonexistent")
            .with("DOCKER_HOST", "127.0.0.1:2375")
            .with("CONTAINER_HOST", podman)
            .with("CONTAINERD_ROOT", daemon.directory.path().display().to_string());
        Options { environment, offline: true, ..Options::default() }
    };
    let opened = open("app:1", &options(&podman)).expect("Podman has it");
    assert_whole(&opened, &built);
    let told: Vec<String> = opened.problems().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("Docker cannot be reached at `127.0.0.1:2375`"), "{told:?}");
    assert!(told[1].contains("containerd's store"), "{told:?}");
    assert!(opened.problems().iter().all(|problem| problem.kind == ProblemKind::Notice));

    let error = open("app:1", &options("unix:///nonexistent")).err().expect("nobody has it");
    assert_eq!(error.kind(), OpenErrorKind::Network, "the registry comes last: {error}");
    let hint = error.hint_text().expect("a hint");
    assert!(hint.contains("127.0.0.1:2375") && hint.contains("containerd's store"), "{hint}");
}

/// Whoever answers may have the image: what the registry calls so may be another one.
#[test]
fn an_engine_that_answers_with_an_error_is_told() {
    let answers = [
        (Reply::new(500, r#"{"message":"broken"}"#), "answers 500"),
        (Reply::new(403, "not for you"), "answers 403"),
        (Reply::new(200, "<html>"), "does not answer sensibly"),
    ];
    for (answer, told) in answers {
        let daemon = Daemon::new(move |_| answer.clone());
        let options = Options { offline: true, ..daemon.options() };
        let error = open("app:1", &options).err().expect("nobody else has it");
        let hint = error.hint_text().unwrap_or_default();
        assert!(hint.contains(told), "{told}: {error:?}");
    }
    // Nobody there is nothing to tell.
    let daemon = Daemon::new(|_| Reply::new(404, ""));
    std::fs::remove_file(daemon.directory.path().join("d.sock")).expect("it was there");
    let options = Options { offline: true, ..daemon.options() };
    let error = open("app:1", &options).err().expect("nobody has it");
    let hint = error.hint_text().unwrap_or_default();
    assert!(!hint.contains("Docker"), "{error:?}");
}
