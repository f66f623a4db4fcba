//! `rpmdb.sqlite-wal`: changes to the database that SQLite has not yet moved into it.
//!
//! rpm moves them when it closes the database, so the file is mostly empty. Where it is not, what
//! the database says is not what is installed. They are not applied; that some are there is a
//! Problem, so that nobody takes the list of packages for complete.

use model::ProblemKind;

use crate::binary::Order;
use crate::os::rpm::DATABASE_BYTES_MAX;
use crate::{Analyzer, File, FileFacts, Select};

/// Bytes of the file's header, and of each frame's.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The analyzer `rpm-wal`.
pub(crate) struct Wal;

impl Analyzer for Wal {
    fn name(&self) -> &'static str {
        "rpm-wal"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Path("var/lib/rpm/rpmdb.sqlite-wal"),
                Select::Path("usr/lib/sysimage/rpm/rpmdb.sqlite-wal"),
                Select::Path("usr/share/rpm/rpmdb.sqlite-wal"),
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        DATABASE_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if holds_changes(file.bytes) {
            let message = "holds changes to the database that were never moved into it";
            facts.problem(ProblemKind::Unsupported, message);
        }
    }
}

/// Whether a frame completes a transaction: its second number is then the database's size, and its
/// salts are the header's (SQLite, "The Write-Ahead Log", section 4.2).
fn holds_changes(bytes: &[u8]) -> bool {
    let Some(page_size) = Order::Big.size(bytes, 8) else { return false };
    let Some(frame_size) = page_size.checked_add(FRAME_HEADER) else { return false };
    let salts = bytes.get(16..24);
    bytes.get(HEADER..).unwrap_or_default().chunks_exact(frame_size.max(1)).any(|frame| {
        frame.get(8..16) == salts && Order::Big.u32(frame, 4).is_some_and(|pages| pages > 0)
    })
}
