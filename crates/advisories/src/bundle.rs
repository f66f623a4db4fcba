//! A mirror in one file: a plain tar of `index.json`, its signature if any, and the segments.
//!
//! `tar xf` makes a directory of it that any static file server can serve as a mirror. What is
//! read is far stricter than tar: regular files alone, the index first, then the segments that it
//! lists, each once, each with the size and digest that the index says. The tar may be packed by gzip,
//! and the folder that it unpacks to is read as it is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use jiff::Timestamp;
use model::Digest;
use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use crate::index::{INDEX_LIMIT, IndexEntry};
use crate::key::TEXT_LIMIT;
use crate::replace::{self, Ready, Staged};
use crate::store::check_staged;
use crate::{
    Heard, Index, IndexError, KeyError, PrivateKey, PublicKey, SegmentError, SegmentMeta, Store,
    StoreError, WriteError,
};

/// As much of a file as tells a bundle.
const HEAD_BYTES: u64 = 4096;
/// How gzip begins, with its only method.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];
/// How many times its length a packed tar may have: segments are packed already, so there is little to
/// gain; an index alone gains most.
const RATIO_LIMIT: u64 = 100;

/// A tar, plain or unpacked as it is read.
type Bytes = Box<dyn Read>;
type Entry<'a> = tar::Entry<'a, Bytes>;

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

/// Whether there is a bundle at a path: a plain tar, one packed by gzip, or the folder of a mirror.
pub fn is_at(path: &Path) -> bool {
    if path.is_dir() {
        let index = opened(&path.join(Index::FILE_NAME));
        return index.is_some_and(|index| Index::recognizes(&head(index)));
    }
    opened(path).is_some_and(is_in)
}

/// A regular file. A FIFO would be waited for, and what is read of it is gone.
fn opened(path: &Path) -> Option<File> {
    path.is_file().then(|| File::open(path).ok())?
}

/// Whether there is a bundle in an open file, which is left where it stood.
pub fn is_in(mut file: File) -> bool {
    let head = head(&mut file);
    let is_bundle = recognizes(&head)
        || (head.starts_with(&GZIP) && recognizes(&self::head(GzDecoder::new(&*head))));
    is_bundle && file.rewind().is_ok()
}

/// The first bytes of something, as far as they can be read.
fn head(reader: impl Read) -> Vec<u8> {
    let mut head = Vec::new();
    // What breaks off shows in what is missing.
    let _end = reader.take(HEAD_BYTES).read_to_end(&mut head);
    head
}

/// Writes these streams of the store (all if empty) into one file, atomically; the same segments,
/// times and key give the same bytes. Segments are checked in full before they are written. What is no
/// regular file (`/dev/stdout`, a FIFO) is written to directly, and no folder is made.
pub fn export(
    store: &Store,
    streams: &[String],
    path: &Path,
    key: Option<&PrivateKey>,
) -> Result<Index, BundleError> {
    let (index, files) = gather(store, streams)?;
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    if path.metadata().is_ok_and(|it| !it.is_file() && !it.is_dir()) {
        let mut out = File::options().write(true).open(path).map_err(failed)?;
        write(&index, files, key, &mut out).map_err(failed)?;
        return Ok(index);
    }
    replace::directory(path).metadata().map_err(failed)?;
    let mut staged = Staged::create(path)?;
    write(&index, files, key, &mut staged).map_err(failed)?;
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
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut tar = Builder::new(out);
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
    tar: &mut Builder<&mut dyn Write>,
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
    let reading = Reading { path, store };
    if path.is_dir() {
        return install(reading.folder(terms.trusted)?, store, terms);
    }
    let file = File::open(path);
    let file = file.map_err(|source| BundleError::Read { path: path.to_owned(), source })?;
    import_open(file, path, store, terms)
}

/// The same of an open file (what was fetched), under a name for people.
pub fn import_open(
    file: File,
    path: &Path,
    store: &Store,
    terms: &Terms<'_>,
) -> Result<Outcome, BundleError> {
    install(Reading { path, store }.file(file, terms.trusted)?, store, terms)
}

