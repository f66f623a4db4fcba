//! The same image in every real service that can hold it: Docker, containerd, Podman and the
//! CNCF distribution server show the same layers as the layout it came from.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use artifact::{Environment, Image, LayerRead, OpenErrorKind, Options, RegistryOptions, open};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use tempfile::TempDir;
use testkit::{
    Containerd, Distribution, Docker, ImageBuilder, LayerBuilder, Podman, Recorder, Reply, Server,
    TarBuilder, installed, run, skip,
};

/// A layer that comes twice, whiteouts, an opaque directory, links, and a layer of one directory,
/// of which sizes tell nothing.
fn image(name: &str) -> ImageBuilder {
    let base = || {
        TarBuilder::new()
            .directory("etc")
            .file("etc/os-release", "ID=test\n")
            .file("etc/large", vec![7; 300_000])
            .symlink("etc/link", "os-release")
            .directory("var")
            .file("var/old", "old")
    };
    let top = TarBuilder::new()
        .directory("etc")
        .whiteout("etc/large")
        .directory("var")
        .opaque("var")
        .file("var/new", "new")
        .executable("app", "#!/bin/sh\n");
    ImageBuilder::new(name)
        .layer(LayerBuilder::gzip(base()).created_by("ADD base"))
        .layer(LayerBuilder::gzip(top).created_by("COPY app"))
        .layer(LayerBuilder::gzip(TarBuilder::new().directory("work")).created_by("WORKDIR /work"))
        .layer(LayerBuilder::gzip(base()).created_by("ADD base again"))
}

/// The same with layers that are not compressed, as `docker load` of old takes them.
fn plain(image: &ImageBuilder) -> ImageBuilder {
    let mut image = image.clone();
    for layer in &mut image.layers {
        let tar = run_filter("gzip", &["-dc"], &layer.blob);
        *layer = LayerBuilder::stored(&tar, tar.clone(), "application/vnd.oci.image.layer.v1.tar")
            .created_by(&layer.created_by);
    }
    image
}

fn run_filter(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), input).unwrap();
    let stdin = fs::File::open(file.path()).unwrap();
    let output = Command::new(program).args(arguments).stdin(stdin).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// No configuration of this machine may change a test.
fn environment() -> Environment {
    Environment::default().with_system("/nonexistent")
}

fn with_environment(environment: Environment) -> Options {
    Options { environment, ..Options::default() }
}

fn read(image: &Image) -> Vec<LayerRead<Recorder>> {
    let all: Vec<u32> = image.artifact().layers.iter().map(|layer| layer.index).collect();
    image.read(&all, &Recorder::default).unwrap()
}

/// What each layer shows, but for what overlayfs does not keep: the order of entries, and the
/// mode of what is removed.
fn shown(image: &Image) -> Vec<Vec<String>> {
    let line = |line: &String| match line.split_once(' ') {
        Some((kind @ ("opaque" | "whiteout"), rest)) => {
            let (_mode, rest) = rest.split_once(' ').unwrap();
            format!("{kind} {rest}")
        }
        _ => line.clone(),
    };
    let shown = |layer: LayerRead<Recorder>| {
        let mut lines: Vec<String> = layer.visitor.lines.iter().map(line).collect();
        lines.sort();
        lines
    };
    read(image).into_iter().map(shown).collect()
}

/// Holds an image in a service against what it was built from.
fn assert_same(opened: &Image, built: &ImageBuilder) {
    let artifact = opened.artifact();
    assert_eq!(artifact.digest, Some(testkit::sha256(&built.config())));
    assert_eq!(opened.problems(), []);
    let commands: Vec<&str> = artifact.layers.iter().map(|it| it.created_by.as_str()).collect();
    let expected: Vec<&str> = built.layers.iter().map(|it| it.created_by.as_str()).collect();
    assert_eq!(commands, expected);
    let diff_ids: Vec<_> = artifact.layers.iter().map(|it| it.diff_id.clone().unwrap()).collect();
    assert_eq!(diff_ids, built.layers.iter().map(|it| it.diff_id.clone()).collect::<Vec<_>>());

    let directory = tempfile::tempdir().unwrap();
    built.write_oci_dir(directory.path());
    let options = Options { verify: true, ..Options::default() };
    let expected = open(&directory.path().display().to_string(), &options).unwrap();
    for (layer, expected) in read(opened).into_iter().zip(read(&expected)) {
        assert_eq!(layer.problems, []);
        assert!(layer.verified, "layer {}", layer.index);
        assert_eq!(layer.visitor, expected.visitor, "layer {}", layer.index);
    }
    // What is cached needs no reading, and the rest comes all the same.
    let some = opened.read(&[1], &Recorder::default).unwrap();
    assert_eq!(some.len(), 1);
    assert_eq!(some[0].visitor, read(&expected)[1].visitor);
    assert!(opened.read(&[], &Recorder::default).unwrap().is_empty());
}

