//! `go.sum`: digests of the modules that the Go command has looked at (go.dev/ref/mod#go-sum-files).
//!
//! It keeps those that were considered and not chosen, and nothing in it tells which were: its
//! modules are mentioned and nothing more, so nobody is warned of them. A module of which only the
//! `go.mod` was looked at has no code here and is left out.

use model::{Basis, PackageKind};

use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `go-sum`.
pub(crate) struct GoSum;

impl Analyzer for GoSum {
    fn name(&self) -> &'static str {
        "go-sum"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "go.sum" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let mut listing = Listing::new(facts);
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (path, version, digest) = (words.next(), words.next(), words.next());
            let (Some(path), Some(version), Some(digest)) = (path, version, digest) else {
                continue;
            };
            let is_module = version.starts_with('v') && !version.ends_with("/go.mod");
            if !is_module || !digest.starts_with("h1:") || words.next().is_some() {
                continue;
            }
            let mut installed = Installed::declared(PackageKind::Golang, path, version);
            installed.package.basis = Basis::Mention;
            listing.add(installed);
        }
    }
}
