//! Files and functions stay within their budgets, or stand in the ratchet with a reason.
//!
//! What outgrows a screen is read less carefully each time; the ratchet keeps an exception from
//! growing, and from outliving its reason.

use serde::Deserialize;

use super::Complaint;
use super::tree::Tree;

/// Aim at 300.
const FILE_LINES: usize = 500;
/// Aim at 40.
const FUNCTION_LINES: usize = 70;
/// The exceptions.
const RATCHET: &str = "crates/xtask/ratchet.toml";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let ratchet = match read_ratchet(tree) {
        Ok(ratchet) => ratchet,
        Err(complaint) => return vec![complaint],
    };
    let oversized = oversized(tree);
    let unexcused = oversized.iter().filter_map(|item| {
        let entry = ratchet.iter().find(|entry| entry.excuses(item));
        match entry {
            Some(entry) if item.lines <= entry.lines => None,
            Some(entry) => Some(item.complaint(entry.lines)),
            None => Some(item.complaint(item.budget)),
        }
    });
    let idle = ratchet.iter().filter_map(|entry| {
        let lines = oversized.iter().find(|item| entry.excuses(item)).map(|item| item.lines);
        entry.complaint(lines)
    });
    unexcused.chain(idle).collect()
}

/// A file, or a function in one, above its budget.
struct Oversized<'a> {
    path: &'a str,
    /// Empty for a file.
    function: &'a str,
    line: usize,
    lines: usize,
    budget: usize,
}

impl Oversized<'_> {
    fn complaint(&self, limit: usize) -> Complaint {
        let what = match self.function {
            "" => String::new(),
            name => format!("`{name}` has "),
        };
        Complaint::new(self.path, self.line, format!("{what}{} lines, above {limit}", self.lines))
    }
}

fn oversized(tree: &Tree) -> Vec<Oversized<'_>> {
    let mut oversized = Vec::new();
    for (file, code) in tree.sources() {
        let path = &file.path;
        let lines = file.text.lines().count();
        if lines > FILE_LINES {
            oversized.push(Oversized { path, function: "", line: 0, lines, budget: FILE_LINES });
        }
        for function in code.functions.iter().filter(|function| function.lines > FUNCTION_LINES) {
            oversized.push(Oversized {
                path,
                function: &function.name,
                line: function.line,
                lines: function.lines,
                budget: FUNCTION_LINES,
            });
        }
    }
    oversized
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Ratchet {
    file: Vec<Entry>,
    function: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    /// Of the function; absent for a file.
    #[serde(default)]
    name: String,
    lines: usize,
    reason: String,
}

impl Entry {
    fn excuses(&self, item: &Oversized<'_>) -> bool {
        self.path == item.path && self.name == item.function
    }

    /// What is wrong with the entry itself, given the lines that its subject has if it is still
    /// above the budget.
    fn complaint(&self, lines: Option<usize>) -> Option<Complaint> {
        let subject = format!("{} {}", self.path, self.name);
        let subject = subject.trim_end();
        let message = match lines {
            _ if self.reason.is_empty() => format!("the entry for `{subject}` has no reason"),
            None => format!("`{subject}` is within its budget: remove the entry"),
            Some(lines) if lines < self.lines => {
                format!("`{subject}` shrank: lower the entry to {lines} lines")
            }
            Some(_) => return None,
        };
        Some(Complaint::new(RATCHET, 0, message))
    }
}

fn read_ratchet(tree: &Tree) -> Result<Vec<Entry>, Complaint> {
    let Some(file) = tree.file(RATCHET) else { return Ok(Vec::new()) };
    let Ratchet { file, function } = toml::from_str(&file.text)
        .map_err(|error| Complaint::new(RATCHET, 0, format!("not readable: {error}")))?;
    Ok(file.into_iter().chain(function).collect())
}
