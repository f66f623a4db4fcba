//! A mirror in one file: a plain tar of `index.json`, its signature if any, and the segments.
//!
//! `tar xf` makes a directory of it that any static file server can serve as a mirror. What is
//! read is far stricter than tar: regular files alone, the index first, then the segments that it
//! lists, each once, each with the size and digest that the index says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use model::Digest;
use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use crate::index::{INDEX_LIMIT, IndexEntry};
use crate::key::TEXT_LIMIT;
use crate::replace::{Ready, Staged};
use crate::store::check_staged;
use crate::{
    Heard, Index, IndexError, KeyError, PrivateKey, PublicKey, SegmentError, SegmentMeta, Store,
    StoreError, WriteError,
};

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub installed: Vec<Imported>,
    /// Streams of which what was installed is newer, so that it stays.
    pub older: Vec<Older>,
}

/// One stream that an import installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub meta: SegmentMeta,
    /// The meta of the segment it replaced.
    pub replaced: Option<SegmentMeta>,
}

/// One stream that an import left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Older {
    /// Of the bundle's segment.
    pub meta: SegmentMeta,
    /// None if it says no time.
    pub offered: Option<Heard>,
    pub installed: Heard,
}

/// On which terms a bundle is taken.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Where there are any, one of them must have signed it.
    pub trusted: &'a [PublicKey],
    /// Data that is older than what is installed of the same source is taken too.
    pub allow_older: bool,
    /// The time of the run: what is dated later bars nothing.
    pub now: Timestamp,
}

/// Why a bundle was not written or not installed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("`{path}` is not a lazaret bundle: {why}", path = .path.display())]
    NotABundle { path: PathBuf, why: String },
    #[error("bundle `{path}` is damaged: {why}", path = .path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("bundle `{path}`: {source}", path = .path.display())]
    Index { path: PathBuf, source: IndexError },
    #[error("bundle `{path}`: {source}", path = .path.display())]
    Signature { path: PathBuf, source: KeyError },
    #[error("stream `{0}` is not in the store")]
    Missing(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("cannot read `{path}`: {source}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
}

/// Whether a file begins as a bundle does (at least 262 bytes are wanted), so that `db import`
/// can tell it from a feed.
pub fn recognizes(head: &[u8]) -> bool {
    let name = format!("{}\0", Index::FILE_NAME);
    head.starts_with(name.as_bytes()) && head.get(257..262) == Some(b"ustar")
}

/// Writes these streams of the store (all if empty) into one file, atomically; the same segments,
/// times and key give the same bytes. Segments are checked in full before they are written.
pub fn export(
    store: &Store,
    streams: &[String],
    path: &Path,
    key: Option<&PrivateKey>,
) -> Result<Index, BundleError> {
    let (index, files) = gather(store, streams)?;
    let mut staged = Staged::create(path)?;
    let written = write(&index, files, key, &mut staged);
    written.map_err(|source| WriteError::Io { path: path.to_owned(), source })?;
    staged.ready()?.install()?;
    Ok(index)
}

/// The index of these streams of the store (all if empty), and the files that it describes in its
/// order. Fails if one is missing or damaged.
pub(crate) fn gather(store: &Store, streams: &[String]) -> Result<(Index, Vec<File>), BundleError> {
    let mut streams = match streams {
        [] => store.list()?.into_iter().map(|installed| installed.stream).collect(),
        some => some.to_vec(),
    };
    streams.sort();
    streams.dedup();
    let mut files = Vec::new();
    let mut index = Index::default();
    for stream in streams {
        let found = IndexEntry::of_store(store, &stream)?;
        let (entry, file) = found.ok_or(BundleError::Missing(stream))?;
        index.segments.push(entry);
        files.push(file);
    }
    Ok((index, files))
}

fn write(
    index: &Index,
    files: Vec<File>,
    key: Option<&PrivateKey>,
    staged: &mut Staged,
) -> io::Result<()> {
    let mut tar = Builder::new(staged);
    let json = index.to_json();
    append(&mut tar, Index::FILE_NAME, json.len() as u64, &*json)?;
    if let Some(key) = key {
        let signature = key.sign(&json);
        let length = signature.len() as u64;
        append(&mut tar, Index::SIGNATURE_FILE_NAME, length, signature.as_bytes())?;
    }
    for (entry, mut file) in index.segments.iter().zip(files) {
        file.rewind()?;
        append(&mut tar, &entry.file, entry.size_bytes, file)?;
    }
    tar.into_inner()?.flush()
}

/// An entry that tells nothing of the machine it was written on.
fn append(
    tar: &mut Builder<&mut Staged>,
    name: &str,
    length: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_size(length);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, content)
}

