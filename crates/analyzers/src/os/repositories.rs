//! Alpine's repository lists: which branches the packages come from.

use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `apk-repositories`.
pub(crate) struct ApkRepositories;

impl Analyzer for ApkRepositories {
    fn name(&self) -> &'static str {
        "apk-repositories"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Path("etc/apk/repositories"),
                Select::In { directory: "etc/apk/repositories.d", suffix: ".list" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        1 << 20
    }

    /// One repository a line, `@tag` before it where only tagged packages come from it
    /// (apk-repositories(5)).
    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        for line in text.lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                facts.repository(line);
            }
        }
    }
}
