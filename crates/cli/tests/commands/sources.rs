//! The same image from every source gives the same findings, byte for byte.

use std::path::Path;

use serde_json::Value;
use testkit::{
    Containerd, Content, Distribution, Docker, ImageBuilder, LayerBuilder, Podman, Server,
    TarBuilder, installed, run,
};

use crate::run::Sandbox;

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const BASE: &str = include_str!("../../../../content/demo/image/status.base");
const APP: &str = include_str!("../../../../content/demo/image/status.app");

/// Two layers that rewrite one package database, so that attribution has something to say.
fn image(layer: fn(TarBuilder) -> LayerBuilder) -> ImageBuilder {
    let base =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", BASE);
    let app = TarBuilder::new().file("var/lib/dpkg/status", APP);
    ImageBuilder::new("shop:1")
        .layer(layer(base).created_by("ADD base"))
        .layer(layer(app).created_by("RUN install app"))
}

/// An index in which an entry that is marked as an attestation runs: it is read, and since one engine
/// passes over it, the result is not complete.
#[test]
fn what_engines_run_of_an_index_is_scanned() {
    let sandbox = Sandbox::new().with_advisories();
    let shop = image(LayerBuilder::gzip);
    let files =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", "");
    let harmless = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(files));
    let mut entries = [shop.descriptor(), harmless.descriptor()];
    entries[0]["annotations"]["vnd.docker.reference.type"] = "attestation-manifest".into();
    let blobs = [shop.blobs(), harmless.blobs()].concat();
    let layout = ImageBuilder::oci_files_of(&entries, blobs);
    ImageBuilder::write_files(&sandbox.path("layout"), &layout);
    let scan = |target: &str| {
        let arguments = ["scan", "--format", "json", "--max-age", "9999h", "--offline", target];
        sandbox.command(&arguments).output().unwrap()
    };
    let output = scan("./layout");
    assert_eq!(output.status.code(), Some(21), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!report["findings"].as_array().unwrap().is_empty());
    let problems = report["problems"].to_string();
    assert!(problems.contains("(Docker with containerd's store)"), "{problems}");

    // Spelled as other tools have it.
    let output = scan("oci:./layout");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("write oci-dir:./layout"), "{told}");
}

/// A `registries.conf` that is not understood may block what is asked for.
#[test]
fn no_registry_is_asked_past_a_broken_configuration() {
    let sandbox = Sandbox::new().with_advisories();
    let server =
        Server::registry(Content::default().image("team/shop", "1", &image(LayerBuilder::gzip)));
    let conf = sandbox.file("registries.conf", "blocked = yes please\n");
    let target = format!("registry:{}/team/shop:1", server.host());
    let mut command = sandbox.command(&["scan", "--insecure-registry", &server.host(), &target]);
    let output = command.env("CONTAINERS_REGISTRIES_CONF", &conf).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("registries.conf` is not understood"), "{told}");
    assert!(server.requests().is_empty());
}

