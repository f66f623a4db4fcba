//! Real images and databases from `shared/data`, judged by the programs that own them.
//!
//! Where the data or a judge is missing a test says so and passes; the fixtures in `testdata`
//! exercise the same code everywhere.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a test that skips says why")]

mod untar;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use analyzers::{Checks, LayerCollector, squash};
use model::{Entry, EntryKind, Inventory, Visitor};

/// A file of the shared data; None, with a word on stderr, where there is none.
fn shared(file: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(file);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: {} is not here", path.display());
    }
    bytes
}

/// Whether a judge is installed; says so on stderr where it is not.
fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        // As `testkit::skip` has it.
        let is_strict = std::env::var_os("LAZARET_TESTS").is_some_and(|value| value == "strict");
        assert!(!is_strict, "`{program}` is not installed, and LAZARET_TESTS=strict");
        eprintln!("skipped: `{program}` is not installed");
    }
    is_there
}

fn lines(inventory: &Inventory) -> Vec<String> {
    let packages = inventory.packages.iter();
    packages.map(|p| format!("{} {} {}", p.name, p.version, p.architecture)).collect()
}

#[test]
fn alpine_images_hold_what_their_databases_list() {
    let images = [
        ("3.10.9", "3.10.9", "musl 1.1.22-r4 x86_64"),
        ("3.16.9", "3.16.9", "musl 1.2.3-r3 x86_64"),
        ("3.20.3", "3.20.3", "musl 1.2.5-r0 x86_64"),
        ("edge-20240923", "edge", "musl 1.2.5-r3 x86_64"),
    ];
    for (image, version, musl) in images {
        let Some(gz) = shared(&format!("images/alpine-minirootfs-{image}-x86_64.tar.gz")) else {
            return;
        };
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(gz.as_slice()).read_to_end(&mut tar).unwrap();
        let inventory = squash(&[untar::facts(&tar)], false);
        let os = inventory.os.as_ref().unwrap();
        assert_eq!((os.family.as_str(), os.version.as_str()), ("alpine", version));
        assert_eq!(inventory.repositories.len(), 2);
        assert_eq!(inventory.problems, []);
        assert!(lines(&inventory).contains(&musl.to_owned()), "{:?}", lines(&inventory));
        let expected = counted(&tar);
        let paths = inventory.packages.iter().flat_map(|p| {
            let owned = p.files.to_vec().into_iter();
            owned.chain([format!("{} {}", p.name, p.version)])
        });
        assert_eq!(paths.collect::<BTreeSet<_>>(), expected, "{image}");
    }
}

/// Names with versions, and files, counted in the database by another way than the analyzer's.
fn counted(tar: &[u8]) -> BTreeSet<String> {
    let mut archive = tar::Archive::new(tar);
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let mut installed = String::new();
    entries
        .find(|entry| entry.path().unwrap().ends_with("lib/apk/db/installed"))
        .unwrap()
        .read_to_string(&mut installed)
        .unwrap();
    let mut counted = BTreeSet::new();
    for paragraph in installed.split("\n\n") {
        let one = |letter: &str| paragraph.lines().find_map(|line| line.strip_prefix(letter));
        if let (Some(name), Some(version)) = (one("P:"), one("V:")) {
            counted.insert(format!("{name} {version}"));
        }
        for directory in format!("\n{paragraph}").split("\nF:").skip(1) {
            let (path, files) = directory.split_once('\n').unwrap_or((directory, ""));
            for file in files.lines().filter_map(|line| line.strip_prefix("R:")) {
                counted.insert(format!("{path}/{file}").trim_start_matches('/').to_owned());
            }
        }
    }
    counted
}

/// What is asked of dpkg of each package; the same fields that [`dpkg_lines`] writes.
const DPKG_QUERY: &str = "${db:Status-Status} ${Package} ${Version} ${Architecture} \
                          ${source:Package} ${source:Version}\n";

/// The lines that dpkg-query prints of a database, sorted. Packages of which at most settings are
/// left are none.
fn dpkg_says(directory: &Path) -> Vec<String> {
    let output = Command::new("dpkg-query")
        .args(["--admindir", directory.to_str().unwrap(), "--show", "--showformat", DPKG_QUERY])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let states = text.lines().map(|line| line.split_once(' ').unwrap());
    let is_there = |state: &str| !matches!(state, "not-installed" | "config-files");
    let mut lines: Vec<String> =
        states.filter(|(state, _)| is_there(state)).map(|(_, rest)| rest.to_owned()).collect();
    lines.sort_unstable();
    lines
}

