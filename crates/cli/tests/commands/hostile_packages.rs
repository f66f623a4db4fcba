//! Package databases made to harm, given to the whole command: some kilobytes of a layer that would be
//! gigabytes of paths or hours of reading. What is good in the layer below is found all the same.
#![expect(clippy::cast_possible_truncation, reason = "numbers of what is made here are small")]

use std::fmt::Write as _;

use serde_json::Value;
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::Sandbox;

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.base");

/// Scans an image of a good layer below and this one: it is incomplete, says why in these words, and has
/// what is good.
fn assert_cut(name: &str, bad: TarBuilder, words: &str) -> Value {
    let sandbox = Sandbox::new().with_advisories();
    let good =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS);
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(good));
    image.layer(LayerBuilder::gzip(bad)).write_oci_dir(&sandbox.path(name));
    let target = format!("oci-dir:{name}");
    let scan = ["scan", "--offline", "--no-cache", "--checks", "vuln,secret", "--format", "json"];
    let ended = sandbox.run_bounded(sandbox.command(&scan).arg(target));
    assert_eq!(ended.code, Some(21), "{name}: {}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(!report["findings"].as_array().unwrap().is_empty(), "{name}: the good is found");
    let problems = report["problems"].to_string();
    assert!(problems.contains(words), "{name}: {problems}");
    report
}

/// The version of a package in a report.
fn version<'a>(report: &'a Value, name: &str) -> Option<&'a str> {
    let packages = report["packages"].as_array().unwrap();
    packages.iter().find(|package| package["name"] == name)?["version"].as_str()
}

/// An rpm header of a package with so many files in one directory.
fn header(directory: &str, files: usize) -> Vec<u8> {
    let mut index = Vec::new();
    let mut store = Vec::new();
    let mut add = |tag: u32, kind: u32, value: &[u8], count: usize| {
        while kind == 4 && store.len() % 4 != 0 {
            store.push(0);
        }
        for number in [tag, kind, store.len() as u32, count as u32] {
            index.extend(number.to_be_bytes());
        }
        store.extend(value);
    };
    add(1000, 6, b"bomb\0", 1);
    add(1001, 6, b"1.0\0", 1);
    add(1002, 6, b"1\0", 1);
    add(1022, 6, b"x86_64\0", 1);
    add(1117, 8, &b"a\0".repeat(files), files);
    add(1116, 4, &b"\0\0\0\0".repeat(files), files);
    add(1118, 8, format!("/{directory}/\0").as_bytes(), 1);
    let mut header = Vec::new();
    header.extend((index.len() as u32 / 16).to_be_bytes());
    header.extend((store.len() as u32).to_be_bytes());
    [header, index, store].concat()
}

/// An NDB database of these headers.
fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let block = |bytes: usize| bytes.div_ceil(16);
    let pages = (headers.len() + 2).div_ceil(256);
    let mut database = b"RpmP\0\0\0\0\0\0\0\0".to_vec();
    database.extend((pages as u32).to_le_bytes());
    database.resize(32, 0);
    let mut blobs = Vec::new();
    for (number, header) in (1_u32..).zip(headers) {
        let first = pages * 256 + blobs.len() / 16;
        let blocks = block(header.len()) + 2;
        let slot = [number, first as u32, blocks as u32].map(u32::to_le_bytes).concat();
        database.extend([&b"Slot"[..], &slot].concat());
        blobs.extend(b"BlbS");
        blobs.extend([number, 1, header.len() as u32].map(u32::to_le_bytes).concat());
        blobs.extend(header);
        blobs.resize(blobs.len().next_multiple_of(16) + 16, 0);
    }
    let free = b"Slot\0\0\0\0\0\0\0\0\0\0\0\0";
    while database.len() < pages * 4096 {
        database.extend(free);
    }
    [database, blobs].concat()
}

