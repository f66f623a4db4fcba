//! What Yarn of version 2 and later installs by default: an archive for each package, `.yarn/cache/<…>.zip`, from
//! which Node.js loads it without unpacking ("Plug'n'Play", yarnpkg.com).
//!
//! Each holds one folder `node_modules/<name>`, and what the package bundles below it. Other archives in
//! folders called `cache` are none of Yarn's.

use model::ProblemKind;

use super::npm_package;
use crate::zipped::{Archive, Budget, Refusal};
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `yarn-cache`.
pub(crate) struct YarnCache;

/// Where archives stand: in the project, or in the folder that projects share.
const FOLDERS: [&str; 3] = [".yarn/cache/", ".yarn/berry/cache/", "Yarn/Berry/cache/"];

/// A manifest; the largest published are some hundred KB.
const MANIFEST_BYTES_MAX: u64 = 8 << 20;

impl Analyzer for YarnCache {
    fn name(&self) -> &'static str {
        "yarn-cache"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "cache", name: "*.zip" }] }
    }

    fn max_bytes(&self) -> u64 {
        // Packages with programs for a platform have 100 MB.
        256 << 20
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let (folder, _) = file.path.rsplit_once('/').unwrap_or_default();
        let is_yarns = |place: &&str| format!("{folder}/").ends_with(*place);
        if !FOLDERS.iter().any(is_yarns) {
            return;
        }
        let mut budget = Budget::new(file.scratch);
        if let Err((kind, message)) = packages(file.bytes, &mut budget, facts) {
            facts.problem(kind, message);
        }
    }
}

fn packages(bytes: &[u8], budget: &mut Budget, facts: &mut FileFacts) -> Result<(), Refusal> {
    let mut archive = Archive::open(bytes, budget)?;
    for (number, name) in archive.names(is_manifest) {
        let content = match archive.read(number, MANIFEST_BYTES_MAX, budget) {
            Ok(content) => content,
            Err((kind, message)) => {
                facts.problem(kind, format!("`{name}`: {message}"));
                continue;
            }
        };
        match npm_package::packed(&content) {
            Ok(Some(mut installed)) => {
                installed.within = name;
                facts.package(installed);
            }
            Ok(None) => {}
            Err(error) => {
                let message = format!("`{name}`: not a package.json: {error}");
                facts.problem(ProblemKind::Damaged, message);
            }
        }
    }
    Ok(())
}

/// Whether an entry is the manifest of a package that Node.js finds there.
fn is_manifest(name: &str) -> bool {
    let folder = name.strip_suffix("/package.json");
    folder.is_some_and(npm_package::is_installed_in)
}
