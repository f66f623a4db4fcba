//! Every parser of a stranger's bytes as a plain function, for fuzz targets.
//!
//! Each takes any bytes, must return in time linear to them, and must not panic. What it returns
//! is the number of packages or other facts found, so that nothing is optimized away.

use crate::facts::{FACTS_BYTES_MAX, FileFacts};
use crate::os::{apk, content_sets, copyright, dpkg, release, repositories, rpm};
use crate::{Analyzer, File};

fn run(analyzer: &dyn Analyzer, path: &str, bytes: &[u8]) -> usize {
    let mut facts = FileFacts::with_room(FACTS_BYTES_MAX);
    analyzer.analyze(&File { path, bytes, mode: 0o644 }, &mut facts);
    facts.packages.len().saturating_add(facts.repositories.len())
}

pub fn apk_installed(bytes: &[u8]) -> usize {
    run(&apk::Apk, "lib/apk/db/installed", bytes)
}

pub fn apk_repositories(bytes: &[u8]) -> usize {
    run(&repositories::ApkRepositories, "etc/apk/repositories", bytes)
}

pub fn content_sets(bytes: &[u8]) -> usize {
    run(&content_sets::ContentSets, "root/buildinfo/content_manifests/a.json", bytes)
}

pub fn debian_copyright(bytes: &[u8]) -> usize {
    run(&copyright::Copyright, "usr/share/doc/a/copyright", bytes)
}

pub fn dpkg_status(bytes: &[u8]) -> usize {
    run(&dpkg::Dpkg, "var/lib/dpkg/status", bytes)
}

pub fn dpkg_list(bytes: &[u8]) -> usize {
    run(&dpkg::Dpkg, "var/lib/dpkg/info/a.list", bytes)
}

pub fn dpkg_md5sums(bytes: &[u8]) -> usize {
    run(&dpkg::Dpkg, "var/lib/dpkg/status.d/a.md5sums", bytes)
}

pub fn os_release(bytes: &[u8]) -> usize {
    run(&release::Releases, "etc/os-release", bytes)
}

pub fn rpm_bdb(bytes: &[u8]) -> usize {
    run(&rpm::Bdb, "var/lib/rpm/Packages", bytes)
}

/// One package header, as all rpm databases hold them.
pub fn rpm_header(bytes: &[u8]) -> usize {
    rpm::header::installed(bytes).is_ok_and(|installed| installed.is_some()).into()
}

pub fn rpm_manifest(bytes: &[u8]) -> usize {
    run(&rpm::Manifest, "var/lib/rpmmanifest/container-manifest-2", bytes)
}

pub fn rpm_ndb(bytes: &[u8]) -> usize {
    run(&rpm::Ndb, "var/lib/rpm/Packages.db", bytes)
}

pub fn rpm_sqlite(bytes: &[u8]) -> usize {
    run(&rpm::Sqlite, "var/lib/rpm/rpmdb.sqlite", bytes)
}

pub fn rpm_wal(bytes: &[u8]) -> usize {
    run(&rpm::Wal, "var/lib/rpm/rpmdb.sqlite-wal", bytes)
}
