//! Options that change what is looked for, what is believed, and what is shown.

use serde_json::{Value, json};
use testkit::{ImageBuilder, LayerBuilder, TarBuilder, gzip};

use crate::run::{Ended, Sandbox};

const STATUS: &str =
    "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n";
const OS_RELEASE: &str = "ID=debian\nVERSION_ID=12\n";

/// Advisories for one package of Debian 12: one that has a fix, and one that has none.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let state = |status: &str, fixed: Option<&str>| {
        let mut release = json!({ "status": status, "repositories": { "bookworm": "5.2-2" } });
        release["urgency"] = json!("high");
        release["fixed_version"] = fixed.map_or(Value::Null, Value::from);
        json!({ "scope": "local", "releases": { "bookworm": release } })
    };
    let mut open = state("open", None);
    open["releases"]["bookworm"].as_object_mut().unwrap().remove("fixed_version");
    let tracker = json!({ "bash": {
        "CVE-2099-0001": state("resolved", Some("5.2-2")),
        "CVE-2099-0002": open,
    } });
    let file = sandbox.file("tracker.json", tracker.to_string());
    let ended = sandbox.run(&["db", "import", &file]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    sandbox
}

fn scan(sandbox: &Sandbox, arguments: &[&str]) -> (Ended, Value) {
    let ended = sandbox.run(&[&["scan", "--offline", "-f", "json"], arguments].concat());
    let report = serde_json::from_str(&ended.stdout).unwrap_or_default();
    (ended, report)
}

fn ids(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn what_is_looked_for_and_believed_can_be_chosen() {
    let sandbox = sandbox();
    let key = ["AKI", "AQ4VZ7MLDPWXN2RTB"].concat();
    sandbox.file("root/etc/os-release", OS_RELEASE);
    sandbox.file("root/var/lib/dpkg/status", STATUS);
    sandbox.file("root/srv/settings", format!("key = {key}\n"));
    sandbox.file("bare/var/lib/dpkg/status", STATUS);
    let (both, fixed) = (&["CVE-2099-0001", "CVE-2099-0002"][..], &["CVE-2099-0001"][..]);
    let none = &[][..];
    for (arguments, findings, secrets) in [
        (&["dir:root"][..], both, 1),
        (&["--ignore-unfixed", "dir:root"], fixed, 1),
        (&["--checks", "vuln", "dir:root"], both, 0),
        (&["--checks", "secret", "dir:root"], none, 1),
        (&["--checks", "secret,vuln", "dir:root"], both, 1),
        (&["dir:bare"], none, 0),
        (&["--distro", "debian:12", "dir:bare"], both, 0),
    ] {
        let (ended, report) = scan(&sandbox, arguments);
        assert_eq!(ids(&report), findings, "{arguments:?}: {ended:?}");
        assert_eq!(report["secrets"].as_array().unwrap().len(), secrets, "{arguments:?}");
    }
}

/// What a lock file in an image names need not be installed; `--declared` matches it all the same.
#[test]
fn declared_packages_are_matched_where_that_is_asked_for() {
    let sandbox = sandbox();
    let tar = TarBuilder::new()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", STATUS)
        .file("srv/requirements.txt", "requests==2.0.0\n");
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar));
    let target = sandbox.file("image.tar", image.docker_archive());
    assert_eq!(scan(&sandbox, &[&target]).0.code, Some(0));
    let (ended, _) = scan(&sandbox, &["--declared", &target]);
    assert_eq!(ended.code, Some(20), "advisories for PyPI are wanted then: {ended:?}");
    assert!(ended.stderr.to_lowercase().contains("pypi"), "{ended:?}");
}

