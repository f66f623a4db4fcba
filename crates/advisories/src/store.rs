//! A directory of segments: `<stream>.seg`, and beside it `<stream>.checked` with the time at
//! which its upstream was last asked whether there is news.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::index::TIME_LIMIT;
use crate::replace::{self, Ready, Staged};
use crate::{Heard, Segment, SegmentError, SegmentMeta, SegmentWriter, WriteError, is_stream_name};

/// What a segment's file name ends in.
pub(crate) const EXTENSION: &str = "seg";

const CHECKED_EXTENSION: &str = "checked";

/// A directory of segments. Cheap to open (no I/O), lazy, shareable between threads; works on a
/// directory that is absent (empty) or read-only.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    opened: Mutex<BTreeMap<String, Arc<Segment>>>,
}

/// One segment file in a store, for `db status`.
#[derive(Debug)]
pub struct Installed {
    pub stream: String,
    pub size_bytes: u64,
    /// When the upstream was last asked for news (RFC 3339); None if never since the install.
    pub checked_at: Option<String>,
    /// What it says about itself, or why it cannot be read.
    pub meta: Result<SegmentMeta, SegmentError>,
}

/// Why the store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error("cannot read `{path}`: {source}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the file for stream `{wanted}` holds stream `{found}`")]
    OtherStream { wanted: String, found: String },
}

