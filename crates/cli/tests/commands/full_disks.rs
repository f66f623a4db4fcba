//! Disks that are full or may not be written to: the result is there all the same, and nothing
//! half-written stays behind.

use serde_json::Value;
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

use crate::run::{Ended, Sandbox};

const OS_RELEASE: &str = include_str!("../../../../content/demo/image/os-release");
const STATUS: &str = include_str!("../../../../content/demo/image/status.base");
/// Fills `small` to the last byte.
const FILL: &str = "dd if=/dev/zero of=small/full bs=1k 2>&-; ";

/// A sandbox with advisories and an image.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().with_advisories();
    let tar =
        TarBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS);
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar));
    sandbox.file("image.tar", image.docker_archive());
    sandbox
}

/// Runs `lazaret scan` on the image; what lies on the small disk afterwards is the last line.
fn scan(sandbox: &Sandbox, before: &str, options: &str) -> Option<(Ended, String)> {
    let script = format!(
        "{before}\n\"$LAZARET\" scan --offline -f json {options} docker-archive:image.tar\n\
         code=$?; echo; find small -type f | tr '\\n' ' '; exit $code"
    );
    let mut ended = sandbox.run_with_small_disk(&script)?;
    let (stdout, left) = ended.stdout.rsplit_once('\n').unwrap();
    let (left, stdout) = (left.trim().to_owned(), stdout.to_owned());
    ended.stdout = stdout;
    Some((ended, left))
}

fn assert_found(ended: &Ended, code: i32, words: &str) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(!report["findings"].as_array().unwrap().is_empty(), "{ended:?}");
    assert!(report["problems"].to_string().contains(words), "{}", report["problems"]);
}

#[test]
fn a_cache_that_is_full_or_read_only_is_a_notice() {
    let sandbox = sandbox();
    let read_only = "mount -o remount,ro small";
    let cases =
        [(FILL, "No space left on device", "small/full"), (read_only, "Read-only file system", "")];
    for (before, words, expected) in cases {
        let options = "--db cache/lazaret/db --cache-dir small";
        let Some((ended, left)) = scan(&sandbox, before, options) else { return };
        assert_found(&ended, 0, words);
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        let mut problems = told["problems"].as_array().unwrap().iter();
        let of_cache =
            |problem: &&Value| problem["message"].as_str().unwrap().contains("be cached");
        let problem = problems.find(of_cache).unwrap();
        assert!(problem["subject"].as_str().unwrap().ends_with("small"), "{problem}");
        // The names of layers and temporary files are others in each run.
        let message = problem["message"].as_str().unwrap();
        assert!(message.starts_with("layer results could not be cached: "), "{message}");
        assert!(!message.contains('/'), "{message}");
        assert_eq!(left, expected);
    }
}

#[test]
fn a_report_that_does_not_fit_is_30_and_the_old_one_stays() {
    let sandbox = sandbox();
    let before = "echo old > small/report.json; ".to_owned() + FILL;
    let Some((ended, left)) = scan(&sandbox, &before, "-o small/report.json") else { return };
    assert_eq!(ended.code, Some(30), "{ended:?}");
    assert!(ended.stderr.contains("No space left on device"), "{ended:?}");
    assert_eq!(left.split(' ').filter(|path| *path != "small/full").count(), 1, "{left}");

    let script = "echo old > small/report.json\n\
        dd if=/dev/zero of=small/full bs=1k 2>&-\n\
        \"$LAZARET\" scan --offline -f json -o small/report.json docker-archive:image.tar\n\
        cat small/report.json";
    let ended = sandbox.run_with_small_disk(script).unwrap();
    assert_eq!(ended.stdout, "old\n", "{ended:?}");
}

#[test]
fn segments_that_do_not_fit_are_not_there_in_part() {
    let sandbox = sandbox();
    let feeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/demo/feeds");
    let script = format!(
        "{FILL}\n\"$LAZARET\" db import --db small/db {}\ncode=$?\n\
         find small -type f | tr '\\n' ' '; exit $code",
        feeds.display()
    );
    let Some(ended) = sandbox.run_with_small_disk(&script) else { return };
    assert_eq!(ended.code, Some(31), "{ended:?}");
    assert!(ended.stderr.contains("No space left on device"), "{ended:?}");
    assert!(ended.stdout.trim_end().ends_with("small/full"), "{ended:?}");
}

/// A database too big for memory needs a temporary file, for which there is no room.
#[test]
fn without_room_for_temporary_files_the_rest_is_read() {
    let sandbox = sandbox();
    let status = [STATUS.as_bytes(), &vec![b'\n'; 40 << 20]].concat();
    let tar = TarBuilder::new()
        .file("etc/os-release", OS_RELEASE)
        .file("var/lib/dpkg/status", STATUS)
        .file("var/lib/rpm/rpmdb.sqlite", status);
    sandbox.file("root.tar", tar.finish());
    let script = "TMPDIR=\"$PWD/small\" \"$LAZARET\" scan --offline -f json fs-archive:root.tar";
    let Some(ended) = sandbox.run_with_small_disk(script) else { return };
    assert_found(&ended, 21, "no room for a temporary copy");
}
