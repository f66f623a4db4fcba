//! Every Rust file opens with a module doc: what it is for, before how it does it.

use super::Complaint;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.sources()
        .filter(|(file, _)| {
            let head = file.text.lines().next().and_then(|line| line.strip_prefix("//!"));
            head.is_none_or(|doc| doc.trim().is_empty())
        })
        .map(|(file, _)| Complaint::new(&file.path, 1, "does not open with a module doc (`//! …`)"))
        .collect()
}
