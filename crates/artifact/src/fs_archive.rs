//! `fs-archive:` — a tar of a root file system, as `docker export` or a distribution's minirootfs,
//! plain or compressed.
//!
//! One of which nobody saw all before may turn out to carry images. What it is read as stands by
//! then; a [`Watch`] sees to it that this is said.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use model::{
    Artifact, ArtifactKind, Entry, EntryKind, HEAD_BYTES, Layer, Problem, ProblemKind, Visitor,
    Want,
};

use crate::archive::{open_file, sniff_at, unreadable};
use crate::decompress::Compression;
use crate::image::{Backend, Source};
use crate::input::FileRange;
use crate::recognise::{is_document, leads_to_images};
use crate::{Image, OpenError, Options};

/// The archive.
pub(crate) struct FsArchive {
    file: Arc<File>,
    compression: Compression,
    /// Nobody has said that it is one, nor looked through it.
    unsure: bool,
}

/// Shows a file system to another visitor, and notices what leads to images.
pub(crate) struct Watch<'a> {
    visitor: &'a mut dyn Visitor,
    /// What that visitor wants of a document.
    want: Want,
    /// What was noticed.
    document: Option<String>,
}

/// Opens the archive at `path`, which the user calls `name`.
pub(crate) fn open(path: &Path, name: &str, options: &Options) -> Result<Image, OpenError> {
    open_as(path, name, false, options)
}

/// The same for one that begins like a root file system, which is all that is known of it.
pub(crate) fn open_unsure(path: &Path, name: &str, options: &Options) -> Result<Image, OpenError> {
    open_as(path, name, true, options)
}

fn open_as(path: &Path, name: &str, unsure: bool, options: &Options) -> Result<Image, OpenError> {
    let file = Arc::new(open_file(path, name)?);
    let compression = sniff_at(&file, 0).map_err(|error| unreadable(name, error))?;
    let metadata = file.metadata().map_err(|error| unreadable(name, error))?;
    let artifact = file_system(name, ArtifactKind::FsArchive, Some(metadata.len()));
    let backend = Backend::FsArchive(FsArchive { file, compression, unsure });
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
    /// Whether a [`Watch`] is needed.
    pub(crate) fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// The whole archive; there is no digest that reading all of it could verify.
    pub(crate) fn source(&self) -> io::Result<Source<'_>> {
        let range = FileRange::new(Arc::clone(&self.file), 0, u64::MAX)?;
        Ok(match self.compression {
            Compression::None => Source::Range(range),
            _ => Source::Blob(Box::new(range)),
        })
    }
}

impl<'a> Watch<'a> {
    pub(crate) fn new(visitor: &'a mut dyn Visitor) -> Self {
        Self { visitor, want: Want::Nothing, document: None }
    }

    /// What is wrong with taking the archive called `name` for a file system.
    pub(crate) fn problem(self, name: &str) -> Option<Problem> {
        let message = format!(
            "it was read as a root file system, which it begins like, but its `{}` leads to images: \
             say what it is by `docker-archive:`, `oci-archive:` or `fs-archive:` in front",
            self.document?
        );
        Some(Problem::new(ProblemKind::Unsupported, name, message))
    }
}

impl Visitor for Watch<'_> {
    fn layer(&mut self, index: u32) {
        self.visitor.layer(index);
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        let want = self.visitor.entry(entry);
        if !is_document(entry.path) {
            return want;
        }
        match entry.kind {
            EntryKind::File => {
                self.want = want;
                return Want::Content;
            }
            // Where a link leads is known at the end only, and nobody else has one there.
            EntryKind::Symlink(_) | EntryKind::HardLink(_) => {
                self.document = Some(entry.path.to_owned());
            }
            _ => {}
        }
        want
    }

    fn head(&mut self, entry: &Entry<'_>, head: &[u8]) -> Want {
        self.visitor.head(entry, head)
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        if !is_document(entry.path) {
            return self.visitor.content(entry, bytes);
        }
        if leads_to_images(entry.path, bytes) {
            self.document = Some(entry.path.to_owned());
        }
        let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
        let wants = match self.want {
            Want::Head => self.visitor.head(entry, head),
            want => want,
        };
        if wants == Want::Content {
            self.visitor.content(entry, bytes);
        }
    }
}
