//! An npm package as it is installed: the `package.json` in its folder.
//!
//! Node.js finds packages by folder (`node_modules/<name>`, `node_modules/@<scope>/<name>`), and
//! Debian's in `/usr/share/nodejs` and `/usr/lib/nodejs` too; Deno by name and version below
//! `npm/registry.npmjs.org`. So a file counts only there, and in Debian's and Deno's only where its folder is
//! called what it says of itself. The many others (test data,
//! examples) are not what somebody could load under that name, and an application's own, whatever
//! its folder is called, is not the package that the registry has under its name.

use std::borrow::Cow;

use model::{PackageKind, ProblemKind};
use serde::Deserialize;
use serde_json::Value;

use crate::path_set::PathHash;
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
    #[serde(default)]
    private: Value,
    #[serde(rename = "publishConfig", default)]
    publish_config: Value,
    /// Where npm up to version 6 took the package from.
    #[serde(rename = "_resolved", default)]
    resolved: Value,
}

impl Analyzer for NpmPackage {
    fn name(&self) -> &'static str {
        "npm-package"
    }

    fn version(&self) -> u32 {
        4
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
        let manifest = match manifest(file.bytes) {
            Ok(manifest) => manifest,
            // Test data is broken on purpose; only what Node.js would load is missed.
            Err(error) if folder.in_node_modules => {
                return facts.problem(ProblemKind::Damaged, format!("not a package.json: {error}"));
            }
            Err(_) => return,
        };
        let is_installed =
            folder.in_node_modules || (folder.in_debians && manifest.name == folder.name);
        let is_installed = is_installed || is_denos(file.path, &manifest);
        if !is_installed || manifest.name.is_empty() || manifest.version.is_empty() {
            return;
        }
        facts.package(package(&manifest));
        facts.is_public = is_public(&manifest);
        if manifest.resolved.as_str().is_some_and(is_registrys)
            && let Some((folder, _)) = file.path.rsplit_once('/')
        {
            facts.downloaded(vec![PathHash::of(folder)]);
        }
    }
}

/// A manifest as Node.js reads it, which lets a byte order mark pass.
fn manifest(bytes: &[u8]) -> Result<Manifest<'_>, serde_json::Error> {
    serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}

fn package(manifest: &Manifest<'_>) -> Installed {
    let mut installed = Installed::new(PackageKind::Npm, &manifest.name, &manifest.version);
    installed.package.license = license(manifest);
    installed.package.dependencies = names(&manifest.dependencies);
    installed
}

/// The package of a `package.json` that Node.js would load from an archive; None for one without name or
/// version.
pub(super) fn packed(bytes: &[u8]) -> Result<Option<Installed>, serde_json::Error> {
    let manifest = manifest(bytes)?;
    let is_whole = !manifest.name.is_empty() && !manifest.version.is_empty();
    Ok(is_whole.then(|| package(&manifest)))
}

/// Whether the file stands where Deno caches the package that it describes:
/// `npm/registry.npmjs.org/<name>/<version>`.
fn is_denos(path: &str, manifest: &Manifest<'_>) -> bool {
    let rest = path.split_once("npm/registry.npmjs.org/").map_or("", |(_, rest)| rest);
    rest == format!("{}/{}/package.json", manifest.name, manifest.version)
}

/// Whether nothing in a manifest speaks against everybody having the package: npm publishes nothing
/// that is `private`, and what has a scope is for few unless it says that it is for all.
fn is_public(manifest: &Manifest<'_>) -> bool {
    let config = |field: &str| manifest.publish_config.get(field).map(Value::as_str);
    let is_private = !matches!(manifest.private, Value::Null | Value::Bool(false));
    let is_elsewhere = config("registry").is_some_and(|address| !address.is_some_and(is_registrys));
    let is_for_all = match config("access") {
        Some(access) => access == Some("public"),
        None => !manifest.name.starts_with('@'),
    };
    is_for_all && !is_private && !is_elsewhere
}

/// Whether an address is one of npm's public registry; Yarn's is an alias of it.
pub(super) fn is_registrys(address: &str) -> bool {
    let hosts = ["https://registry.npmjs.org", "https://registry.yarnpkg.com"];
    let rest = hosts.iter().find_map(|host| address.strip_prefix(host));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
