//! One file of the cache: a mark of its form, a checksum, a value.
//!
//! A file is written under another name and renamed, so that a second process sees all of it or
//! nothing. Whatever is wrong with one when it is read makes it none.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

/// What a file begins with: changes whenever the bytes after it change their meaning.
pub(super) type Mark = [u8; 8];

/// The value in a file of at most `limit` bytes, whose use is noted.
pub(super) fn read<T: DeserializeOwned>(path: &Path, mark: Mark, limit: u64) -> Option<T> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if metadata.len() > limit {
        return None;
    }
    let mut bytes = Vec::new();
    (&file).take(limit).read_to_end(&mut bytes).ok()?;
    let (found, rest) = bytes.split_first_chunk()?;
    let (checksum, payload) = rest.split_first_chunk()?;
    if *found != mark || u64::from_le_bytes(*checksum) != xxh3_64(payload) {
        return None;
    }
    let value = postcard::from_bytes(payload).ok()?;
    metadata.modified().into_iter().for_each(|used| super::room::note_use(&file, used));
    Some(value)
}

pub(super) fn write<T: Serialize>(path: &Path, mark: Mark, value: &T) -> io::Result<()> {
    let payload = postcard::to_allocvec(value).map_err(io::Error::other)?;
    let dir = path.parent().ok_or(ErrorKind::InvalidInput)?;
    let create = || {
        std::fs::create_dir_all(dir)?;
        tempfile::NamedTempFile::new_in(dir).map_err(unnamed)
    };
    let mut file = match create() {
        // Another process that makes room may take the folder away while it is empty.
        Err(error) if error.kind() == ErrorKind::NotFound => create()?,
        created => created?,
    };
    let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(unnamed);
    write(&mark)?;
    write(&xxh3_64(&payload).to_le_bytes())?;
    write(&payload)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The error without the name that a temporary file has by chance, which stands at its end.
fn unnamed(error: io::Error) -> io::Error {
    match error.to_string().rsplit_once(" at path ") {
        Some((what, _)) => io::Error::new(error.kind(), what),
        None => error,
    }
}
