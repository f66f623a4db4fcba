//! How long matching takes: 3000 packages of one distribution against its segments, read from the
//! disk cache each time.
//!
//! `cargo bench -p matcher -- DB` measures every stream of the store in the folder `DB`; the folder
//! is made with `lazaret db import`. Half of the packages have statements, at the version that
//! answers all of them but for one in twenty, which answers none; nobody speaks of the other half.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use advisories::Store;
use jiff::civil::Date;
use matcher::Options;
use model::{Advisory, Inventory, Os, Package, PackageKind};
use version::Scheme;

const PACKAGES: usize = 3000;
const RUNS: usize = 21;
/// One in so many packages was never upgraded.
const OUTDATED: usize = 20;

fn main() {
    // `cargo bench` passes `--bench` along.
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let Some(folder) = folder.map(PathBuf::from) else {
        println!("usage: cargo bench -p matcher -- DB");
        return;
    };
    println!("{:<24} {:>10} {:>10} {:>10}", "stream", "statements", "findings", "median");
    for installed in Store::open(&folder).list().expect("a store") {
        let stream = installed.stream;
        let Some(inventory) = inventory(&Store::open(&folder), &stream) else { continue };
        let held = held(&Store::open(&folder), &stream, &inventory);
        let (found, median) = measure(&folder, &inventory);
        println!("{stream:<24} {held:>10} {found:>10} {:>8.2}ms", median.as_secs_f64() * 1e3);
    }
}

fn measure(folder: &PathBuf, inventory: &Inventory) -> (usize, Duration) {
    let now = Date::constant(2026, 11, 22);
    let mut found = 0;
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            let matched = matcher::findings(
                inventory,
                &Store::open(folder),
                Options { today: now, declared: false },
                &|| false,
            );
            let time = begun.elapsed();
            found = matched.findings.len();
            time
        })
        .collect();
    times.sort_unstable();
    (found, times[RUNS / 2])
}

/// An installation of the distribution that the stream is about; None for metadata.
fn inventory(store: &Store, stream: &str) -> Option<Inventory> {
    let segment = store.segment(stream).ok().flatten()?;
    let scheme = Scheme::from_name(segment.meta().scheme.as_ref()?)?;
    let kind = match scheme {
        Scheme::Apk => PackageKind::Apk,
        Scheme::Debian => PackageKind::Deb,
        Scheme::Rpm => PackageKind::Rpm,
        _ => return None,
    };
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for advisory in segment.all_advisories().filter_map(Result::ok) {
        let version = newest.entry(advisory.package.clone()).or_insert_with(|| "1".to_owned());
        for fix in fixes(&advisory) {
            if scheme.compare(version, fix).is_ok_and(|order| order.is_lt()) {
                fix.clone_into(version);
            }
        }
    }
    let step = newest.len().div_ceil(PACKAGES / 2).max(1);
    let spoken = newest.into_iter().step_by(step).enumerate().map(|(at, (name, version))| {
        let version = if at % OUTDATED == 0 { "0".to_owned() } else { version };
        Package::new(kind, &name, &version)
    });
    let silent = (0..).map(|at| Package::new(kind, &format!("nobody-speaks-of-{at}"), "1"));
    let mut packages: Vec<Package> = spoken.chain(silent).take(PACKAGES).collect();
    packages.sort();
    Some(Inventory { os: Some(os(stream)), packages, ..Inventory::default() })
}

fn held(store: &Store, stream: &str, inventory: &Inventory) -> usize {
    let segment = store.segment(stream).ok().flatten().expect("it was there");
    let names: std::collections::BTreeSet<&str> =
        inventory.packages.iter().map(|package| package.name.as_str()).collect();
    segment
        .all_advisories()
        .filter_map(Result::ok)
        .filter(|advisory| names.contains(advisory.package.as_str()))
        .count()
}

fn fixes(advisory: &Advisory) -> impl Iterator<Item = &str> {
    advisory.ranges.iter().filter_map(|range| range.until.fix())
}

/// `opensuse-leap-15.6` is release 15.6 of `opensuse-leap`; `wolfi` has no releases.
fn os(stream: &str) -> Os {
    let is_version = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit()) || ["edge", "sid"].contains(&text)
    };
    let dashes = stream.match_indices('-').filter_map(|(at, _)| stream.split_at_checked(at));
    let release = dashes
        .filter_map(|(family, version)| Some((family, version.strip_prefix('-')?)))
        .find(|(_, version)| is_version(version));
    let (family, version) = release.unwrap_or((stream, ""));
    Os {
        family: family.to_owned(),
        version: version.to_owned(),
        codename: None,
        pretty_name: None,
        derived_id: None,
    }
}
