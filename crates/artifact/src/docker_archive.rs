//! `docker-archive:` — what `docker save` and `podman save` write: a tar with `manifest.json`,
//! which lists configuration and layers of each image by their paths in the tar. Up to Docker 24
//! a layer is `ID/layer.tar`, later `blobs/sha256/HEX` of an OCI layout in the same tar.

use std::path::Path;

use model::{Algorithm, Artifact, ArtifactKind, Digest, ImageRef, Problem, ProblemKind};
use serde::Deserialize;

use crate::archive::Archive;
use crate::digest::digest_of;
use crate::error::OpenErrorKind;
use crate::image::Backend;
use crate::limits::{CONFIG_BYTES_MAX, LAYERS_MAX, MANIFEST_BYTES_MAX};
use crate::manifest::{self, Document, LayerKind, check_digest};
use crate::path::normalize;
use crate::store::{LocalImage, LocalLayer, Store};
use crate::{Image, ImageConfig, OpenError, Options, config};

/// Names of images shown when one has to be chosen.
const TAGS_SHOWN_MAX: usize = 20;

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

/// The same, once the archive is open.
pub(crate) fn from_archive(
    archive: Archive,
    name: &str,
    wanted: Option<&str>,
    options: &Options,
) -> Result<Image, OpenError> {
    let (entry, notice) = choose(name, entries(&archive, name)?, wanted)?;
    let layers = entry.layers.unwrap_or_default();
    if layers.len() > LAYERS_MAX {
        let message = format!("`{name}` lists {} layers, more than {LAYERS_MAX}", layers.len());
        return Err(damaged(message));
    }
    let paths = layers.iter().map(|path| member_path(name, path)).collect::<Result<Vec<_>, _>>()?;
    let (config, digest) = configuration(&archive, name, &entry.config)?;
    config.check(name, paths.len(), options.platform.as_ref())?;
    let references = entry.repo_tags.unwrap_or_default();
    let artifact = artifact(&archive, name, references, &config, digest, &paths)?;
    let layers = paths.into_iter().map(layer).collect();
    let store = Store::Archive(archive);
    let problems = store.problem(name).into_iter().chain(notice).collect();
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
    serde_json::from_slice(&bytes).map_err(|error| {
        damaged(format!("`manifest.json` in `{name}` does not parse")).because(error)
    })
}

/// The image that is meant; the first of several if none was named, which is worth a notice.
fn choose(
    name: &str,
    entries: Vec<Entry>,
    wanted: Option<&str>,
) -> Result<(Entry, Option<Problem>), OpenError> {
    let mut tags: Vec<String> =
        entries.iter().flat_map(|it| it.repo_tags.iter().flatten().cloned()).collect();
    tags.truncate(TAGS_SHOWN_MAX);
    let tags = tags.join(", ");
    let count = entries.len();
    let not_found = |message| OpenError::new(OpenErrorKind::NotFound, message);
    let mut entries = entries.into_iter();
    let Some(wanted) = wanted else {
        let Some(first) = entries.next() else {
            return Err(not_found(format!("`{name}` holds no image")));
        };
        let message = format!("it holds {count} images, of which the first is read: {tags}");
        let notice = (count > 1).then(|| Problem::new(ProblemKind::Notice, name, message));
        return Ok((first, notice));
    };
    let same = |tag: &String| {
        let explicit = |name: &str| name.parse::<ImageRef>().ok();
        tag == wanted || explicit(tag).is_some_and(|tag| Some(tag) == explicit(wanted))
    };
    match entries.find(|entry| entry.repo_tags.iter().flatten().any(same)) {
        Some(entry) => Ok((entry, None)),
        None => Err(not_found(format!("`{name}` holds no image `{wanted}`"))
            .hint(format!("it holds {tags}"))),
    }
}

/// The configuration and its digest, which its name in the archive promises too.
fn configuration(
    archive: &Archive,
    name: &str,
    path: &str,
) -> Result<(ImageConfig, Digest), OpenError> {
    let path = member_path(name, path)?;
    let Some(bytes) = archive.read(&path, CONFIG_BYTES_MAX)? else {
        return Err(damaged(format!("`{name}` lacks the configuration `{path}`")));
    };
    if let Some(promised) = digest_in(&path) {
        check_digest(&bytes, &promised)?;
    }
    Ok((config::parse(&bytes)?, digest_of(Algorithm::Sha256, &bytes)))
}

fn artifact(
    archive: &Archive,
    name: &str,
    references: Vec<String>,
    config: &ImageConfig,
    digest: Digest,
    paths: &[String],
) -> Result<Artifact, OpenError> {
    let sizes: Vec<Option<u64>> =
        paths.iter().map(|path| archive.find(path).map(|place| place.size)).collect();
    let blobs = paths.iter().zip(&sizes).map(|(path, size)| (blob_digest(path), *size));
    Ok(Artifact {
        name: name.to_owned(),
        kind: ArtifactKind::DockerArchive,
        references,
        manifest_digest: manifest_digest(archive, name, &digest)?,
        digest: Some(digest),
        platform: Some(config.platform()),
        size_bytes: sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add((*size)?)),
        created: config.created.clone(),
        config: Some(config.told()),
        layers: config.layers(blobs),
    })
}

/// The digest of the OCI manifest beside Docker's that has this configuration, if there is one.
fn manifest_digest(
    archive: &Archive,
    name: &str,
    config: &Digest,
) -> Result<Option<Digest>, OpenError> {
    let Some(bytes) = archive.read("index.json", MANIFEST_BYTES_MAX)? else { return Ok(None) };
    let Document::Index(entries) = manifest::parse(name, &bytes)? else { return Ok(None) };
    let mut fetch = |it: &manifest::Descriptor, limit| {
        Ok(archive.read(&it.blob_path(), limit)?.unwrap_or_default())
    };
    Ok(manifest::find_by_config(name, entries, config, &mut fetch))
}

/// The digest that a configuration's path promises: `HEX.json`, or a blob's.
fn digest_in(path: &str) -> Option<Digest> {
    let hex = path.strip_suffix(".json").unwrap_or(path);
    blob_digest(path).or_else(|| format!("sha256:{hex}").parse().ok())
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