/// Holds an image read from where it lies unpacked against the same from its blobs. A daemon's
/// disk may not be ours; then the stream is all there is.
fn assert_unpacked(unpacked: &Image, blobs: &Image) {
    assert_eq!(shown(unpacked), shown(blobs));
    let layers = read(unpacked);
    assert!(layers.iter().all(|layer| layer.problems.is_empty()));
    if layers.iter().any(|layer| layer.verified) {
        skip("what the daemon unpacked cannot be read");
        return;
    }
    assert!(layers.iter().all(|layer| unpacked.cache_key(layer.index).is_none()));
}

/// An archive of `image` on disk.
fn archive(bytes: &[u8]) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    fs::write(&path, bytes).unwrap();
    (directory, path.display().to_string())
}

/// An image that is taken out of Docker again.
struct Loaded<'d>(&'d Docker, String);

impl Drop for Loaded<'_> {
    fn drop(&mut self) {
        self.0.docker(&["image", "rm", "--force", &self.1]);
    }
}

#[test]
fn docker_shows_what_was_loaded() {
    let Some(docker) = Docker::ready() else { return };
    let name = format!("lazaret-test/docker:{}", std::process::id());
    let built = plain(&image(&name));
    let (_directory, path) = archive(&built.old_docker_archive());
    docker.docker(&["load", "--input", &path]);
    let loaded = Loaded(&docker, name.clone());
    let address = format!("unix://{}", docker.socket().display());
    let options = with_environment(environment().with("DOCKER_HOST", address));
    let target = format!("docker:{name}");

    let verify = Options { verify: true, ..options.clone() };
    let exported = open(&target, &verify).unwrap();
    assert_same(&exported, &built);
    assert!(exported.cache_key(1).is_some());
    assert_unpacked(&open(&target, &options).unwrap(), &exported);
    // Without a prefix, Docker is asked first; offline keeps nobody from a local socket.
    let found = open(&name, &Options { offline: true, ..options.clone() }).unwrap();
    assert_eq!(found.artifact().kind, model::ArtifactKind::Docker);

    let id = docker.docker(&["create", &name, "/app"]);
    let (_directory, note) = archive(b"written later");
    docker.docker(&["cp", &note, &format!("{id}:/etc/note")]);
    let opened = open(&format!("container:{id}"), &options).unwrap();
    let layers = read(&opened);
    docker.docker(&["rm", &id]);
    assert_eq!(layers.len(), 5);
    assert!(layers[4].visitor.contents.contains_key("etc/note"), "{:?}", layers[4].visitor.lines);
    assert_eq!(opened.artifact().digest, Some(testkit::sha256(&built.config())));
    assert_eq!(opened.cache_key(4), None);
    drop(loaded);

    let error = open(&target, &options).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::NotFound);
}

#[test]
fn podman_shows_what_was_loaded() {
    let Some(podman) = Podman::start() else { return };
    let built = plain(&image("localhost/lazaret-test/podman:1"));
    let (_directory, path) = archive(&built.old_docker_archive());
    podman.podman(&["load", "--input", &path]);
    let address = format!("unix://{}", podman.socket().display());
    let options = with_environment(environment().with("CONTAINER_HOST", address));
    let verify = Options { verify: true, ..options.clone() };
    let exported = open("podman:lazaret-test/podman:1", &verify).unwrap();
    assert_same(&exported, &built);
    assert_unpacked(&open("podman:lazaret-test/podman:1", &options).unwrap(), &exported);

    let id = podman.podman(&["create", "--network", "none", "lazaret-test/podman:1", "/app"]);
    let (_directory, note) = archive(b"written later");
    podman.podman(&["cp", &note, &format!("{id}:/etc/note")]);
    let options = Options {
        environment: options.environment.with("DOCKER_HOST", "unix:///nonexistent"),
        ..options
    };
    let layers = read(&open(&format!("container:{id}"), &options).unwrap());
    // Without a prefix, Podman is asked after Docker and containerd, which are not here.
    let environment = options.environment.with("CONTAINERD_ROOT", "/nonexistent");
    let offline = Options { offline: true, environment, ..Options::default() };
    let found = open("lazaret-test/podman:1", &offline).unwrap();
    assert_eq!(found.artifact().kind, model::ArtifactKind::Podman);
    assert_eq!(found.artifact().digest, exported.artifact().digest);
    assert!(layers.last().unwrap().visitor.contents.contains_key("etc/note"));
}

