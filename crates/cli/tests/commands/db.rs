//! `lazaret db`: what travels between places, and what happens to an update on the way.

use testkit::{Distribution, ImageBuilder, LayerBuilder, TarBuilder, installed, run};

use crate::run::Sandbox;

/// Exports to a real registry by a tool that is not ours, and takes segments from there.
#[test]
fn segments_travel_through_a_registry() {
    let Some(registry) = Distribution::start("", |_| {}).filter(|_| installed("skopeo")) else {
        return;
    };
    let host = registry.host();
    let maker = Sandbox::new().with_advisories();
    assert_eq!(maker.run(&["db", "keygen", "key"]).code, Some(0));
    let ended = maker.run(&["db", "export", "--oci", "layout", "--sign", "key"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let push = |from: &str, to: &str| {
        let to = format!("docker://{host}/{to}");
        run("skopeo", &["--insecure-policy", "copy", "--dest-tls-verify=false", from, &to]);
    };
    push(&format!("oci:{}", maker.path("layout").display()), "sec/db:1");
    let image =
        ImageBuilder::new("app:1").layer(LayerBuilder::plain(TarBuilder::new().file("a", "b")));
    let archive = maker.file("image.tar", image.docker_archive());
    push(&format!("docker-archive:{archive}"), "app:1");

    let user = Sandbox::new();
    user.file("key.pub", std::fs::read(maker.path("key.pub")).unwrap());
    assert_eq!(user.run(&["db", "keygen", "other"]).code, Some(0));
    let update = |url: &str, more: &[&str]| {
        let url = format!("oci://{host}/{url}");
        let fixed = ["db", "update", "ubuntu-22.04", "--db-url", &url, "--insecure-registry", host];
        user.run(&[&fixed, more].concat())
    };
    let refused = [
        ("sec/db:1", ["--db-key", "other.pub"], "none of the trusted keys"),
        ("sec/db:2", ["--db-key", "key.pub"], "was not found"),
        ("app:1", ["--db-key", "key.pub"], "holds no advisory segments"),
    ];
    for (url, more, why) in refused {
        let ended = update(url, &more);
        assert_eq!(ended.code, Some(13), "{ended:?}");
        assert!(ended.stderr.contains(why), "{ended:?}");
        assert!(!user.path("cache/lazaret/db/ubuntu-22.04.seg").exists());
    }
    let signed = ["--db-key", "key.pub"];
    assert_eq!(update("sec/db:1", &signed).stdout, "ubuntu-22.04: from the mirror\n");
    assert_eq!(update("sec/db:1", &signed).stdout, "ubuntu-22.04: nothing new\n");
    let brought = std::fs::read(user.path("cache/lazaret/db/ubuntu-22.04.seg")).unwrap();
    assert!(brought == std::fs::read(maker.path("cache/lazaret/db/ubuntu-22.04.seg")).unwrap());
}