#[test]
fn paths_longer_than_a_kernel_opens_are_left_out() {
    let words = "paths are longer than 4096 bytes";
    let database = ndb(&[header(&"d".repeat(100_000), 10_000)]);
    let report =
        assert_cut("rpm", TarBuilder::new().file("var/lib/rpm/Packages.db", database), words);
    assert_eq!(version(&report, "bomb"), Some("1.0-1"), "the package is there without its files");

    let files: String = (0..40_000).map(|file| format!("R:{file:x}\n")).collect();
    let database = format!("P:x\nV:1-r0\nF:{}\n{files}R:a\n\nP:y\nV:2-r0\n\n", "d".repeat(100_000));
    let report = assert_cut("apk", TarBuilder::new().file("lib/apk/db/installed", database), words);
    assert_eq!(version(&report, "x"), Some("1-r0"));
    assert_eq!(version(&report, "y"), Some("2-r0"));
}

/// Each path is one that a kernel opens, and all of them are gigabytes.
#[test]
fn paths_of_a_package_have_an_end_together() {
    let words = "together more than 32 MiB";
    let directory = "d".repeat(4000);
    let database = ndb(&[header(&directory, 2_000_000)]);
    assert_cut("rpm", TarBuilder::new().file("var/lib/rpm/Packages.db", database), words);

    let files = "R:a\n".repeat(3_000_000);
    let database = format!("P:x\nV:1-r0\nF:{directory}\n{files}\n");
    assert_cut("apk", TarBuilder::new().file("lib/apk/db/installed", database), words);

    let list = "/a\n".repeat(20_000_000);
    let bad = TarBuilder::new().file("var/lib/dpkg/info/bash.list", list);
    assert_cut("dpkg", bad, words);
}

/// Each of a thousand packages has nearly as many as one may have.
#[test]
fn paths_of_an_image_have_an_end_together() {
    let directory = "d".repeat(4000);
    let headers: Vec<Vec<u8>> = (0..1000).map(|_| header(&directory, 8000)).collect();
    let bad = TarBuilder::new().file("var/lib/rpm/Packages.db", ndb(&headers));
    assert_cut("rpm", bad, "files that `bomb` lists are left out");
}

/// A file deep down that lists many packages, each of which has the file's path in the end.
#[test]
fn packages_of_a_file_count_with_its_path() {
    let packages = (0..70_000).map(|number| format!("pk{number}==1.0\n")).collect::<String>();
    let path = format!("{}requirements.txt", format!("{}/", "d".repeat(200)).repeat(19));
    let bad = TarBuilder::new().gnu_long(b'L', &path).file("requirements.txt", packages);
    assert_cut("deep", bad, "more than 32 MiB of facts in one layer");
}

/// A list of files, and a licence, that thousands of packages have in common.
#[test]
fn what_packages_have_in_common_is_not_multiplied() {
    let mut status = STATUS.to_owned();
    for version in 0..20_000 {
        writeln!(status, "\nPackage: curl\nStatus: install ok installed\nVersion: {version}")
            .unwrap();
    }
    let files = (0..20_000).map(|file| format!("/usr/lib/aaaaaaaaaaaaaaaaaaaaaaaaaaaa/{file:x}\n"));
    let bad = TarBuilder::new()
        .file("var/lib/dpkg/status", status.clone())
        .file("var/lib/dpkg/info/curl.list", files.collect::<String>());
    assert_cut("files", bad, "packages are not known: those of all packages together");

    let licenses = (0..100).map(|at| format!("License: {at:01000}\n"));
    let copyright = format!("Format: 1.0\n{}", licenses.collect::<String>());
    let bad = TarBuilder::new()
        .file("var/lib/dpkg/status", status)
        .file("usr/share/doc/curl/copyright", copyright);
    assert_cut("licences", bad, "packages are not known: those of all packages together");
}

/// The first page of an SQLite database with a table `Packages` that begins at page 2.
fn schema(page_size: usize) -> Vec<u8> {
    let sql = b"CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)";
    let text = |text: &[u8]| (13 + 2 * text.len()) as u8;
    let columns = [&b"table"[..], b"Packages", b"Packages"];
    let mut record = vec![7];
    record.extend(columns.map(text));
    record.extend([1, 0x80 | (text(sql) >> 7), text(sql) & 0x7f]);
    record.extend([&columns.concat()[..], &[2], sql].concat());
    let mut page = vec![0; page_size];
    page[..16].copy_from_slice(b"SQLite format 3\0");
    page[16..24].copy_from_slice(&[0, 1, 1, 1, 0, 64, 32, 32]);
    let at = page_size - record.len() - 2;
    page[at] = record.len() as u8;
    page[at + 1] = 1;
    page[at + 2..].copy_from_slice(&record);
    page[100] = 13;
    page[104] = 1;
    page[108..110].copy_from_slice(&(at as u16).to_be_bytes());
    page
}

