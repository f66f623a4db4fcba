//! Targets made to harm, given to the whole command: each ends with the right code, in bounded
//! memory and time, and what is good beside the bad is reported all the same.
//!
//! Builders write to disk part by part: a process begins with its parent's memory on its account.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde_json::Value;
use testkit::{
    Content, Fault, Header, ImageBuilder, LayerBuilder, Server, TarBuilder, gzip, sha256, zstd,
};

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.base");

/// A distribution and vulnerable packages: the good that has to be found beside the bad.
fn good() -> TarBuilder {
    TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS)
}

/// Scans within the bounds.
fn scan(sandbox: &Sandbox, target: &str) -> Ended {
    let scan = ["scan", "--offline", "--format", "json", target];
    sandbox.run_bounded(&mut sandbox.command(&scan))
}

/// Scans; the end has to be this one, and the good to be found.
fn assert_ends(sandbox: &Sandbox, target: &str, code: i32, words: &str) {
    let ended = scan(sandbox, target);
    assert_eq!(ended.code, Some(code), "{target}: {}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(!report["findings"].as_array().unwrap().is_empty(), "{target}: the good is found");
    let problems = report["problems"].to_string();
    assert!(problems.contains(words), "{target}: {problems}");
}

#[test]
fn archives_that_lie_are_told_and_the_good_in_them_is_kept() {
    let sandbox = Sandbox::new().with_advisories();
    let tar = |bad: TarBuilder| {
        let layer = LayerBuilder::plain(bad);
        ImageBuilder::new("shop:1").layer(LayerBuilder::plain(good())).layer(layer)
    };
    let honest = tar(TarBuilder::new().file("usr/bin/app", vec![7; 100_000]));
    let other = |mut image: ImageBuilder| {
        image.layers[1].diff_id = sha256(b"something else");
        image.old_docker_archive()
    };
    let headers = TarBuilder::new().header(&Header::file("usr/bin/app", 10 << 30));
    // Names that climb are what containers see, so they hide nothing.
    let names =
        TarBuilder::new().file("../../var/lib/x", "").file("/../var/lib/dpkg/status", STATUS);
    let negative = TarBuilder::new().header_with(&Header::file("usr/bin/app", 9), |block| {
        block[124..136].fill(0xff);
    });
    // Docker writes the manifest last: without it there is no image to speak of.
    let mut cut = honest.old_docker_archive();
    cut.truncate(cut.len() - 60_000);
    let ended = scan(&sandbox, &sandbox.file("cut.tar", cut));
    assert_eq!(ended.code, Some(14), "{ended:?}");
    let cases = [
        ("digest", other(honest.clone()), 21, "have the diff ID"),
        ("size", tar(headers).old_docker_archive(), 21, "ends in the middle of an entry"),
        ("number", tar(negative).old_docker_archive(), 21, "size is no number"),
        ("names", tar(names).old_docker_archive(), 0, "leads out of the root"),
    ];
    for (name, bytes, code, words) in cases {
        let path = sandbox.file(&format!("{name}.tar"), bytes);
        let scan = ["scan", "--offline", "--verify", "--format", "json", &path];
        let ended = sandbox.run_bounded(&mut sandbox.command(&scan));
        assert_eq!(ended.code, Some(code), "{name}: {}", ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert!(!report["findings"].as_array().unwrap().is_empty(), "{name}: the good is kept");
        assert!(report["problems"].to_string().contains(words), "{name}: {}", report["problems"]);
    }
}

/// Small files in front hide no image, two lists of images that differ are told, and so is a root
/// file system that holds nothing known.
#[test]
fn archives_show_the_image_that_runs_or_say_that_they_may_not() {
    let sandbox = Sandbox::new().with_advisories();
    let shop = ImageBuilder::new("shop:1").layer(LayerBuilder::plain(good()));
    let readme = |number| format!("readme{number}");
    let front = (0..16).fold(TarBuilder::new(), |tar, number| tar.file(&readme(number), "x"));
    let hidden = front.clone().raw(&shop.old_docker_archive()).unfinished();
    fs::write(sandbox.path("hidden.tar"), hidden).unwrap();
    assert_ends(&sandbox, "hidden.tar", 0, "");

    let clean = ImageBuilder::new("shop:1").layer(LayerBuilder::plain(front.clone()));
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [clean.descriptor()] });
    let both = TarBuilder::new().file("index.json", index.to_string()).unfinished();
    let both = TarBuilder::new().raw(&both).raw(&shop.old_docker_archive()).unfinished();
    fs::write(sandbox.path("both.tar"), both).unwrap();
    assert_ends(&sandbox, "both.tar", 21, "index.json");

    fs::write(sandbox.path("nothing.tar"), front.finish()).unwrap();
    let ended = scan(&sandbox, "nothing.tar");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("neither a distribution nor a package"), "{}", ended.stdout);
}

