//! `/opt/bitnami/<component>/.spdx-<component>.spdx`: a component of a Bitnami image with what it
//! was built from, as SPDX 2.3 in JSON. What Bitnami itself releases has a purl of its type; the
//! rest is listed by its own ecosystem's files.

use model::PackageKind;
use serde::Deserialize;

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `bitnami-spdx`.
pub(crate) struct BitnamiSpdx;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(default)]
    license_declared: String,
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    reference_locator: String,
}

impl Analyzer for BitnamiSpdx {
    fn name(&self) -> &'static str {
        "bitnami-spdx"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: ".spdx-*" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if !file.path.contains("bitnami/") {
            return;
        }
        let Some(document) = lock::json::<Document>(file.bytes, facts) else { return };
        let mut listing = Listing::new(facts);
        for package in &document.packages {
            let locators = package.external_refs.iter().map(|r| r.reference_locator.as_str());
            let mut bitnami = locators.filter_map(|purl| purl.strip_prefix("pkg:bitnami/"));
            let Some((name, rest)) = bitnami.next().and_then(|purl| purl.split_once('@')) else {
                continue;
            };
            let (version, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
            let version = version.replace("%2B", "+");
            let mut installed = Installed::new(PackageKind::Bitnami, name, &version);
            let mut qualifiers = qualifiers.split('&');
            if let Some(arch) = qualifiers.find_map(|qualifier| qualifier.strip_prefix("arch=")) {
                arch.clone_into(&mut installed.package.architecture);
            }
            if !matches!(package.license_declared.as_str(), "NOASSERTION" | "NONE") {
                installed.package.license.clone_from(&package.license_declared);
            }
            listing.add(installed);
        }
    }
}
