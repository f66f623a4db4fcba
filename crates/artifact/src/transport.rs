//! A folder that `skopeo copy … dir:` or `podman save --format docker-dir` wrote: `manifest.json`, and
//! beside it configuration and layers under the hexadecimal of their digests, without folders.
//!
//! It is opened as what it is nearest to, an OCI layout (`oci-dir:`); it has neither an index nor names. It
//! must never be taken for a root file system, which it looks like as little as that.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use model::{Algorithm, ArtifactKind};

use crate::error::OpenErrorKind;
use crate::image::Backend;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::manifest::{self, Descriptor};
use crate::store::{LocalImage, LocalLayer, Store};
use crate::{Image, OpenError, Options};

/// How the file `version` begins.
const MARK: &[u8] = b"Directory Transport Version:";

/// Whether such a folder is at `path`.
pub(crate) fn is_one(path: &Path) -> bool {
    let begins = || {
        let mut begin = Vec::new();
        let file = File::open(path.join("version")).ok()?;
        file.take(MARK.len() as u64).read_to_end(&mut begin).ok()?;
        Some(begin == MARK)
    };
    path.join("manifest.json").is_file()
        && path.join("version").is_file()
        && begins().unwrap_or(false)
}

/// Opens the folder at `path`, which the user calls `name`.
pub(crate) fn open(path: &Path, name: &str, options: &Options) -> Result<Image, OpenError> {
    let store = Store::Directory(path.to_owned());
    let damaged = |message| OpenError::new(OpenErrorKind::Damaged, message);
    let Some(top) = store.read("manifest.json", MANIFEST_BYTES_MAX)? else {
        return Err(damaged(format!("`{name}` has no `manifest.json`")));
    };
    let mut fetch = |descriptor: &Descriptor, limit| {
        options.stop.check()?;
        let blob = blob(descriptor);
        // The manifests of an image for several platforms.
        let among = format!("{blob}.manifest.json");
        let found = store.read(&blob, limit).transpose();
        found.or_else(|| store.read(&among, limit).transpose()).unwrap_or_else(|| {
            Err(damaged(format!("`{name}` lacks the blob `{}`", descriptor.digest)))
        })
    };
    let resolved = manifest::resolve(name, &top, None, options.platform.as_ref(), &mut fetch)?;
    let artifact = resolved.artifact(name, ArtifactKind::OciDir);
    let layers = resolved.layers.iter().map(|descriptor| LocalLayer {
        path: blob(descriptor),
        media_type: descriptor.media_type.clone(),
        kind: descriptor.layer_kind(),
    });
    let layers = layers.collect();
    let backend = Backend::Local(LocalImage { store, layers });
    let image = Image::new(artifact, Some(resolved.config), resolved.notices, backend, options);
    Ok(image.chosen_from(resolved.indexes))
}

/// The name of a blob's file: where it is not SHA-256, the algorithm stands before it.
fn blob(descriptor: &Descriptor) -> String {
    let digest = &descriptor.digest;
    match digest.algorithm() {
        Algorithm::Sha256 => digest.hex().to_owned(),
        other => format!("{}:{}", other.name(), digest.hex()),
    }
}
