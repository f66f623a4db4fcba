//! The programs that tests use besides Rust's own: Debian packages, each with its reason, and the
//! validators and schemas of bills of materials and of SARIF, which Debian does not have.
//!
//! Only what is missing is installed, so a machine that has all of it needs neither root nor a
//! network.

use std::path::Path;
use std::process::Command;

use super::{Done, Session};

/// Package, and what tests do with it.
const PACKAGES: &[(&str, &str)] = &[
    ("binutils", "makes a test small enough for the memory of an emulated machine"),
    ("busybox-static", "the smallest program an image can hold; the first of a machine"),
    ("chromium", "shows the HTML report, and tells what it asks the network for"),
    ("clamav-daemon", "is asked about files: `--clamd`"),
    ("clamav-testfiles", "one small program in the containers that malware comes in"),
    ("clang-14", "builds the sensor's BPF programs, to compare them with those in the tree"),
    ("containerd", "holds images: `containerd:`"),
    ("debootstrap", "makes a Debian image without a registry"),
    ("default-jdk-headless", "runs Maven's own order of versions, from a source file"),
    ("docker-registry", "the CNCF distribution server: `registry:`"),
    ("docker.io", "holds images and builds them: `docker:`"),
    ("elixir", "judges the order of Hex versions, and their ranges"),
    ("gcc", "builds what does system calls for the sensor to see"),
    ("git", "lists the files that tidy reads"),
    ("fonts-noto-cjk", "shows the Chinese side of the HTML report"),
    ("golang-go", "judges the order of Go versions"),
    ("iproute2", "lays a cable between a container and the host, for isolation to cut"),
    ("libmaven3-core-java", "judges the order of Maven versions, and their ranges"),
    ("libbpf-dev", "brings the headers that BPF programs are written with"),
    ("llvm-14", "takes from them what only a debugger reads"),
    ("netcat-traditional", "starts a shell for a connection, which the guard has to tell"),
    ("node-semver", "judges the order of npm versions, and their ranges"),
    ("perl-base", "judges the order of CPAN versions"),
    ("php-cli", "runs Composer's own order of versions"),
    ("php-composer-semver", "judges the order of Composer versions, and their ranges"),
    ("podman", "holds images: `podman:`"),
    ("python3-packaging", "judges the order of Python versions, and their ranges"),
    ("python3-venv", "keeps the validators of bills of materials apart from the system"),
    ("python3-yaml", "reads advisories for calculations that findings are held against"),
    ("qemu-system-x86", "emulates a machine for the sensor on Debian's kernel"),
    ("r-base-core", "judges the order of CRAN versions"),
    ("rpm", "judges the order of RPM versions, and what `rpm -qa` says of a database"),
    ("ruby", "judges the order of RubyGems versions, and their ranges"),
    ("runc", "runs what containerd, Docker and Podman start"),
    ("skopeo", "copies images between all of them"),
    ("socat", "starts a shell on a terminal for a connection, which the guard has to tell"),
    ("umoci", "writes OCI layouts that we did not write"),
    ("weevely", "makes webshells that must be found"),
    ("xz-utils", "unpacks and packs .xz beside our own decoder"),
    ("zstd", "unpacks and packs .zst beside our own decoder"),
];

/// The official CycloneDX schemas with a validator, and SPDX's own tools (PyPI).
const VALIDATORS: [&str; 2] = ["cyclonedx-python-lib[validation]~=11.0", "spdx-tools~=0.8"];
/// The folder under `target/` that tests look for them in.
const VALIDATORS_FOLDER: &str = "tools/sbom";
/// What has to be there for them to work.
const VALIDATORS_IMPORT: &str = "import cyclonedx.validation.json, cyclonedx.validation.xml, \
    jsonschema, license_expression, lxml, packageurl, spdx_tools.spdx.parser.parse_anything";

/// The package (npm) that brings the official schema of SARIF, its folder under `target/`, and the
/// schema in it, which tests read.
const SARIF: (&str, &str, &str) = (
    "@microsoft/jest-sarif@1.0.0-beta.0",
    "tools/sarif",
    "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json",
);

/// The package (PyPI) whose source brings the schema by which Jenkins reads JUnit's XML, its folder under
/// `target/`, and the schema in it. Nobody publishes GitLab's schemas in a registry.
const JUNIT: (&str, &str, &str) =
    ("pytest-8.3.5", "tools/junit", "pytest-8.3.5/testing/example_scripts/junit-10.xsd");

pub(super) fn run(session: &mut Session<'_>) -> Result<Done, String> {
    packages()?;
    validators(session.root)?;
    sarif(session.root)?;
    junit(session.root)
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
fn validators(root: &Path) -> Result<Done, String> {
    let folder = root.join("target").join(VALIDATORS_FOLDER);
    let python = folder.join("bin/python");
    let works = Command::new(&python).args(["-c", VALIDATORS_IMPORT]).output();
    if works.is_ok_and(|output| output.status.success()) {
        return Ok(Done::Passed);
    }
    finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    finish(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(VALIDATORS))
}

/// Without what the package itself would need: only a file of it is read.
fn sarif(root: &Path) -> Result<Done, String> {
    let (package, folder, schema) = SARIF;
    let folder = root.join("target").join(folder);
    if folder.join(schema).exists() {
        return Ok(Done::Passed);
    }
    // Debian's npm and the one that Node's own packages bring exclude each other.
    if Command::new("npm").arg("--version").output().is_err() {
        apt(&["install", "--quiet", "--yes", "--no-install-recommends", "npm"])?;
    }
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let options = ["install", "--no-save", "--ignore-scripts", "--legacy-peer-deps", "--omit=peer"];
    let quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--no-package-lock"];
    finish(Command::new("npm").arg("--prefix").arg(&folder).args(options).args(quiet).arg(package))
}

/// A source is downloaded and not installed: only a file of it is read.
fn junit(root: &Path) -> Result<Done, String> {
    let (package, folder, schema) = JUNIT;
    let python = root.join("target").join(VALIDATORS_FOLDER).join("bin/python");
    let folder = root.join("target").join(folder);
    if folder.join(schema).exists() {
        return Ok(Done::Passed);
    }
    let options = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"];
    let wanted = package.replacen('-', "==", 1);
    finish(Command::new(python).args(options).arg("--dest").arg(&folder).arg(wanted))?;
    let archive = folder.join(format!("{package}.tar.gz"));
    finish(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&folder).arg(schema))
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
