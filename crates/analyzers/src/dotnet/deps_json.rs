//! `<application>.deps.json`: what the .NET host loads for an application or a shared framework
//! (docs of dotnet/sdk, "runtime-configuration-file").
//!
//! A package counts if the target lists files of it: others were only needed to build. A runtime
//! that the application brings along is listed as `runtimepack.<name of its package>`.

use std::collections::BTreeMap;

use model::PackageKind;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::reference;
use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `dotnet-deps`.
pub(crate) struct DotnetDeps;

type Targets = BTreeMap<String, BTreeMap<String, Target>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deps {
    #[serde(default)]
    runtime_target: RuntimeTarget,
    #[serde(default)]
    targets: Targets,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

#[derive(Default, Deserialize)]
struct RuntimeTarget {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
    #[serde(default)]
    runtime: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    native: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    runtime_targets: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    sha512: String,
}

impl Analyzer for DotnetDeps {
    fn name(&self) -> &'static str {
        "dotnet-deps"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "*.deps.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        list(file.bytes, facts);
    }
}

/// The packages that the document says are there.
pub(super) fn list(bytes: &[u8], facts: &mut FileFacts) {
    let Some(deps) = lock::json::<Deps>(bytes, facts) else { return };
    let mut listing = Listing::new(facts);
    let runs = deps.targets.get(&deps.runtime_target.name);
    let all = deps.targets.values();
    // A file without the name of the target that runs has one.
    let targets: Vec<_> = runs.map_or_else(|| all.collect(), |target| vec![target]);
    for (key, target) in targets.into_iter().flatten() {
        let library = deps.libraries.get(key);
        let Some((name, version)) = reference::split(key) else { continue };
        let name = match library.map(|library| library.kind.as_str()) {
            Some("package") => name,
            Some("runtimepack") => name.strip_prefix("runtimepack.").unwrap_or(name),
            _ => continue,
        };
        if target.has_files() {
            let mut installed = Installed::new(PackageKind::Nuget, name, version);
            installed.package.dependencies = reference::needed(&target.dependencies);
            let digest = library.map_or("", |library| &library.sha512);
            installed.package.hashes = integrity::subresource(digest);
            listing.add(installed);
        }
    }
}

impl Target {
    fn has_files(&self) -> bool {
        [&self.runtime, &self.native, &self.runtime_targets]
            .into_iter()
            .any(|files| !files.is_empty())
    }
}
