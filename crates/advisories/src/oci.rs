//! Segments as an artifact in an OCI registry (OCI image spec 1.1, "Guidelines for Artifact
//! Usage"): a mirror whose files are the layers of one manifest.
//!
//! The first layer is the index, then comes its signature if there is one, then the segments; each
//! is titled with its file name, so that tools which pull artifacts make a mirror's folder of it.
//! [`export`] writes an OCI layout, which any such tool can push. Nothing here connects anywhere.

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use model::Digest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::bundle::{BundleError, gather};
use crate::replace::{self, Staged};
use crate::{Index, PrivateKey, Store, WriteError};

/// What the artifact is.
pub const ARTIFACT_TYPE: &str = "application/vnd.lazaret.segments.v1";
/// The media type of the layer that is an [`Index`].
pub const INDEX_TYPE: &str = "application/vnd.lazaret.segments.index.v1+json";
/// The media type of the layer that is the index's signature.
pub const SIGNATURE_TYPE: &str = "application/vnd.lazaret.segments.signature.v1";
/// The media type of a layer that is a segment.
pub const SEGMENT_TYPE: &str = "application/vnd.lazaret.segment.v1";

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYOUT_INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// The configuration of an artifact that has none, and its media type.
const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// The annotation by which pulling tools name a file.
const TITLE: &str = "org.opencontainers.image.title";

/// Writes these streams of the store (all if empty) into the OCI layout at `dir`, making or
/// renewing it; the same segments and key give the same bytes. The layout's index comes last, so
/// a kill leaves what was there before. Blobs of an earlier export stay and are no longer named.
pub fn export(
    store: &Store,
    streams: &[String],
    dir: &Path,
    key: Option<&PrivateKey>,
) -> Result<Index, BundleError> {
    let (index, files) = gather(store, streams)?;
    let json = index.to_json();
    let mut layers = vec![blob(dir, INDEX_TYPE, Index::FILE_NAME, &json)?];
    if let Some(key) = key {
        let signature = key.sign(&json);
        let name = Index::SIGNATURE_FILE_NAME;
        layers.push(blob(dir, SIGNATURE_TYPE, name, signature.as_bytes())?);
    }
    for (entry, file) in index.segments.iter().zip(files) {
        copy(file, &blob_path(dir, &entry.sha256))?;
        layers.push(descriptor(SEGMENT_TYPE, &entry.file, &entry.sha256, entry.size_bytes));
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        "config": blob(dir, EMPTY_TYPE, "", EMPTY)?,
        "layers": layers,
    });
    let manifest = blob(dir, MANIFEST_TYPE, "", manifest.to_string().as_bytes())?;
    let layout = json!({ "imageLayoutVersion": "1.0.0" });
    replace::file(&dir.join("oci-layout"), layout.to_string().as_bytes())?;
    let top = json!({
        "schemaVersion": 2,
        "mediaType": LAYOUT_INDEX_TYPE,
        "manifests": [manifest],
    });
    replace::file(&dir.join("index.json"), top.to_string().as_bytes())?;
    Ok(index)
}

/// Writes a document and describes it; a name is given to what a mirror has as a file.
fn blob(dir: &Path, media_type: &str, name: &str, bytes: &[u8]) -> Result<Value, BundleError> {
    let digest = Digest::sha256(Sha256::digest(bytes).into());
    replace::file(&blob_path(dir, &digest), bytes)?;
    Ok(descriptor(media_type, name, &digest, bytes.len() as u64))
}

fn descriptor(media_type: &str, name: &str, digest: &Digest, size: u64) -> Value {
    let annotations = if name.is_empty() { json!({}) } else { json!({ TITLE: name }) };
    json!({
        "mediaType": media_type,
        "digest": digest.to_string(),
        "size": size,
        "annotations": annotations,
    })
}

fn blob_path(dir: &Path, digest: &Digest) -> PathBuf {
    dir.join("blobs").join(digest.algorithm().name()).join(digest.hex())
}

fn copy(mut file: File, path: &Path) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    file.rewind().map_err(failed)?;
    let mut staged = Staged::create(path)?;
    io::copy(&mut file, &mut staged).map_err(failed)?;
    staged.ready()?.install()
}
