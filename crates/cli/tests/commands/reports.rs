//! `--format`: every form as a user asks for it, and what is refused before a scan begins.

use crate::run::Sandbox;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// A root file system with vulnerable packages, and the advisories on them.
fn vulnerable() -> Sandbox {
    let sandbox = Sandbox::new().with_advisories();
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/demo/image");
    for (from, to) in [("os-release", "etc/os-release"), ("status.app", "var/lib/dpkg/status")] {
        let text = std::fs::read_to_string(demo.join(from)).unwrap();
        sandbox.file(&format!("root/{to}"), text);
    }
    sandbox
}

#[test]
fn every_form_is_written_and_begins_as_its_readers_expect() {
    let sandbox = vulnerable();
    sandbox.file("list.txt", "{% for it in findings %}{{ it.id }}\n{% endfor %}");
    let table: [(&str, &str); 11] = [
        ("table", "root"),
        ("json", "{\n  \"schema_version\""),
        ("html", "<!DOCTYPE html>"),
        ("markdown", "### Lazaret: `root`"),
        ("csv", "kind,severity,id,"),
        ("sarif", "{\n  \"$schema\": \"https://docs.oasis-open.org/sarif/"),
        ("junit", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "),
        ("gitlab", "{\n  \"scan\""),
        ("github", "{\n  \"version\": 0"),
        ("cosign-vuln", "{\n  \"invocation\""),
        ("template", "CVE-"),
    ];
    for (format, begin) in table {
        let mut arguments = vec!["scan", "--offline", "--format", format, "dir:root"];
        match format {
            "template" => arguments.extend(["--template", "list.txt"]),
            "github" => arguments.extend(["--github-sha", SHA, "--github-ref", "refs/heads/main"]),
            _ => {}
        }
        let ended = sandbox.run(&arguments);
        assert_eq!(ended.code, Some(0), "{format}: {ended:?}");
        assert!(ended.stdout.starts_with(begin), "{format}: {}", ended.stdout);
        let needle = if format == "github" { "pkg:deb/" } else { "CVE-" };
        assert!(ended.stdout.contains(needle), "{format}: {}", ended.stdout);
        arguments.extend(["-o", "report"]);
        assert_eq!(sandbox.run(&arguments).code, Some(0), "{format}");
        if format != "table" {
            let written = std::fs::read_to_string(sandbox.path("report")).unwrap();
            assert_eq!(written, ended.stdout, "{format}");
        }
    }
}

/// The target does not exist: whoever got as far as looking for it would end with 10.
#[test]
fn what_a_form_lacks_is_told_before_the_scan() {
    let sandbox = Sandbox::new();
    sandbox.file("broken.txt", "one\n{{ two");
    sandbox.file("fine.txt", "");
    let github = ["--format", "github"];
    let table: [(&[&str], &str); 7] = [
        (&["--format", "template"], "needs `--template FILE`"),
        (&["--format", "template", "--template", "none.txt"], "cannot read template `none.txt`"),
        (&["--format", "template", "--template", "broken.txt"], "`broken.txt`, line 2, column"),
        (&["--template", "fine.txt"], "`--template` is for `--format template`"),
        (&github, "needs `--github-sha`"),
        (&["--format", "github", "--github-sha", "abc"], "40 hexadecimal digits"),
        (&["--format", "github", "--github-sha", SHA], "begins with `refs/`"),
    ];
    for (arguments, said) in table {
        let ended = sandbox.run(&[&["scan", "--offline", "dir:nowhere"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
    }
    let fine =
        ["scan", "--offline", "dir:nowhere", "--format", "template", "--template", "fine.txt"];
    assert_eq!(sandbox.run(&fine).code, Some(10));
}

/// Nor may one that the engine does not count.
#[test]
fn a_template_that_fills_memory_ends() {
    let sandbox = vulnerable();
    let doubled = "{% set n = namespace(x=[1]) %}{% for i in range(40) %}{% set n.x = n.x + n.x %}\
                   {% endfor %}{{ n.x|length }}";
    let nested = "{% set n = namespace(x=[1]) %}{% for i in range(40) %}{% set n.x = [n.x, n.x] %}\
                  {% endfor %}{{ n.x|string|length }}";
    for source in ["{{ packages|tojson(indent=1000000000) }}", doubled, nested] {
        sandbox.file("grow.txt", source);
        let begun = std::time::Instant::now();
        let ended = sandbox.run(&[
            "scan",
            "--offline",
            "--format",
            "template",
            "--template",
            "grow.txt",
            "-o",
            "report",
            "dir:root",
        ]);
        assert_eq!(ended.code, Some(2), "{source}: {ended:?}");
        let said = "template `grow.txt`: takes more than 256 MiB of memory";
        assert!(ended.stderr.contains(said), "{source}: {}", ended.stderr);
        assert!(!sandbox.path("report").exists(), "{source}");
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{source}");
    }
}

#[test]
fn the_snapshot_takes_its_job_from_the_environment() {
    let sandbox = vulnerable();
    let mut command = sandbox.command(&["scan", "--offline", "--format", "github", "dir:root"]);
    let output = command
        .env("GITHUB_SHA", SHA)
        .env("GITHUB_REF", "refs/tags/v1")
        .env("GITHUB_RUN_ID", "42")
        .env("GITHUB_WORKFLOW", "images")
        .output()
        .unwrap();
    let snapshot: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(snapshot["sha"], SHA);
    assert_eq!(snapshot["ref"], "refs/tags/v1");
    assert_eq!(snapshot["job"]["id"], "42");
    assert_eq!(snapshot["job"]["correlator"], "images");
}
