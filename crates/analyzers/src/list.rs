//! Every analyzer there is, in one explicit list.
//!
//! A test holds each line against its folder in `testdata` and its line in `docs/analyzers.md`.

use crate::Analyzer;
use crate::os::{apk, content_sets, copyright, dpkg, release, repositories, rpm};

/// All analyzers, by name.
pub const ALL: &[&dyn Analyzer] = &[
    &apk::Apk,
    &repositories::ApkRepositories,
    &content_sets::ContentSets,
    &copyright::Copyright,
    &dpkg::Dpkg,
    &release::Releases,
    &rpm::Bdb,
    &rpm::Manifest,
    &rpm::Ndb,
    &rpm::Sqlite,
    &rpm::Wal,
];

/// The form of [`crate::LayerFacts`]; raised when facts stored by an older program would be
/// misread.
const FACTS_FORM: u32 = 1;

/// A name for this set of analyzers: equal as long as the same bytes give the same facts, so it
/// belongs into the key of whatever stores [`crate::LayerFacts`]. Lower-case hexadecimal.
pub fn fingerprint() -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("facts {FACTS_FORM}\n").as_bytes());
    for analyzer in ALL {
        hasher.update(format!("{} {}\n", analyzer.name(), analyzer.version()).as_bytes());
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_the_fixtures_and_the_page_name_the_same_analyzers() {
        let names: Vec<&str> = ALL.iter().map(|analyzer| analyzer.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        let listed: BTreeSet<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(listed.len(), names.len(), "two analyzers share a name");

        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders: BTreeSet<String> = std::fs::read_dir(root.join("testdata"))
            .unwrap()
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_dir())
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name != "squash")
            .collect();
        assert_eq!(folders, listed);

        let page = std::fs::read_to_string(root.join("../../docs/analyzers.md")).unwrap();
        let lines: BTreeSet<String> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `"))
            .filter_map(|line| line.split_once('`'))
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(lines, listed);
    }

    #[test]
    fn the_fingerprint_is_short_and_fit_for_a_file_name() {
        assert_eq!(fingerprint().len(), 16);
        assert!(fingerprint().bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