/// Writes a root file system whose good part is followed by `part`, so many times.
fn write_bomb(path: &Path, compress: fn(&[u8]) -> Vec<u8>, part: &[u8], times: u32) {
    let mut file = File::create(path).unwrap();
    file.write_all(&compress(&good().unfinished())).unwrap();
    let part = compress(part);
    (0..times).for_each(|_| file.write_all(&part).unwrap());
}

#[test]
fn bombs_end_at_limits() {
    let sandbox = Sandbox::new().with_advisories();
    let huge_file = TarBuilder::new().header(&Header::file("zeros", 10 << 30)).unfinished();
    let zeros = vec![0; 8 << 20];
    type Compress = fn(&[u8]) -> Vec<u8>;
    let compressions: [(&str, Compress); 2] = [("gzip", gzip), ("zstd", zstd)];
    for (name, compress) in compressions {
        let path = sandbox.path(name);
        write_bomb(&path, compress, &huge_file, 1);
        let mut file = File::options().append(true).open(&path).unwrap();
        let part = compress(&zeros);
        (0..1200).for_each(|_| file.write_all(&part).unwrap());
        let target = format!("fs-archive:{name}");
        assert_ends(&sandbox, &target, 21, "become more than 50 times as many");
    }
}

#[test]
fn a_million_empty_files_and_more_end_at_the_limit() {
    let sandbox = Sandbox::new().with_advisories();
    let path = sandbox.path("many.tar.gz");
    let mut file = File::create(&path).unwrap();
    file.write_all(&gzip(&good().unfinished())).unwrap();
    // Names all different, in directories of a hundred.
    for directory in 0..12_000 {
        let headers = (0..100).map(|number| {
            let name = format!("usr/share/doc/directory-{directory}/file-{number}");
            TarBuilder::new().header(&Header::file(&name, 0)).unfinished()
        });
        file.write_all(&gzip(&headers.collect::<Vec<_>>().concat())).unwrap();
    }
    drop(file);
    assert_ends(&sandbox, "fs-archive:many.tar.gz", 21, "more than 1000000 entries");
}

#[test]
fn ten_million_empty_files_end_at_the_limit_too() {
    let sandbox = Sandbox::new().with_advisories();
    let empty = TarBuilder::new().header(&Header::file("usr/share/empty", 0)).unfinished();
    write_bomb(&sandbox.path("many"), zstd, &empty.repeat(10_000), 1000);
    assert_ends(&sandbox, "fs-archive:many", 21, "more than 1000000 entries");
}

/// Hundreds of layers that are one and the same bomb, and as many that claim to be something else.
#[test]
fn a_layer_that_is_listed_often_is_looked_at_once() {
    let sandbox = Sandbox::new().with_advisories();
    // Small as it is stored, for the builder's memory is on the account of what it starts.
    let bomb = LayerBuilder::zstd(TarBuilder::new().file("zeros", vec![0; 16 << 20]));
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(good()));
    let same = (0..300).fold(image.clone(), |image, _| image.layer(bomb.clone()));
    same.write_oci_dir(&sandbox.path("same"));
    let other = (0..300_u32).fold(image, |image, number| {
        let diff_id = sha256(&number.to_le_bytes());
        image.layer(LayerBuilder { diff_id, ..bomb.clone() })
    });
    other.write_oci_dir(&sandbox.path("other"));
    let ended = scan(&sandbox, "oci-dir:same");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_ends(&sandbox, "oci-dir:other", 21, "with another digest or size");
}

