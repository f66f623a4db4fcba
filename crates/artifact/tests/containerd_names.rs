//! Names in a real containerd: which image one means.

use std::fs;

use artifact::{Environment, Options, open};
use testkit::{Containerd, ImageBuilder, LayerBuilder, TarBuilder};

/// Kubernetes and others have images of one name in one containerd.
#[test]
fn a_name_that_means_several_images_of_containerd_is_told() {
    let Some(containerd) = Containerd::start() else { return };
    let name = "docker.io/lazaret-test/app";
    let import = |namespace: &str, image: &ImageBuilder| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image.tar");
        fs::write(&path, image.oci_archive()).unwrap();
        let path = path.display().to_string();
        let command = ["images", "import", "--base-name", name, &path];
        containerd.ctr(&[&["--namespace", namespace][..], &command].concat());
    };
    let image = |content: &str| {
        let layer = LayerBuilder::plain(TarBuilder::new().file("name", content));
        ImageBuilder::new(&format!("{name}:1")).layer(layer)
    };
    let (built, other) = (image("one"), image("another"));
    import("k8s.io", &built);
    import("shop", &built);
    // No configuration of this machine may change a test.
    let environment = Environment::default()
        .with_system("/nonexistent")
        .with("CONTAINERD_ROOT", containerd.root().display().to_string());
    let notices = |environment: &Environment| {
        let options = Options { environment: environment.clone(), ..Options::default() };
        let opened = open("containerd:lazaret-test/app:1", &options).unwrap();
        let told: Vec<String> = opened.problems().iter().map(|it| it.message.clone()).collect();
        (opened.artifact().digest.clone().unwrap(), told)
    };
    let first = testkit::sha256(&built.config());
    assert_eq!(notices(&environment), (first.clone(), Vec::new()));
    import("shop", &other);
    let (digest, told) = notices(&environment);
    assert_eq!((digest, told.len()), (first, 1), "{told:?}");
    assert!(told[0].contains("`k8s.io`") && told[0].contains("`shop`"), "{told:?}");
    let chosen = environment.with("CONTAINERD_NAMESPACE", "shop");
    assert_eq!(notices(&chosen), (testkit::sha256(&other.config()), Vec::new()));
}
