//! A file is named after what it is about. Names that fit anything collect everything, and a
//! `mod.rs` hides behind its folder; only below `tests/` it is cargo's way to say "no test itself".

use super::Complaint;
use super::tree::Tree;

const BANNED: &[&str] =
    &["common", "helpers", "manager", "managers", "misc", "shared", "stuff", "util", "utils"];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.sources()
        .filter_map(|(file, _)| {
            let mut names = file.path.trim_end_matches(".rs").split('/');
            let is_hidden = |name: &str| name == "mod" && !file.path.contains("/tests/");
            let name = names.find(|name| BANNED.contains(name) || is_hidden(name))?;
            Some(Complaint::new(&file.path, 0, format!("`{name}` says nothing: name the subject")))
        })
        .collect()
}
