//! Composer's lock file, `composer.lock`.

use serde::Deserialize;

use super::composer::{self, Package};
use crate::lock::{self, LOCK_BYTES_MAX};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `composer-lock`.
pub(crate) struct ComposerLock;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lock {
    #[serde(default)]
    packages: Option<Vec<Package>>,
    #[serde(default)]
    packages_dev: Option<Vec<Package>>,
}

impl Analyzer for ComposerLock {
    fn name(&self) -> &'static str {
        "composer-lock"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "composer.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::json::<Lock>(file.bytes, facts) else { return };
        let of = |list: Option<Vec<Package>>, development: bool| {
            list.into_iter().flatten().map(move |it| it.of(Some(development)))
        };
        let mut packages: Vec<Package> = of(lock.packages, false).collect();
        packages.extend(of(lock.packages_dev, true));
        packages.retain(|package| !package.is_local());
        composer::list(&packages, Installed::declared, facts);
    }
}
