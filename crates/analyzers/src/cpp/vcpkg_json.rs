//! `vcpkg.json`: the versions that a project insists on (learn.microsoft.com/vcpkg, "overrides").
//! Its other dependencies name at most the lowest version that would do.

use model::PackageKind;
use serde::Deserialize;

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `vcpkg-manifest`.
pub(crate) struct VcpkgManifest;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    overrides: Vec<Override>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Override {
    name: String,
    version: Option<String>,
    version_semver: Option<String>,
    version_date: Option<String>,
    version_string: Option<String>,
}

impl Analyzer for VcpkgManifest {
    fn name(&self) -> &'static str {
        "vcpkg-manifest"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "vcpkg.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(manifest) = lock::json::<Manifest>(file.bytes, facts) else { return };
        let mut listing = Listing::new(facts);
        for Override { name, version, version_semver, version_date, version_string } in
            manifest.overrides
        {
            let forms = [version, version_semver, version_date, version_string];
            if let Some(version) = forms.into_iter().flatten().next() {
                listing.add(Installed::declared(PackageKind::Vcpkg, &name, &version));
            }
        }
    }
}