impl Store {
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), opened: Mutex::default() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The segment of a stream; None if it is not installed. Opened once, then shared.
    pub fn segment(&self, stream: &str) -> Result<Option<Arc<Segment>>, SegmentError> {
        if !is_stream_name(stream) {
            return Ok(None);
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = opened.get(stream) {
            return Ok(Some(Arc::clone(segment)));
        }
        let Some(segment) = self.read(stream)? else { return Ok(None) };
        let segment = Arc::new(segment);
        opened.insert(stream.to_owned(), Arc::clone(&segment));
        Ok(Some(segment))
    }

    /// Every segment file, sorted by stream; a damaged one is listed with its error. An absent
    /// directory is an empty list.
    pub fn list(&self) -> Result<Vec<Installed>, StoreError> {
        let unreadable = |source| StoreError::Read { path: self.dir.clone(), source };
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(unreadable)?,
        };
        let mut installed = Vec::new();
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".seg"));
            let Some(stream) = stem.filter(|stem| is_stream_name(stem)) else { continue };
            // Removed since it was listed: not installed.
            let Some(meta) = self.read(stream).map(|s| s.map(|s| s.meta().clone())).transpose()
            else {
                continue;
            };
            installed.push(Installed {
                stream: stream.to_owned(),
                size_bytes: entry.metadata().map_or(0, |metadata| metadata.len()),
                checked_at: self.checked_at(stream),
                meta,
            });
        }
        installed.sort_by(|a, b| a.stream.cmp(&b.stream));
        Ok(installed)
    }

    /// Writes a segment under its stream's name, creating the directory if need be. Returns the
    /// meta of the segment it replaced, if that could be read: a source that differs is worth
    /// telling the user.
    pub fn write(&self, writer: SegmentWriter) -> Result<Option<SegmentMeta>, StoreError> {
        let (bytes, meta) = writer.finish()?;
        self.replace(&meta.stream, &bytes)
    }

    /// Writes a segment if it is as wanted, with its counts; false if it is not.
    pub fn write_if(
        &self,
        writer: SegmentWriter,
        wanted: impl Fn(&SegmentMeta) -> bool,
    ) -> Result<bool, StoreError> {
        let (bytes, meta) = writer.finish()?;
        let is_wanted = wanted(&meta);
        if is_wanted {
            self.replace(&meta.stream, &bytes)?;
        }
        Ok(is_wanted)
    }

    /// Installs a ready segment from its bytes (fetched from a mirror): verifies all of it, checks
    /// that it holds `stream`, then replaces atomically. Returns the replaced segment's meta.
    pub fn install(&self, stream: &str, bytes: &[u8]) -> Result<Option<SegmentMeta>, StoreError> {
        check(&Segment::from_bytes(bytes.to_vec(), stream)?, stream)?;
        self.replace(stream, bytes)
    }

    /// Like [`Self::install`], from a file anywhere.
    pub fn install_file(
        &self,
        stream: &str,
        path: &Path,
    ) -> Result<Option<SegmentMeta>, StoreError> {
        let unreadable = |source| StoreError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut staged = self.stage(stream)?;
        let mut chunk = vec![0; 1 << 16];
        loop {
            match file.read(&mut chunk).map_err(unreadable)? {
                0 => break,
                length => staged.append(chunk.get(..length).unwrap_or_default())?,
            }
        }
        self.install_staged(stream, staged.ready()?)
    }

    /// A temporary file in the store's directory, to become the segment of a stream.
    pub(crate) fn stage(&self, stream: &str) -> Result<Staged, WriteError> {
        if is_stream_name(stream) {
            Staged::create(&self.path(stream, EXTENSION))
        } else {
            Err(WriteError::StreamName(stream.to_owned()))
        }
    }

    fn install_staged(
        &self,
        stream: &str,
        ready: Ready,
    ) -> Result<Option<SegmentMeta>, StoreError> {
        check_staged(&ready, stream)?;
        self.put(stream, ready)
    }

    fn replace(&self, stream: &str, bytes: &[u8]) -> Result<Option<SegmentMeta>, StoreError> {
        let mut staged = self.stage(stream)?;
        staged.append(bytes)?;
        self.put(stream, staged.ready()?)
    }

    /// Gives a checked segment its name. That somebody had asked for news of what was there before
    /// says nothing of how old this one is, so that note goes first.
    pub(crate) fn put(
        &self,
        stream: &str,
        ready: Ready,
    ) -> Result<Option<SegmentMeta>, StoreError> {
        let replaced = self.installed_meta(stream);
        self.remove_file(stream, CHECKED_EXTENSION)?;
        ready.install()?;
        self.forget(stream);
        Ok(replaced)
    }

    /// False if it was not there.
    fn remove_file(&self, stream: &str, extension: &str) -> Result<bool, WriteError> {
        let path = self.path(stream, extension);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(WriteError::Io { path, source }),
        }
    }

    /// When the stream's upstream was last asked for news (RFC 3339).
    pub fn checked_at(&self, stream: &str) -> Option<String> {
        let path = is_stream_name(stream).then(|| self.path(stream, CHECKED_EXTENSION))?;
        let mut time = String::new();
        File::open(path).ok()?.take(TIME_LIMIT as u64).read_to_string(&mut time).ok()?;
        let time = time.trim_end();
        (!time.is_empty()).then(|| time.to_owned())
    }

    /// The newest moment at which what is installed is known to be what its publisher says. What is
    /// known not to be whole is of no time: anything whole is better.
    pub fn heard(&self, stream: &str) -> Option<Heard> {
        let meta = self.installed_meta(stream).filter(|meta| meta.incomplete.is_none())?;
        Heard::of(&meta, self.checked_at(stream).as_deref())
    }

    /// Whether what is installed of a stream comes from this source.
    pub(crate) fn has(&self, stream: &str, source: &str) -> bool {
        self.installed_meta(stream).is_some_and(|meta| meta.source == source)
    }

    /// Notes that the upstream had no news at this time (RFC 3339), without touching the segment.
    pub fn mark_checked(&self, stream: &str, at: &str) -> Result<(), StoreError> {
        if !is_stream_name(stream) {
            return Err(WriteError::StreamName(stream.to_owned()).into());
        }
        replace::file(&self.path(stream, CHECKED_EXTENSION), format!("{at}\n").as_bytes())?;
        Ok(())
    }

    /// SHA-256 of the installed file, as a mirror's index gives it; None if not installed.
    pub fn sha256(&self, stream: &str) -> Result<Option<Digest>, StoreError> {
        if !is_stream_name(stream) {
            return Ok(None);
        }
        let path = self.path(stream, EXTENSION);
        match File::open(&path).and_then(sha256) {
            Ok(digest) => Ok(Some(digest)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Read { path, source }),
        }
    }

    /// Removes a stream; false if it was not there.
    pub fn remove(&self, stream: &str) -> Result<bool, StoreError> {
        if !is_stream_name(stream) {
            return Ok(false);
        }
        self.forget(stream);
        self.remove_file(stream, CHECKED_EXTENSION)?;
        Ok(self.remove_file(stream, EXTENSION)?)
    }

    /// The file of a stream whose name was checked.
    pub(crate) fn path(&self, stream: &str, extension: &str) -> PathBuf {
        self.dir.join(format!("{stream}.{extension}"))
    }

    /// Opens the file of a stream whose name was checked.
    fn read(&self, stream: &str) -> Result<Option<Segment>, SegmentError> {
        let opened = Segment::open(&self.path(stream, EXTENSION));
        let absent = |error: &SegmentError| {
            error.source.as_ref().is_some_and(|e| e.kind() == io::ErrorKind::NotFound)
        };
        match opened {
            Err(error) if absent(&error) => Ok(None),
            opened => opened.map(Some),
        }
    }

    fn installed_meta(&self, stream: &str) -> Option<SegmentMeta> {
        let stream = Some(stream).filter(|stream| is_stream_name(stream))?;
        self.read(stream).ok().flatten().map(|segment| segment.meta().clone())
    }

    /// Lets the next reader open the file anew.
    pub(crate) fn forget(&self, stream: &str) {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).remove(stream);
    }
}

/// Checks a staged file in full.
pub(crate) fn check_staged(ready: &Ready, stream: &str) -> Result<SegmentMeta, StoreError> {
    let segment = Segment::open(ready.staged_at());
    let segment = segment.map_err(|error| SegmentError { stream: stream.to_owned(), ..error })?;
    check(&segment, stream)?;
    Ok(segment.meta().clone())
}

fn check(segment: &Segment, stream: &str) -> Result<(), StoreError> {
    let found = &segment.meta().stream;
    if found != stream {
        let (wanted, found) = (stream.to_owned(), found.clone());
        return Err(StoreError::OtherStream { wanted, found });
    }
    Ok(segment.verify()?)
}

pub(crate) fn sha256(mut reader: impl Read) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match reader.read(&mut chunk)? {
            0 => return Ok(Digest::sha256(hasher.finalize().into())),
            length => hasher.update(chunk.get(..length).unwrap_or_default()),
        }
    }
}
