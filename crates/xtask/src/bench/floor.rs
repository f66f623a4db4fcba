//! Floors: what the least possible work takes, so that a time says how far it is from there.
//!
//! `headers` is run as a process of its own (`cargo xtask bench --headers FILE`), to be timed like
//! any other command.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::Command;

use super::Session;

/// Where a layer lies in a `docker save` archive.
struct Section {
    file: File,
    begin: u64,
    at: u64,
    length: u64,
}

/// Reads every header of every tar within a tar, seeking over all contents: less cannot tell what
/// an archive holds. Returns how many there are.
pub(super) fn read_headers(path: &Path) -> io::Result<u64> {
    let mut count = 0;
    let mut outer = tar::Archive::new(File::open(path)?);
    for entry in outer.entries_with_seek()? {
        let entry = entry?;
        let (begin, length) = (entry.raw_file_position(), entry.size());
        count += 1;
        if length < 1024 || entry.header().entry_type() != tar::EntryType::Regular {
            continue;
        }
        let section = Section { file: File::open(path)?, begin, at: 0, length };
        let mut inner = tar::Archive::new(section);
        for header in inner.entries_with_seek()? {
            match header {
                Ok(_) => count += 1,
                // A manifest or a configuration, not a layer.
                Err(_) => break,
            }
        }
    }
    Ok(count)
}

/// That, as a command of the release build.
pub(super) fn headers(session: &Session, archive: &Path) -> Command {
    let mut command = Command::new(session.root.join("target/release/xtask"));
    command.args(["bench", "--headers"]).arg(archive);
    command
}

/// Inflates and hashes every blob of a layout, two at a time: what cannot be left out if both
/// digests of each layer are to be checked.
pub(super) fn inflate_and_hash(layout: &Path) -> Command {
    let mut command = Command::new("sh");
    let script = "find blobs -type f -size +1M | xargs -P 2 -I BLOB \
                  sh -c 'sha256sum BLOB; gzip -dc BLOB | sha256sum'";
    command.args(["-c", script]).current_dir(layout);
    command
}

/// Reads and hashes every byte of a file: what looking into every file cannot do without.
pub(super) fn read_and_hash(archive: &Path) -> Command {
    let mut command = Command::new("sha256sum");
    command.arg(archive);
    command
}

impl Read for Section {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length - self.at).unwrap_or(usize::MAX);
        let room = into.len().min(left);
        self.file.seek(SeekFrom::Start(self.begin + self.at))?;
        let read = self.file.read(into.get_mut(..room).unwrap_or_default())?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?.min(self.length);
        Ok(self.at)
    }
}
