//! What is left to do stands in an issue; a mark in the text names it, or is forgotten.

use super::Complaint;
use super::tree::Tree;

/// Spelled so that this file does not complain about itself.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|file| !file.path.contains("testdata/")) {
        for (line, number) in file.text.lines().zip(1..) {
            for mark in MARKS.iter().filter(|mark| has_bare_mark(line, mark)) {
                let message = format!("{mark} without an issue: write {mark}(#123)");
                complaints.push(Complaint::new(&file.path, number, message));
            }
        }
    }
    complaints
}

/// Is `mark` a word of the line that `(#123)` does not follow?
fn has_bare_mark(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let (before, rest) = line.split_at(at);
        let after = rest.strip_prefix(mark).unwrap_or(rest);
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let is_word = !before.ends_with(is_part) && !after.starts_with(is_part);
        let names_issue = after
            .strip_prefix("(#")
            .and_then(|after| after.split_once(')'))
            .is_some_and(|(issue, _)| issue.parse::<u32>().is_ok());
        is_word && !names_issue
    })
}
