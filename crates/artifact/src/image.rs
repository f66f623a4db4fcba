//! An opened image: its facts, and the one verb that reads its layers.
//!
//! Sources differ in how they give up a layer. Most let each one be asked for by itself
//! ([`Backend::layer`]): these are read in parallel here. Those that push all layers in an order
//! of their own (a daemon's export) read themselves.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use model::{Artifact, ArtifactKind, Digest, Layer, Problem, ProblemKind, Visitor};

use crate::attached::{self, Attachment};
use crate::container::Container;
use crate::containerd::StoredImage;
use crate::dir::{self, Tree};
use crate::fs_archive::{FsArchive, Watch};
use crate::input::FileRange;
use crate::layer::{Outcome, Reading, Role, read_blob, read_range};
use crate::store::LocalImage;
use crate::{ImageConfig, OpenError, Options, ReadError, docker, oci, registry};

/// Something scannable whose manifest and configuration were read, and no layer yet.
pub struct Image {
    artifact: Artifact,
    config: Option<ImageConfig>,
    problems: Vec<Problem>,
    backend: Backend,
    options: Options,
    likes: Vec<Like>,
    /// The digests of the indexes through which it was chosen, the nearest first.
    indexes: Vec<Digest>,
}

/// The first layer of an image that is read from the same bytes as another one.
struct Like {
    first: u32,
    /// Both are promised to be the same.
    agrees: bool,
}

/// One layer, read.
#[derive(Debug)]
pub struct LayerRead<V> {
    pub index: u32,
    pub visitor: V,
    /// The visitor was shown the layer to its end.
    pub ended: bool,
    /// Every byte was read and every digest is right.
    pub verified: bool,
    /// Entries handed to the visitor.
    pub entries: u64,
    /// Bytes of the uncompressed tar, read or skipped.
    pub bytes: u64,
    /// Bytes that were read without being there, which [`crate::GROWTH_BYTES_MAX`] bounds.
    pub growth: u64,
    /// With the layer's index. If bytes were damaged midway, what came before stays in `visitor`.
    pub problems: Vec<Problem>,
    /// Why the source gave up on this layer, if it could not be reached or did not let us in; a
    /// problem says so too. What came before stays in `visitor`.
    pub failure: Option<OpenError>,
}

/// Where the layers come from; one variant a source, with what that source needs.
pub(crate) enum Backend {
    Container(Box<Container>),
    Containerd(StoredImage),
    Dir(Tree),
    Engine(docker::Export),
    Flattened(docker::Flattened),
    FsArchive(FsArchive),
    Local(LocalImage),
    Registry(registry::Repository),
    /// One directory a layer, the lowest first.
    Unpacked(Vec<Tree>),
}

/// What tells the bytes of a layer from all others.
enum Identity {
    DiffId(Digest),
    File(String),
}

/// How a source gives up one layer.
pub(crate) enum Source<'a> {
    /// The blob as stored, compressed or not, from its first byte to its last.
    Blob(Box<dyn Read + Send + 'a>),
    /// An uncompressed tar in a local file, of which no more is read than the visitor wants.
    Range(FileRange),
    /// Files already unpacked.
    Tree(Tree),
}

