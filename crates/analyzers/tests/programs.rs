//! Signatures of programs on the programs of this machine, judged by the package manager that put
//! them there.
//!
//! What is not installed, or not of Debian, is skipped with a word on stderr.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use analyzers::{Checks, LayerCollector, squash};
use model::{Basis, Entry, EntryKind, Inventory, PackageKind, Visitor, Want};

/// What the signature calls it, a file of it, and the package whose upstream version is its own.
const PROGRAMS: [(&str, &str, &str); 13] = [
    ("httpd", "usr/sbin/apache2", "apache2-bin"),
    ("bash", "usr/bin/bash", "bash"),
    ("busybox", "usr/bin/busybox", "busybox-static"),
    ("curl", "usr/bin/curl", "curl"),
    ("git", "usr/bin/git", "git"),
    ("haproxy", "usr/sbin/haproxy", "haproxy"),
    ("memcached", "usr/bin/memcached", "memcached"),
    ("nginx", "usr/sbin/nginx", "nginx"),
    ("openssl", "usr/lib/x86_64-linux-gnu/libcrypto.so.3", "libssl3"),
    ("openssl", "usr/bin/openssl", "openssl"),
    ("perl", "usr/bin/perl", "perl-base"),
    ("python", "usr/bin/python3.11", "python3.11-minimal"),
    ("redis", "usr/bin/redis-server", "redis-server"),
];

#[test]
fn programs_have_the_versions_that_dpkg_says() {
    let mut judged = 0;
    for (name, path, package) in PROGRAMS {
        let Some((version, bytes)) = installed(path, package) else { continue };
        let found = found(path, &bytes);
        assert_eq!(found, [format!("{name} {}", upstream(&version))], "{path}");
        judged += 1;
    }
    eprintln!("{judged} programs judged");
}

/// Main modules of Go programs, their files, and the packages whose upstream versions are theirs.
const GO_PROGRAMS: [(&str, &str, &str); 3] = [
    ("github.com/docker/docker", "usr/sbin/dockerd", "docker.io"),
    ("github.com/opencontainers/runc", "usr/sbin/runc", "runc"),
    ("github.com/prometheus/prometheus", "usr/bin/prometheus", "prometheus"),
];

/// Debian builds most without recording what it told the linker.
#[test]
fn go_programs_have_the_versions_that_dpkg_says() {
    for (module, path, package) in GO_PROGRAMS {
        let Some((version, bytes)) = installed(path, package) else { continue };
        let inventory = inventory(path, &bytes);
        let main = inventory.packages.iter().find(|package| package.name == module).unwrap();
        assert_eq!(upstream(&main.version), format!("v{}", upstream(&version)), "{path}");
    }
}

/// The version of an installed package, and one of its files.
#[expect(clippy::print_stderr, reason = "what was skipped is worth knowing")]
fn installed(path: &str, package: &str) -> Option<(String, Vec<u8>)> {
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${Version}", package]).output();
    let (Ok(output), Ok(bytes)) = (asked, std::fs::read(format!("/{path}"))) else {
        eprintln!("skipped: /{path} or dpkg is not here");
        return None;
    };
    let version = String::from_utf8(output.stdout).unwrap();
    if version.is_empty() {
        eprintln!("skipped: {package} is not installed");
        return None;
    }
    Some((version, bytes))
}

/// Without epoch, revision and the marks of a repacked source.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
    version.split_once('+').map_or(version, |(upstream, _)| upstream)
}

fn inventory(path: &str, bytes: &[u8]) -> Inventory {
    let mut collector = LayerCollector::new(Checks::default());
    let size = u64::try_from(bytes.len()).unwrap();
    let entry = Entry { path, kind: EntryKind::File, mode: 0o755, uid: 0, gid: 0, size };
    assert_eq!(collector.entry(&entry), Want::Content);
    collector.content(&entry, bytes);
    squash(&[collector.finish()], false)
}

fn found(path: &str, bytes: &[u8]) -> Vec<String> {
    let inventory = inventory(path, bytes);
    let generic = inventory.packages.iter().filter(|package| package.kind == PackageKind::Generic);
    let shown = generic.map(|package| {
        assert_eq!(package.basis, Basis::Signature);
        format!("{} {}", package.name, package.version)
    });
    shown.collect()
}
