//! `cabal.project.freeze`: the versions that cabal chose, as constraints between commas
//! (cabal.readthedocs.io, "cabal v2-freeze"): `any.aeson ==2.1.0.0`. Flags stand among them.

use model::PackageKind;

use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `cabal-freeze`.
pub(crate) struct CabalFreeze;

impl Analyzer for CabalFreeze {
    fn name(&self) -> &'static str {
        "cabal-freeze"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "cabal.project.freeze" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
        let mut listing = Listing::new(facts);
        for constraint in lines.flat_map(|line| line.split(',')) {
            let constraint = constraint.trim();
            let constraint = constraint.strip_prefix("constraints:").unwrap_or(constraint).trim();
            if let Some((name, version)) = constraint.split_once("==") {
                let name = name.rsplit('.').next().unwrap_or_default().trim();
                let version = version.trim();
                if version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
                    listing.add(Installed::declared(PackageKind::Hackage, name, version));
                }
            }
        }
    }
}
