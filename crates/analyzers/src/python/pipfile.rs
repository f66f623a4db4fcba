//! Pipenv's manifest, `Pipfile`: TOML, one table a category of packages (pipenv.pypa.io, "Pipfile").
//!
//! Only what is pinned to one version is a package; `Pipfile.lock` beside it says what was chosen of
//! the rest.

use std::collections::BTreeMap;

use model::PackageKind;
use toml::Value;

use super::pipfile_lock;
use super::requirement::Requirement;
use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `pipfile`.
pub(crate) struct Pipfile;

/// Tables that are no category.
const SETTINGS: [&str; 4] = ["pipenv", "requires", "scripts", "source"];

impl Analyzer for Pipfile {
    fn name(&self) -> &'static str {
        "pipfile"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "Pipfile" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let tables: Option<BTreeMap<String, Value>> = lock::toml(&file.text(), facts);
        let tables = tables.into_iter().flatten();
        let categories = tables.filter(|(name, _)| !SETTINGS.contains(&name.as_str()));
        let mut listing = Listing::new(facts);
        for (category, table) in categories {
            for (name, specifier) in packages(table).into_iter().flatten() {
                let requirement = format!("{name}{specifier}");
                let Some(requirement) = Requirement::of(&requirement) else { continue };
                let Some(version) = requirement.pin else { continue };
                let mut installed =
                    Installed::declared(PackageKind::Pypi, &requirement.name, version);
                installed.package.development = pipfile_lock::development(&category);
                listing.add(installed);
            }
        }
    }
}

/// Names with what is asked of their versions: `rope = "==1.0"`, or a table with `version`.
fn packages(table: Value) -> Option<impl Iterator<Item = (String, String)>> {
    let Value::Table(packages) = table else { return None };
    Some(packages.into_iter().filter_map(|(name, value)| {
        let specifier = value.get("version").unwrap_or(&value).as_str()?.to_owned();
        Some((name, specifier))
    }))
}
