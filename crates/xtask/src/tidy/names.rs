//! A file is named after what it is about. Names that fit anything collect everything, and a
//! `mod.rs` hides behind its folder.

use super::Complaint;
use super::tree::Tree;

const BANNED: &[&str] = &[
    "common", "helpers", "manager", "managers", "misc", "mod", "shared", "stuff", "util", "utils",
];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.sources()
        .filter_map(|(file, _)| {
            let mut names = file.path.trim_end_matches(".rs").split('/');
            let name = names.find(|name| BANNED.contains(name))?;
            Some(Complaint::new(&file.path, 0, format!("`{name}` says nothing: name the subject")))
        })
        .collect()
}
