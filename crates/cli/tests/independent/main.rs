//! The whole program against calculations in another language.
//!
//! Each test has a Python script import feeds with the binary, scan what the feeds are about, and work out
//! from the publishers' own documents what must be found: packages, ids, other names, states, fixed
//! versions, ratings, scores, EPSS, known exploits. The scripts share no code with the product and read
//! nothing that it wrote but its reports; `dpkg`, `rpm`, `apk` and RubyGems judge the versions. What differs
//! is printed, and the test fails.
//!
//! The data is public and large, and lies beside the repository. The same scripts run on an excerpt of
//! `excerpt/`, made by hand in the publishers' forms, which everybody has.

#![expect(clippy::print_stderr, reason = "what was compared is worth seeing")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LAZARET: &str = env!("CARGO_BIN_EXE_lazaret");
/// What the scripts run besides the product.
const PROGRAMS: [&str; 4] = ["dpkg", "rpm", "ruby", "zstd"];
/// How many things of each kind have to be there and equal: a comparison of nothing proves nothing.
type Least = &'static [(&'static str, &'static [(&'static str, u64)])];

#[test]
fn ubuntu() {
    const LEAST: Least =
        &[("ubuntu", &[("findings", 30_000), ("fixed", 6_000), ("epss", 30_000), ("kev", 100)])];
    compare("ubuntu.py", &feeds(), &[], LEAST);
}

#[test]
fn enterprise_linux() {
    const LEAST: Least = &[
        ("rhel-7", &[("findings", 5_000), ("fixed", 1_500), ("cvss", 4_500), ("kev", 10)]),
        ("rhel-8", &[("findings", 5_000), ("fixed", 1_500), ("cvss", 4_500), ("kev", 10)]),
        ("rhel-9", &[("findings", 5_000), ("fixed", 1_500), ("cvss", 4_500), ("kev", 10)]),
        ("almalinux-8", &[("findings", 5_000), ("fixed", 4_000), ("severity", 4_500)]),
        ("almalinux-9", &[("findings", 5_000), ("fixed", 4_000), ("judged", 8_000)]),
    ];
    compare("rhel.py", &feeds(), &[], LEAST);
}

#[test]
fn fixed_versions_of_sources() {
    const LEAST: Least = &[
        ("alpine", &[("findings", 6_000), ("packages", 1_000), ("epss", 5_000)]),
        ("debian", &[("findings", 5_000), ("packages", 400), ("judged", 300)]),
        ("azurelinux", &[("findings", 5_000), ("packages", 500), ("severity", 5_000)]),
    ];
    compare("distributions.py", &feeds(), &[], LEAST);
}

#[test]
fn go_and_python() {
    const LEAST: Least = &[
        ("golang", &[("findings", 5_000), ("fixed", 2_500), ("aliases", 5_000)]),
        ("pypi", &[("findings", 5_000), ("fixed", 4_500), ("cvss", 200)]),
    ];
    compare("language.py", &feeds(), &["golang", "pypi"], LEAST);
}

#[test]
fn ruby_rust_and_php() {
    const LEAST: Least = &[
        ("gem", &[("findings", 5_000), ("severity", 4_000), ("judged", 1_500)]),
        ("cargo", &[("findings", 1_000), ("scores", 500), ("aliases", 1_000)]),
        ("composer", &[("findings", 5_000), ("fixed", 5_000)]),
    ];
    compare("language.py", &feeds(), &["gem", "cargo", "composer"], LEAST);
}

#[test]
fn bitnami() {
    const LEAST: Least = &[("bitnami", &[("findings", 5_000), ("scores", 4_000), ("kev", 20)])];
    compare("language.py", &feeds(), &["bitnami"], LEAST);
}

/// All feeds at once, and the images as their publishers made them.
#[test]
fn images() {
    const LEAST: Least = &[
        ("alpine-minirootfs-3.10.9", &[("findings", 1), ("packages", 14)]),
        ("alpine-minirootfs-edge-20240923", &[("findings", 90), ("packages", 14)]),
        ("almalinux-9-micro", &[("findings", 60), ("packages", 20), ("cvss", 5)]),
        ("older-databases", &[("findings", 60), ("packages", 30)]),
    ];
    compare("images.py", &beside("shared/data"), &[], LEAST);
}

/// The reference image (`make-reference-image`), saved where `cargo xtask bench` puts it.
#[test]
fn reference_image() {
    const LEAST: Least = &[
        ("reference", &[("findings", 300), ("packages", 2_000), ("left to Debian", 1_500)]),
        ("nobodys", &[("findings", 400), ("packages", 100), ("not linked", 100)]),
    ];
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench/reference.tar");
    if !saved.exists() {
        return testkit::lack("the reference image is not saved in target/bench");
    }
    let saved = saved.to_str().expect("a path of this repository is text");
    compare("images.py", &beside("shared/data"), &[saved], LEAST);
}

