//! `project.assets.json`: what NuGet restored for a project, left in its `obj` folder.

use std::collections::BTreeMap;

use model::PackageKind;
use serde::Deserialize;

use super::reference;
use crate::lock::{self, Entries, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `nuget-assets`.
pub(crate) struct NugetAssets;

#[derive(Deserialize)]
struct Assets {
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    #[serde(default)]
    libraries: Entries<Library>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    sha512: String,
}

impl Analyzer for NugetAssets {
    fn name(&self) -> &'static str {
        "nuget-assets"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "project.assets.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(assets) = lock::json::<Assets>(file.bytes, facts) else { return };
        let libraries = assets.libraries.take(facts);
        let mut listing = Listing::new(facts);
        for (key, library) in libraries.iter().filter(|(_, l)| l.kind == "package") {
            let Some((name, version)) = reference::split(key) else { continue };
            let mut installed = Installed::declared(PackageKind::Nuget, name, version);
            let target = assets.targets.values().find_map(|target| target.get(key));
            installed.package.dependencies =
                target.map(|target| reference::needed(&target.dependencies)).unwrap_or_default();
            let digest = format!("sha512-{}", library.sha512);
            installed.package.hashes = integrity::subresource(&digest);
            listing.add(installed);
        }
    }
}
