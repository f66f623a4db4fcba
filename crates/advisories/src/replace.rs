//! Replacing a file in one step, whatever happens on the way.
//!
//! New bytes go to a temporary file in the same directory, reach the disk, and take the name by a
//! rename, which reaches the disk too. Who reads meanwhile reads the old file or the new one; a
//! kill, a full disk or a power cut leaves the old one. Two writers do not meet: each has a
//! temporary file of its own, and the last rename wins. A writer holds a lock on its file, which
//! the kernel lets go of when the writer dies: what a killed one left goes with the next write.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::WriteError;

const PREFIX: &str = ".lazaret-";
const SUFFIX: &str = ".partial";

/// The age at which a temporary file belongs to no living writer, where the file system has no
/// locks: writing takes seconds.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Writes `bytes` under `path`, creating its directory if need be.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let mut staged = Staged::create(path)?;
    staged.append(bytes)?;
    staged.ready()?.install()
}

/// A temporary file on its way to a name. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

/// A temporary file whose bytes are on the disk.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Open, and so locked, until it has its name.
    file: NamedTempFile,
    path: PathBuf,
}

impl Staged {
    pub(crate) fn create(path: &Path) -> Result<Self, WriteError> {
        let failed = |source| WriteError::Io { path: path.to_owned(), source };
        let directory = directory(path);
        fs::create_dir_all(directory).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX).permissions(fs::Permissions::from_mode(0o666));
        let file = locked(|| builder.tempfile_in(directory)).map_err(failed)?;
        sweep(directory, &file);
        Ok(Self { file, path: path.to_owned() })
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Sees to it that the bytes are on the disk.
    pub(crate) fn ready(self) -> Result<Ready, WriteError> {
        self.file.as_file().sync_all().map_err(|source| self.failed(source))?;
        Ok(Ready { file: self.file, path: self.path })
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError::Io { path: self.path.clone(), source }
    }
}

/// For writers that want somewhere to write to; a file that is not made ready is discarded.
impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Ready {
    /// Where the bytes are until they are installed.
    pub(crate) fn staged_at(&self) -> &Path {
        self.file.path()
    }

    /// Gives the file its name.
    pub(crate) fn install(self) -> Result<(), WriteError> {
        let Self { file, path } = self;
        let renamed = file.persist(&path).map(drop).map_err(|error| error.error);
        let done = renamed.and_then(|()| sync_directory(directory(&path)));
        done.map_err(|source| WriteError::Io { path, source })
    }
}

/// The folder that a file lies in.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_all() {
        // Some network and FUSE file systems have no such call; the rename stands all the same.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

/// A new temporary file with the lock of its writer on it. Whoever sweeps at this moment may take it
/// away before it is locked; then there is another.
fn locked(create: impl Fn() -> io::Result<NamedTempFile>) -> io::Result<NamedTempFile> {
    loop {
        let file = create()?;
        let is_locked = file.as_file().lock().is_ok();
        // Without locks nobody takes away what is young.
        if !is_locked || file.as_file().metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Removes what killed writers left behind. Nothing here may fail the write.
fn sweep(directory: &Path, present: &NamedTempFile) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        // The lock is held until the file is gone, so that nobody takes it for the own one meanwhile.
        let file = is_ours.then(|| unfollowed(&entry.path())).flatten();
        if file.is_some_and(|file| is_left(&file, present.as_file())) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Opens a regular file, and never waits for what is none.
fn unfollowed(path: &Path) -> Option<File> {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file.then(|| File::open(path).ok()).flatten()
}

/// Whether no living writer has this file; locks it if so.
fn is_left(file: &File, present: &File) -> bool {
    match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        // Ages are taken from the file system itself: the file just created is the present.
        Err(TryLockError::Error(_)) => {
            let modified = |file: &File| file.metadata().and_then(|it| it.modified()).ok();
            let age = modified(present).zip(modified(file));
            let age = age.and_then(|(now, then)| now.duration_since(then).ok());
            age.is_some_and(|age| age > ABANDONED)
        }
    }
}