fn dpkg_lines(inventory: &Inventory) -> Vec<String> {
    let line = |package: &model::Package| {
        let source = package.source.as_ref();
        let (name, version) =
            source.map_or((&package.name, &package.version), |s| (&s.name, &s.version));
        let model::Package { name: binary, version: own, architecture, .. } = package;
        format!("{binary} {own} {architecture} {name} {version}")
    };
    let mut lines: Vec<String> = inventory.packages.iter().map(line).collect();
    lines.sort_unstable();
    lines
}

/// A fixture, and the database of the machine that the tests run on: some hundred packages of
/// Debian's, whichever they are.
#[test]
fn debian_databases_hold_what_dpkg_says() {
    if !has("dpkg-query") {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixture = root.join("testdata/dpkg/sources/input/var/lib/dpkg/status");
    let databases = [(fixture, 5), (PathBuf::from("/var/lib/dpkg/status"), 50)];
    for (path, packages) in databases {
        let database = std::fs::read(&path).unwrap();
        let found = inventory("var/lib/dpkg/status", &database);
        assert_eq!(found.problems, []);
        // A folder of its own, for dpkg wants to see more than this file there.
        let copy = scratch("dpkg");
        std::fs::write(copy.join("status"), &database).unwrap();
        let said = dpkg_says(&copy);
        assert!(said.len() >= packages, "{}: {said:?}", path.display());
        assert_eq!(dpkg_lines(&found), said, "{}", path.display());
    }
}

/// What is asked of rpm of each package; the same fields that [`rpm_lines`] writes.
const QUERY: &str = "%{NAME} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM} \
                     <%{LICENSE}> <%|VENDOR?{%{VENDOR}}:{}|> <%|MODULARITYLABEL?{%{MODULARITYLABEL}}:{}|>\\n";

/// The lines that rpm prints of a database directory, sorted, public keys left out.
fn rpm_says(directory: &Path, backend: &str) -> Vec<String> {
    let output = Command::new("rpm")
        .args(["--define", &format!("_dbpath {}", directory.display())])
        .args(["--define", &format!("_db_backend {backend}"), "-qa", "--queryformat", QUERY])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("gpg-pubkey "));
    // The inventory writes no epoch of 0.
    let mut lines: Vec<String> = lines.map(|line| line.replace(" 0:", " ")).collect();
    lines.sort_unstable();
    lines
}

fn rpm_lines(inventory: &Inventory) -> Vec<String> {
    let line = |package: &model::Package| {
        let epochless = package.version.split_once(':').map_or(&*package.version, |(_, v)| v);
        let source = package.source.as_ref();
        let (name, version) =
            source.map_or((&package.name, epochless), |s| (&s.name, s.version.as_str()));
        format!(
            "{} {} {} {name}-{version}.src.rpm <{}> <{}> <{}>",
            package.name,
            package.version,
            package.architecture,
            package.license,
            package.vendor,
            package.module.as_deref().unwrap_or_default(),
        )
    };
    let mut lines: Vec<String> = inventory.packages.iter().map(line).collect();
    lines.sort_unstable();
    lines
}

/// The files that rpm lists, directories left out.
fn rpm_files(directory: &Path, backend: &str) -> BTreeSet<String> {
    let output = Command::new("rpm")
        .args(["--define", &format!("_dbpath {}", directory.display())])
        .args(["--define", &format!("_db_backend {backend}"), "-qa", "--queryformat"])
        .arg("[%{FILEMODES:perms} %{FILENAMES}\\n]")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let files = text.lines().filter(|line| !line.starts_with('d'));
    files.map(|line| line.split_once(" /").unwrap().1.to_owned()).collect()
}

fn files(inventory: &Inventory) -> BTreeSet<String> {
    inventory.packages.iter().flat_map(|p| p.files.to_vec()).collect()
}

/// The inventory of an image that holds nothing but this database.
fn inventory(path: &str, bytes: &[u8]) -> Inventory {
    let size = bytes.len() as u64;
    let entry = Entry { path, kind: EntryKind::File, mode: 0o644, uid: 0, gid: 0, size };
    let mut collector = LayerCollector::new(Checks::default());
    collector.entry(&entry);
    collector.content(&entry, bytes);
    squash(&[collector.finish()], false)
}

/// A directory of this test's own, emptied.
fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        std::fs::remove_dir_all(&directory).unwrap();
    }
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

