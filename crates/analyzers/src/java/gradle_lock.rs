//! `gradle.lockfile`: what Gradle resolved ("Locking Versions", docs.gradle.org), a line each:
//! `group:artifact:version=configuration,…`.

use model::PackageKind;

use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `gradle-lock`.
pub(crate) struct GradleLock;

impl Analyzer for GradleLock {
    fn name(&self) -> &'static str {
        "gradle-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "gradle.lockfile" },
                Select::Anywhere { directory: "*", name: "buildscript-gradle.lockfile" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let mut listing = Listing::new(facts);
        for (name, version) in file.text().lines().filter_map(dependency) {
            listing.add(Installed::declared(PackageKind::Maven, &name, version));
        }
    }
}

/// Name and version; None for comments and for `empty=…`, which lists configurations without any.
fn dependency(line: &str) -> Option<(String, &str)> {
    let (coordinates, _) = line.trim().split_once('=')?;
    let mut parts = coordinates.split(':');
    let (group, artifact, version) = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = [group, artifact, version].into_iter().all(|part| !part.is_empty());
    let is_fit = is_whole && !group.starts_with('#') && parts.next().is_none();
    is_fit.then(|| (format!("{group}:{artifact}"), version))
}
