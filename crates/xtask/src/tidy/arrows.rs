//! The crates depend on each other as the table in ARCHITECTURE.md says, and on nothing more.
//!
//! The table is read from the document, so that the two cannot differ. Tests may use anything;
//! nothing but tests may use `testkit`, which the table therefore grants to no one.

use std::collections::BTreeMap;

use super::Complaint;
use super::tree::Tree;

const DOCUMENT: &str = "ARCHITECTURE.md";
const HEADER: &str = "| crate | one line | may use |";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let arrows = read_table(tree);
    let mut complaints = Vec::new();
    for package in &tree.packages {
        let manifest = format!("crates/{}/Cargo.toml", package.name);
        let Some(allowed) = arrows.get(package.name.as_str()) else {
            let message = format!("`{}` is not in the table of {DOCUMENT}", package.name);
            complaints.push(Complaint::new(&manifest, 0, message));
            continue;
        };
        let is_member = |name: &str| tree.packages.iter().any(|package| package.name == name);
        for dependency in &package.dependencies {
            let (name, kind) = (dependency.name.as_str(), dependency.kind.as_deref());
            if kind != Some("dev") && is_member(name) && !allowed.contains(&name) {
                let message =
                    format!("`{}` may not use `{name}` (the table in {DOCUMENT})", package.name);
                complaints.push(Complaint::new(&manifest, 0, message));
            }
        }
    }
    for name in arrows.keys().filter(|name| !tree.packages.iter().any(|p| p.name == **name)) {
        let message = format!("the table has `{name}`, the workspace has not");
        complaints.push(Complaint::new(DOCUMENT, 0, message));
    }
    complaints
}

/// Which crates each crate may use. A cell names them, or says `–`, `the ones above`, `all`.
fn read_table(tree: &Tree) -> BTreeMap<&str, Vec<&str>> {
    let text = tree.file(DOCUMENT).map_or("", |file| file.text.as_str());
    let rows = text.lines().skip_while(|line| *line != HEADER).skip(2);
    let rows: Vec<(Vec<&str>, &str)> = rows
        .map_while(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            let (crates, _, may_use) = (cells.next()?, cells.next()?, cells.next()?);
            Some((crates.split(", ").map(|name| name.trim_matches('`')).collect(), may_use))
        })
        .collect();
    let mut arrows = BTreeMap::new();
    let mut above: Vec<&str> = Vec::new();
    for (crates, may_use) in &rows {
        let allowed = match *may_use {
            "the ones above" | "all" => above.clone(),
            names => names.split(", ").collect(),
        };
        for name in crates {
            arrows.insert(*name, allowed.clone());
            above.push(name);
        }
    }
    arrows
}
