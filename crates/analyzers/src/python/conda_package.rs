//! A conda package as unpacked: `info/index.json` (docs.conda.io, "Conda package specification").
//!
//! conda keeps unpacked packages in a folder of its own and links them into environments from
//! there, which `conda-meta` records. What is only unpacked is therefore declared.

use model::{PackageKind, ProblemKind};
use serde::Deserialize;

use crate::lock;
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `conda-package`.
pub(crate) struct CondaPackage;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Index {
    name: String,
    version: String,
    build: String,
    license: Option<String>,
    subdir: Option<String>,
    depends: Vec<String>,
}

/// The largest file that is read: they have some hundred bytes.
const INDEX_BYTES_MAX: u64 = 1 << 20;

impl Analyzer for CondaPackage {
    fn name(&self) -> &'static str {
        "conda-package"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "info", name: "index.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        INDEX_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(folder) = folder(file.path) else { return };
        let Some(index) = lock::json::<Index>(file.bytes, facts) else { return };
        let Index { name, version, build, .. } = &index;
        if folder != format!("{name}-{version}-{build}") {
            let message = "it is not the package that its folder is called by";
            return facts.problem(ProblemKind::Damaged, message);
        }
        let mut installed = Installed::declared(PackageKind::Conda, name, version);
        let package = &mut installed.package;
        package.dependencies = super::conda_meta::needed(&index.depends);
        package.license = index.license.unwrap_or_default();
        package.architecture = index.subdir.unwrap_or_default();
        package.variant.insert(super::conda_meta::BUILD.to_owned(), index.build);
        facts.package(installed);
    }
}

/// The folder above `info`, if that is in conda's own: many things have files of this name.
fn folder(path: &str) -> Option<&str> {
    let (above, folder) = path.strip_suffix("/info/index.json")?.rsplit_once('/')?;
    (above == "pkgs" || above.ends_with("/pkgs")).then_some(folder)
}
