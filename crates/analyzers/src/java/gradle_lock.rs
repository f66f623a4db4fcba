//! `gradle.lockfile`: what Gradle resolved ("Locking Versions", docs.gradle.org), a line each:
//! `group:artifact:version=configuration,…`. Up to version 6 it wrote a file for each configuration, called like
//! that one, in a folder `dependency-locks`.

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
        3
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "gradle.lockfile" },
                Select::Anywhere { directory: "*", name: "buildscript-gradle.lockfile" },
                Select::Anywhere { directory: "dependency-locks", name: "*.lockfile" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let mut listing = Listing::new(facts);
        // Where each line does not say what it is needed for, the file's name does.
        let is_older = file.path.rsplit('/').nth(1) == Some("dependency-locks");
        let of = file.name().strip_suffix(".lockfile").filter(|_| is_older);
        let text = file.text();
        for (name, version, configurations) in text.lines().filter_map(|line| dependency(line, of))
        {
            let mut installed = Installed::declared(PackageKind::Maven, &name, version);
            installed.package.development = development(configurations);
            listing.add(installed);
        }
    }
}

/// Whether only tests need it, by what it is needed for: `testCompileClasspath,testRuntimeClasspath`.
/// Nothing is known where tools of the build do (`annotationProcessor`), or nobody is named.
fn development(configurations: &str) -> Option<bool> {
    let mut names = configurations.split(',').map(|name| name.trim().to_ascii_lowercase());
    let mut known = names.clone().filter(|name| name.ends_with("classpath"));
    let is_test = |name: &String| name.contains("test");
    if known.any(|name| !is_test(&name)) {
        return Some(false);
    }
    names.all(|name| is_test(&name)).then_some(true)
}

/// Name, version and what it is needed for; None for comments and for `empty=…`, which lists configurations without any.
fn dependency<'a>(line: &'a str, of: Option<&'a str>) -> Option<(String, &'a str, &'a str)> {
    let line = line.trim();
    let (coordinates, configurations) = match of {
        Some(configuration) => (line, configuration),
        None => line.split_once('=')?,
    };
    let mut parts = coordinates.split(':');
    let (group, artifact, version) = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = [group, artifact, version].into_iter().all(|part| !part.is_empty());
    let is_fit = is_whole && !group.starts_with('#') && parts.next().is_none();
    is_fit.then(|| (format!("{group}:{artifact}"), version, configurations))
}
