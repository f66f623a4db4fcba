//! Floors: what the least possible work takes, so that a time says how far it is from there.
//!
//! Some are run as a process of this program (`cargo xtask bench --floor WORK ARCHIVE`), to be timed
//! like any other command.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::Session;

const HEADERS: &str = "headers";
const CONTENTS: &str = "contents";

/// What is read of a file at a time.
const PIECE: usize = 128 << 10;

/// Where a layer lies in a `docker save` archive.
struct Section {
    file: File,
    begin: u64,
    at: u64,
    length: u64,
}

type Entry<'a> = tar::Entry<'a, Section>;

/// One of those below, in this process; returns how much there was.
pub(super) fn here(work: &OsStr, archive: &Path) -> Result<u64, String> {
    let visit: fn(Entry<'_>) -> io::Result<u64> = match work.to_str() {
        // Seeking over all contents: less cannot tell what an archive holds.
        Some(HEADERS) => |_| Ok(1),
        // Less cannot look into every file.
        Some(CONTENTS) => hash,
        _ => return Err(format!("no floor is called `{}`", work.display())),
    };
    read_layers(archive, visit).map_err(|error| format!("{}: {error}", archive.display()))
}

/// Every header of the archive.
pub(super) fn headers(session: &Session, archive: &Path) -> Command {
    again(session, HEADERS, archive)
}

/// Every byte of the files in its layers, and their SHA-256.
pub(super) fn contents(session: &Session, archive: &Path) -> Command {
    again(session, CONTENTS, archive)
}

fn again(session: &Session, work: &str, archive: &Path) -> Command {
    let mut command = Command::new(session.root.join("target/release/xtask"));
    command.args(["bench", "--floor", work]).arg(archive);
    command
}

/// Shows all entries of every tar within a tar, layers in parallel; sums up what comes of it.
fn read_layers(path: &Path, visit: fn(Entry<'_>) -> io::Result<u64>) -> io::Result<u64> {
    let mut layers = Vec::new();
    for entry in tar::Archive::new(File::open(path)?).entries_with_seek()? {
        let entry = entry?;
        let (begin, length) = (entry.raw_file_position(), entry.size());
        if length >= 1024 && entry.header().entry_type() == tar::EntryType::Regular {
            layers.push(Section { file: File::open(path)?, begin, at: 0, length });
        }
    }
    std::thread::scope(|scope| {
        let read = |layer| scope.spawn(move || read_layer(layer, visit));
        let threads: Vec<_> = layers.into_iter().map(read).collect();
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ended.sum()
    })
}

fn read_layer(layer: Section, visit: fn(Entry<'_>) -> io::Result<u64>) -> io::Result<u64> {
    let mut sum = 0;
    for (number, entry) in tar::Archive::new(layer).entries_with_seek()?.enumerate() {
        match entry {
            // A manifest or a configuration, not a layer.
            Err(_) if number == 0 => break,
            entry => sum += visit(entry?)?,
        }
    }
    Ok(sum)
}

fn hash(mut entry: Entry<'_>) -> io::Result<u64> {
    let (mut hasher, mut piece, mut sum) = (Sha256::new(), vec![0; PIECE], 0);
    loop {
        let read = entry.read(&mut piece)?;
        hasher.update(piece.get(..read).unwrap_or_default());
        sum += read as u64;
        if read == 0 {
            std::hint::black_box(hasher.finalize());
            return Ok(sum);
        }
    }
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

/// Reads every one of these files unpacked, two at a time: what cannot be left out if all of them are
/// to be understood.
pub(super) fn unpack(files: &[PathBuf]) -> Command {
    let mut command = Command::new("sh");
    let script = "printf '%s\\0' \"$@\" | xargs -0 -P 2 -I FILE sh -c \
                  'case $1 in *.zst) zstd -dc \"$1\";; *.gz) gzip -dc \"$1\";; *) cat \"$1\";; esac' sh FILE";
    command.args(["-ec", script, "sh"]).args(files);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two layers, of two files and of one, and what is no layer.
    fn archive(path: &Path) {
        let append = |tar: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, name, content).unwrap();
        };
        let layer = |files: &[(&str, &[u8])]| {
            let mut tar = tar::Builder::new(Vec::new());
            files.iter().for_each(|(name, content)| append(&mut tar, name, content));
            tar.into_inner().unwrap()
        };
        let [two, one] = [layer(&[("a", b"1234"), ("b", b"56")]), layer(&[("c", &[7; 300_000])])];
        let manifest = vec![b' '; 2048];
        let image = layer(&[("1/layer.tar", &two), ("2/layer.tar", &one), ("m.json", &manifest)]);
        std::fs::write(path, image).unwrap();
    }

    #[test]
    fn floors_do_their_work() {
        let path = std::env::temp_dir().join(format!("floor-{}.tar", std::process::id()));
        archive(&path);
        assert_eq!(here(OsStr::new(HEADERS), &path), Ok(3));
        assert_eq!(here(OsStr::new(CONTENTS), &path), Ok(300_006));
        assert!(here(OsStr::new("nothing"), &path).is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
