//! What Composer installed: `vendor/composer/installed.json`, a list up to Composer 1 and an
//! object with one since 2.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::composer::{self, Package};
use crate::lock::{self, LOCK_BYTES_MAX};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `composer-installed`.
pub(crate) struct ComposerInstalled;

#[derive(Deserialize)]
#[serde(untagged, expecting = "neither a list of packages nor an object that holds one")]
enum Record {
    List(Vec<Package>),
    Object {
        packages: Vec<Package>,
        /// Since Composer 2.1.
        #[serde(rename = "dev-package-names", default)]
        development: Option<BTreeSet<String>>,
    },
}

impl Analyzer for ComposerInstalled {
    fn name(&self) -> &'static str {
        "composer-installed"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "composer", name: "installed.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let packages = match lock::json(file.bytes, facts) {
            Some(Record::List(packages)) => packages,
            Some(Record::Object { packages, development }) => {
                let is_named = |package: &Package| {
                    development.as_ref().map(|names| names.contains(package.name()))
                };
                let told = |package: Package| {
                    let development = is_named(&package);
                    package.of(development)
                };
                packages.into_iter().map(told).collect()
            }
            None => return,
        };
        composer::list(&packages, Installed::new, facts);
    }
}
