//! Dart's lock file, `pubspec.lock`: YAML.
//!
//! What comes with the SDK (Flutter itself) or from a folder beside is no package of its own.

use std::collections::BTreeMap;

use model::PackageKind;
use serde::Deserialize;
use serde_json::Value;

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `pubspec-lock`.
pub(crate) struct PubspecLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Option<BTreeMap<String, Locked>>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(default)]
    version: String,
    #[serde(default)]
    source: String,
    /// `direct main`, `direct dev`, `direct overridden`, `transitive`.
    #[serde(default)]
    dependency: String,
    /// A text for what comes with the SDK.
    #[serde(default)]
    description: Value,
}

impl Analyzer for PubspecLock {
    fn name(&self) -> &'static str {
        "pubspec-lock"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "pubspec.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let documents: Vec<Lock> = lock::yaml(&file.text(), facts);
        let packages = documents.into_iter().filter_map(|lock| lock.packages).flatten();
        let mut listing = Listing::new(facts);
        for (name, locked) in packages.filter(|(_, locked)| !is_local(&locked.source)) {
            let mut installed = Installed::declared(PackageKind::Pub, &name, &locked.version);
            // What the others need is `transitive`, whichever of them it is.
            installed.package.development = match locked.dependency.as_str() {
                "direct main" => Some(false),
                "direct dev" => Some(true),
                _ => None,
            };
            let digest = locked.description.get("sha256").and_then(Value::as_str);
            let digest = digest.and_then(|digest| integrity::hexadecimal("sha256", digest));
            installed.package.hashes.extend(digest);
            listing.add(installed);
        }
    }
}

fn is_local(source: &str) -> bool {
    matches!(source, "sdk" | "path")
}
