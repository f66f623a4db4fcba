//! `docker-archive:` — what `docker save` and `podman save` write: a tar with `manifest.json`,
//! which lists configuration and layers of each image by their paths in the tar. Up to Docker 24
//! a layer is `ID/layer.tar`, later `blobs/sha256/HEX` of an OCI layout in the same tar.

mod beside;
mod choice;

use std::path::Path;

use model::{Artifact, ArtifactKind, Digest};
use serde::Deserialize;

pub(crate) use self::beside::Indexed;
use self::beside::{Beside, Chosen};
use self::choice::{Choice, choose};
use crate::archive::Archive;
use crate::error::OpenErrorKind;
use crate::image::Backend;
use crate::limits::{LAYERS_MAX, MANIFEST_BYTES_MAX};
use crate::manifest::LayerKind;
use crate::path::normalize;
use crate::store::{LocalImage, LocalLayer, Store};
use crate::{Image, ImageConfig, OpenError, Options, spelling};

/// An entry of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// Opens the archive at `path`, which the user calls `name`; `wanted` is the `REPO:TAG` of one
/// image in it.
pub(crate) fn open(
    path: &Path,
    name: &str,
    wanted: Option<&str>,
    options: &Options,
) -> Result<Image, OpenError> {
    let archive = Archive::open(path, name, options)?;
    from_archive(archive, name, wanted, options)
}

/// Whether a folder is such an archive, unpacked: its `manifest.json` lists images by configurations that
/// lie there.
pub(crate) fn is_unpacked(path: &Path) -> bool {
    let store = Store::Directory(path.to_owned());
    let Ok(Some(bytes)) = store.read("manifest.json", MANIFEST_BYTES_MAX) else { return false };
    let entries: Vec<Entry> = serde_json::from_slice(&bytes).unwrap_or_default();
    let is_there = |entry: &Entry| {
        let member = normalize(entry.config.as_bytes());
        member.is_ok_and(|member| !member.is_empty() && path.join(member).is_file())
    };
    entries.iter().any(is_there)
}

/// The same, once the archive is open.
pub(crate) fn from_archive(
    archive: Archive,
    name: &str,
    wanted: Option<&str>,
    options: &Options,
) -> Result<Image, OpenError> {
    let platform = options.platform.as_ref();
    let choice = choose(&archive, name, entries(&archive, name)?, wanted, platform)?;
    let Choice { entry, config, digest, notice } = choice;
    let layers = entry.layers.unwrap_or_default();
    if layers.len() > LAYERS_MAX {
        let message = format!("`{name}` lists {} layers, more than {LAYERS_MAX}", layers.len());
        return Err(damaged(message));
    }
    let paths = layers.iter().map(|path| member_path(name, path)).collect::<Result<Vec<_>, _>>()?;
    config.check(name, paths.len(), platform)?;
    let references = entry.repo_tags.unwrap_or_default();
    let chosen = Chosen { name, tags: &references, config: &config, digest: &digest, platform };
    let Beside { manifest, problem } = Beside::look(&archive, &chosen)?;
    let sizes = paths.iter().map(|path| archive.find(path).map(|place| place.size));
    let sizes: Vec<Option<u64>> = sizes.collect();
    let artifact = Artifact {
        references,
        manifest_digest: manifest,
        ..artifact(name, &config, digest, &paths, &sizes)
    };
    let layers = paths.into_iter().map(layer).collect();
    let store = Store::Archive(archive);
    let problems = store.problem(name).into_iter().chain(notice).chain(problem).collect();
    let backend = Backend::Local(LocalImage { store, layers });
    Ok(Image::new(artifact, Some(config), problems, backend, options))
}

fn entries(archive: &Archive, name: &str) -> Result<Vec<Entry>, OpenError> {
    let Some(bytes) = archive.read("manifest.json", MANIFEST_BYTES_MAX)? else {
        return Err(match archive.flaw() {
            Some(flaw) => damaged(format!("`{name}` has no manifest: {flaw}")),
            None if archive.contains("repositories") => OpenError::new(
                OpenErrorKind::Unsupported,
                format!("`{name}` was written by a Docker before 1.10, which is not supported"),
            ),
            None => OpenError::new(
                OpenErrorKind::NotAnImage,
                format!("`{name}` is not an image archive: it has no `manifest.json`"),
            ),
        });
    };
    let checked = spelling::check(&bytes, spelling::OF_ARCHIVES);
    checked.and_then(|()| serde_json::from_slice(&bytes)).map_err(|error| {
        damaged(format!("`manifest.json` in `{name}` does not parse")).because(error)
    })
}

fn artifact(
    name: &str,
    config: &ImageConfig,
    digest: Digest,
    paths: &[String],
    sizes: &[Option<u64>],
) -> Artifact {
    let blobs = paths.iter().zip(sizes).map(|(path, size)| (blob_digest(path), *size));
    Artifact {
        name: name.to_owned(),
        kind: ArtifactKind::DockerArchive,
        references: Vec::new(),
        manifest_digest: None,
        digest: Some(digest),
        platform: Some(config.platform()),
        size_bytes: sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add((*size)?)),
        created: config.created.clone(),
        config: Some(config.told()),
        layers: config.layers(blobs),
    }
}

/// The digest of `blobs/ALGORITHM/HEX`.
fn blob_digest(path: &str) -> Option<Digest> {
    path.strip_prefix("blobs/")?.replacen('/', ":", 1).parse().ok()
}

fn member_path(name: &str, path: &str) -> Result<String, OpenError> {
    normalize(path.as_bytes())
        .map_err(|_unfit| damaged(format!("`{name}` lists a file outside itself: `{path}`")))
}

fn layer(path: String) -> LocalLayer {
    LocalLayer { path, media_type: String::new(), kind: LayerKind::Tar }
}

fn damaged(message: String) -> OpenError {
    OpenError::new(OpenErrorKind::Damaged, message)
}
