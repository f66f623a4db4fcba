//! What a registry stores besides images: artifacts whose layers have media types of their own
//! (OCI image spec 1.1, "Guidelines for Artifact Usage").
//!
//! Mirrors, logins, certificates, proxies and patience are those of images. What is read is held
//! against its digest; what it means is the caller's matter.

use std::io::{self, Read};

use model::{Digest, Problem};

use super::blob::Blob;
use super::session::Session;
use crate::error::OpenErrorKind;
use crate::manifest::{self, Descriptor, Document};
use crate::{OpenError, Options};

/// Bytes between two signs of progress.
const CHUNK_BYTES: usize = 64 << 10;

/// An artifact in a registry, by its manifest; no blob of it has been read.
pub struct StoredArtifact {
    session: Session,
    layers: Vec<StoredBlob>,
    problems: Vec<Problem>,
}

/// One layer of an artifact, as its manifest describes it.
#[derive(Clone, Debug)]
pub struct StoredBlob(Descriptor);

/// Finds the artifact that `name` (`HOST/REPOSITORY[:TAG|@DIGEST]`) means and reads its manifest.
/// Fails as [`crate::open`] does, `NotAnImage` for an index of several manifests.
pub fn stored(name: &str, options: &Options) -> Result<StoredArtifact, OpenError> {
    let image = super::parse(name)?;
    super::anywhere(&image, options, |endpoint, problems, options| {
        let image = endpoint.image.clone();
        let session = Session::begin(endpoint, options)?;
        let (bytes, claimed) = super::manifest(&session, &image)?;
        if let Some(expected) = image.digest().or(claimed.as_ref()) {
            manifest::check_digest(&bytes, expected)?;
        }
        let Document::Manifest(manifest) = manifest::parse(name, &bytes)? else {
            let message = format!("`{name}` is an index of images, not one artifact");
            return Err(OpenError::new(OpenErrorKind::NotAnImage, message));
        };
        let problems = problems.iter().cloned().chain(session.problems()).collect();
        let layers = manifest.layers.into_iter().map(StoredBlob).collect();
        Ok(StoredArtifact { session, layers, problems })
    })
}

impl StoredBlob {
    pub fn media_type(&self) -> &str {
        &self.0.media_type
    }

    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    pub fn size(&self) -> u64 {
        self.0.size
    }
}

impl StoredArtifact {
    /// In the manifest's order.
    pub fn layers(&self) -> &[StoredBlob] {
        &self.layers
    }

    /// What was noticed on the way to it: mirrors that failed, broken login files.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Reads a whole blob of at most `limit` bytes and checks its digest; `heard` is told of every
    /// run of bytes.
    pub fn read(
        &self,
        blob: &StoredBlob,
        limit: u64,
        heard: &mut dyn FnMut(usize),
    ) -> Result<Vec<u8>, OpenError> {
        let StoredBlob(descriptor) = blob;
        let Descriptor { digest, size, .. } = descriptor;
        if *size > limit {
            let place = self.session.name();
            let message = format!("`{digest}` of `{place}` has {size} bytes, {limit} are allowed");
            return Err(OpenError::new(OpenErrorKind::Damaged, message));
        }
        let mut reader = Blob::new(&self.session, descriptor);
        let mut bytes = Vec::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => {
                    bytes.extend_from_slice(chunk.get(..length).unwrap_or_default());
                    heard(length);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(cause(error)),
            }
        }
        manifest::check_digest(&bytes, digest)?;
        Ok(bytes)
    }
}

/// What a blob's reader wrapped for those who read through [`Read`].
fn cause(error: io::Error) -> OpenError {
    match error.downcast::<OpenError>() {
        Ok(error) => error,
        Err(error) => OpenError::new(OpenErrorKind::Network, error.to_string()),
    }
}
