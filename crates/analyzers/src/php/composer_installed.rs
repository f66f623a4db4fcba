//! What Composer installed: `vendor/composer/installed.json`, a list up to Composer 1 and an
//! object with one since 2.

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
    Object { packages: Vec<Package> },
}

impl Analyzer for ComposerInstalled {
    fn name(&self) -> &'static str {
        "composer-installed"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "composer", name: "installed.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        match lock::json(file.bytes, facts) {
            Some(Record::List(packages) | Record::Object { packages }) => {
                composer::list(&packages, Installed::new, facts);
            }
            None => {}
        }
    }
}
