//! Little that becomes much: every bomb ends at a limit, in bounded memory and time. One test, in
//! a process of its own, so that the peak of its memory is what the bombs took.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use artifact::{Options, Stop, open};
use model::{Entry, ProblemKind, Visitor, Want};
use testkit::{Header, TarBuilder, gzip, zstd};

/// What reading takes at most, whatever it reads; the test's own bombs included.
const MEMORY_KIB_MAX: u64 = 64 << 10;
/// For each case; an optimised build takes a second.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Counts, so that what is measured is the reader's memory.
#[derive(Default)]
struct Count {
    entries: u64,
    content_bytes: u64,
}

impl Visitor for Count {
    fn entry(&mut self, _entry: &Entry<'_>) -> Want {
        self.entries += 1;
        Want::Content
    }

    fn content(&mut self, _entry: &Entry<'_>, bytes: &[u8]) {
        self.content_bytes += bytes.len() as u64;
    }
}

/// Reads a root file system of `part`, so many times; gives what was seen, and the messages of the
/// problems, all of which must be limits.
fn explode(directory: &Path, name: &str, part: &[u8], times: u32) -> (Count, Vec<String>) {
    let path = directory.join(name);
    let mut file = File::create(&path).unwrap();
    for _ in 0..times {
        file.write_all(part).unwrap();
    }
    let options = Options { stop: Stop::at(Instant::now() + TIME_MAX), ..Options::default() };
    let image = open(&format!("fs-archive:{}", path.display()), &options).unwrap();
    let layer = image.read(&[0], &Count::default).unwrap().remove(0);
    let problems = layer.problems.into_iter().map(|problem| {
        assert_eq!(problem.kind, ProblemKind::LimitReached, "{name}: {problem}");
        problem.message
    });
    (layer.visitor, problems.collect())
}

fn peak_memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn bombs_end_at_limits() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let zeros = vec![0; 16 << 20];
    let ten_gigabytes = 640;
    let huge_file = TarBuilder::new().header(&Header::file("zeros", 10 << 30)).unfinished();
    let empty_file = TarBuilder::new().header(&Header::file("empty", 0)).unfinished();
    let empty_files = empty_file.repeat(50_000);
    let before = peak_memory_kib();
    let too_compressible = "more than 50 times as many";

    // Zeros alone are the end marker and what follows it.
    let (count, problems) = explode(directory, "gzip", &gzip(&zeros), ten_gigabytes);
    assert!(problems.len() == 1 && problems[0].contains(too_compressible), "{problems:?}");
    assert_eq!(count.entries, 0);
    let (_, problems) = explode(directory, "zstd", &zstd(&zeros), ten_gigabytes);
    assert!(problems.len() == 1 && problems[0].contains(too_compressible), "{problems:?}");

    // One file that nobody can take as a whole, and that is no more than its beginning.
    let part = gzip(&[&huge_file[..], &zeros].concat());
    let (count, problems) = explode(directory, "file", &part, ten_gigabytes);
    assert!(problems[0].contains("too many to look into"), "{problems:?}");
    assert!(problems[1].contains(too_compressible), "{problems:?}");
    assert_eq!((count.entries, count.content_bytes, problems.len()), (1, 0, 2));

    // Ten million empty files.
    let (count, problems) = explode(directory, "files", &gzip(&empty_files), 200);
    assert!(problems.len() == 1 && problems[0].contains("1000000 entries"), "{problems:?}");
    assert_eq!(count.entries, 1_000_000);

    // A window that takes more memory than all layers may have.
    let mut wide = zstd(&empty_files);
    assert_eq!(wide[4] & 0x20, 0, "the descriptor is followed by the window");
    wide[5] = 20 << 3;
    let (_, problems) = explode(directory, "window", &wide, 1);
    assert!(problems.len() == 1 && problems[0].contains("or more than 128 MiB"), "{problems:?}");

    let taken = peak_memory_kib() - before;
    assert!(taken < MEMORY_KIB_MAX, "{taken} KiB");
}