/// What everybody has: every script, on documents made by hand.
#[test]
fn excerpt() {
    const SOURCES: Least = &[
        ("alpine", &[("findings", 15)]),
        ("debian", &[("findings", 5)]),
        ("azurelinux", &[("findings", 3)]),
    ];
    const LINUX: Least =
        &[("rhel-9", &[("findings", 10), ("cvss", 10)]), ("almalinux-9", &[("findings", 25)])];
    const LANGUAGES: Least = &[
        ("golang", &[("findings", 10)]),
        ("pypi", &[("findings", 15)]),
        ("gem", &[("findings", 8)]),
        ("cargo", &[("findings", 8)]),
        ("composer", &[("findings", 10)]),
        ("bitnami", &[("findings", 10)]),
    ];
    compare("ubuntu.py", &by_hand(), &[], &[("ubuntu", &[("findings", 25), ("fixed", 10)])]);
    compare("rhel.py", &by_hand(), &[], LINUX);
    compare("distributions.py", &by_hand(), &[], SOURCES);
    compare("language.py", &by_hand(), &EXCERPT, LANGUAGES);
}

/// One word of the reports is changed on the way; every script has to see it.
#[test]
fn a_difference_is_told() {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let program = folder.path().join("lazaret");
    let text = format!(
        "#!/bin/sh\n'{LAZARET}' \"$@\"\nended=$?\n\
         test ! -e report.json || sed -i 's/\"fixed\"/\"affected\"/' report.json\nexit $ended\n"
    );
    std::fs::write(&program, text).expect("it can be written");
    let may_run = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, may_run).expect("it is ours");
    let program = program.to_str().expect("a path of text");
    let scripts: [(&str, &[&str]); 4] = [
        ("ubuntu.py", &[]),
        ("rhel.py", &[]),
        ("distributions.py", &[]),
        ("language.py", &EXCERPT),
    ];
    for (script, more) in scripts {
        let Some(output) = run(script, program, &by_hand(), more) else { return };
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{script}: {said}");
        assert!(said.contains("differs="), "{script}: {said}");
    }
}

/// The languages of the excerpt.
const EXCERPT: [&str; 6] = ["golang", "pypi", "gem", "cargo", "composer", "bitnami"];

fn by_hand() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/excerpt")
}

fn feeds() -> PathBuf {
    beside("shared/data/feeds")
}

/// A folder beside the repository.
fn beside(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").join(folder)
}

/// Runs a script on data; every line that it prints is a name and counts, of which the least must be there.
fn compare(script: &str, data: &Path, more: &[&str], least: Least) {
    let Some(output) = run(script, LAZARET, data, more) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    eprintln!("{said}{complaints}");
    assert!(output.status.success(), "{said}{complaints}");
    let counted: BTreeMap<&str, BTreeMap<&str, u64>> = said.lines().filter_map(counts).collect();
    for (what, least) in least {
        for (name, least) in *least {
            let count = counted.get(what).and_then(|counts| counts.get(name)).copied();
            assert!(count >= Some(*least), "{what}: {name}: {count:?}, not {least} at least");
        }
    }
}

/// None, with a word why, where something that it takes is not there.
fn run(script: &str, program: &str, data: &Path, more: &[&str]) -> Option<Output> {
    if !data.exists() {
        testkit::lack(&format!("{} is not beside the repository", data.display()));
        return None;
    }
    let Some(python) = python() else {
        testkit::skip("no python3 here has packaging and yaml");
        return None;
    };
    if !PROGRAMS.iter().all(|program| testkit::installed(program)) {
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent").join(script);
    let mut command = Command::new(python);
    // Nothing is written beside the scripts.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    Some(command.arg(script).arg(program).arg(data).args(more).output().expect("it runs"))
}

/// `alpine: findings=3, left to Debian=4`.
fn counts(line: &str) -> Option<(&str, BTreeMap<&str, u64>)> {
    let (what, counts) = line.split_once(": ")?;
    Some((what, counts.split(", ").filter_map(pair).collect()))
}

fn pair(text: &str) -> Option<(&str, u64)> {
    let (name, number) = text.split_once('=')?;
    Some((name, number.parse().ok()?))
}

/// Debian's, which `cargo xtask test install` gives what it needs, else whichever is found.
fn python() -> Option<&'static str> {
    let works = |python: &&str| {
        let asked = Command::new(python).args(["-c", "import packaging, tomllib, yaml"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    ["/usr/bin/python3", "python3"].into_iter().find(works)
}
