//! Bundler's lock file, `Gemfile.lock` (`gems.locked` beside a `gems.rb`): sections by
//! indentation.
//!
//! ```text
//! GEM
//!   remote: https://rubygems.org/
//!   specs:
//!     knot (2.0.1-x86_64-linux)
//!     rope (1.2.0)
//!       knot (~> 2.0)
//! ```
//!
//! A gem with programs in it stands once for each platform; it is one package, which names them all.

use std::collections::{BTreeMap, BTreeSet};

use model::{PackageKind, ProblemKind};

use crate::lock::{self, ENTRIES_MAX, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// What RubyGems calls the platform of gems that are for all of them.
const RUBY: &str = "ruby";

/// The analyzer `gemfile-lock`.
pub(crate) struct GemfileLock;

#[derive(Default)]
struct Lock<'a> {
    gems: Vec<Gem<'a>>,
    /// By name and version as written.
    checksums: BTreeMap<(&'a str, &'a str), &'a str>,
    /// Lines that should name a gem or begin a section and do not.
    odd: usize,
    /// Gems beyond those that are kept.
    left_out: usize,
}

struct Gem<'a> {
    name: &'a str,
    /// With the platform.
    version: &'a str,
    dependencies: Vec<&'a str>,
}

impl Analyzer for GemfileLock {
    fn name(&self) -> &'static str {
        "gemfile-lock"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "Gemfile.lock" },
                Select::Anywhere { directory: "*", name: "gems.locked" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let lock = Lock::of(&text);
        if lock.odd > 0 {
            let message = format!("{} lines neither begin a section nor name a gem", lock.odd);
            facts.problem(ProblemKind::Damaged, message);
        }
        lock::left_out(lock.left_out, facts);
        let versions: BTreeMap<&str, &str> =
            lock.gems.iter().map(|gem| (gem.name, plain(gem.version))).collect();
        let mut of_platforms: BTreeMap<(&str, &str), Vec<&Gem<'_>>> = BTreeMap::new();
        for gem in &lock.gems {
            of_platforms.entry((gem.name, plain(gem.version))).or_default().push(gem);
        }
        let mut listing = Listing::new(facts);
        for ((name, version), gems) in of_platforms {
            let mut installed = Installed::declared(PackageKind::Gem, name, version);
            let package = &mut installed.package;
            package.architecture = platforms(&gems);
            let checksums = gems.iter().filter_map(|gem| lock.checksums.get(&(name, gem.version)));
            package.hashes = checksums
                .filter_map(|text| text.split_once('='))
                .filter_map(|(algorithm, digest)| integrity::hexadecimal(algorithm, digest))
                .collect();
            let needed: BTreeSet<&str> =
                gems.iter().flat_map(|gem| gem.dependencies.iter().copied()).collect();
            package.dependencies = needed
                .into_iter()
                .map(|name| lock::dependency(name, versions.get(name).copied().unwrap_or_default()))
                .collect();
            listing.add(installed);
        }
    }
}

impl<'a> Lock<'a> {
    fn of(text: &'a str) -> Self {
        let mut lock = Self::default();
        let mut section = "";
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let indent = line.len().saturating_sub(line.trim_start().len());
            let line = line.trim();
            match (section, indent) {
                (_, 0) if is_section(line) => section = line,
                (_, 0) => lock.odd = lock.odd.saturating_add(1),
                ("GEM" | "GIT" | "PLUGIN SOURCE", 4) => match gem(line) {
                    Some(_) if lock.gems.len() >= ENTRIES_MAX => {
                        lock.left_out = lock.left_out.saturating_add(1);
                    }
                    Some((name, version)) => {
                        lock.gems.push(Gem { name, version, dependencies: Vec::new() });
                    }
                    None => lock.odd = lock.odd.saturating_add(1),
                },
                ("GEM" | "GIT" | "PLUGIN SOURCE", 6) if lock.left_out == 0 => {
                    let name = line.split(' ').next().unwrap_or_default().trim_end_matches('!');
                    if let Some(gem) = lock.gems.last_mut() {
                        gem.dependencies.push(name);
                    }
                }
                ("CHECKSUMS", 2) => {
                    // Several, if there are, stand between commas.
                    let digest = line.rsplit_once(' ').map(|(_, digest)| digest);
                    let digest = digest.and_then(|digest| digest.split(',').next());
                    if let (Some(gem), Some(digest)) = (gem(line), digest) {
                        lock.checksums.insert(gem, digest);
                    }
                }
                // The repository's own (`PATH`), and what was asked for.
                _ => {}
            }
        }
        lock
    }
}

/// What stands at the margin otherwise was left by a merge.
fn is_section(line: &str) -> bool {
    line.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b' ')
}

/// Name and version in `name (1.0)`, whatever follows.
fn gem(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once(" (")?;
    let (version, _) = rest.split_once(')')?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some((name, version))
}

/// `arm64-darwin, x86_64-linux`; nothing where a gem is for every platform alone.
fn platforms(gems: &[&Gem<'_>]) -> String {
    let platform =
        |gem: &&Gem<'_>| gem.version.split_once('-').map_or(RUBY, |(_, it)| it).to_owned();
    let platforms: BTreeSet<String> = gems.iter().map(platform).collect();
    let platforms: Vec<String> = platforms.into_iter().collect();
    if platforms == [RUBY] { String::new() } else { platforms.join(", ") }
}

/// A version without its platform: no version has a hyphen of its own here.
fn plain(version: &str) -> &str {
    version.split('-').next().unwrap_or_default()
}
