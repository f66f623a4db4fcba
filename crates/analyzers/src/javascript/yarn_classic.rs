//! `yarn.lock` version 1: names and values by indentation, not quite YAML.
//!
//! ```text
//! "@harbour/rope@^1.0.0", "@harbour/rope@^1.2.0":
//!   version "1.2.1"
//!   resolved "https://registry.yarnpkg.com/…#<sha-1>"
//!   integrity sha512-…
//!   dependencies:
//!     knot "^2.0.0"
//! ```

use model::ProblemKind;

use super::specifier;
use super::yarn_lock::Entry;
use crate::lock::{self, ENTRIES_MAX};
use crate::{FileFacts, integrity};

/// The entries that have a name and a version.
pub(super) fn entries(text: &str, facts: &mut FileFacts) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut is_dependency = false;
    let mut left_out = 0_usize;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let trimmed = line.trim();
        let indent = line.len().saturating_sub(line.trim_start().len());
        if indent == 0 && entries.len() < ENTRIES_MAX {
            entries.push(begin(trimmed));
            continue;
        }
        if indent == 0 || left_out > 0 {
            left_out = left_out.saturating_add(usize::from(indent == 0));
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        let (key, value) = pair(trimmed);
        if indent > 2 {
            if is_dependency {
                entry.dependencies.push((key.to_owned(), value.to_owned()));
            }
            continue;
        }
        is_dependency = matches!(key, "dependencies:" | "optionalDependencies:");
        match key {
            "version" => value.clone_into(&mut entry.version),
            "integrity" => entry.hashes = integrity::subresource(value),
            "resolved" => {
                let address = value.split('#').next().unwrap_or_default();
                // Commits and archives have what tells them there.
                let is_registrys = value.contains("/-/");
                entry.address = if is_registrys { address } else { value }.to_owned();
                // The digest of packages published before there were better ones.
                let sha1 = value.rsplit_once('#').map(|(_, digest)| digest);
                let sha1 = sha1.and_then(|digest| integrity::hexadecimal("sha1", digest));
                if entry.hashes.is_empty() {
                    entry.hashes.extend(sha1);
                }
            }
            _ => {}
        }
    }
    lock::left_out(left_out, facts);
    let count = entries.len();
    entries.retain(|entry| !entry.name.is_empty() && !entry.version.is_empty());
    if entries.len() < count {
        let missing = count.saturating_sub(entries.len());
        let message = format!("{missing} entries have no name or no version");
        facts.problem(ProblemKind::Damaged, message);
    }
    entries
}

/// An entry, of the line that names what it answers.
fn begin(line: &str) -> Entry {
    let line = line.strip_suffix(':').unwrap_or(line);
    let asked: Vec<String> = line.split(", ").map(|asked| unquoted(asked).to_owned()).collect();
    let name = asked.first().and_then(|asked| specifier::split(asked)).map(|(name, range)| {
        // An alias asks for another name than its own.
        let target = range.strip_prefix("npm:").and_then(specifier::split);
        target.map_or(name, |(target, _)| target).to_owned()
    });
    // Folders have nothing else that tells them.
    let range = asked.first().and_then(|asked| specifier::split(asked)).map(|(_, range)| range);
    let local = range.filter(|range| range.starts_with("file:") || range.starts_with("link:"));
    let address = local.unwrap_or_default().to_owned();
    Entry { name: name.unwrap_or_default(), asked, address, ..Entry::default() }
}

/// `"name" "value"`, either with or without quotes.
fn pair(line: &str) -> (&str, &str) {
    let quoted = line.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let (key, value) = quoted.unwrap_or_else(|| line.split_once(' ').unwrap_or((line, "")));
    (key, unquoted(value.trim()))
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}
