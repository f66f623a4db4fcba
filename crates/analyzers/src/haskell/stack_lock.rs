//! `stack.yaml.lock`: the packages beyond the snapshot (docs.haskellstack.org, "Lock files"), each
//! written `acme-0.1.0.0@sha256:<digest of its cabal file>,<size>`.

use model::PackageKind;
use serde::Deserialize;

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `stack-lock`.
pub(crate) struct StackLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(default)]
    completed: Completed,
}

#[derive(Default, Deserialize)]
struct Completed {
    /// Absent where the package is not from Hackage.
    #[serde(default)]
    hackage: String,
}

impl Analyzer for StackLock {
    fn name(&self) -> &'static str {
        "stack-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "stack.yaml.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let locks = lock::yaml::<Lock>(&file.text(), facts);
        let mut listing = Listing::new(facts);
        for locked in locks.iter().flat_map(|lock| &lock.packages) {
            let package = locked.completed.hackage.split('@').next().unwrap_or_default();
            if let Some((name, version)) = package.rsplit_once('-') {
                listing.add(Installed::declared(PackageKind::Hackage, name, version));
            }
        }
    }
}