#[test]
fn containerd_shows_blobs_and_what_was_unpacked_from_them() {
    let Some(containerd) = Containerd::start() else { return };
    let built = image("docker.io/lazaret-test/app:1");
    let (_directory, path) = archive(&built.oci_archive());
    containerd.ctr(&["images", "import", "--base-name", "docker.io/lazaret-test/app", &path]);
    let environment =
        environment().with("CONTAINERD_ROOT", containerd.root().display().to_string());
    let options = with_environment(environment.clone());
    let opened = open("containerd:lazaret-test/app:1", &options).unwrap();
    assert_same(&opened, &built);
    assert!(opened.artifact().manifest_digest.is_some());
    assert!(opened.cache_key(1).is_some());
    let blobs = shown(&opened);
    // Without a prefix, containerd is asked after Docker, which is not here.
    let no_docker = environment.clone().with("DOCKER_HOST", "unix:///nonexistent");
    let offline = Options { offline: true, ..with_environment(no_docker) };
    let found = open("lazaret-test/app:1", &offline).unwrap();
    assert_eq!(found.artifact().kind, model::ArtifactKind::Containerd);
    assert_eq!(found.artifact().digest, opened.artifact().digest);

    // A cluster that discards unpacked layers: the blobs go, the snapshots stay.
    for layer in &built.layers {
        let path = format!("io.containerd.content.v1.content/blobs/sha256/{}", layer.digest.hex());
        let _twice = fs::remove_file(containerd.root().join(path));
    }
    let unpacked = open("containerd:lazaret-test/app:1", &options).unwrap();
    assert_eq!(shown(&unpacked), blobs);
    assert!(read(&unpacked).iter().all(|layer| !layer.verified && layer.problems.is_empty()));
    assert_eq!(unpacked.cache_key(1), None);

    containerd.ctr(&["containers", "create", "docker.io/lazaret-test/app:1", "one", "/app"]);
    let key = containerd.ctr(&["snapshots", "mounts", "/target", "one"]);
    let upper = key.split([',', ' ']).find_map(|option| option.strip_prefix("upperdir="));
    fs::write(Path::new(upper.unwrap()).join("note"), "written later").unwrap();
    let no_docker = environment.with("DOCKER_HOST", "unix:///nonexistent");
    let no_docker = no_docker.with("CONTAINER_HOST", "unix:///nonexistent");
    let layers = read(&open("container:one", &with_environment(no_docker)).unwrap());
    assert_eq!(layers.len(), 5);
    assert_eq!(layers[4].visitor.lines.len(), 1, "{:?}", layers[4].visitor.lines);
    assert!(layers[4].visitor.contents.contains_key("note"));

    let error = open("containerd:lazaret-test/other:1", &options).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::NotFound);
}

/// containerd commits while we read: every read sees one state or another, and never a mixture.
#[test]
fn containerd_may_write_while_it_is_read() {
    let Some(containerd) = Containerd::start() else { return };
    let built = image("docker.io/lazaret-test/app:1");
    let (_directory, path) = archive(&built.oci_archive());
    containerd.ctr(&["images", "import", "--base-name", "docker.io/lazaret-test/app", &path]);
    let root = containerd.root().display().to_string();
    let options = with_environment(environment().with("CONTAINERD_ROOT", root));
    let digest = testkit::sha256(&built.config());
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in 0..60 {
                let name = format!("docker.io/lazaret-test/other:{number}");
                containerd.ctr(&["images", "tag", "docker.io/lazaret-test/app:1", &name]);
            }
        });
        let mut reads = 0;
        while !writing.is_finished() {
            let opened = open("containerd:lazaret-test/app:1", &options).unwrap();
            assert_eq!(opened.artifact().digest.as_ref(), Some(&digest));
            reads += 1;
        }
        assert!(reads > 0);
    });
    assert!(open("containerd:lazaret-test/other:59", &options).is_ok());
}