/// Checks the whole bundle (signature, digests, every record), then installs all of it. Nothing
/// is installed if anything is wrong. With trusted keys, a bundle signed by none of them is
/// refused. Of a stream whose installed segment has the same source and is newer ([`Heard`]), that
/// one stays.
///
/// A segment at a time takes its name: whoever kills the process in that moment, after everything
/// was checked and is on the disk, leaves some segments new and some old, each of them whole.
pub fn import(path: &Path, store: &Store, terms: &Terms<'_>) -> Result<Outcome, BundleError> {
    let file = File::open(path);
    let file = file.map_err(|source| BundleError::Read { path: path.to_owned(), source })?;
    let staged = Reading { path, store }.read(file, terms.trusted)?;
    let mut outcome = Outcome::default();
    for (stream, Staging { ready, meta, sha256, checked_at }) in staged {
        let is_same = store.sha256(&stream).ok().flatten() == Some(sha256);
        let offered = Heard::of(&meta, checked_at.as_deref());
        let installed = store.heard(&stream);
        let newer = installed.filter(|it| it.is_newer_than(offered, terms.now));
        if is_same {
            outcome.installed.push(Imported { replaced: Some(meta.clone()), meta });
            // The same bytes, of which somebody may have heard later here.
            if newer.is_some() {
                continue;
            }
        } else {
            let is_barred = !terms.allow_older && store.has(&stream, &meta.source);
            if let Some(installed) = newer.filter(|_| is_barred) {
                outcome.older.push(Older { meta, offered, installed });
                continue;
            }
            let replaced = store.put(&stream, ready)?;
            outcome.installed.push(Imported { meta, replaced });
        }
        if let Some(time) = checked_at {
            store.mark_checked(&stream, &time)?;
        }
    }
    Ok(outcome)
}

/// Segments that were checked and wait for their names, by stream.
type Checked = BTreeMap<String, Staging>;

struct Staging {
    ready: Ready,
    meta: SegmentMeta,
    sha256: Digest,
    /// As the index says.
    checked_at: Option<String>,
}

/// A bundle being read.
#[derive(Clone, Copy)]
struct Reading<'a> {
    path: &'a Path,
    store: &'a Store,
}