impl Backend {
    /// Asks for one layer. The Problem says why it is not to be had (not distributed, missing);
    /// the image is then read without it.
    fn layer(&self, layer: &Layer, reading: &Reading<'_>) -> Result<Source<'_>, Problem> {
        match self {
            Self::Container(_) | Self::Engine(_) => {
                let message = "its layers do not come one by one";
                Err(Problem::new(ProblemKind::Unreadable, "the source", message))
            }
            Self::Containerd(image) => image.layer(layer, reading.options.verify),
            Self::Dir(tree) => Ok(Source::Tree(tree.clone())),
            Self::Flattened(container) => container.layer(),
            Self::FsArchive(archive) => archive.source().map_err(|error| {
                Problem::new(ProblemKind::Unreadable, "the archive", error.to_string())
            }),
            Self::Local(image) => image.layer(layer, reading.options.verify),
            Self::Registry(repository) => repository.layer(layer),
            Self::Unpacked(trees) => {
                let tree = usize::try_from(layer.index).ok().and_then(|index| trees.get(index));
                let missing = || {
                    let message = "the daemon has no directory for it";
                    let subject = format!("layer {}", layer.index);
                    Problem::new(ProblemKind::Unreadable, subject, message).in_layer(layer.index)
                };
                tree.map(|tree| Source::Tree(tree.clone())).ok_or_else(missing)
            }
        }
    }

    /// What tells the bytes of a layer from those of the image's other layers.
    fn bytes_of(&self, layer: &Layer) -> Option<String> {
        match self {
            Self::Container(container) => container.image.backend.bytes_of(layer),
            Self::Containerd(image) => image.bytes_of(layer),
            Self::Local(image) => image.bytes_of(layer),
            Self::Registry(repository) => repository.bytes_of(layer),
            Self::Engine(_) => layer.diff_id.as_ref().map(ToString::to_string),
            Self::Unpacked(trees) => {
                let tree = trees.get(usize::try_from(layer.index).ok()?)?;
                Some(tree.root.display().to_string())
            }
            Self::Dir(_) | Self::Flattened(_) | Self::FsArchive(_) => None,
        }
    }

    /// Whether layers can only be read in the order in which they lie.
    fn is_stream(&self, layers: &[&Layer]) -> bool {
        let Self::Local(image) = self else { return false };
        layers.iter().any(|layer| image.place_in_stream(layer).is_some())
    }

    /// Puts layers into the order in which they are best read.
    fn arrange(&self, layers: &mut [&Layer]) {
        match self {
            Self::Local(image) if self.is_stream(layers) => {
                layers.sort_by_key(|layer| image.place_in_stream(layer));
            }
            // The biggest first, so that no thread is left with it at the end.
            _ => layers.sort_by_key(|layer| (Reverse(layer.size_bytes), layer.index)),
        }
    }
}

impl Image {
    pub(crate) fn new(
        artifact: Artifact,
        config: Option<ImageConfig>,
        problems: Vec<Problem>,
        backend: Backend,
        options: &Options,
    ) -> Self {
        let likes = likes(&artifact.layers, &backend);
        let (options, indexes) = (options.clone(), Vec::new());
        Self { artifact, config, problems, backend, options, likes, indexes }
    }

    /// The same, chosen from among the images of these indexes.
    pub(crate) fn chosen_from(self, indexes: Vec<Digest>) -> Self {
        Self { indexes, ..self }
    }

    /// The lowest layer that is read from the same bytes, and promised to be the same: what was read
    /// of it need not be read again of this one. Mostly that is the layer itself.
    pub fn first_like(&self, index: u32) -> u32 {
        self.like(index).filter(|like| like.agrees).map_or(index, |like| like.first)
    }

    fn like(&self, index: u32) -> Option<&Like> {
        self.likes.get(usize::try_from(index).ok()?)
    }

    /// The same, with more that was noticed on the way.
    pub(crate) fn with_notices(mut self, notices: impl IntoIterator<Item = Problem>) -> Self {
        self.problems.extend(notices);
        self
    }

    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// What others attached to the image, or to the index of several platforms that it was chosen
    /// from; None where the source holds no such things.
    pub fn attached(&self) -> Option<(Vec<Attachment>, Vec<Problem>)> {
        let manifest = self.artifact.manifest_digest.clone()?;
        let subjects: Vec<Digest> =
            std::iter::once(manifest).chain(self.indexes.iter().cloned()).collect();
        match &self.backend {
            Backend::Local(image) if self.artifact.kind != ArtifactKind::DockerArchive => {
                Some(attached::collect(&subjects, &mut |ask| oci::answer(&image.store, &ask)))
            }
            Backend::Registry(repository) => {
                Some(attached::collect(&subjects, &mut |ask| repository.answer(&ask)))
            }
            _ => None,
        }
    }

    /// None for file systems, which have none.
    pub fn config(&self) -> Option<&ImageConfig> {
        self.config.as_ref()
    }

    /// What was noticed on opening.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Under which name the facts of a layer may have been kept: the diff ID where reading verifies
    /// it, the identity of the local file where it does not, None where nothing identifies the
    /// bytes.
    pub fn cache_key(&self, index: u32) -> Option<String> {
        self.identity(index).map(|identity| identity.to_string())
    }