/// Copies `image` into the registry at `host`.
fn push(image: &ImageBuilder, host: &str, more: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    image.write_oci_dir(directory.path());
    let from = format!("oci:{}:1", directory.path().display());
    let to = format!("docker://{host}/team/app:1");
    run("skopeo", &[&["copy", "--dest-tls-verify=false"], more, &[&from, &to]].concat());
}

fn at(host: &str) -> String {
    format!("registry:{host}/team/app:1")
}

fn insecure(host: &str) -> RegistryOptions {
    RegistryOptions { insecure: vec![host.to_owned()], ..RegistryOptions::default() }
}

#[test]
fn a_registry_shows_what_was_pushed() {
    if !installed("skopeo") {
        return;
    }
    let Some(server) = Distribution::start("", |_| ()) else { return };
    let built = image("team/app:1");
    push(&built, server.host(), &[]);
    let registry = insecure(server.host());
    let options = Options { registry, ..with_environment(environment()) };
    let opened = open(&at(server.host()), &options).unwrap();
    assert_same(&opened, &built);
    assert_eq!(opened.artifact().manifest_digest, Some(testkit::sha256(&built.manifest())));
    let name = format!("{}/team/app", server.host());
    assert_eq!(artifact::tags(&name, &options).unwrap(), ["1"]);
}

#[test]
fn a_registry_with_passwords_and_helpers() {
    if !installed("skopeo") {
        return;
    }
    let users = format!("user:{BCRYPT}\n");
    let auth = "auth:\n  htpasswd:\n    realm: tests\n    path: DIR/users\n";
    let prepare = |directory: &Path| fs::write(directory.join("users"), &users).unwrap();
    let Some(server) = Distribution::start(auth, prepare) else { return };
    let built = image("team/app:1");
    push(&built, server.host(), &["--dest-creds", "user:secret"]);
    let options = |environment| Options {
        registry: insecure(server.host()),
        ..with_environment(environment)
    };
    let error = open(&at(server.host()), &options(environment())).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::Unauthorized);

    let home = server.directory().join("home");
    let docker = home.join(".docker");
    fs::create_dir_all(&docker).unwrap();
    let write = |config: String| fs::write(docker.join("config.json"), config).unwrap();
    let at_home = environment().with("HOME", home.display().to_string());
    let host = server.host();
    let good = BASE64_STANDARD.encode("user:secret");
    write(json!({ "auths": { format!("https://{host}/v2/"): { "auth": good } } }).to_string());
    assert_same(&open(&at(host), &options(at_home.clone())).unwrap(), &built);

    let helper = home.join("docker-credential-tests");
    let script = format!(
        "#!/bin/sh\nread server\n[ \"$server\" = {host} ] || exit 1\n\
         echo '{{\"ServerURL\":\"{host}\",\"Username\":\"user\",\"Secret\":\"secret\"}}'\n"
    );
    fs::write(&helper, script).unwrap();
    run("chmod", &["+x", &helper.display().to_string()]);
    let at_home = at_home.with("PATH", home.display().to_string());
    for config in [
        json!({ "credHelpers": { host: "tests" } }),
        json!({ "credsStore": "tests", "auths": { host: {} } }),
    ] {
        write(config.to_string());
        assert!(open(&at(host), &options(at_home.clone())).is_ok(), "{config}");
    }
    write(json!({ "credHelpers": { host: "missing" } }).to_string());
    let error = open(&at(host), &options(at_home)).err().unwrap();
    assert!(error.hint_text().unwrap().contains("docker-credential-missing"), "{error:?}");
}

/// `secret`, as htpasswd(1) hashes it.
const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a";

/// Keys and certificates made by openssl(1): an authority, and a server that it vouches for.
fn make_certificates(directory: &Path) {
    let path = |name: &str| directory.join(name).display().to_string();
    let new = |name: &str, subject: &str, more: &[&str]| {
        let (key, certificate) = (path(&format!("{name}.key")), path(&format!("{name}.crt")));
        let fixed =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject];
        run("openssl", &[&fixed[..], &["-keyout", &key, "-out", &certificate], more].concat());
    };
    new("ca", "/CN=tests", &[]);
    let names =
        ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
    let signed = ["-CA", &path("ca.crt"), "-CAkey", &path("ca.key")];
    new("server", "/CN=127.0.0.1", &[names.as_slice(), signed.as_slice()].concat());
}

