//! One case for each exit code, made the way a user would meet it.

use std::time::{Duration, Instant};

use testkit::{Content, Fault, ImageBuilder, LayerBuilder, Reply, Server, TarBuilder};

use crate::run::Sandbox;

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.base");

/// An Ubuntu image with vulnerable packages in it.
fn vulnerable() -> ImageBuilder {
    let tar =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS);
    ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar))
}

fn archive(sandbox: &Sandbox, image: &ImageBuilder) -> String {
    format!("docker-archive:{}", sandbox.file("image.tar", image.docker_archive()))
}

#[test]
fn usage_is_2() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["scan"][..],
        &["scan", "--no-such-option", "x"],
        &["scan", "dir:.", "--severity", "terrible"],
        &["scan", "dir:.", "--distro", "debian"],
        &["scan", "registry:Not//A/Name", "--offline"],
        &["db", "vercmp", "debian", "1"],
    ] {
        let ended = sandbox.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn a_list_of_comparisons_ends_with_what_is_wrong_with_it() {
    let sandbox = Sandbox::new();
    sandbox.file("latin-1", b"1 < 2 # \xe9\n");
    sandbox.file("wrong", "2 < 1\n");
    for (list, code) in [("nothing", 10), (".", 2), ("latin-1", 14), ("wrong", 1)] {
        let ended = sandbox.run(&["db", "vercmp", "debian", "--check", list]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
    }
}

#[test]
fn a_missing_target_is_10() {
    let sandbox = Sandbox::new();
    for target in ["dir:nowhere", "docker-archive:nowhere.tar", "./nowhere.tar"] {
        let ended = sandbox.run(&["scan", "--offline", target]);
        assert_eq!(ended.code, Some(10), "{target}: {ended:?}");
        assert!(ended.stderr.starts_with("error: "), "{ended:?}");
        assert!(ended.stdout.is_empty(), "{ended:?}");
    }
}

/// Whatever it is named as, and before anything is done.
#[test]
fn a_file_that_is_named_and_not_there_is_10() {
    let sandbox = Sandbox::new();
    sandbox.file("root/etc/hostname", "a");
    for arguments in [
        &["scan", "--offline", "--policy", "nowhere", "dir:root"][..],
        &["scan", "--offline", "--ignore-file", "nowhere", "dir:root"],
        &["scan", "--offline", "--vex", "nowhere", "dir:root"],
        &["scan", "--offline", "--checks-from", "nowhere", "dir:root"],
        &["policy", "check", "nowhere"],
        &["guard", "policy", "check", "nowhere"],
        &["guard", "--policy", "nowhere"],
        &["guard", "--rules", "nowhere"],
        &["guard", "--block-list", "nowhere"],
        &["guard", "audit", "--log", "log", "--policy", "nowhere"],
        &["guard", "audit", "--log", "log", "--rules", "nowhere"],
        &["rules", "check", "nowhere"],
        &["rules", "replay", "--policy", "nowhere", "events"],
    ] {
        let ended = sandbox.run(arguments);
        assert_eq!(ended.code, Some(10), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("`nowhere`"), "{ended:?}");
    }
    // It is there and is no text.
    sandbox.file("binary", b"\xff\xfe");
    for named in ["root", "binary"] {
        let ended = sandbox.run(&["guard", "policy", "check", named]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
    }
}

#[test]
fn not_an_image_is_11() {
    let sandbox = Sandbox::new();
    let text = sandbox.file("notes.txt", "hello");
    let ended = sandbox.run(&["scan", "--offline", &text]);
    assert_eq!(ended.code, Some(11), "{ended:?}");
}

#[test]
fn refused_credentials_are_12_and_what_cannot_be_reached_is_13() {
    let sandbox = Sandbox::new();
    let server = Server::new(|_| Reply::new(401, ""));
    let target = format!("registry:{}/shop:1", server.host());
    let ended = sandbox.run(&["scan", "--insecure-registry", &server.host(), &target]);
    assert_eq!(ended.code, Some(12), "{ended:?}");
    assert!(ended.stderr.contains("hint: "), "{ended:?}");

    let ended = sandbox.run(&["scan", "--offline", "shop:1"]);
    assert_eq!(ended.code, Some(13), "no engine has it, no registry may be asked: {ended:?}");

    let ended = sandbox.run(&[
        "scan",
        "--timeout",
        "30s",
        "--insecure-registry",
        "127.0.0.1:9",
        "registry:127.0.0.1:9/shop:1",
    ]);
    assert_eq!(ended.code, Some(13), "{ended:?}");
}

#[test]
fn a_manifest_that_is_not_what_its_digest_says_is_14() {
    let sandbox = Sandbox::new();
    let mut files = vulnerable().oci_files();
    for (name, content) in &mut files {
        if name.starts_with("blobs/") && content.starts_with(b"{") {
            content.push(b' ');
        }
    }
    ImageBuilder::write_files(&sandbox.path("layout"), &files);
    let ended = sandbox.run(&["scan", "--offline", "oci-dir:layout"]);
    assert_eq!(ended.code, Some(14), "{ended:?}");
}

#[test]
fn windows_is_15() {
    let sandbox = Sandbox::new();
    let target = archive(&sandbox, &vulnerable().os("windows"));
    let ended = sandbox.run(&["scan", "--offline", "--platform", "windows/amd64", &target]);
    assert_eq!(ended.code, Some(15), "{ended:?}");
}

#[test]
fn missing_advisories_are_20_and_a_reached_gate_comes_first() {
    let sandbox = Sandbox::new();
    let target = archive(&sandbox, &vulnerable());
    let ended = sandbox.run(&["scan", "--offline", &target]);
    assert_eq!(ended.code, Some(20), "{ended:?}");
    assert!(ended.stdout.contains("the result is incomplete"), "{ended:?}");

    let sandbox = sandbox.with_advisories();
    let ended = sandbox.run(&["scan", "--offline", &target]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = sandbox.run(&["scan", "--offline", "--fail-on", "high", &target]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let ended = sandbox.run(&["scan", "--offline", "--fail-on", "critical", &target]);
    assert_eq!(ended.code, Some(0), "Ubuntu rates none of them critical: {ended:?}");
}

#[test]
fn what_could_not_be_read_is_21_and_the_rest_is_reported() {
    let sandbox = Sandbox::new().with_advisories();
    let cut = TarBuilder::new().file("usr/bin/app", [7; 4096]).unfinished();
    let damaged =
        LayerBuilder::stored(&cut, cut[..2048].to_vec(), "application/vnd.oci.image.layer.v1.tar");
    let image = vulnerable().layer(damaged);
    let target = archive(&sandbox, &image);
    let ended = sandbox.run(&["scan", "--offline", "--format", "json", &target]);
    assert_eq!(ended.code, Some(21), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["summary"]["incomplete"], true);
    assert!(!report["findings"].as_array().unwrap().is_empty());
    let ended = sandbox.run(&["scan", "--offline", "--fail-on", "high", &target]);
    assert_eq!(ended.code, Some(1), "the gate comes before incompleteness: {ended:?}");
}

#[test]
fn a_report_that_cannot_be_written_is_30() {
    let sandbox = Sandbox::new().with_advisories();
    let target = archive(&sandbox, &vulnerable());
    for output in ["nowhere/report.json", "/dev/full"] {
        let ended = sandbox.run(&["scan", "--offline", "-f", "json", "-o", output, &target]);
        assert_eq!(ended.code, Some(30), "{output}: {ended:?}");
    }
    assert!(!sandbox.path("nowhere").exists());
}

#[test]
fn a_local_operation_that_fails_is_31() {
    let sandbox = Sandbox::new();
    let file = sandbox.file("file", "not a folder");
    sandbox.file("cache/lazaret/layers", "not a folder either");
    for arguments in [
        &["--db", &file, "db", "status"][..],
        &["--db", &file, "db", "verify"],
        &["cache", "status"],
        &["cache", "clean"],
    ] {
        let ended = sandbox.run(arguments);
        assert_eq!(ended.code, Some(31), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.starts_with("error: "), "{ended:?}");
    }
}

#[test]
fn the_time_limit_is_124_and_an_interrupt_130() {
    let sandbox = Sandbox::new();
    let server = Server::new(|_| Reply::new(200, "{").with(Fault::Silent));
    let host = server.host();
    let target = format!("registry:{host}/shop:1");
    let begun = Instant::now();
    let ended = sandbox.run(&["scan", "--timeout", "1s", "--insecure-registry", &host, &target]);
    assert_eq!(ended.code, Some(124), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());

    let mut child = sandbox.spawn(&["scan", "--insecure-registry", &host, &target]);
    let asked = server.requests().len();
    while server.requests().len() == asked {
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_good_image_from_a_registry_is_0() {
    let sandbox = Sandbox::new().with_advisories();
    let server = Server::registry(Content::default().image("team/shop", "1", &vulnerable()));
    let host = server.host();
    let target = format!("registry:{host}/team/shop:1");
    let ended = sandbox.run(&[
        "scan",
        "--max-age",
        "9999h",
        "--insecure-registry",
        &host,
        "--db-url",
        "http://127.0.0.1:9",
        &target,
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
