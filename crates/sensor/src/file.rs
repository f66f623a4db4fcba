//! Small files of the kernel and of daemons, read with a limit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The content, if it can be read; of a longer one, the first `limit` bytes. Files of `/proc` have no
/// size before they are read, and vanish with their process.
pub(crate) fn read(path: &Path, limit: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
