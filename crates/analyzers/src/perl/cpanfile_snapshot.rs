//! `cpanfile.snapshot`: the distributions that Carton installed for a project, each on a line of
//! its own, with its modules and requirements indented below.

use model::PackageKind;

use super::distribution;
use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `cpanfile-snapshot`.
pub(crate) struct CpanfileSnapshot;

impl Analyzer for CpanfileSnapshot {
    fn name(&self) -> &'static str {
        "cpanfile-snapshot"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "cpanfile.snapshot" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let mut listing = Listing::new(facts);
        for line in file.text().lines() {
            let Some(text) = line.strip_prefix("  ").filter(|text| !text.starts_with(' ')) else {
                continue;
            };
            if let Some((name, version)) = distribution::split(text.trim_end()) {
                listing.add(Installed::declared(PackageKind::Cpan, name, version));
            }
        }
    }
}
