//! What users stumble over: wrong names and flags, filters that hide everything, odd environments.

use crate::run::Sandbox;

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.base");

/// A root file system with vulnerable packages, and advisories for them.
fn vulnerable() -> Sandbox {
    let sandbox = Sandbox::new().with_advisories();
    sandbox.file("root/etc/os-release", OS_RELEASE);
    sandbox.file("root/var/lib/dpkg/status", STATUS);
    sandbox
}

/// Command, exit code, and what stdout and stderr say between them.
const COMMANDS: &[(&[&str], i32, &[&str])] = &[
    // names
    (&["scan", "--offline", "nowhere:1"], 13, &["there is no file `nowhere:1`", "registry"]),
    (&["scan", "--offline", "docker:"], 2, &["`docker:` has to be followed by"]),
    (&["scan", "--offline", "dir:nowhere"], 10, &["`nowhere`"]),
    // flags
    (&["scna"], 2, &["a similar subcommand exists: 'scan'"]),
    (&["scan", "--frmat", "json", "dir:root"], 2, &["a similar argument exists: '--format'"]),
    (&["scan", "--jobs", "0", "dir:root"], 2, &["`0` is not a number of threads"]),
    (&["scan", "--cache-limit", "much", "dir:root"], 2, &["`much` is not a size"]),
    (&["scan", "--distro", "slackware:15", "dir:root"], 2, &["`slackware` is not known", "debian"]),
    (
        &["scan", "-o", "nowhere/report", "dir:root"],
        30,
        &["cannot write `nowhere/report`: No such"],
    ),
    (&["db", "update", "nonsense"], 2, &["`nonsense`: is neither a source nor a stream"]),
    (
        &["--db", "none", "db", "export", "b.lzb"],
        10,
        &["there are no advisories in `none`", "hint"],
    ),
    // filters: nothing shown is not nothing found
    (
        &["scan", "--offline", "--severity", "CRITICAL", "dir:root"],
        0,
        &["no vulnerability of the kinds asked for", "not shown, as was asked for: "],
    ),
    (&["scan", "--offline", "--severity", "High,low", "dir:root"], 0, &["upgrade openssl to "]),
    // nothing to look at is not clean
    (&["scan", "--offline", "dir:empty"], 0, &["no packages found"]),
    (&["sbom", "--offline", "-f", "json", "dir:root"], 0, &["\"eol_date\": \"2027-06-01\""]),
];

#[test]
fn commands_say_what_is_wrong() {
    let sandbox = vulnerable();
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    for (arguments, code, said) in COMMANDS {
        let ended = sandbox.run(arguments);
        assert_eq!(ended.code, Some(*code), "{arguments:?}: {ended:?}");
        for text in *said {
            let all = format!("{}{}", ended.stdout, ended.stderr);
            assert!(all.contains(text), "{arguments:?} does not say `{text}`: {ended:?}");
        }
    }
}

/// What was meant for a path was asked of no registry, and nobody says that it was.
#[test]
fn a_path_is_no_name() {
    let sandbox = Sandbox::new();
    for path in ["./nowhere/a.tar", "nowhere/a.tar.gz", "/nowhere"] {
        let ended = sandbox.run(&["scan", "--offline", path]);
        let said = (ended.code, ended.stderr);
        assert_eq!(said, (Some(10), format!("error: `{path}` does not exist\n")));
    }
}

/// What is there, and holds no image, was not looked for anywhere else.
#[test]
fn a_path_that_exists_was_not_looked_for_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.file("layout/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    sandbox.file("layout/index.json", r#"{"schemaVersion":2,"manifests":[]}"#);
    for target in ["layout", "layout:1"] {
        let ended = sandbox.run(&["scan", "--offline", target]);
        assert_eq!(ended.code, Some(10), "{ended:?}");
        assert!(!ended.stderr.contains("there is no file"), "{ended:?}");
    }
}

/// A gate that could not look severities up has not judged, whatever the filter hides.
#[test]
fn a_filter_does_not_open_the_gate() {
    let sandbox = Sandbox::new();
    let ended = sandbox.run(&["db", "import", &unrated(&sandbox)]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    sandbox.file("root/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let status =
        "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n";
    sandbox.file("root/var/lib/dpkg/status", status);
    for filter in [&[][..], &["--severity", "high,critical"]] {
        let arguments = [&["scan", "--offline", "--fail-on", "high", "dir:root"], filter].concat();
        let ended = sandbox.run(&arguments);
        assert_eq!(ended.code, Some(20), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("1 could not be judged"), "{ended:?}");
    }
}

/// That nobody rated a vulnerability is not known from a few records of its year without it.
#[test]
fn a_gate_has_not_judged_what_metadata_does_not_have() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["db", "import", &unrated(&sandbox)]).code, Some(0));
    sandbox.file("root/etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let status =
        "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n";
    sandbox.file("root/var/lib/dpkg/status", status);
    let scores = "#model_version:v2025.03.14,score_date:2026-11-01T00:00:00+0000\n\
        cve,epss,percentile\nCVE-2099-0002,0.1,0.2\n";
    let known = r#"{"catalogVersion": "2026.11.01", "dateReleased": "2026-11-01T00:00:00Z", "count": 1,
        "vulnerabilities": [{"cveID": "CVE-2099-0002", "vendorProject": "a", "product": "b",
        "vulnerabilityName": "c", "dateAdded": "2026-11-01", "shortDescription": "d",
        "requiredAction": "e", "dueDate": "2026-11-02"}]}"#;
    let imported = sandbox.run(&[
        "db",
        "import",
        &sandbox.file("epss_scores-2026-11-01.csv", scores),
        &sandbox.file("kev.json", known),
    ]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    for (id, code, why) in [
        ("CVE-2099-0002", 20, "because metadata is missing"),
        ("CVE-2099-0001", 0, "because nobody rated them"),
    ] {
        let nvd = serde_json::json!({
            "resultsPerPage": 1, "startIndex": 0, "totalResults": 1, "format": "NVD_CVE",
            "version": "2.0", "timestamp": "2026-11-01T00:00:00.000",
            "vulnerabilities": [{ "cve": {
                "id": id, "sourceIdentifier": "cve@mitre.org", "published": "2026-11-01T00:00:00.000",
                "lastModified": "2026-11-01T00:00:00.000", "vulnStatus": "Received", "references": [],
                "descriptions": [{ "lang": "en", "value": "nobody has looked at it" }],
            } }],
        });
        let imported = sandbox.run(&["db", "import", &sandbox.file("nvd.json", nvd.to_string())]);
        assert_eq!(imported.code, Some(0), "{imported:?}");
        let ended = sandbox.run(&["scan", "--offline", "--fail-on", "low", "dir:root"]);
        assert_eq!(ended.code, Some(code), "{id}: {ended:?}");
        assert!(
            ended.stderr.contains("1 could not be judged") && ended.stderr.contains(why),
            "{ended:?}"
        );
        assert_eq!(ended.stdout.contains("do not have CVE-2099-0001"), code == 20, "{ended:?}");
    }
}

