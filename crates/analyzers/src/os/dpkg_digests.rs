//! What Debian's packages shipped: `info/<package>.md5sums` beside the database, one file a
//! package; distroless images have them in `status.d`. Of each digest eight bytes are kept, which is enough to tell whether somebody changed
//! a file; who can make others for them can change this list, too.

use crate::facts::Shipped;
use crate::file::Check;
use crate::path_set::PathHash;
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `dpkg-md5sums`.
pub(crate) struct DpkgDigests;

impl Analyzer for DpkgDigests {
    fn name(&self) -> &'static str {
        "dpkg-md5sums"
    }

    fn version(&self) -> u32 {
        2
    }

    fn check(&self) -> Option<Check> {
        Some(Check::Published)
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Consulted { directory: "var/lib/dpkg/info", suffix: ".md5sums" },
                Select::Consulted { directory: "var/lib/dpkg/status.d", suffix: ".md5sums" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // The largest packages have 50 000 files.
        16 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let lines = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
        let shipped = lines.filter_map(|(digest, path)| {
            let digest = u64::from_str_radix(digest.get(..16)?, 16).ok()?;
            let path = path.trim_ascii_start().trim_start_matches("./").trim_start_matches('/');
            Some(Shipped { path: PathHash::of(path), digest })
        });
        facts.shipped(shipped.collect());
    }
}