#[test]
fn certificates_are_checked_unless_the_host_is_insecure() {
    if !(installed("skopeo") && installed("openssl")) {
        return;
    }
    let tls = "  tls:\n    certificate: DIR/server.crt\n    key: DIR/server.key\n";
    let Some(server) = Distribution::start(tls, make_certificates) else { return };
    let built = image("team/app:1");
    let host = server.host();
    push(&built, host, &[]);
    let error = open(&at(host), &with_environment(environment())).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::Network);
    assert!(error.hint_text().unwrap().contains("certs.d"), "{error:?}");

    let authority: PathBuf = server.directory().join("ca.crt");
    let named = RegistryOptions { authorities: vec![authority.clone()], ..Default::default() };
    let options = Options { registry: named, ..with_environment(environment()) };
    assert_same(&open(&at(host), &options).unwrap(), &built);

    let etc = server.directory().join("etc");
    let certs = etc.join("docker/certs.d").join(host);
    fs::create_dir_all(&certs).unwrap();
    fs::copy(&authority, certs.join("ca.crt")).unwrap();
    assert!(open(&at(host), &with_environment(Environment::default().with_system(&etc))).is_ok());

    let trusted = environment().with("SSL_CERT_FILE", authority.display().to_string());
    assert!(open(&at(host), &with_environment(trusted)).is_ok());

    let options = Options { registry: insecure(host), ..with_environment(environment()) };
    assert!(open(&at(host), &options).is_ok());
}

/// A token that the distribution server accepts (distribution, "Token Authentication
/// Implementation"), signed by openssl(1).
fn token(directory: &Path) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let der = directory.join("server.der").display().to_string();
    let path = |name: &str| directory.join(name).display().to_string();
    run("openssl", &["x509", "-in", &path("server.crt"), "-outform", "DER", "-out", &der]);
    let certificate = BASE64_STANDARD.encode(fs::read(&der).unwrap());
    let header = json!({ "typ": "JWT", "alg": "RS256", "x5c": [certificate] });
    let claims = json!({
        "iss": "tests", "sub": "user", "aud": "registry", "jti": "1",
        "iat": now - 10, "nbf": now - 10, "exp": now + 600,
        "access": [{ "type": "repository", "name": "team/app", "actions": ["pull", "push"] }],
    });
    let encode = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = run_filter(
        "openssl",
        &["dgst", "-sha256", "-sign", &path("server.key")],
        signed.as_bytes(),
    );
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_registry_with_tokens() {
    if !(installed("skopeo") && installed("openssl")) {
        return;
    }
    let keys = tempfile::tempdir().unwrap();
    make_certificates(keys.path());
    let token = token(keys.path());
    let issued = token.clone();
    let tokens = Server::new(move |request| {
        assert!(request.path.contains("service=registry"), "{}", request.path);
        match request.header("authorization") {
            Some("Basic dXNlcjpzZWNyZXQ=") => Reply::new(200, format!(r#"{{"token":"{issued}"}}"#)),
            _ => Reply::new(401, ""),
        }
    });
    let auth = format!(
        "auth:\n  token:\n    realm: http://{}/token\n    service: registry\n    issuer: tests\n    \
         rootcertbundle: {}\n",
        tokens.host(),
        keys.path().join("ca.crt").display()
    );
    let Some(server) = Distribution::start(&auth, |_| ()) else { return };
    let built = image("team/app:1");
    push(&built, server.host(), &["--dest-creds", "user:secret"]);
    let logins = keys.path().join("auth.json");
    let login = json!({ "auths": { server.host(): { "auth": "dXNlcjpzZWNyZXQ=" } } });
    fs::write(&logins, login.to_string()).unwrap();
    let options = |environment| Options {
        registry: insecure(server.host()),
        ..with_environment(environment)
    };
    let logged_in = environment().with("REGISTRY_AUTH_FILE", logins.display().to_string());
    assert_same(&open(&at(server.host()), &options(logged_in)).unwrap(), &built);
    let error = open(&at(server.host()), &options(environment())).err().unwrap();
    assert_eq!(error.kind(), OpenErrorKind::Unauthorized);
}