/// Scans and returns the report; a source that fails is told with all it said.
fn report(
    sandbox: &Sandbox,
    variables: &[(&str, &str)],
    arguments: &[&str],
    target: &str,
) -> Value {
    let mut command = sandbox.command(&["scan", "--format", "json", "--max-age", "9999h"]);
    command.args(arguments).arg(target).envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{target}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn same_findings(expected: &Value, actual: &Value, source: &str) {
    let text = |report: &Value| serde_json::to_string_pretty(&report["findings"]).unwrap();
    assert!(!expected["findings"].as_array().unwrap().is_empty());
    assert_eq!(text(expected), text(actual), "{source}");
    assert_eq!(expected["artifact"]["digest"], actual["artifact"]["digest"], "{source}");
}

#[test]
fn archives_layouts_and_registries_agree() {
    let sandbox = Sandbox::new().with_advisories();
    let image = image(LayerBuilder::gzip);
    image.write_oci_dir(&sandbox.path("layout"));
    sandbox.file("oci.tar", image.oci_archive());
    sandbox.file("docker.tar", image.docker_archive());
    let expected = report(&sandbox, &[], &["--offline"], "oci-dir:layout");
    for target in ["oci-archive:oci.tar", "docker-archive:docker.tar", "./docker.tar", "./layout"] {
        same_findings(&expected, &report(&sandbox, &[], &["--offline"], target), target);
    }
    let server = Server::registry(Content::default().image("team/shop", "1", &image));
    let host = server.host();
    let arguments = ["--insecure-registry", &host, "--db-url", "http://127.0.0.1:9"];
    let target = format!("registry:{host}/team/shop:1");
    same_findings(&expected, &report(&sandbox, &[], &arguments, &target), &target);
}

#[test]
fn docker_containerd_podman_and_distribution_agree() {
    let sandbox = Sandbox::new().with_advisories();
    let plain = image(LayerBuilder::plain);
    let archive = sandbox.file("plain.tar", plain.old_docker_archive());
    let expected = report(&sandbox, &[], &["--offline"], "docker-archive:plain.tar");

    if let Some(docker) = Docker::ready() {
        docker.docker(&["load", "--input", &archive]);
        let host = format!("unix://{}", docker.socket().display());
        let variables = [("DOCKER_HOST", host.as_str())];
        let actual = report(&sandbox, &variables, &["--offline"], "docker:shop:1");
        same_findings(&expected, &actual, "docker");
        let cached = report(&sandbox, &variables, &["--offline"], "docker:shop:1");
        same_findings(&expected, &cached, "docker, cached");
        docker.docker(&["image", "rm", "shop:1"]);
    }
    if let Some(containerd) = Containerd::start() {
        sandbox.file("oci.tar", plain.oci_archive());
        let oci = sandbox.path("oci.tar");
        containerd.ctr(&["images", "import", "--base-name", "localhost/shop", path(&oci)]);
        let root = containerd.root();
        let variables = [("CONTAINERD_ROOT", path(&root))];
        let name = containerd.ctr(&["images", "list", "-q"]);
        let target = format!("containerd:{}", name.trim());
        let actual = report(&sandbox, &variables, &["--offline"], &target);
        same_findings(&expected, &actual, &target);
    }
    if let Some(podman) = Podman::start() {
        podman.podman(&["load", "--input", &archive]);
        let host = format!("unix://{}", podman.socket().display());
        let variables = [("CONTAINER_HOST", host.as_str())];
        let target = "podman:localhost/shop:1";
        let actual = report(&sandbox, &variables, &["--offline"], target);
        same_findings(&expected, &actual, target);
    }
    if let Some(registry) = Distribution::start("", |_| {}).filter(|_| installed("skopeo")) {
        let host = registry.host();
        let to = format!("docker://{host}/shop:1");
        let from = format!("docker-archive:{archive}");
        run("skopeo", &["--insecure-policy", "copy", "--dest-tls-verify=false", &from, &to]);
        let arguments = ["--insecure-registry", host, "--db-url", "http://127.0.0.1:9"];
        let target = format!("registry:{host}/shop:1");
        same_findings(&expected, &report(&sandbox, &[], &arguments, &target), &target);
    }
}

#[test]
fn root_file_systems_agree_but_for_the_layer() {
    let sandbox = Sandbox::new().with_advisories();
    let image = image(LayerBuilder::plain);
    sandbox.file("image.tar", image.docker_archive());
    let mut expected = report(&sandbox, &[], &["--offline"], "docker-archive:image.tar");
    for finding in expected["findings"].as_array_mut().unwrap() {
        finding["layer"] = Value::Null;
    }
    sandbox.file("root/etc/os-release", OS_RELEASE);
    sandbox.file("root/var/lib/dpkg/status", APP);
    let tar = TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", APP);
    let tar = tar.finish();
    sandbox.file("root.tar", &tar);
    sandbox.file("root.tar.gz", testkit::gzip(&tar));
    sandbox.file("root.tar.zst", testkit::zstd(&tar));
    sandbox.file("root.tar.xz", testkit::xz(&tar));
    sandbox.file("root.tar.bz2", testkit::bzip2(&tar));
    for target in [
        "dir:root",
        "fs-archive:root.tar",
        "./root.tar.gz",
        "./root.tar.zst",
        "./root.tar.xz",
        "./root.tar.bz2",
    ] {
        let actual = report(&sandbox, &[], &["--offline"], target);
        assert_eq!(expected["findings"], actual["findings"], "{target}");
        assert_eq!(actual["artifact"]["digest"], Value::Null);
    }
}

#[test]
fn reports_keep_the_schema_and_runs_repeat() {
    let sandbox = Sandbox::new().with_advisories();
    sandbox.file("image.tar", image(LayerBuilder::gzip).docker_archive());
    let first = report(&sandbox, &[], &["--offline", "--no-cache"], "docker-archive:image.tar");
    let again = report(&sandbox, &[], &["--offline", "--verify"], "docker-archive:image.tar");
    let cached = report(&sandbox, &[], &["--offline", "--verify"], "docker-archive:image.tar");
    assert_eq!(first, again);
    assert_eq!(first, cached);
    let schema = include_str!("../../../../docs/report.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&first).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// What was read once is kept a layer, whether it was verified or not; a damaged file of the cache
/// is as good as none.
#[test]
fn layers_are_cached_and_a_damaged_cache_is_none() {
    let sandbox = Sandbox::new().with_advisories();
    sandbox.file("image.tar", image(LayerBuilder::plain).docker_archive());
    let scan = |more: &[&str]| {
        let arguments = [&["--offline"], more].concat();
        report(&sandbox, &[], &arguments, "docker-archive:image.tar")
    };
    let cached = || -> Vec<std::path::PathBuf> {
        let generations = std::fs::read_dir(sandbox.path("cache/lazaret/layers")).unwrap();
        let layers = generations.flat_map(|it| std::fs::read_dir(it.unwrap().path()).unwrap());
        layers.map(|layer| layer.unwrap().path()).collect()
    };
    let first = scan(&[]);
    assert_eq!(cached().len(), 2, "one file a layer, under the identity of the archive");
    assert_eq!(first, scan(&[]));
    scan(&["--verify"]);
    assert_eq!(cached().len(), 4, "what is verified has keys of its own");
    for layer in cached() {
        let mut bytes = std::fs::read(&layer).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&layer, bytes).unwrap();
    }
    assert_eq!(first, scan(&[]));
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
