//! Debian's copyright files, where they are written for machines.
//!
//! Only the machine-readable form is read (Debian, "copyright-format 1.0"): its first field is
//! `Format`, and each `License` field begins with a short name. Prose is not guessed at.

use crate::{Analyzer, File, FileFacts, Select};

/// Short names that are kept of one package; real files stay below forty.
const LICENSES_MAX: usize = 100;

/// How a licence is named, at the beginning of a line. Searching for it is twice as fast as taking
/// the file apart into lines, and an image may have a thousand of these files.
const FIELD: &str = "\nLicense:";

/// The analyzer `debian-copyright`.
pub(crate) struct Copyright;

impl Analyzer for Copyright {
    fn name(&self) -> &'static str {
        "debian-copyright"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Below { directory: "usr/share/doc", name: "copyright" }] }
    }

    fn max_bytes(&self) -> u64 {
        4 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if !file.bytes.starts_with(b"Format:") {
            return;
        }
        let text = file.text();
        let mut names: Vec<&str> = Vec::new();
        for (at, field) in text.match_indices(FIELD) {
            let rest = text.get(at..).and_then(|rest| rest.strip_prefix(field)).unwrap_or_default();
            let name = rest.lines().next().unwrap_or_default().trim();
            if !name.is_empty() && !names.contains(&name) && names.len() < LICENSES_MAX {
                names.push(name);
            }
        }
        facts.license(names.join(", "));
    }
}
