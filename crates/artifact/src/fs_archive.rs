//! `fs-archive:` — a tar of a root file system, as `docker export` or a distribution's minirootfs,
//! plain or compressed.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use model::{Artifact, ArtifactKind, Layer};

use crate::archive::{open_file, sniff_at, unreadable};
use crate::decompress::Compression;
use crate::image::{Backend, Source};
use crate::input::FileRange;
use crate::{Image, OpenError, Options};

/// The archive.
pub(crate) struct FsArchive {
    file: Arc<File>,
    compression: Compression,
}

/// Opens the archive at `path`, which the user calls `name`.
pub(crate) fn open(path: &Path, name: &str, options: &Options) -> Result<Image, OpenError> {
    let file = Arc::new(open_file(path, name)?);
    let compression = sniff_at(&file, 0).map_err(|error| unreadable(name, error))?;
    let metadata = file.metadata().map_err(|error| unreadable(name, error))?;
    let artifact = file_system(name, ArtifactKind::FsArchive, Some(metadata.len()));
    let backend = Backend::FsArchive(FsArchive { file, compression });
    Ok(Image::new(artifact, None, Vec::new(), backend, options))
}

/// The facts of a file system: one layer that has no name.
pub(crate) fn file_system(name: &str, kind: ArtifactKind, size_bytes: Option<u64>) -> Artifact {
    let layer =
        Layer { index: 0, diff_id: None, digest: None, size_bytes, created_by: String::new() };
    Artifact {
        name: name.to_owned(),
        kind,
        references: Vec::new(),
        digest: None,
        manifest_digest: None,
        platform: None,
        size_bytes,
        created: None,
        config: None,
        layers: vec![layer],
    }
}

impl FsArchive {
    /// The whole archive; there is no digest that reading all of it could verify.
    pub(crate) fn source(&self) -> io::Result<Source<'_>> {
        let range = FileRange::new(Arc::clone(&self.file), 0, u64::MAX)?;
        Ok(match self.compression {
            Compression::None => Source::Range(range),
            _ => Source::Blob(Box::new(range)),
        })
    }
}
