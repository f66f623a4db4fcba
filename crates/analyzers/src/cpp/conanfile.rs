//! `conanfile.txt`: the packages that a project requires in exact versions, in sections like an
//! INI file's. Ranges (`zlib/[>=1.2]`) say nothing of what was chosen.

use super::conan_reference;
use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `conanfile`.
pub(crate) struct Conanfile;

impl Analyzer for Conanfile {
    fn name(&self) -> &'static str {
        "conanfile"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "conanfile.txt" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let mut listing = Listing::new(facts);
        let mut section = "";
        for line in file.text().lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = match name {
                    "requires" | "build_requires" | "tool_requires" | "test_requires" => "requires",
                    _ => "",
                };
            } else if section == "requires"
                && let Some(installed) = conan_reference::package(line)
            {
                listing.add(installed);
            }
        }
    }
}
