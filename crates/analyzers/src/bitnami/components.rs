//! `/opt/bitnami/.bitnami_components.json`: the components of a Bitnami image, of which later ones
//! also have an SPDX document each.

use std::collections::BTreeMap;

use model::PackageKind;
use serde::Deserialize;

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `bitnami-components`.
pub(crate) struct BitnamiComponents;

#[derive(Deserialize)]
struct Component {
    version: String,
    #[serde(default)]
    arch: String,
}

impl Analyzer for BitnamiComponents {
    fn name(&self) -> &'static str {
        "bitnami-components"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "bitnami", name: ".bitnami_components.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let components = lock::json::<BTreeMap<String, Component>>(file.bytes, facts);
        let mut listing = Listing::new(facts);
        for (name, Component { version, arch }) in components.into_iter().flatten() {
            let mut installed = Installed::new(PackageKind::Bitnami, &name, &version);
            installed.package.architecture = arch;
            listing.add(installed);
        }
    }
}
