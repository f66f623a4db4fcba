//! Julia: `Manifest.toml`, the packages that a project was resolved to (pkgdocs.julialang.org,
//! "Project.toml and Manifest.toml"). In the second form of it they stand below `deps`. What has no
//! version belongs to Julia itself. What a depot's own environments name is installed, elsewhere it is declared.

use model::PackageKind;
use toml::{Table, Value};

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `julia-manifest`.
pub(crate) struct JuliaManifest;

impl Analyzer for JuliaManifest {
    fn name(&self) -> &'static str {
        "julia-manifest"
    }

    fn version(&self) -> u32 {
        3
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "Manifest.toml" },
                Select::Anywhere { directory: "*", name: "JuliaManifest.toml" },
                // Of one version of Julia: `Manifest-v1.11.toml`.
                Select::Anywhere { directory: "*", name: "Manifest-v*" },
                Select::Anywhere { directory: "*", name: "JuliaManifest-v*" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        // One pattern cannot say both how a name begins and how it ends.
        if !file.name().ends_with(".toml") {
            return;
        }
        let Some(manifest) = lock::toml::<Table>(&file.text(), facts) else { return };
        let packages = match manifest.get("deps") {
            Some(Value::Table(packages)) if manifest.contains_key("manifest_format") => packages,
            _ => &manifest,
        };
        let entries = packages.iter().flat_map(|(name, entries)| {
            entries.as_array().into_iter().flatten().map(move |entry| (name, entry))
        });
        let mut listing = Listing::new(facts);
        for (name, entry) in entries {
            // Other programs have files of this name too; Julia's have identifiers.
            let uuid = entry.get("uuid").and_then(Value::as_str);
            let Some(version) = entry.get("version").and_then(Value::as_str) else { continue };
            if let Some(uuid) = uuid {
                let mut installed = Installed::declared(PackageKind::Julia, name, version);
                installed.package.declared = !is_environment(file.path);
                installed.package.variant.insert("uuid".to_owned(), uuid.to_owned());
                installed.package.dependencies = needed(entry.get("deps"));
                listing.add(installed);
            }
        }
    }
}

/// Whether the file belongs to an environment that all who use a depot share
/// (`.julia/environments/v1.10`): Julia puts what it names into the depot as it writes it.
fn is_environment(path: &str) -> bool {
    let mut folders = path.rsplit('/').skip(1);
    let (version, above) = (folders.next().unwrap_or_default(), folders.next().unwrap_or_default());
    let number = version.strip_prefix('v').unwrap_or_default();
    above == "environments" && number.starts_with(|c: char| c.is_ascii_digit())
}

/// Names, or names with identifiers where a name alone is not clear.
fn needed(value: Option<&Value>) -> Vec<String> {
    let unclear = value.and_then(Value::as_table).into_iter().flatten().map(|(name, _)| name);
    let names = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).chain(unclear.cloned()).collect()
}
