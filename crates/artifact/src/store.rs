//! The files of an image on this machine, in a directory or in an archive, and its layers among
//! them: what `docker_archive` and `oci` have in common once they know which image is meant.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Layer, Problem, ProblemKind};

use crate::archive::{Archive, identity, open_file, sniff_at, unreadable};
use crate::decompress::Compression;
use crate::error::OpenErrorKind;
use crate::image::Source;
use crate::input::FileRange;
use crate::manifest::{LayerKind, unread_kind};
use crate::{OpenError, Options};

/// Where the files are.
pub(crate) enum Store {
    Directory(PathBuf),
    Archive(Archive),
}

/// An image whose layers are files of a store.
pub(crate) struct LocalImage {
    pub(crate) store: Store,
    /// The lowest first.
    pub(crate) layers: Vec<LocalLayer>,
}

/// One layer of a [`LocalImage`].
pub(crate) struct LocalLayer {
    /// The path in the store.
    pub(crate) path: String,
    pub(crate) media_type: String,
    pub(crate) kind: LayerKind,
}

impl Store {
    /// Opens the directory or archive at `path`, which the user calls `name`.
    pub(crate) fn open(path: &Path, name: &str, options: &Options) -> Result<Self, OpenError> {
        if path.is_dir() {
            return Ok(Self::Directory(path.to_owned()));
        }
        Archive::open(path, name, options).map(Self::Archive)
    }

    /// A document, at most so many bytes of it; None if there is none at this path.
    pub(crate) fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, OpenError> {
        let directory = match self {
            Self::Archive(archive) => return archive.read(path, limit),
            Self::Directory(directory) => directory,
        };
        let path = directory.join(path);
        let name = path.display().to_string();
        if !path.exists() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut file = open_file(&path, &name)?.take(limit.saturating_add(1));
        file.read_to_end(&mut bytes).map_err(|error| unreadable(&name, error))?;
        if bytes.len() as u64 > limit {
            let message = format!("`{name}` has more than the {limit} bytes that make sense");
            return Err(OpenError::new(OpenErrorKind::Damaged, message));
        }
        Ok(Some(bytes))
    }

    /// What is wrong with the store as such, as a problem of `name`.
    pub(crate) fn problem(&self, name: &str) -> Option<Problem> {
        match self {
            Self::Directory(_) => None,
            Self::Archive(archive) => {
                let flaw = archive.flaw()?;
                Some(Problem::new(ProblemKind::Damaged, name, format!("the archive: {flaw}")))
            }
        }
    }

    fn layer(&self, path: &str, verify: bool) -> io::Result<Option<Source<'_>>> {
        match self {
            Self::Archive(archive) => match archive.find(path) {
                Some(place) => archive.layer(&place, verify).map(Some),
                None => Ok(None),
            },
            Self::Directory(directory) => {
                let Some(file) = open_layer(&directory.join(path))? else { return Ok(None) };
                let seekable = sniff_at(&file, 0)? == Compression::None;
                let range = FileRange::new(file, 0, u64::MAX)?;
                Ok(Some(match seekable && !verify {
                    true => Source::Range(range),
                    false => Source::Blob(Box::new(range)),
                }))
            }
        }
    }

    /// What tells the bytes at `path` from those at another, unless links lead to the same.
    fn place(&self, path: &str) -> Option<String> {
        match self {
            Self::Archive(archive) => archive.find(path).map(|place| place.offset.to_string()),
            Self::Directory(directory) => {
                identity(&*open_layer(&directory.join(path)).ok().flatten()?).ok()
            }
        }
    }

    /// What tells the bytes at `path` from all others, if they are not compressed; the file they
    /// are in says so, whoever wrote it.
    fn seekable_identity(&self, path: &str) -> io::Result<Option<String>> {
        match self {
            Self::Archive(archive) => match archive.find(path) {
                Some(place) if archive.is_seekable(&place)? => {
                    Ok(Some(format!("{}:{}", archive.identity()?, place.offset)))
                }
                _ => Ok(None),
            },
            Self::Directory(directory) => match open_layer(&directory.join(path))? {
                Some(file) if sniff_at(&file, 0)? == Compression::None => identity(&file).map(Some),
                _ => Ok(None),
            },
        }
    }
}

impl LocalImage {
    /// Asks for one layer.
    pub(crate) fn layer(&self, layer: &Layer, verify: bool) -> Result<Source<'_>, Problem> {
        let subject = layer.digest.as_ref().or(layer.diff_id.as_ref());
        let subject = subject.map_or_else(|| format!("layer {}", layer.index), ToString::to_string);
        let problem = |kind, message: String| {
            Err(Problem::new(kind, subject.clone(), message).in_layer(layer.index))
        };
        let Some(local) = usize::try_from(layer.index).ok().and_then(|at| self.layers.get(at))
        else {
            return problem(ProblemKind::Unreadable, "the manifest has no such layer".to_owned());
        };
        if let Some(problem) = unread_kind(layer, local.kind, &local.media_type) {
            return Err(problem);
        }
        match self.store.layer(&local.path, verify) {
            Ok(Some(source)) => Ok(source),
            Ok(None) if local.kind == LayerKind::NotDistributed => {
                problem(ProblemKind::Unreadable, "the layer is not distributed".to_owned())
            }
            Ok(None) => problem(ProblemKind::Unreadable, format!("`{}` is missing", local.path)),
            Err(error) => problem(
                ProblemKind::Unreadable,
                format!("`{}` cannot be read: {error}", local.path),
            ),
        }
    }

    /// The identity of the file that has a layer, if the layer is read by seeking, so that no
    /// digest is verified; an error on the way is told when the layer is read.
    pub(crate) fn unverified_identity(&self, layer: &Layer, verify: bool) -> Option<String> {
        let local = usize::try_from(layer.index).ok().and_then(|at| self.layers.get(at))?;
        if verify {
            return None;
        }
        self.store.seekable_identity(&local.path).ok().flatten()
    }

    /// Whether a layer is of a kind that is read at all.
    pub(crate) fn reads(&self, layer: &Layer) -> bool {
        let local = usize::try_from(layer.index).ok().and_then(|at| self.layers.get(at));
        local.is_some_and(|local| local.kind != LayerKind::Other)
    }

    /// What tells the bytes of a layer, and as what they are read, from those of other layers.
    pub(crate) fn bytes_of(&self, layer: &Layer) -> Option<String> {
        let local = usize::try_from(layer.index).ok().and_then(|at| self.layers.get(at))?;
        Some(format!("{:?} {}", local.kind, self.store.place(&local.path)?))
    }

    /// The place of a layer in an archive that can only be read from front to back.
    pub(crate) fn place_in_stream(&self, layer: &Layer) -> Option<u64> {
        let Store::Archive(archive) = &self.store else { return None };
        let local = usize::try_from(layer.index).ok().and_then(|at| self.layers.get(at))?;
        archive.is_compressed().then(|| archive.find(&local.path).map_or(0, |it| it.offset))
    }
}

/// Opens the file of a layer; None if there is none.
fn open_layer(path: &Path) -> io::Result<Option<Arc<File>>> {
    if !path.exists() {
        return Ok(None);
    }
    let name = path.display().to_string();
    open_file(path, &name).map(|file| Some(Arc::new(file))).map_err(io::Error::other)
}