/// A layer with a database of its own that takes nearly what the facts of one may.
fn full_layer(number: u32) -> LayerBuilder {
    let packages = (0..70_000).map(|package| {
        format!("Package: p{number}-{package}\nStatus: install ok installed\nVersion: 1\n\n")
    });
    let path = format!("var/lib/dpkg/status.d/{number}");
    LayerBuilder::gzip(TarBuilder::new().file(&path, packages.collect::<String>()))
}

/// Many layers, each within its own limits: together they have another one. Which are kept does not
/// depend on how many are read at a time.
#[test]
fn layers_full_of_facts_end_at_a_limit_of_the_image() {
    let sandbox = Sandbox::new().with_advisories();
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(good()));
    let image = (0..8).fold(image, |image, number| image.layer(full_layer(number)));
    image.write_oci_dir(&sandbox.path("full"));
    drop(image);
    let mut reports = Vec::new();
    for jobs in ["1", "4"] {
        let scan = ["scan", "--offline", "--no-cache", "--checks", "vuln", "--format", "json"];
        let mut command = sandbox.command(&scan);
        let ended = sandbox.run_bounded(command.args(["--jobs", jobs, "oci-dir:full"]));
        assert_eq!(ended.code, Some(21), "{jobs}: {}", ended.stderr);
        reports.push(ended.stdout);
    }
    assert!(reports.iter().all(|report| *report == reports[0]), "the same whoever was faster");
    let report: Value = serde_json::from_str(&reports[0]).unwrap();
    assert!(!report["findings"].as_array().unwrap().is_empty(), "the good is found");
    let problems: Vec<&Value> = report["problems"].as_array().unwrap().iter().collect();
    let told = |problem: &&&Value| problem.to_string().contains("MiB of facts");
    assert_eq!(problems.iter().filter(told).count(), 1, "{problems:?}");
    let packages = report["packages"].as_array().unwrap();
    let from = |layer: u64| packages.iter().any(|package| package["layer"] == layer);
    assert!(from(1) && !from(2), "the lowest that fit are kept");
}

#[test]
fn links_that_lead_round_lead_nowhere() {
    let sandbox = Sandbox::new().with_advisories();
    let layer = good()
        .symlink("usr/lib/os-release", "../../etc/lsb-release")
        .symlink("etc/lsb-release", "../usr/lib/os-release")
        .symlink("lib/apk/db/installed", "installed")
        .symlink("var/lib/rpm", "../../var/lib/rpm/rpm")
        .symlink("usr/share/rpm", "../../../../../usr/share/rpm")
        .hard_link("usr/lib/sysimage/rpm/Packages.db", "usr/lib/sysimage/rpm/Packages.db")
        .hard_link("var/lib/dpkg/status.d/a", "var/lib/dpkg/status.d/b")
        .hard_link("var/lib/dpkg/status.d/b", "var/lib/dpkg/status.d/a");
    let many = (0..20_000).fold(layer, |tar, number| {
        let (from, to) = (format!("var/lib/dpkg/status.d/{number}"), format!("{}", number + 1));
        tar.symlink(&from, &to)
    });
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(many));
    sandbox.file("loops.tar", image.docker_archive());
    assert_ends(&sandbox, "docker-archive:loops.tar", 21, "links lead in a circle");
    assert_ends(&sandbox, "docker-archive:loops.tar", 21, "were not followed");
}