/// The Debian tracker's form, about one package, without an urgency.
fn unrated(sandbox: &Sandbox) -> String {
    let tracker = serde_json::json!({
        "bash": { "CVE-2099-0001": { "scope": "local", "releases": { "bookworm": {
            "status": "resolved",
            "repositories": { "bookworm": "5.2-2" },
            "fixed_version": "5.2-2",
            "urgency": "not yet assigned",
        } } } }
    });
    sandbox.file("tracker.json", tracker.to_string())
}

#[test]
fn odd_environments() {
    let sandbox = vulnerable();
    for (variable, value, code) in [
        ("LAZARET_OFFLINE", "1", 0),
        ("LAZARET_OFFLINE", "true", 0),
        ("NO_COLOR", "1", 0),
        ("TERM", "dumb", 0),
        ("LC_ALL", "zh_CN.UTF-8", 0),
        ("LC_ALL", "C", 0),
        ("COLUMNS", "20", 0),
        ("SOURCE_DATE_EPOCH", "yesterday", 2),
    ] {
        let mut command = sandbox.command(&["scan", "--max-age", "9999d", "dir:root"]);
        command.args(["--db-url", "http://127.0.0.1:9"]).env(variable, value);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{variable}={value}: {output:?}");
        assert!(!output.stdout.contains(&0x1b), "{variable}={value}: a pipe gets no color");
    }
}

/// On a terminal a table is colored and no wider than the window; in a file it is neither.
#[test]
fn a_narrow_terminal() {
    if !testkit::installed("script") {
        return;
    }
    let sandbox = vulnerable();
    let lazaret = env!("CARGO_BIN_EXE_lazaret");
    let shown = |arguments: &str| {
        let typed = format!("stty rows 40 cols 60; {lazaret} scan --offline dir:root {arguments}");
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &typed, "/dev/null"]).current_dir(sandbox.dir.path());
        command.env("XDG_CACHE_HOME", sandbox.path("cache")).env("TERM", "xterm");
        command.env_remove("COLUMNS").env_remove("NO_COLOR");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let text = shown("");
    assert!(text.contains("\u{1b}[31mhigh"), "{text}");
    assert!(text.contains("left out: the window is narrow"), "{text}");
    assert!(!shown("--color never").contains("\u{1b}[31m"));
    shown("-o report.txt");
    let text = std::fs::read_to_string(sandbox.path("report.txt")).unwrap();
    assert!(text.contains("EPSS   LAYER") && !text.contains('\u{1b}'), "{text}");
}

/// `lazaret … | head -1`: a reader that leaves early is no error.
#[test]
fn a_closed_pipe_is_quiet() {
    let sandbox = vulnerable();
    let mut command = sandbox.command(&["scan", "--offline", "-f", "json", "dir:root"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_cache_is_shown_cleaned_and_bounded() {
    let sandbox = Sandbox::new();
    let image = |name: &str| {
        let tar = testkit::TarBuilder::new().file("etc/os-release", format!("ID={name}\n"));
        let layer = testkit::LayerBuilder::gzip(tar);
        let image = testkit::ImageBuilder::new("shop:1").layer(layer);
        sandbox.file(&format!("{name}.tar"), image.docker_archive())
    };
    let run = |arguments: &[&str], expected: &str| {
        let ended = sandbox.run(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains(expected), "{ended:?}");
    };
    run(
        &["cache", "status"],
        "0 layers and 0 images in [SANDBOX]/cache/lazaret, 0 kB of at most 2.1 GB",
    );
    for name in ["a", "b", "c"] {
        run(&["sbom", "--offline", &image(name)], "CycloneDX");
    }
    run(&["cache", "status"], "3 layers");
    run(&["cache", "clean", "--older-than", "1d"], "0 layers and 0 images deleted");
    run(&["sbom", "--offline", "--no-cache", &image("d")], "CycloneDX");
    run(&["cache", "status"], "3 layers");
    run(&["sbom", "--offline", "--cache-limit", "1", &image("e")], "CycloneDX");
    run(&["cache", "status"], "0 layers");
    run(&["sbom", "--offline", &image("f")], "CycloneDX");
    run(&["cache", "clean"], "1 layer and 0 images deleted");
    run(&["cache", "status"], "0 layers");
}