#[test]
fn almalinux_holds_what_rpm_says() {
    let Some(xz) = shared("images/almalinux-9-micro-20231124-aarch64.tar.xz") else { return };
    let mut tar = Vec::new();
    lzma_rust2::XzReader::new(xz.as_slice(), true).read_to_end(&mut tar).unwrap();
    let image = squash(&[untar::facts(&tar)], false);
    let os = image.os.as_ref().unwrap();
    assert_eq!((os.family.as_str(), os.version.as_str()), ("almalinux", "9.3"));
    assert_eq!(image.problems, []);

    let mut database = Vec::new();
    let mut archive = tar::Archive::new(tar.as_slice());
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    entries
        .find(|entry| entry.path().unwrap().ends_with("var/lib/rpm/rpmdb.sqlite"))
        .unwrap()
        .read_to_end(&mut database)
        .unwrap();
    if !has("rpm") {
        return;
    }
    let directory = scratch("almalinux");
    std::fs::write(directory.join("rpmdb.sqlite"), &database).unwrap();
    let said = rpm_says(&directory, "sqlite");
    assert!(said.len() > 20, "{said:?}");
    assert_eq!(rpm_lines(&image), said);
    // In the image, `lib64` and others at the root are links into `usr`.
    assert_eq!(
        files(&inventory("var/lib/rpm/rpmdb.sqlite", &database)),
        rpm_files(&directory, "sqlite")
    );
    let merged = ["bin/", "lib/", "lib64/", "sbin/"];
    assert!(files(&image).iter().all(|file| merged.iter().all(|m| !file.starts_with(m))));
}

#[test]
fn berkeley_db_holds_what_rpm_says() {
    let Some(database) = shared("rpmdb/libuuid.bdb.Packages") else { return };
    let found = inventory("var/lib/rpm/Packages", &database);
    assert_eq!(found.problems, []);
    if !has("rpm") {
        return;
    }
    let directory = scratch("bdb");
    std::fs::write(directory.join("Packages"), &database).unwrap();
    let said = rpm_says(&directory, "bdb_ro");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(rpm_lines(&found), said);
    assert_eq!(files(&found), rpm_files(&directory, "bdb_ro"));
}

/// Debian's rpm is built without NDB. It can import headers, though, so they are cut out of the
/// file by their marks, slots ignored, and put into a database of the kind it reads.
#[test]
fn ndb_holds_what_rpm_says() {
    let Some(database) = shared("rpmdb/sle15-bci.Packages.db") else { return };
    let found = inventory("usr/lib/sysimage/rpm/Packages.db", &database);
    assert_eq!(found.problems, []);
    if !has("rpmdb") {
        return;
    }
    let mut headers = Vec::new();
    for at in (0..database.len()).step_by(16).filter(|&at| database[at..].starts_with(b"BlbS")) {
        let length = u32::from_le_bytes(database[at + 12..at + 16].try_into().unwrap());
        headers.extend_from_slice(b"\x8e\xad\xe8\x01\0\0\0\0");
        headers.extend_from_slice(&database[at + 16..at + 16 + length as usize]);
    }
    let directory = scratch("ndb");
    let mut import = Command::new("rpmdb")
        .args(["--define", &format!("_dbpath {}", directory.display()), "--importdb"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(&headers).unwrap();
    assert!(import.wait().unwrap().success());
    let said = rpm_says(&directory, "sqlite");
    assert!(said.len() > 20, "{said:?}");
    assert_eq!(rpm_lines(&found), said);
    assert_eq!(files(&found), rpm_files(&directory, "sqlite"));
}

#[test]
fn the_fixtures_hold_what_rpm_says() {
    let cases = [
        ("rpm-sqlite/small-pages", "var/lib/rpm/rpmdb.sqlite", "sqlite", 15),
        ("rpm-bdb/little-endian", "var/lib/rpm/Packages", "bdb_ro", 6),
        ("rpm-bdb/big-endian", "var/lib/rpm/Packages", "bdb_ro", 6),
        ("rpm-bdb/large-pages", "usr/share/rpm/Packages", "bdb_ro", 1),
    ];
    if !has("rpm") {
        return;
    }
    for (case, path, backend, packages) in cases {
        let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(case);
        let database = std::fs::read(testdata.join("input").join(path)).unwrap();
        let directory = scratch(&case.replace('/', "-"));
        std::fs::write(directory.join(path.rsplit('/').next().unwrap()), &database).unwrap();
        let said = rpm_says(&directory, backend);
        assert_eq!(said.len(), packages, "{case}");
        let found = inventory(path, &database);
        assert_eq!(without_builds(&rpm_lines(&found)), without_builds(&said), "{case}");
        assert_eq!(files(&found), rpm_files(&directory, backend), "{case}");
    }
}

/// rpm prints module labels whole, the inventory their first two parts.
fn without_builds(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| line.replace(":20240101:abc>", ">")).collect()
}