#[test]
fn files_of_gigabytes_take_no_room() {
    let sandbox = Sandbox::new().with_advisories();
    // Four gigabytes of hole, by PAX, in an archive of a few kilobytes.
    let sparse = good()
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "var/lib/rpm/rpmdb.sqlite"),
            ("GNU.sparse.realsize", "4294967296"),
        ])
        .header(&Header::file("GNUSparseFile.0/rpmdb.sqlite", 512))
        .content(b"0\n");
    sandbox.file("sparse.tar", sparse.finish());
    assert_ends(&sandbox, "fs-archive:sparse.tar", 21, "4294967296 bytes");

    // Half a gigabyte of hole is looked into, through a temporary file. Not for malware: whoever
    // looks at every byte has every page of that file mapped (docs/malware.md).
    let sparse = good()
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "var/lib/rpm/rpmdb.sqlite"),
            ("GNU.sparse.realsize", "500000000"),
        ])
        .header(&Header::file("GNUSparseFile.0/rpmdb.sqlite", 512))
        .content(b"0\n");
    sandbox.file("half.tar", sparse.finish());
    let scan = ["scan", "--offline", "--checks", "vuln,secret,config", "--format", "json"];
    let ended = sandbox.run_bounded(sandbox.command(&scan).arg("fs-archive:half.tar"));
    assert_eq!(ended.code, Some(21), "{}", ended.stderr);
    assert!(ended.stdout.contains("rpmdb.sqlite"), "{}", ended.stdout);

    // Four gigabytes that are there, as far as the file system goes.
    let size = 4_u64 << 30;
    let begin = good().header(&Header::file("var/lib/rpm/rpmdb.sqlite", size)).unfinished();
    let file = File::create(sandbox.path("large.tar")).unwrap();
    file.write_all_at(&begin, 0).unwrap();
    file.write_all_at(&TarBuilder::new().finish(), begin.len() as u64 + size).unwrap();
    assert_ends(&sandbox, "fs-archive:large.tar", 21, "4294967296 bytes");
}

#[test]
fn depth_has_an_end() {
    let sandbox = Sandbox::new().with_advisories();
    let deep = "d/".repeat(2000);
    let deeper = "d/".repeat(4000);
    let tar = good().file(&format!("{deep}f"), "").file(&format!("{deeper}f"), "");
    sandbox.file("deep.tar", tar.finish());
    assert_ends(&sandbox, "fs-archive:deep.tar", 21, "is too long");

    let root = sandbox.path("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::create_dir_all(root.join("var/lib/dpkg")).unwrap();
    fs::write(root.join("etc/os-release"), OS_RELEASE).unwrap();
    fs::write(root.join("var/lib/dpkg/status"), STATUS).unwrap();
    fs::create_dir_all(root.join("d/".repeat(400))).unwrap();
    assert_ends(&sandbox, "dir:root", 21, "deep");
    let said = scan(&sandbox, "dir:root").stderr;
    assert!(!said.contains("(layer"), "a folder has none: {said}");

    // A configuration and a manifest of brackets.
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(good()));
    let mut files = image.oci_files();
    for (path, bytes) in &mut files {
        if path == "index.json" {
            *bytes = "[".repeat(1 << 20).into_bytes();
        }
    }
    ImageBuilder::write_files(&sandbox.path("layout"), &files);
    let ended = scan(&sandbox, "oci-dir:layout");
    assert_eq!(ended.code, Some(14), "{ended:?}");
}

/// Every file below, by its path.
fn files(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(
            |path| if path.is_dir() { files(&path) } else { vec![path.display().to_string()] },
        )
        .collect()
}

