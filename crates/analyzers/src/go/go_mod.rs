//! `go.mod`: the modules that a module requires, with replacements in place (go.dev/ref/mod).
//!
//! Since Go 1.17 the file lists all that is needed, before only what is required directly: that is said. What
//! `go.sum` says beside it is read by `go_sum.rs`.

use model::{PackageKind, ProblemKind};

use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// Go's cache of modules: those of others, of which nothing is built here by their own files.
const CACHE: &str = "pkg/mod/";

/// The first version of Go that writes all that is needed (go.dev/ref/mod, "go directive").
const WHOLE_SINCE: (u32, u32) = (1, 17);

/// The analyzer `go-mod`.
pub(crate) struct GoMod;

impl Analyzer for GoMod {
    fn name(&self) -> &'static str {
        "go-mod"
    }

    fn version(&self) -> u32 {
        3
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "go.mod" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let mut required: Vec<(&str, &str)> = Vec::new();
        let mut replacements: Vec<Replacement<'_>> = Vec::new();
        // Without a word Go takes it for one of 1.16.
        let mut language = (1, 16);
        for (directive, words) in Directives::of(&text) {
            match (directive, words.as_slice()) {
                ("require", [path, version]) if version.starts_with('v') => {
                    required.push((path, version));
                }
                ("go", [version]) => language = minor(version),
                ("replace", words) => replacements.extend(Replacement::of(words)),
                _ => {}
            }
        }
        let is_whole = language >= WHOLE_SINCE || required.is_empty();
        if !is_whole && !file.path.contains(CACHE) {
            let message = "it is of a Go before 1.17 and names only what is required directly: what that needs \
                           itself is not known";
            facts.problem(ProblemKind::Notice, message);
        }
        replacements.sort_by_key(|replacement| (replacement.path, replacement.version));
        let mut listing = Listing::new(facts);
        for (path, version) in required {
            let (path, version) = chosen(path, version, &replacements);
            listing.add(Installed::declared(PackageKind::Golang, path, version));
        }
    }
}

/// `1.22`, `1.22.3` and `1.21rc2` by their first two numbers; 0 for what is none.
fn minor(version: &str) -> (u32, u32) {
    let digits = |text: &str| -> u32 {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text.get(..end).and_then(|number| number.parse().ok()).unwrap_or_default()
    };
    let (major, rest) = version.split_once('.').unwrap_or((version, ""));
    (digits(major), digits(rest))
}

/// `path [version] => path [version]`.
struct Replacement<'a> {
    path: &'a str,
    /// Empty if it holds for all.
    version: &'a str,
    by: (&'a str, &'a str),
}

impl<'a> Replacement<'a> {
    fn of(words: &[&'a str]) -> Option<Self> {
        let arrow = words.iter().position(|word| *word == "=>")?;
        let (from, by) = (words.get(..arrow)?, words.get(arrow.checked_add(1)?..)?);
        let version = |words: &[&'a str]| words.get(1).copied().unwrap_or_default();
        let (path, target) = (*from.first()?, *by.first()?);
        Some(Self { path, version: version(from), by: (target, version(by)) })
    }
}

/// What is really taken: a replacement for this version before one for all. What a folder replaces
/// keeps its name and has no known version.
fn chosen<'a>(path: &'a str, version: &'a str, sorted: &[Replacement<'a>]) -> (&'a str, &'a str) {
    let find = |version: &str| {
        let found = sorted.binary_search_by_key(&(path, version), |r| (r.path, r.version));
        found.ok().and_then(|at| sorted.get(at))
    };
    match find(version).or_else(|| find("")) {
        Some(Replacement { by: (_, ""), .. }) => (path, ""),
        Some(Replacement { by, .. }) => *by,
        None => (path, version),
    }
}

/// The directives of the file, each with its words; those of a block one by one.
struct Directives<'a> {
    lines: std::str::Lines<'a>,
    block: &'a str,
}

impl<'a> Directives<'a> {
    fn of(text: &'a str) -> Self {
        Self { lines: text.lines(), block: "" }
    }
}

impl<'a> Iterator for Directives<'a> {
    type Item = (&'a str, Vec<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.lines.next()?;
            let line = line.split("//").next().unwrap_or_default();
            let mut words: Vec<&str> =
                line.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect();
            match words.as_slice() {
                [] => {}
                [")"] => self.block = "",
                [directive, "("] => self.block = directive,
                // Go's own reader needs no blank there.
                [word] if word.ends_with('(') => self.block = word.trim_end_matches('('),
                _ if !self.block.is_empty() => return Some((self.block, words)),
                _ => {
                    let directive = words.remove(0);
                    return Some((directive, words));
                }
            }
        }
    }
}