    /// Whether what was kept of a layer may stand for its bytes. It may not where the bytes that lie
    /// here are to be verified; a registry's are whenever they are asked for.
    pub fn may_be_known(&self) -> bool {
        !self.options.verify || matches!(self.backend, Backend::Registry(_))
    }

    /// Under which name the facts of what was read may be kept: none if it did not end, and none of
    /// a diff ID unless the bytes were found to have it. Whoever asks for that name later may ask
    /// on behalf of another image.
    pub fn cache_key_of<V>(&self, read: &LayerRead<V>) -> Option<String> {
        let identity = self.identity(read.index)?;
        let is_sure = read.verified || matches!(identity, Identity::File(_));
        (is_sure && read.ended).then(|| identity.to_string())
    }

    fn identity(&self, index: u32) -> Option<Identity> {
        let layer = self.artifact.layers.iter().find(|layer| layer.index == index)?;
        let unverified = match &self.backend {
            Backend::Container(container) => return container.image.identity(index),
            Backend::Unpacked(_) => return None,
            // Whatever it would be: it is not read, and says so each time.
            Backend::Local(image) if !image.reads(layer) => return None,
            Backend::Registry(repository) if !repository.reads(layer) => return None,
            Backend::Containerd(image) if !image.blobs().reads(layer) => return None,
            Backend::Containerd(image) if image.is_unpacked(layer) => return None,
            Backend::Containerd(image) => {
                image.blobs().unverified_identity(layer, self.options.verify)
            }
            Backend::Local(image) => image.unverified_identity(layer, self.options.verify),
            _ => None,
        };
        unverified.map(Identity::File).or_else(|| layer.diff_id.clone().map(Identity::DiffId))
    }

    /// Reads the layers named by index, each into a visitor of its own from `make`, up to
    /// `Options::jobs` at a time. The result is sorted by index. All visitors are held until the end,
    /// as tests want them, and a scan does not: see [`Image::read_each`].
    pub fn read<V: Visitor>(
        &self,
        layers: &[u32],
        make: &(dyn Fn() -> V + Sync),
    ) -> Result<Vec<LayerRead<V>>, ReadError> {
        let read = Mutex::new(BTreeMap::new());
        self.read_each(layers, make, &|layer| {
            read.lock().unwrap_or_else(PoisonError::into_inner).insert(layer.index, layer);
        })?;
        Ok(read.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect())
    }

    /// The same, each layer given to `done` as soon as it is read, from whichever thread read it.
    /// Some are read again: then the last time counts. What comes of it does not depend on who was
    /// faster: an image with more than [`crate::ENTRIES_MAX`] entries is cut from the top, or from
    /// the end of an archive that can only be read from front to back.
    pub fn read_each<V: Visitor>(
        &self,
        layers: &[u32],
        make: &(dyn Fn() -> V + Sync),
        done: &(dyn Fn(LayerRead<V>) + Sync),
    ) -> Result<(), ReadError> {
        let reading = Reading::new(&self.options);
        let all = &self.artifact.layers;
        match &self.backend {
            Backend::Container(container) => {
                return container.read(all, layers, make, done, &reading);
            }
            Backend::Engine(export) => return export.read(all, layers, make, done, &reading),
            _ => {}
        }
        let is_wanted = |layer: &&Layer| layers.contains(&layer.index);
        let mut wanted: Vec<&Layer> = self.artifact.layers.iter().filter(is_wanted).collect();
        self.backend.arrange(&mut wanted);
        let is_stream = self.backend.is_stream(&wanted);
        let jobs = if is_stream { 1 } else { self.options.jobs.get() };
        let read = |layers: &[&Layer], jobs, reading: &Reading<'_>| {
            in_parallel(layers, jobs, &|layer| {
                let mut visitor = make();
                visitor.layer(layer.index);
                let outcome = self.read_layer(layer, &mut visitor, reading)?;
                done(LayerRead::new(layer.index, visitor, outcome));
                Ok(())
            })
        };
        read(&wanted, jobs, &reading)?;
        if reading.is_cut() && !is_stream && wanted.len() > 1 {
            // Which layers were cut was a matter of who was faster. One after the other, from the
            // lowest up, it is not.
            wanted.sort_by_key(|layer| layer.index);
            read(&wanted, 1, &Reading::new(&self.options))?;
        }
        Ok(())
    }