fn install(staged: Checked, store: &Store, terms: &Terms<'_>) -> Result<Outcome, BundleError> {
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
    /// A tar, which may be packed.
    fn file(self, mut file: File, trusted: &[PublicKey]) -> Result<Checked, BundleError> {
        let failed = |source| BundleError::Read { path: self.path.to_owned(), source };
        let mut magic = Vec::new();
        let begun = Read::by_ref(&mut file).take(GZIP.len() as u64).read_to_end(&mut magic);
        let length = begun.and_then(|_| file.rewind()).and_then(|()| file.metadata());
        let allowed = length.map_err(failed)?.len().saturating_mul(RATIO_LIMIT);
        let packed = magic == GZIP;
        self.tar(
            match packed {
                true => Box::new(GzDecoder::new(BufReader::new(file)).take(allowed)),
                false => Box::new(file),
            },
            trusted,
        )
    }

    /// A folder as `tar` unpacks it.
    fn folder(self, trusted: &[PublicKey]) -> Result<Checked, BundleError> {
        let open = |name: &str| match File::open(self.path.join(name)) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(self.damaged(&format!("`{name}` is not in it")))
            }
            Err(error) => Err(self.unreadable(error)),
        };
        let small = |name: &str, limit| self.small(open(name)?, limit);
        let json = small(Index::FILE_NAME, INDEX_LIMIT as u64)?;
        let signature = match self.path.join(Index::SIGNATURE_FILE_NAME).exists() {
            true => Some(small(Index::SIGNATURE_FILE_NAME, TEXT_LIMIT)?),
            false => None,
        };
        let index = self.index(&json, signature.as_deref(), trusted)?;
        let mut checked = Checked::new();
        for listed in &index.segments {
            let file = open(&listed.file)?;
            let size = file.metadata().map_err(|error| self.unreadable(error))?.len();
            checked.insert(listed.stream.clone(), self.segment(file, size, listed)?);
        }
        Ok(checked)
    }

    /// What a bundle says that it holds, signed by a key that is trusted where any is.
    fn index(
        self,
        json: &[u8],
        signature: Option<&[u8]>,
        trusted: &[PublicKey],
    ) -> Result<Index, BundleError> {
        PublicKey::check(trusted, json, signature)
            .map_err(|source| BundleError::Signature { path: self.path.to_owned(), source })?;
        Index::parse(json)
            .map_err(|source| BundleError::Index { path: self.path.to_owned(), source })
    }

    fn tar(self, bytes: Bytes, trusted: &[PublicKey]) -> Result<Checked, BundleError> {
        let mut archive = Archive::new(bytes);
        // Raw: no extension of the format is interpreted, none is ours.
        let mut entries = archive.entries().map_err(|e| self.unreadable(e))?.raw(true);
        let mut next = || entries.next().transpose().map_err(|error| self.unreadable(error));

        let first = next()?.filter(|entry| is_file(entry, Index::FILE_NAME));
        let first = first.ok_or_else(|| self.not_a_bundle("it does not begin with an index"))?;
        let json = self.small_entry(first, INDEX_LIMIT as u64)?;
        let mut entry = next()?;
        let signature = match entry.take_if(|e| is_file(e, Index::SIGNATURE_FILE_NAME)) {
            Some(signature) => {
                let signature = self.small_entry(signature, TEXT_LIMIT)?;
                entry = next()?;
                Some(signature)
            }
            None => None,
        };
        let index = self.index(&json, signature.as_deref(), trusted)?;

        let mut checked = Checked::new();
        while let Some(found) = entry {
            let listed = index.segments.iter().find(|listed| is_file(&found, &listed.file));
            let listed = listed.ok_or_else(|| self.damaged("it has a file that is not listed"))?;
            let size = found.size();
            let segment = self.segment(found, size, listed)?;
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
        mut bytes_of: impl Read,
        size: u64,
        listed: &IndexEntry,
    ) -> Result<Staging, BundleError> {
        let wrong = |what: &str| self.damaged(&format!("`{}` has another {what}", listed.file));
        if size != listed.size_bytes {
            return Err(wrong("size than its index says"));
        }
        let mut staged = self.store.stage(&listed.stream)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; 1 << 16];
        let mut left = listed.size_bytes;
        while left > 0 {
            let length = match bytes_of.read(&mut chunk).map_err(|error| self.unreadable(error))? {
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

    fn small_entry(self, entry: Entry<'_>, limit: u64) -> Result<Vec<u8>, BundleError> {
        let size = entry.size();
        let bytes = self.small(entry, limit)?;
        match bytes.len() as u64 == size {
            true => Ok(bytes),
            false => Err(self.damaged("it is cut off")),
        }
    }

    fn small(self, bytes_of: impl Read, limit: u64) -> Result<Vec<u8>, BundleError> {
        let mut bytes = Vec::new();
        let read = bytes_of.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| self.unreadable(error))?;
        match bytes.len() as u64 <= limit {
            true => Ok(bytes),
            false => {
                Err(self.damaged(&format!("its index or signature has more than {limit} bytes")))
            }
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

fn is_file(entry: &Entry<'_>, name: &str) -> bool {
    let kind = entry.header().entry_type();
    matches!(kind, EntryType::Regular) && *entry.header().path_bytes() == *name.as_bytes()
}
