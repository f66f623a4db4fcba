//! `.meta/<distribution>/install.json`: what cpanm and Carton leave of each distribution that they
//! installed.

use model::{PackageKind, ProblemKind};
use serde::Deserialize;

use super::distribution;
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `cpan-install`.
pub(crate) struct CpanInstall;

#[derive(Deserialize)]
struct Install {
    /// `Moose-2.2011`; `name` is that of the main module.
    dist: String,
}

impl Analyzer for CpanInstall {
    fn name(&self) -> &'static str {
        "cpan-install"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "install.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        // It lists the modules of one distribution; the largest have a thousand.
        4 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if !file.path.contains(".meta/") {
            return;
        }
        match serde_json::from_slice::<Install>(file.bytes) {
            Ok(install) => {
                if let Some((name, version)) = distribution::split(&install.dist) {
                    facts.package(Installed::new(PackageKind::Cpan, name, version));
                }
            }
            Err(error) => {
                facts.problem(ProblemKind::Damaged, format!("not an install.json: {error}"));
            }
        }
    }
}
