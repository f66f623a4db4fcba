//! `renv.lock`: the packages of a project (rstudio.github.io/renv, "lockfile"). What does not come
//! from a repository only shares its name with what advisories speak of.

use std::collections::BTreeMap;

use model::{PackageKind, ProblemKind};
use serde::Deserialize;

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `renv-lock`.
pub(crate) struct RenvLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "Packages", default)]
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Package {
    package: String,
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    hash: String,
    #[serde(default)]
    requirements: Vec<String>,
}

impl Analyzer for RenvLock {
    fn name(&self) -> &'static str {
        "renv-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "renv.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::json::<Lock>(file.bytes, facts) else { return };
        let mut elsewhere = 0_usize;
        let mut listing = Listing::new(facts);
        for package in lock.packages.into_values() {
            if !matches!(package.source.as_str(), "Repository" | "CRAN") {
                elsewhere = elsewhere.saturating_add(1);
                continue;
            }
            let mut installed =
                Installed::declared(PackageKind::Cran, &package.package, &package.version);
            installed.package.dependencies = package.requirements;
            installed.package.hashes =
                integrity::hexadecimal("md5", &package.hash).into_iter().collect();
            listing.add(installed);
        }
        if elsewhere > 0 {
            let message = format!("packages not from CRAN, which are not listed: {elsewhere}");
            facts.problem(ProblemKind::Notice, message);
        }
    }
}
