//! The programs that tests use besides Rust's own: Debian packages, each with its reason, and the
//! validator of CycloneDX documents, which Debian does not have.
//!
//! Only what is missing is installed, so a machine that has all of it needs neither root nor a
//! network.

use std::path::Path;
use std::process::Command;

use super::{Done, Session};

/// Package, and what tests do with it.
const PACKAGES: &[(&str, &str)] = &[
    ("busybox-static", "the smallest program an image can hold"),
    ("clamav-daemon", "is asked about files: `--clamd`"),
    ("clamav-testfiles", "one small program in the containers that malware comes in"),
    ("containerd", "holds images: `containerd:`"),
    ("debootstrap", "makes a Debian image without a registry"),
    ("default-jdk-headless", "runs Maven's own order of versions, from a source file"),
    ("docker-registry", "the CNCF distribution server: `registry:`"),
    ("docker.io", "holds images and builds them: `docker:`"),
    ("elixir", "judges the order of Hex versions, and their ranges"),
    ("git", "lists the files that tidy reads"),
    ("golang-go", "judges the order of Go versions"),
    ("libmaven3-core-java", "judges the order of Maven versions, and their ranges"),
    ("node-semver", "judges the order of npm versions, and their ranges"),
    ("php-cli", "runs Composer's own order of versions"),
    ("php-composer-semver", "judges the order of Composer versions, and their ranges"),
    ("podman", "holds images: `podman:`"),
    ("python3-packaging", "judges the order of Python versions, and their ranges"),
    ("python3-venv", "keeps the CycloneDX validator apart from the system"),
    ("r-base-core", "judges the order of CRAN versions"),
    ("rpm", "judges the order of RPM versions, and what `rpm -qa` says of a database"),
    ("ruby", "judges the order of RubyGems versions, and their ranges"),
    ("runc", "runs what containerd, Docker and Podman start"),
    ("skopeo", "copies images between all of them"),
    ("umoci", "writes OCI layouts that we did not write"),
    ("weevely", "makes webshells that must be found"),
    ("xz-utils", "unpacks and packs .xz beside our own decoder"),
    ("zstd", "unpacks and packs .zst beside our own decoder"),
];

/// The official schema with a validator (PyPI), and the folder under `target/` that tests look for
/// it in.
const VALIDATOR: (&str, &str) = ("cyclonedx-python-lib[json-validation]~=11.0", "tools/cyclonedx");

pub(super) fn run(session: &mut Session<'_>) -> Result<Done, String> {
    packages()?;
    validator(session.root)
}

fn packages() -> Result<Done, String> {
    let missing: Vec<&str> =
        PACKAGES.iter().map(|(name, _)| *name).filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(Done::Passed);
    }
    for (name, why) in PACKAGES.iter().filter(|(name, _)| missing.contains(name)) {
        println!("{name}: {why}");
    }
    if !rustix::process::geteuid().is_root() {
        let names = missing.join(" ");
        return Err(format!("not root\nhint: as root, `apt-get install {names}`"));
    }
    apt(&["update", "--quiet"])?;
    apt(&[&["install", "--quiet", "--yes", "--no-install-recommends"], missing.as_slice()].concat())
}

/// What was cut off half-way is not importable, and made anew.
fn validator(root: &Path) -> Result<Done, String> {
    let (requirement, folder) = VALIDATOR;
    let folder = root.join("target").join(folder);
    let python = folder.join("bin/python");
    let import = "import cyclonedx.validation.json, jsonschema, license_expression, packageurl";
    let works = Command::new(&python).args(["-c", import]).output();
    if works.is_ok_and(|output| output.status.success()) {
        return Ok(Done::Passed);
    }
    finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    finish(Command::new(&python).args(["-m", "pip", "install", "--quiet", requirement]))
}

fn is_installed(package: &str) -> bool {
    let answer =
        Command::new("dpkg-query").args(["--show", "--showformat=${Status}", package]).output();
    answer.is_ok_and(|output| output.stdout == b"install ok installed")
}

fn apt(args: &[&str]) -> Result<Done, String> {
    let mut command = Command::new("apt-get");
    finish(command.args(args).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn finish(command: &mut Command) -> Result<Done, String> {
    let status = command.status().map_err(|error| format!("running {command:?}: {error}"))?;
    if status.success() { Ok(Done::Passed) } else { Err(format!("{status}: {command:?}")) }
}
