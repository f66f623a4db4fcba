//! What a mirror answered before, beside the segments: its index and its signature need not come again
//! as long as they are the same.
//!
//! What is kept is worth what a fresh answer is, no more: it is parsed and its signature checked anew.
//! It only saves a transfer, so that nothing here ever fails.

use std::fs;
use std::path::PathBuf;

use advisories::{Origin, Store};
use serde::{Deserialize, Serialize};

/// An answer with its validators.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) origin: Origin,
    pub(super) body: String,
}

/// What was kept of a URL. `limit` is that of the answer; as JSON it may be twice as long.
pub(super) fn load(store: &Store, file: &str, url: &str, limit: u64) -> Option<Kept> {
    let path = path(store, file);
    let length = fs::metadata(&path).ok()?.len();
    let bytes = (length <= limit.saturating_mul(2)).then(|| fs::read(&path).ok()).flatten()?;
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    (kept.origin.url == url).then_some(kept)
}

/// Keeps an answer that can be asked for conditionally; forgets what was kept if it cannot.
pub(super) fn save(store: &Store, file: &str, origin: &Origin, body: &[u8]) {
    let path = path(store, file);
    let body = std::str::from_utf8(body).ok().map(str::to_owned);
    let has_validator = origin.etag.is_some() || origin.last_modified.is_some();
    let Some(body) = body.filter(|_| has_validator) else {
        return drop(fs::remove_file(path));
    };
    let kept = Kept { origin: origin.clone(), body };
    let Ok(json) = serde_json::to_vec(&kept) else { return };
    // Another run may write at the same time: the name is given to a whole file.
    let written = fs::create_dir_all(store.dir())
        .and_then(|()| tempfile::NamedTempFile::new_in(store.dir()))
        .and_then(|file| fs::write(file.path(), json).map(|()| file));
    if let Ok(file) = written {
        drop(file.persist(path));
    }
}

/// Hidden, for it is no segment.
fn path(store: &Store, file: &str) -> PathBuf {
    store.dir().join(format!(".mirror-{file}"))
}
