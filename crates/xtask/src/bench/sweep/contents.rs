//! Time and memory against what one file system holds: bytes, entries, packages.

use std::path::Path;

use super::{each, file_system, made, root};
use crate::bench::measure::{Run, peak};
use crate::bench::{EVERY_CHECK, Session, feeds};

struct Shape {
    name: &'static str,
    files: usize,
    bytes_each: usize,
    packages: usize,
}

const BYTES: &[Shape] = &[
    Shape { name: "64 MB in 1,000 files", files: 1_000, bytes_each: 64_000, packages: 500 },
    Shape { name: "256 MB in 1,000 files", files: 1_000, bytes_each: 256_000, packages: 500 },
    Shape { name: "1 GB in 1,000 files", files: 1_000, bytes_each: 1_000_000, packages: 500 },
];

/// Empty files, and two that hold the packages. The most is what one image may have.
const ENTRIES: &[Shape] = &[
    Shape { name: "1,000 entries", files: 998, bytes_each: 0, packages: 500 },
    Shape { name: "10,000 entries", files: 9_998, bytes_each: 0, packages: 500 },
    Shape { name: "100,000 entries", files: 99_998, bytes_each: 0, packages: 500 },
    Shape { name: "1,000,000 entries", files: 999_998, bytes_each: 0, packages: 500 },
];

const PACKAGES: &[Shape] = &[
    Shape { name: "500 packages", files: 1_000, bytes_each: 0, packages: 500 },
    Shape { name: "2,000 packages", files: 1_000, bytes_each: 0, packages: 2_000 },
    Shape { name: "8,000 packages", files: 1_000, bytes_each: 0, packages: 8_000 },
];

pub(super) fn run(session: &Session, folder: &Path) -> Result<(), String> {
    let db = feeds::store(session)?;
    let [bytes, entries, packages] =
        [BYTES, ENTRIES, PACKAGES].map(|shapes| targets(folder, shapes));
    let (read, listed) = (bytes?, entries?);
    let sbom = |target: &String| session.lazaret(&["sbom", "--no-cache", target]);
    let scan = |target: &String| session.scan(&db, EVERY_CHECK, &["--no-cache", target]);
    println!("What an image holds, 500 packages (`sbom`, nothing cached):\n");
    each(session, &read, sbom)?;
    println!();
    per_entry(&each(session, &listed, sbom)?);
    each(session, &packages?, sbom)?;
    println!("\nThe same, every check:\n");
    each(session, &read, scan)?;
    println!();
    per_entry(&each(session, &listed, scan)?);
    Ok(())
}

/// Made once; named by what they hold, so that none stands for another.
fn targets(folder: &Path, shapes: &[Shape]) -> Result<Vec<(String, String)>, String> {
    let target = |Shape { name, files, bytes_each, packages }: &Shape| {
        let path = folder.join(format!("text-{files}-{bytes_each}-{packages}.tar"));
        let tar = made(path, |into| root(into, *packages, ("opt", *files, *bytes_each)))?;
        Ok(((*name).to_owned(), file_system(&tar)))
    };
    shapes.iter().map(target).collect()
}

/// What the most entries took more than the fewest.
fn per_entry(runs: &[Vec<Run>]) {
    if let ([fewest, .., most], [few, .., many]) = (ENTRIES, runs) {
        let more = peak(many) as f64 - peak(few) as f64;
        println!("\n{:.1} bytes an entry\n", more / (most.files - fewest.files) as f64);
    }
}
