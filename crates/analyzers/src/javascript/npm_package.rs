//! An npm package as it is installed: the `package.json` in its folder.
//!
//! Node.js finds packages by folder (`node_modules/<name>`, `node_modules/@<scope>/<name>`), and
//! Debian's in `/usr/share/nodejs` and `/usr/lib/nodejs` too, so a file counts only there, and in
//! Debian's only where its folder is called what it says of itself. The many others (test data,
//! examples) are not what somebody could load under that name, and an application's own, whatever
//! its folder is called, is not the package that the registry has under its name.

use std::borrow::Cow;

use model::{PackageKind, ProblemKind};
use serde::Deserialize;
use serde_json::Value;

use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `npm-package`.
pub(crate) struct NpmPackage;

/// What is read of it; a field of the wrong shape is as good as none (npm takes them too).
#[derive(Deserialize)]
struct Manifest<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Cow<'a, str>,
    #[serde(default)]
    license: Value,
    #[serde(default)]
    licenses: Value,
    #[serde(default)]
    dependencies: Value,
}

impl Analyzer for NpmPackage {
    fn name(&self) -> &'static str {
        "npm-package"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "package.json" }] }
    }

    fn max_bytes(&self) -> u64 {
        // A few KB as a rule; the largest published are some hundred.
        8 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(folder) = Folder::of(file.path) else { return };
        let manifest: Manifest<'_> = match serde_json::from_slice(file.bytes) {
            Ok(manifest) => manifest,
            // Test data is broken on purpose; only what Node.js would load is missed.
            Err(error) if folder.in_node_modules => {
                return facts.problem(ProblemKind::Damaged, format!("not a package.json: {error}"));
            }
            Err(_) => return,
        };
        let is_installed =
            folder.in_node_modules || (folder.in_debians && manifest.name == folder.name);
        if !is_installed || manifest.name.is_empty() || manifest.version.is_empty() {
            return;
        }
        let mut installed = Installed::new(PackageKind::Npm, &manifest.name, &manifest.version);
        installed.package.license = license(&manifest);
        installed.package.dependencies = names(&manifest.dependencies);
        facts.package(installed);
    }
}

/// The folder of a package.
struct Folder<'a> {
    /// `name` or `@scope/name`.
    name: &'a str,
    in_node_modules: bool,
    in_debians: bool,
}

/// Whether a folder is one in which Node.js looks for a package of its name in `node_modules`.
pub(crate) fn is_installed_in(folder: &str) -> bool {
    Folder::of(&format!("{folder}/package.json")).is_some_and(|folder| folder.in_node_modules)
}

impl<'a> Folder<'a> {
    /// None for a file at the root.
    fn of(path: &'a str) -> Option<Self> {
        let (folder, _) = path.rsplit_once('/')?;
        let mut parts = folder.rsplitn(3, '/');
        let (last, above, rest) = (parts.next()?, parts.next(), parts.next());
        let (name, parent) = match above {
            Some(scope) if scope.starts_with('@') => {
                let length = scope.len().saturating_add(1).saturating_add(last.len());
                let name = folder.get(folder.len().saturating_sub(length)..)?;
                (name, rest.map(|rest| rest.rsplit_once('/').map_or(rest, |(_, name)| name)))
            }
            above => (last, above),
        };
        let in_node_modules = parent == Some("node_modules");
        Some(Self { name, in_node_modules, in_debians: parent == Some("nodejs") })
    }
}

/// `"MIT"`, `{"type": "MIT"}`, or a list of either under the old name `licenses`.
fn license(manifest: &Manifest<'_>) -> String {
    let one = |value: &Value| {
        let text = value.as_str().or_else(|| value.get("type")?.as_str());
        text.unwrap_or_default().to_owned()
    };
    let of = |value: &Value| match value {
        Value::Array(values) => values.iter().map(one).collect::<Vec<_>>().join(" OR "),
        value => one(value),
    };
    let license = of(&manifest.license);
    if license.is_empty() { of(&manifest.licenses) } else { license }
}

/// The keys of an object, sorted.
fn names(object: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        object.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect();
    names.sort_unstable();
    names
}