fn varint(number: usize) -> [u8; 3] {
    [0x80 | (number >> 14) as u8, 0x80 | (number >> 7 & 0x7f) as u8, (number & 0x7f) as u8]
}

/// A page of so many pointers to one and the same cell.
fn page(kind: u8, pointers: usize, cell: &[u8], rightmost: u32) -> Vec<u8> {
    let mut page = vec![0; 65_536];
    let at = page.len() - cell.len();
    page[at..].copy_from_slice(cell);
    page[0] = kind;
    page[3..5].copy_from_slice(&(pointers as u16).to_be_bytes());
    page[8..12].copy_from_slice(&rightmost.to_be_bytes());
    let begin = if kind == 5 { 12 } else { 8 };
    for pointer in page[begin..begin + 2 * pointers].chunks_mut(2) {
        pointer.copy_from_slice(&(at as u16).to_be_bytes());
    }
    page
}

/// An SQLite database of a few pages in which one record is named by ten thousand cells, and one of many
/// whose every page names the next one as often.
#[test]
fn rpm_databases_are_read_once_whatever_points_where() {
    let header = header("usr", 800);
    let mut record = vec![6, 0];
    record.extend(varint(12 + 2 * header.len()));
    record[0] = record.len() as u8;
    record.extend(&header);
    let mut cell = varint(record.len()).to_vec();
    cell.push(1);
    cell.extend(record);
    let parent: Vec<u8> = (4_u32..100).fold(page(5, 96, &[], 3), |mut page, child| {
        let at = 65_536 - 8 * (child as usize - 3);
        page[at..at + 4].copy_from_slice(&child.to_be_bytes());
        let pointer = 12 + 2 * (child as usize - 4);
        page[pointer..pointer + 2].copy_from_slice(&(at as u16).to_be_bytes());
        page
    });
    let leaf = page(13, 26_000, &cell, 0);
    let cells = [schema(65_536), parent, leaf.repeat(97)].concat();
    let bad = TarBuilder::new().file("var/lib/rpm/rpmdb.sqlite", cells);
    let report = assert_cut("cells", bad, "records that share bytes");
    assert_eq!(version(&report, "bomb"), Some("1.0-1"), "what was read before is kept");

    let mut database = schema(65_536);
    for next in 3_u32..1003 {
        database.extend(page(5, 32_000, &[&next.to_be_bytes()[..], &[1]].concat(), next));
    }
    let bad = TarBuilder::new().file("var/lib/rpm/rpmdb.sqlite", database);
    assert_cut("pages", bad, "is reached twice");
}

/// A Berkeley database whose offsets go up and down, so that every item is most of the page.
#[test]
fn berkeley_items_that_share_bytes_end_the_reading() {
    let mut database = vec![0; 65_536];
    database[12..16].copy_from_slice(&0x0006_1561_u32.to_le_bytes());
    database[20..24].copy_from_slice(&65_536_u32.to_le_bytes());
    database[25] = 8;
    database[32..36].copy_from_slice(&100_u32.to_le_bytes());
    let mut page = vec![1; 65_536];
    page[20..22].copy_from_slice(&6000_u16.to_le_bytes());
    page[25] = 13;
    // Key and value; then a pair that is damaged and leads back up.
    let offsets = [65_000_u16, 33_000, 65_000, 65_000].into_iter().cycle();
    for (pointer, at) in page[26..26 + 12_000].chunks_mut(2).zip(offsets) {
        pointer.copy_from_slice(&at.to_le_bytes());
    }
    database.extend(page.repeat(100));
    let bad = TarBuilder::new().file("var/lib/rpm/Packages", database);
    assert_cut("berkeley", bad, "item at page 1 does not fit");
}