/// A sound file of the cache under the name of another layer: it is believed with the cache, and
/// not without.
#[test]
fn without_the_cache_nothing_in_it_counts() {
    let sandbox = sandbox();
    let base = TarBuilder::new().file("etc/os-release", OS_RELEASE);
    let base = base.file("var/lib/dpkg/status", STATUS);
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(base));
    let target = sandbox.file("image.tar", image.docker_archive());
    let cached = || {
        let generations = std::fs::read_dir(sandbox.path("cache/lazaret/layers")).unwrap();
        let layers = generations.flat_map(|it| std::fs::read_dir(it.unwrap().path()).unwrap());
        layers.map(|layer| layer.unwrap().path()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&scan(&sandbox, &[&target]).1).len(), 2);
    let [own] = cached().try_into().unwrap();
    let empty = LayerBuilder::gzip(TarBuilder::new().file("a", ""));
    let empty = ImageBuilder::new("empty:1").layer(empty);
    scan(&sandbox, &[&sandbox.file("empty.tar", empty.docker_archive())]);
    let other = cached().into_iter().find(|path| *path != own).unwrap();
    std::fs::copy(other, &own).unwrap();
    assert_eq!(ids(&scan(&sandbox, &[&target]).1).len(), 0, "the test reaches the cache");
    assert_eq!(ids(&scan(&sandbox, &["--no-cache", &target]).1).len(), 2);
    assert_eq!(ids(&scan(&sandbox, &[&target]).1).len(), 0, "nothing was kept, either");
}

#[test]
fn wrong_usage_comes_before_anything_is_opened() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["scan", "--severity", "terrible", "dir:nowhere"][..],
        &["scan", "--fail-on", "terrible", "registry:127.0.0.1:9/shop:1"],
        &["scan", "--platform", "a/b/c/d", "dir:nowhere"],
        &["scan", "--checks", "luck", "dir:nowhere"],
        &["scan", "--timeout", "soon", "dir:nowhere"],
        &["sbom", "--format", "poem", "dir:nowhere"],
    ] {
        let ended = sandbox.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
    }
}

/// On a terminal each layer has a bar while it is read; `--quiet` has none, and a pipe neither.
#[test]
fn progress_is_for_whoever_watches() {
    if !testkit::installed("script") {
        return;
    }
    let sandbox = sandbox();
    let large =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("text", vec![b'a'; 48 << 20]);
    sandbox.file("root.tar.gz", gzip(&large.finish()));
    let lazaret = env!("CARGO_BIN_EXE_lazaret");
    let shown = |arguments: &str| {
        let typed =
            format!("{lazaret} sbom --no-cache -o sbom.json {arguments} fs-archive:root.tar.gz");
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &typed, "/dev/null"]).current_dir(sandbox.dir.path());
        command.env("XDG_CACHE_HOME", sandbox.path("cache")).env("TERM", "xterm");
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    };
    let text = shown("");
    assert!(text.contains("layer 0"), "{text}");
    let text = shown("--quiet");
    assert!(!text.contains("layer 0"), "{text}");
    let ended = sandbox.run(&["sbom", "--no-cache", "-o", "sbom.json", "fs-archive:root.tar.gz"]);
    assert!(!ended.stderr.contains("layer 0"), "{ended:?}");
}

#[test]
fn an_option_for_what_is_not_looked_for_contradicts() {
    let sandbox = Sandbox::new();
    sandbox.file("root/a", "b");
    sandbox.file("rules/a.yar", "rule a { condition: false }");
    sandbox.file("checks/own-check.toml", "");
    sandbox.file("digests", "# none\n");
    for (arguments, message) in [
        (&["--checks", "vuln", "--yara", "rules", "dir:root"][..], "--yara is of no use"),
        (&["--checks", "secret", "--clamd", "/x", "dir:root"], "--clamd is of no use"),
        (&["--checks", "secret", "--checks-from", "checks", "dir:root"], "--checks-from is of no"),
        (&["--checks", "malware", "--malware-digests", "digests", "dir:root"], "no digest"),
    ] {
        let (ended, _) = scan(&sandbox, arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(message), "{arguments:?}: {}", ended.stderr);
    }
    let (ended, _) = scan(&sandbox, &["--checks", "malware", "--yara", "rules", "dir:root"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
