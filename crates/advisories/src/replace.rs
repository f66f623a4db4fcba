//! Replacing a file in one step, whatever happens on the way.
//!
//! New bytes go to a temporary file in the same directory, reach the disk, and take the name by a
//! rename, which reaches the disk too. Who reads meanwhile reads the old file or the new one; a
//! kill, a full disk or a power cut leaves the old one. Two writers do not meet: each has a
//! temporary file of its own, and the last rename wins.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{NamedTempFile, TempPath};

use crate::WriteError;

const PREFIX: &str = ".lazaret-";
const SUFFIX: &str = ".partial";

/// The age at which a temporary file belongs to no living writer: writing takes seconds.
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
    file: TempPath,
    path: PathBuf,
}

impl Staged {
    pub(crate) fn create(path: &Path) -> Result<Self, WriteError> {
        let failed = |source| WriteError::Io { path: path.to_owned(), source };
        let directory = directory(path);
        fs::create_dir_all(directory).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX).permissions(fs::Permissions::from_mode(0o666));
        let file = builder.tempfile_in(directory).map_err(failed)?;
        sweep(directory, &file);
        Ok(Self { file, path: path.to_owned() })
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Sees to it that the bytes are on the disk, and closes the file.
    pub(crate) fn ready(self) -> Result<Ready, WriteError> {
        self.file.as_file().sync_all().map_err(|source| self.failed(source))?;
        Ok(Ready { file: self.file.into_temp_path(), path: self.path })
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
        &self.file
    }

    /// Gives the file its name.
    pub(crate) fn install(self) -> Result<(), WriteError> {
        let Self { file, path } = self;
        let renamed = file.persist(&path).map_err(|error| error.error);
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

/// Removes what killed writers left behind. Ages are taken from the file system itself: the file
/// just created is the present. Nothing here may fail the write.
fn sweep(directory: &Path, present: &NamedTempFile) {
    let modified = |metadata: fs::Metadata| metadata.modified().ok();
    let Some(now) = present.as_file().metadata().ok().and_then(modified) else { return };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        let age = entry.metadata().ok().and_then(modified).map(|then| now.duration_since(then));
        if ours && age.is_some_and(|age| age.is_ok_and(|age| age > ABANDONED)) {
            drop(fs::remove_file(entry.path()));
        }
    }
}
