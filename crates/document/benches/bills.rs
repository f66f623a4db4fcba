//! How long a bill of materials of 8000 packages takes to be written and read back, in each format.
//!
//! `cargo bench -p document` prints the medians. Matching what was read has a bench of its own
//! (`cargo bench -p matcher`).

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::time::{Duration, Instant};

use document::{Format, Report, Sbom};
use model::{Artifact, ArtifactKind, Eol, Inventory, Location, Os, Package, PackageKind, Source};

const PACKAGES: usize = 8000;
const RUNS: usize = 11;

fn main() {
    let report = report();
    println!("{:<16} {:>10} {:>10} {:>10}", "format", "bytes", "written", "read");
    for (name, format) in [
        ("cyclonedx-json", Format::CycloneDxJson),
        ("cyclonedx-xml", Format::CycloneDxXml),
        ("spdx-json", Format::SpdxJson),
        ("spdx-tag-value", Format::SpdxTagValue),
    ] {
        let text = format.render(&report);
        let written = median(|| assert_eq!(format.render(&report).len(), text.len()));
        let read = median(|| {
            let sbom = Sbom::read("bench", text.as_bytes()).expect("it was just written");
            assert_eq!(sbom.inventory.packages.len(), PACKAGES);
        });
        let shown = |time: Duration| format!("{:.1}ms", time.as_secs_f64() * 1e3);
        println!("{name:<16} {:>10} {:>10} {:>10}", text.len(), shown(written), shown(read));
    }
}

fn median(run: impl Fn()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(RUNS / 2).copied().unwrap_or_default()
}

fn package(number: usize) -> Package {
    Package {
        architecture: "amd64".to_owned(),
        source: Some(Source {
            name: format!("source-{}", number / 3),
            version: "1.2-3".to_owned(),
        }),
        license: "GPL-2+ and MIT".to_owned(),
        vendor: "Somebody <somebody@example.org>".to_owned(),
        location: Location { path: "var/lib/dpkg/status".to_owned(), layer: None },
        dependencies: (1..5).map(|step| format!("package-{:04}", number + step)).collect(),
        ..Package::new(PackageKind::Deb, &format!("package-{number:04}"), "1:1.2-3+b1")
    }
}

fn report() -> Report {
    let artifact = Artifact {
        name: "bench".to_owned(),
        kind: ArtifactKind::Dir,
        references: Vec::new(),
        digest: None,
        manifest_digest: None,
        platform: None,
        size_bytes: None,
        created: None,
        config: None,
        layers: Vec::new(),
    };
    let inventory = Inventory {
        os: Some(Os {
            family: "debian".to_owned(),
            version: "12".to_owned(),
            codename: None,
            pretty_name: None,
            derived_id: None,
        }),
        packages: (0..PACKAGES).map(package).collect(),
        ..Inventory::default()
    };
    Report::of(artifact, inventory, Eol::Unknown, "2024-06-02T00:00:00Z".to_owned())
}