impl Reading<'_> {
    fn read(self, file: File, trusted: &[PublicKey]) -> Result<Checked, BundleError> {
        let mut archive = Archive::new(file);
        // Raw: no extension of the format is interpreted, none is ours.
        let mut entries = archive.entries().map_err(|e| self.unreadable(e))?.raw(true);
        let mut next = || entries.next().transpose().map_err(|error| self.unreadable(error));

        let first = next()?.filter(|entry| is_file(entry, Index::FILE_NAME));
        let first = first.ok_or_else(|| self.not_a_bundle("it does not begin with an index"))?;
        let json = self.small(first, INDEX_LIMIT as u64)?;
        let mut entry = next()?;
        let signature = match entry.take_if(|e| is_file(e, Index::SIGNATURE_FILE_NAME)) {
            Some(signature) => {
                let signature = self.small(signature, TEXT_LIMIT)?;
                entry = next()?;
                Some(signature)
            }
            None => None,
        };
        PublicKey::check(trusted, &json, signature.as_deref())
            .map_err(|source| BundleError::Signature { path: self.path.to_owned(), source })?;
        let index = Index::parse(&json)
            .map_err(|source| BundleError::Index { path: self.path.to_owned(), source })?;

        let mut checked = Checked::new();
        while let Some(found) = entry {
            let listed = index.segments.iter().find(|listed| is_file(&found, &listed.file));
            let listed = listed.ok_or_else(|| self.damaged("it has a file that is not listed"))?;
            let segment = self.segment(found, listed)?;
            if checked.insert(listed.stream.clone(), segment).is_some() {
                return Err(self.damaged(&format!("it has `{}` twice", listed.file)));
            }
            entry = next()?;
        }
        match index.segments.iter().find(|listed| !checked.contains_key(&listed.stream)) {
            Some(missing) => Err(self.damaged(&format!("`{}` is not in it", missing.file))),
            None => Ok(checked),
        }
    }

    /// Brings a segment into the store's directory under a temporary name and checks all of it.
    fn segment(
        self,
        mut entry: tar::Entry<'_, File>,
        listed: &IndexEntry,
    ) -> Result<Staging, BundleError> {
        let wrong = |what: &str| self.damaged(&format!("`{}` has another {what}", listed.file));
        if entry.size() != listed.size_bytes {
            return Err(wrong("size than its index says"));
        }
        let mut staged = self.store.stage(&listed.stream)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; 1 << 16];
        let mut left = listed.size_bytes;
        while left > 0 {
            let length = match entry.read(&mut chunk).map_err(|error| self.unreadable(error))? {
                0 => return Err(self.damaged("it is cut off")),
                length => length,
            };
            let bytes = chunk.get(..length).unwrap_or_default();
            hasher.update(bytes);
            staged.append(bytes)?;
            left = left.saturating_sub(length as u64);
        }
        if Digest::sha256(hasher.finalize().into()) != listed.sha256 {
            return Err(wrong("digest than its index says"));
        }
        let ready = staged.ready()?;
        let meta = check_staged(&ready, &listed.stream).map_err(|error| match error {
            StoreError::Segment(SegmentError { message, .. }) => {
                self.damaged(&format!("`{}`: {message}", listed.file))
            }
            other => self.damaged(&other.to_string()),
        })?;
        let (sha256, checked_at) = (listed.sha256.clone(), listed.checked_at.clone());
        Ok(Staging { ready, meta, sha256, checked_at })
    }

    fn small(self, entry: tar::Entry<'_, File>, limit: u64) -> Result<Vec<u8>, BundleError> {
        let size = entry.size();
        if size > limit {
            let why = format!("its index or signature has {size} bytes, {limit} are allowed");
            return Err(self.damaged(&why));
        }
        let mut bytes = Vec::new();
        entry.take(limit).read_to_end(&mut bytes).map_err(|error| self.unreadable(error))?;
        match bytes.len() as u64 == size {
            true => Ok(bytes),
            false => Err(self.damaged("it is cut off")),
        }
    }

    fn not_a_bundle(self, why: &str) -> BundleError {
        BundleError::NotABundle { path: self.path.to_owned(), why: why.to_owned() }
    }

    fn damaged(self, why: &str) -> BundleError {
        BundleError::Damaged { path: self.path.to_owned(), why: why.to_owned() }
    }

    /// An I/O error with a number is the operating system's; one without is the tar reader's word
    /// for bytes that make no sense.
    fn unreadable(self, error: io::Error) -> BundleError {
        match error.raw_os_error() {
            Some(_) => BundleError::Read { path: self.path.to_owned(), source: error },
            None => self.damaged(&error.to_string()),
        }
    }
}

fn is_file(entry: &tar::Entry<'_, File>, name: &str) -> bool {
    let kind = entry.header().entry_type();
    matches!(kind, EntryType::Regular) && *entry.header().path_bytes() == *name.as_bytes()
}