#[test]
fn an_interrupt_leaves_nothing_half_written() {
    let sandbox = Sandbox::new().with_advisories();
    let before = files(sandbox.dir.path());
    let noise: Vec<u8> =
        (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let image = ImageBuilder::new("shop:1")
        .layer(LayerBuilder::gzip(good()))
        .layer(LayerBuilder::gzip(TarBuilder::new().file("noise", noise)));
    let content = Content::default().image("shop", "1", &image);
    let server = Server::meddling_registry(content, |request, reply| {
        match request.path.contains("/blobs/") && reply.body.len() > 100_000 {
            true => reply.with(Fault::SilentAfter(50_000)),
            false => reply,
        }
    });
    let host = server.host();
    let target = format!("registry:{host}/shop:1");
    let scan = ["scan", "-f", "json", "-o", "report.json", "--insecure-registry", &host, &target];
    let mut child = sandbox.spawn(&scan);
    while server.requests().iter().filter(|it| it.path.contains("/blobs/")).count() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let begun = std::time::Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    assert_eq!(files(sandbox.dir.path()), before);
}

/// Imports within the bounds; what is good beside the bad is there afterwards.
fn import(sandbox: &Sandbox, bad: &str) -> Ended {
    let tracker = serde_json::json!({ "bash": { "CVE-2099-0001": { "releases": { "bookworm": {
        "status": "resolved", "repositories": { "bookworm": "1" }, "fixed_version": "2",
        "urgency": "low",
    } } } } });
    let good = sandbox.file("good.json", tracker.to_string());
    let mut command = sandbox.command(&["db", "import", &good, bad]);
    let ended = sandbox.run_bounded(&mut command);
    assert!(sandbox.path("cache/lazaret/db/debian-12.seg").exists(), "{bad}: {ended:?}");
    assert!(ended.stderr.lines().count() < 100, "{bad}: {} lines", ended.stderr.lines().count());
    ended
}

#[test]
fn feeds_made_to_harm_are_read_within_bounds() {
    let sandbox = Sandbox::new();
    let write = |name: &str, head: &[u8], part: &[u8], times: u32| {
        let path = sandbox.path(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(&zstd(head)).unwrap();
        let part = zstd(part);
        (0..times).for_each(|_| file.write_all(&part).unwrap());
        path.to_str().unwrap().to_owned()
    };
    let blanks = vec![b' '; 8 << 20];
    let rows: String = (0..1_600_000).map(|n| format!("CVE-2024-{n:07},0.1,0.2\n")).collect();
    let deep = "[".repeat(8 << 20);
    let bombs = [
        write("blanks", b"", &blanks, 256),
        write("rows", b"cve,epss,percentile\n", rows.as_bytes(), 2),
        write("deep", b"", deep.as_bytes(), 8),
    ];
    for bomb in &bombs {
        let ended = import(&sandbox, bomb);
        assert!(ended.code.is_some_and(|code| code != 0), "{bomb}: {ended:?}");
    }
    let record = br#"{"id": "DSA-1-1", "modified": "2024-01-02T03:04:05Z", "affected": ["#;
    let mut tar = TarBuilder::new();
    for n in 0..50_000 {
        tar = tar.file(&format!("{n}.json"), record);
    }
    let many = sandbox.path("many.tar.zst");
    fs::write(&many, zstd(&tar.finish())).unwrap();
    let ended = import(&sandbox, many.to_str().unwrap());
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("more documents"), "{ended:?}");
}

/// Of one package, twenty thousand versions before and as many others after.
#[test]
fn a_package_of_many_versions_is_compared_in_no_time() {
    let sandbox = Sandbox::new().with_advisories();
    let bill = |file: &str, major: u32| {
        let component = |minor: u32| {
            let version = format!("{major}.{minor}.0");
            serde_json::json!({
                "type": "library", "name": "a", "version": version, "purl": format!("pkg:npm/a@{version}"),
            })
        };
        let components: Vec<Value> = (0..20_000).map(component).collect();
        let bill = serde_json::json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6", "components": components,
        });
        sandbox.file(file, bill.to_string());
    };
    bill("old.json", 1);
    bill("new.json", 2);
    let mut command = sandbox.command(&["diff", "--offline", "--checks", "vuln"]);
    let ended = sandbox.run_bounded(command.args(["-f", "json", "old.json", "new.json"]));
    let diff: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(diff["packages"]["changed"][0]["direction"], "upgrade", "{}", ended.stderr);
}