    fn read_layer(
        &self,
        layer: &Layer,
        visitor: &mut dyn Visitor,
        reading: &Reading<'_>,
    ) -> Result<Outcome, ReadError> {
        let name = &self.artifact.name;
        if reading.is_over_limit() {
            return Ok(Outcome::missing(reading.beyond_limit(layer)));
        }
        if let Some(Like { first, .. }) = self.like(layer.index).filter(|like| !like.agrees) {
            return Ok(Outcome::missing(contradiction(layer, *first)));
        }
        if let Backend::FsArchive(archive) = &self.backend
            && archive.is_unsure()
        {
            let mut watch = Watch::new(visitor);
            let mut outcome = self.read_source(layer, &mut watch, reading)?;
            outcome.problems.extend(watch.problem(name));
            return Ok(outcome);
        }
        self.read_source(layer, visitor, reading)
    }

    fn read_source(
        &self,
        layer: &Layer,
        visitor: &mut dyn Visitor,
        reading: &Reading<'_>,
    ) -> Result<Outcome, ReadError> {
        let name = &self.artifact.name;
        let role = if self.artifact.kind.has_layers() { Role::Layer } else { Role::RootFs(name) };
        match self.backend.layer(layer, reading) {
            Ok(Source::Blob(mut blob)) => read_blob(&mut *blob, layer, role, visitor, reading),
            Ok(Source::Range(range)) => read_range(range, layer, role, visitor, reading),
            Ok(Source::Tree(tree)) => dir::read_tree(&tree, layer, role, visitor, reading),
            Err(problem) => {
                // A wait that was ended on purpose looks like a source that failed.
                reading.options.stop.check()?;
                Ok(Outcome::missing(problem))
            }
        }
    }
}

/// Finds layers that are read from the same bytes: each is read once, however often it is listed.
fn likes(layers: &[Layer], backend: &Backend) -> Vec<Like> {
    let mut firsts: BTreeMap<String, &Layer> = BTreeMap::new();
    let like = |layer| {
        let first = match backend.bytes_of(layer) {
            Some(bytes) => *firsts.entry(bytes).or_insert(layer),
            None => layer,
        };
        let digests_differ =
            first.digest.iter().zip(&layer.digest).any(|(first, other)| first != other);
        let agrees = first.diff_id == layer.diff_id
            && first.size_bytes == layer.size_bytes
            && !digests_differ;
        Like { first: first.index, agrees }
    };
    layers.iter().map(like).collect()
}

/// The problem of a layer whose bytes are promised to be something else elsewhere. They cannot be
/// both, and are not read a thousand times to find out.
fn contradiction(layer: &Layer, first: u32) -> Problem {
    let subject = layer.digest.as_ref().or(layer.diff_id.as_ref());
    let subject = subject.map_or_else(|| format!("layer {}", layer.index), ToString::to_string);
    let message = format!("its bytes are listed as layer {first}, with another digest or size");
    Problem::new(ProblemKind::Damaged, subject, message).in_layer(layer.index)
}

/// Does `work` for every item, in this order, on so many threads. The first error ends it.
fn in_parallel<T: Sync>(
    items: &[T],
    threads: usize,
    work: &(dyn Fn(&T) -> Result<(), ReadError> + Sync),
) -> Result<(), ReadError> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<(), ReadError> {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            // Nobody needs to begin another after an error.
            work(item).inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(items.len())).map(|_| scope.spawn(worker)).collect();
        let mut outcome = Ok(());
        for worker in workers {
            match worker.join() {
                Ok(ended) => outcome = outcome.and(ended),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcome
    })
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiffId(diff_id) => diff_id.fmt(f),
            Self::File(file) => write!(f, "file:{file}"),
        }
    }
}

impl<V> LayerRead<V> {
    pub(crate) fn new(index: u32, visitor: V, outcome: Outcome) -> Self {
        let Outcome { ended, verified, diff_id: _, entries, bytes, growth, problems, failure } =
            outcome;
        Self { index, visitor, ended, verified, entries, bytes, growth, problems, failure }
    }
}
