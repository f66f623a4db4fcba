//! A mirror that is an artifact in an OCI registry; `advisories::oci` describes its layers.
//!
//! `artifact` talks to the registry, so logins, certificates, proxies and mirrors are those of
//! images.

use std::error::Error;

use advisories::{IndexEntry, oci};
use artifact::{OpenError, OpenErrorKind, StoredArtifact, StoredBlob};

use super::INDEX_LIMIT;
use crate::Options;
use crate::failure::Cause;
use crate::http::LARGE_BYTES;

pub(super) struct Registry<'a> {
    /// Behind `oci://`.
    pub(super) url: &'a str,
    artifact: StoredArtifact,
    options: &'a Options,
}

impl<'a> Registry<'a> {
    pub(super) fn open(url: &'a str, options: &'a Options) -> Result<Self, Cause> {
        let artifact = artifact::stored(url, &options.registry).map_err(|error| chain(&error))?;
        Ok(Self { url, artifact, options })
    }

    pub(super) fn index(&self) -> Result<Vec<u8>, Cause> {
        let index = self.layer(oci::INDEX_TYPE);
        let index = index
            .ok_or_else(|| Cause::damaged(format!("`{}` holds no advisory segments", self.url)))?;
        self.read(index, INDEX_LIMIT)
    }

    pub(super) fn signature(&self) -> Result<Option<Vec<u8>>, Cause> {
        let signature = self.layer(oci::SIGNATURE_TYPE);
        signature.map(|signature| self.read(signature, INDEX_LIMIT)).transpose()
    }

    /// The segment's digest says which layer it is.
    pub(super) fn segment(&self, entry: &IndexEntry) -> Result<Vec<u8>, Cause> {
        let mut layers = self.artifact.layers().iter();
        let layer = layers.find(|layer| *layer.digest() == entry.sha256).ok_or_else(|| {
            let why = format!("`{}` lists `{}` and does not hold it", self.url, entry.file);
            Cause::damaged(why)
        })?;
        self.read(layer, entry.size_bytes)
    }

    fn layer(&self, media_type: &str) -> Option<&StoredBlob> {
        self.artifact.layers().iter().find(|layer| layer.media_type() == media_type)
    }

    fn read(&self, layer: &StoredBlob, limit: u64) -> Result<Vec<u8>, Cause> {
        let progress = &self.options.progress;
        let name = format!("{}@{}", self.url, layer.digest());
        if layer.size() > LARGE_BYTES {
            progress.announces(&name, layer.size());
        }
        progress.fetch_begins(&name, Some(layer.size()));
        let mut heard = |bytes: usize| progress.fetched(&name, bytes as u64);
        let read = self.artifact.read(layer, limit, &mut heard);
        progress.fetch_ends(&name);
        read.map_err(|error| chain(&error))
    }
}

/// An error with what caused it and what may be done.
fn chain(error: &OpenError) -> Cause {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    if let Some(hint) = error.hint_text() {
        text = format!("{text}; hint: {hint}");
    }
    match error.kind() {
        OpenErrorKind::Interrupted => Cause::stopped(),
        OpenErrorKind::Damaged => Cause::damaged(text),
        _ => Cause::network(text),
    }
}
