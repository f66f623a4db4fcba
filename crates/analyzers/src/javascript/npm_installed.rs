//! What npm put into a `node_modules` and where it took it from: `.package-lock.json` in the folder
//! itself, which npm writes since version 7. Packages are read from their own folders
//! (`npm_package.rs`); this says which of them everybody can have.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::npm_package::is_registrys;
use crate::file::Check;
use crate::lock::LOCK_BYTES_MAX;
use crate::path_set::PathHash;
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `npm-installed`.
pub(crate) struct NpmInstalled;

/// Where it stands, from the folder above.
const PLACE: &str = "node_modules/.package-lock.json";

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: BTreeMap<String, Installed>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Installed {
    resolved: String,
    /// A folder of the repository itself.
    link: bool,
}

impl Analyzer for NpmInstalled {
    fn name(&self) -> &'static str {
        "npm-installed"
    }

    fn version(&self) -> u32 {
        1
    }

    fn check(&self) -> Option<Check> {
        Some(Check::Published)
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "node_modules", name: ".package-lock.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(above) = file.path.strip_suffix(PLACE) else { return };
        // What cannot be read proves nothing, and nothing more is asked of it.
        let Ok(lock) = serde_json::from_slice::<Lock>(file.bytes) else { return };
        let from_registry =
            |(_, package): &(&String, &Installed)| !package.link && is_registrys(&package.resolved);
        let folders = lock.packages.iter().filter(from_registry);
        facts.downloaded(folders.map(|(at, _)| PathHash::of(&format!("{above}{at}"))).collect());
    }
}
