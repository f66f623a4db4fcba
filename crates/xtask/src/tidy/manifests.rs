//! Every crate says what it is for, obeys the workspace's lints, and is never published by accident.

use toml::Table;

use super::Complaint;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.files
        .iter()
        .filter(|file| is_crate_manifest(&file.path))
        .flat_map(|file| {
            let faults = match file.text.parse::<Table>() {
                Ok(manifest) => faults(&manifest),
                Err(error) => vec![format!("not readable: {}", error.message())],
            };
            faults.into_iter().map(|fault| Complaint::new(&file.path, 0, fault))
        })
        .collect()
}

fn is_crate_manifest(path: &str) -> bool {
    let middle = path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml"));
    middle.is_some_and(|name| !name.contains('/'))
}

fn faults(manifest: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    let description = entry(manifest, "package", "description").and_then(|value| value.as_str());
    if description.is_none_or(|text| text.trim().is_empty()) {
        faults.push("the package has no description".to_owned());
    }
    for key in ["version", "edition", "rust-version", "license", "publish"] {
        let value = entry(manifest, "package", key);
        if value.and_then(|value| value.get("workspace")).is_none() {
            faults.push(format!("lacks `{key}.workspace = true` in `[package]`"));
        }
    }
    if entry(manifest, "lints", "workspace").and_then(toml::Value::as_bool) != Some(true) {
        faults.push("lacks `[lints] workspace = true`".to_owned());
    }
    faults
}

fn entry<'a>(manifest: &'a Table, table: &str, key: &str) -> Option<&'a toml::Value> {
    manifest.get(table)?.get(key)
}
