//! `cargo xtask tidy`: the rules of the house that neither the compiler nor clippy knows.
//!
//! A rule is one file: a function from the tree to complaints, one line in [`RULES`], and bad
//! examples in `testdata/tidy/<rule>.txt` that show it firing. It reads; it never changes a file.

mod arrows;
mod bans;
mod code;
mod heads;
mod manifests;
mod marks;
mod names;
mod places;
mod size;
mod tree;

use std::fmt;
use std::path::Path;

use tree::Tree;

/// Every rule, by name.
const RULES: &[Rule] = &[
    Rule { name: "arrows", check: arrows::check },
    Rule { name: "bans", check: bans::check },
    Rule { name: "heads", check: heads::check },
    Rule { name: "manifests", check: manifests::check },
    Rule { name: "marks", check: marks::check },
    Rule { name: "names", check: names::check },
    Rule { name: "places", check: places::check },
    Rule { name: "size", check: size::check },
];

struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Vec<Complaint>,
}

/// Check the shape of the source tree: sizes, names, module docs, dependencies between crates.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// True if nothing is to complain about.
pub(crate) fn run(root: &Path, Args {}: &Args) -> Result<bool, String> {
    let tree = Tree::read(root)?;
    let mut count = 0;
    for Rule { name, check } in RULES {
        for complaint in check(&tree) {
            println!("{complaint} ({name})");
            count += 1;
        }
    }
    println!("tidy: {} files, {count} complaints", tree.files.len());
    Ok(count == 0)
}

/// What a rule has against a place in the tree.
#[derive(Debug)]
struct Complaint {
    path: String,
    /// Counted from 1; 0 means the file as a whole.
    line: usize,
    /// What is wrong, and where it is not plain, why that matters.
    message: String,
}

impl Complaint {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

#[cfg(test)]
mod tests;
