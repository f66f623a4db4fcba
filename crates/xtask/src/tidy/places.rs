//! No file names the machine on which it was written: such a path works nowhere else, and tells
//! strangers what they need not know.

use std::env;
use std::fs;
use std::path::Path;

use super::Complaint;
use super::tree::Tree;

/// Folders that every machine has; under one of these only the workspace itself is private.
const COMMON_FOLDERS: &[&str] =
    &["/", "/home", "/mnt", "/opt", "/root", "/src", "/srv", "/tmp", "/usr/src", "/var/tmp"];
/// A shorter host name is a word.
const HOST_NAME_CHARS: usize = 6;
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in &tree.files {
        for (line, number) in file.text.lines().zip(1..) {
            for place in tree.places.iter().filter(|place| names(line, place)) {
                let message = format!("`{place}` is a name of this machine");
                complaints.push(Complaint::new(&file.path, number, message));
            }
            // Cases of analyzers hold lock files of nobody's.
            if file.path.ends_with("Cargo.lock")
                && !file.path.contains("/testdata/")
                && line.starts_with("source = ")
                && !line.contains(CRATES_IO)
            {
                let message = "a dependency that does not come from crates.io";
                complaints.push(Complaint::new(&file.path, number, message));
            }
        }
    }
    complaints
}

/// The paths and names by which this machine would be known.
pub(super) fn of_this_machine(root: &Path) -> Vec<String> {
    let mut places = vec![folder(root)];
    places.extend(root.parent().filter(|path| is_private(path)).map(folder));
    places.extend(env::home_dir().filter(|path| is_private(path)).map(|path| folder(&path)));
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    if host.len() >= HOST_NAME_CHARS && host.contains(|c: char| c.is_ascii_digit() || c == '-') {
        places.push(host.to_owned());
    }
    places
}

fn is_private(path: &Path) -> bool {
    !COMMON_FOLDERS.iter().any(|common| path == Path::new(common))
}

fn folder(path: &Path) -> String {
    format!("{}/", path.display())
}

/// Does the line hold `place`, other than as the tail of a longer path or word?
fn names(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let (before, _) = line.split_at(at);
        !before.ends_with(|c: char| c.is_alphanumeric() || "._-})>".contains(c))
    })
}
