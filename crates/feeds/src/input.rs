//! From the paths a user names to documents: files, folders, archives within archives.
//!
//! Every kind of archive is recognized by its first bytes, never by its name. Nothing is written
//! but unlinked temporary files, for long documents and a zip inside another archive. What cannot be
//! read is said and the rest goes on. This file must never look at what a document means.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use advisories::bundle;
use model::{Problem, ProblemKind};

use crate::Document;
use crate::bundles::is_of_mirror;
use crate::packed::Packed;
use crate::unpack::Unpacker;

/// How deep folders are entered; real feeds have four levels.
pub(crate) const FOLDER_DEPTH_LIMIT: usize = 32;

/// Longest document that is held in memory; few are longer, and those are lists.
const MEMORY_BYTES: u64 = 16 << 20;
/// What is held of a longer one, to tell whose it is.
const HEAD_BYTES: usize = 4 << 20;

/// A document as it leaves an archive or a folder.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// `feed.tar.zst!2024/CVE-2024-1.json`, see [`crate::Document::path`].
    pub path: String,
    pub content: Content,
    /// Why the bytes end before the document does.
    pub cut: Option<Cut>,
}

/// Why a document was not read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    pub why: String,
    /// The bytes end, and not our patience or our disk.
    pub is_damage: bool,
}

impl Cut {
    pub(crate) fn early(error: &io::Error) -> Self {
        Self { why: format!("ends early: {error}"), is_damage: true }
    }
}

/// Where the bytes are.
#[derive(Debug)]
pub(crate) enum Content {
    Memory(Vec<u8>),
    /// In an unlinked file; the first are at hand.
    File {
        head: Vec<u8>,
        file: File,
        length: u64,
    },
    /// In the file that it was found in; the first are at hand.
    Packed {
        head: Vec<u8>,
        packed: Packed,
    },
}

impl Unpacked {
    pub(crate) fn document(&self) -> Document<'_> {
        let mut document = match &self.content {
            Content::Memory(bytes) => Document::new(&self.path, bytes),
            Content::File { head, file, length } => {
                Document::in_file(&self.path, head, file, *length)
            }
            Content::Packed { head, packed } => Document::packed(&self.path, head, packed),
        };
        document.whole = self.cut.is_none();
        document
    }
}

/// What reading an input yields, in order.
#[derive(Debug)]
pub(crate) enum Found {
    /// What follows, up to the next of these, is from one file.
    File,
    Document(Unpacked),
    /// A bundle of segments, or the folder of a mirror, which whoever imports reads otherwise.
    Bundle,
    /// Something could not be read; documents may be missing.
    Trouble(Problem),
}

/// Takes what is found; may ask to stop.
pub(crate) type Take<'t> = dyn FnMut(Found) -> ControlFlow<()> + 't;

/// Reads a file, an archive, or a folder of such in order of names.
pub(crate) fn read(path: &Path, take: &mut Take<'_>) -> ControlFlow<()> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return take(unreadable(path, &error)),
    };
    if metadata.is_dir() { read_folder(path, 0, take) } else { read_file(path, take) }
}

/// Reads an open file or archive under a name of the caller's (a fetched body under its URL).
pub(crate) fn read_open(name: &str, file: File, take: &mut Take<'_>) -> ControlFlow<()> {
    take(Found::File)?;
    Unpacker::new(take).file(name, file)
}

/// The same for bytes at hand.
pub(crate) fn read_bytes(name: &str, bytes: Vec<u8>, take: &mut Take<'_>) -> ControlFlow<()> {
    take(Found::File)?;
    Unpacker::new(take).bytes(name, bytes)
}

/// The same for what should be short: documents longer than `longest` bytes are cut.
pub(crate) fn read_short(
    name: &str,
    bytes: Vec<u8>,
    longest: u64,
    take: &mut Take<'_>,
) -> ControlFlow<()> {
    Unpacker::new(take).at_most(longest).bytes(name, bytes)
}

fn read_file(path: &Path, take: &mut Take<'_>) -> ControlFlow<()> {
    match File::open(path) {
        Ok(file) => read_open(&path.to_string_lossy(), file, take),
        Err(error) => take(unreadable(path, &error)),
    }
}

fn read_folder(folder: &Path, depth: usize, take: &mut Take<'_>) -> ControlFlow<()> {
    if depth == FOLDER_DEPTH_LIMIT {
        let message = format!("folders deeper than {FOLDER_DEPTH_LIMIT} levels are not read");
        return take(Found::Trouble(Problem::new(
            ProblemKind::LimitReached,
            folder.to_string_lossy(),
            message,
        )));
    }
    let children = match children(folder) {
        Ok(children) => children,
        Err(error) => return take(unreadable(folder, &error)),
    };
    let is_mirror = bundle::is_at(folder);
    if is_mirror {
        take(Found::Bundle)?;
    }
    for child in children {
        if is_mirror && is_of_mirror(&child) {
            continue;
        }
        // A link to a folder is not entered: links may loop.
        let is_link = child.is_symlink();
        match fs::metadata(&child) {
            Ok(metadata) if metadata.is_dir() && is_link => {}
            Ok(metadata) if metadata.is_dir() => read_folder(&child, depth + 1, take)?,
            Ok(metadata) if metadata.is_file() => read_file(&child, take)?,
            Ok(_) => {}
            Err(error) => take(unreadable(&child, &error))?,
        }
    }
    ControlFlow::Continue(())
}

/// The children by name, without hidden ones: a clone's `.git` is no feed.
pub(crate) fn children(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut children = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            children.push(entry.path());
        }
    }
    children.sort();
    Ok(children)
}

fn unreadable(path: &Path, error: &io::Error) -> Found {
    Found::Trouble(Problem::new(
        ProblemKind::Unreadable,
        path.to_string_lossy(),
        format!("cannot be read: {error}"),
    ))
}

/// Reads to the end or to `limit`; what was read is kept whatever happens.
pub(crate) fn read_document(path: &str, reader: &mut dyn Read, limit: u64) -> Unpacked {
    let mut bytes = Vec::new();
    let early = |error| Some(Cut::early(&error));
    let ours = |why| Some(Cut { why, is_damage: false });
    let longer = || ours(format!("is longer than {limit} bytes"));
    let begun = reader.take(MEMORY_BYTES.min(limit) + 1).read_to_end(&mut bytes);
    let length = bytes.len() as u64;
    let unpacked = |content, cut| Unpacked { path: path.to_owned(), content, cut };
    match begun {
        Err(error) => unpacked(Content::Memory(bytes), early(error)),
        Ok(_) if length > limit => unpacked(Content::Memory(bytes), longer()),
        Ok(_) if length <= MEMORY_BYTES => unpacked(Content::Memory(bytes), None),
        Ok(_) => {
            let mut file = match spilled(&bytes) {
                Ok(file) => file,
                Err(error) => {
                    let cut = format!("cannot be put into a temporary file: {error}");
                    return unpacked(Content::Memory(bytes), ours(cut));
                }
            };
            let copied = io::copy(&mut reader.take(limit - length + 1), &mut file);
            let length = file.metadata().map_or(length, |metadata| metadata.len());
            let cut = match copied {
                Ok(_) => (length > limit).then(longer).flatten(),
                Err(error) => early(error),
            };
            bytes.truncate(HEAD_BYTES);
            bytes.shrink_to_fit();
            unpacked(Content::File { head: bytes, file, length }, cut)
        }
    }
}

fn spilled(bytes: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    Ok(file)
}
