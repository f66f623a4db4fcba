//! A program built with `cargo auditable`: the crates linked into it, as JSON under zlib in the
//! section `.dep-v0` (github.com/rust-secure-code/cargo-auditable, PARSING.md).

use std::io::Read;

use flate2::read::ZlibDecoder;
use model::{PackageKind, ProblemKind};
use serde::Deserialize;

use crate::lock::{self, Listing, dependency};
use crate::program::{PROGRAM_BYTES_MAX, Program};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The list unpacked; a crate takes some 100 bytes, and the largest programs have a thousand.
const LIST_BYTES_MAX: u64 = 8 << 20;

/// The analyzer `cargo-auditable`.
pub(crate) struct CargoAuditable;

#[derive(Deserialize)]
struct List {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// `crates.io`, `git`, `local`, `registry`, or the address of one.
    #[serde(default)]
    source: String,
    /// `build` for what only ran when the program was built; `runtime` goes without saying.
    #[serde(default)]
    kind: String,
    /// Places in the list.
    #[serde(default)]
    dependencies: Vec<usize>,
    /// The program's own crate.
    #[serde(default)]
    root: bool,
}

impl Analyzer for CargoAuditable {
    fn name(&self) -> &'static str {
        "cargo-auditable"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Executable] }
    }

    fn max_bytes(&self) -> u64 {
        PROGRAM_BYTES_MAX
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(program) = Program::parse(file.bytes) else { return };
        let Some(section) = program.section(&[".dep-v0"]) else { return };
        let mut json = Vec::new();
        let unpacked = ZlibDecoder::new(section).take(LIST_BYTES_MAX).read_to_end(&mut json);
        if let Err(error) = unpacked {
            let message = format!("its list of crates cannot be unpacked: {error}");
            return facts.problem(ProblemKind::Damaged, message);
        }
        if u64::try_from(json.len()).is_ok_and(|length| length >= LIST_BYTES_MAX) {
            let message = format!("its list of crates has more than {LIST_BYTES_MAX} bytes");
            return facts.problem(ProblemKind::LimitReached, message);
        }
        let Some(list) = lock::json::<List>(&json, facts) else { return };
        let mut listing = Listing::new(facts);
        for package in list.packages.iter().filter(|package| package.is_linked()) {
            let mut installed = Installed::new(PackageKind::Cargo, &package.name, &package.version);
            let needed = package.dependencies.iter().filter_map(|at| list.packages.get(*at));
            installed.package.dependencies = needed
                .filter(|needed| needed.kind != "build")
                .map(|needed| dependency(&needed.name, &needed.version))
                .collect();
            listing.add(installed);
        }
    }
}

impl Package {
    /// Whether the program contains it, and it is what advisories call so: crates from elsewhere
    /// share their names with others. The program's own crate mostly is built from a checkout.
    fn is_linked(&self) -> bool {
        self.kind != "build" && (self.root || self.source == "crates.io")
    }
}
