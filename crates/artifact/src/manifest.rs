//! Manifests and indexes, OCI's and Docker's schema 2, and the way down from the document that a
//! name leads to, to the one image manifest and configuration that are scanned.
//!
//! The way is the same for a registry, a content store and a layout on disk; they differ only in
//! how they fetch a document by its descriptor, so that is what they bring. Sources: OCI image
//! spec "Image Index", "Image Manifest" and "Content Descriptors"; Docker's "Image Manifest V 2,
//! Schema 2".

mod engines;
mod search;

use std::collections::BTreeMap;

use model::{Algorithm, Artifact, ArtifactKind, Digest, Layer, Platform, Problem, ProblemKind};
use serde::Deserialize;

use crate::config;
use crate::digest::digest_of;
use crate::error::OpenErrorKind;
use crate::limits::{CONFIG_BYTES_MAX, LAYERS_MAX, MANIFEST_BYTES_MAX, SUBJECT_CHARS_MAX};
use crate::{ImageConfig, OpenError, spelling};

use search::{Choice, Listed, Node, Search, leaves, listed_as_manifest};
pub(crate) use search::{best_for, with_platforms};

/// What an image's configuration is called.
const IMAGE_CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// What registries and clients made of that in their time. Docker takes such an image and runs it, so it is one
/// where all layers are those of images.
const UNTYPED_CONFIGS: [&str; 4] =
    ["", "application/json", "application/octet-stream", "text/html"];

/// Asks the source for the bytes of a document, at most so many of them. The source need not
/// check the digest: [`resolve`] does.
pub(crate) type Fetch<'a> = dyn FnMut(&Descriptor, u64) -> Result<Vec<u8>, OpenError> + 'a;

/// A pointer to content (OCI "Content Descriptors").
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default)]
    platform: Option<DescribedPlatform>,
    /// What a manifest is of; an index need not say it of images.
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, Deserialize)]
struct DescribedPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default, rename = "os.features")]
    os_features: Option<Vec<String>>,
}

/// A document that a name may lead to.
pub(crate) enum Document {
    Index(Vec<Descriptor>),
    Manifest(Box<Manifest>),
}

/// An image manifest.
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    /// The digest of the manifest to which this one is attached.
    pub(crate) subject: Option<Digest>,
}

/// The image that was chosen, and by what its layers are checked.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) manifest_digest: Digest,
    pub(crate) config_digest: Digest,
    pub(crate) config: ImageConfig,
    /// The indexes on the way to the manifest, the nearest first.
    pub(crate) indexes: Vec<Digest>,
    /// What of the choice is worth knowing.
    pub(crate) notices: Vec<Problem>,
    /// As the manifest lists them, the lowest first; as many as the configuration has diff IDs.
    pub(crate) layers: Vec<Descriptor>,
}

/// That a layer is of a kind that is not read, whatever source has it: what no runtime unpacks is
/// no part of what runs, but what it would have been is not known either.
pub(crate) fn unread_kind(layer: &Layer, kind: LayerKind, media_type: &str) -> Option<Problem> {
    let subject = layer.digest.as_ref().or(layer.diff_id.as_ref());
    let subject = subject.map_or_else(|| format!("layer {}", layer.index), ToString::to_string);
    let shown: String = media_type.chars().take(SUBJECT_CHARS_MAX).collect();
    let message = format!("layers of the type `{shown}` are not read");
    let problem = Problem::new(ProblemKind::Unsupported, subject, message).in_layer(layer.index);
    (kind == LayerKind::Other).then_some(problem)
}

/// What a layer's media type says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LayerKind {
    /// A tar, perhaps compressed.
    Tar,
    /// The same, but registries do not hold it (foreign, non-distributable).
    NotDistributed,
    /// Something that no container runtime unpacks, or not without a key.
    Other,
}

/// Goes from the document `top`, which `name` leads to, down to the image for `wanted` (None:
/// this machine's platform, or the only one there is).
///
/// `expected` is the digest by which `top` was asked for, where there is one. Fails `NotFound`
/// when no image is for that platform (the message lists those that are), `NotAnImage` for
/// charts, signatures and the like, `Unsupported` for Windows, `Damaged` when a document does not
/// parse or is not what its digest says.
pub(crate) fn resolve(
    name: &str,
    top: &[u8],
    expected: Option<&Digest>,
    wanted: Option<&Platform>,
    fetch: &mut Fetch<'_>,
) -> Result<Resolved, OpenError> {
    if let Some(expected) = expected {
        check_digest(top, expected)?;
    }
    let algorithm = expected.map_or(Algorithm::Sha256, Digest::algorithm);
    match parse(name, top)? {
        Document::Manifest(manifest) => {
            finish(name, *manifest, digest_of(algorithm, top), wanted, fetch)
        }
        Document::Index(entries) => {
            let mut resolved = resolve_entries(name, entries, wanted, fetch)?;
            resolved.indexes.push(digest_of(algorithm, top));
            Ok(resolved)
        }
    }
}

/// The same from the entries of an index on.
pub(crate) fn resolve_entries(
    name: &str,
    entries: Vec<Descriptor>,
    wanted: Option<&Platform>,
    fetch: &mut Fetch<'_>,
) -> Result<Resolved, OpenError> {
    let choice = Search::new(name, wanted, fetch).choose(entries)?;
    let Choice { chosen: Listed { image, within, platform }, others, rivals } = choice;
    let bytes = fetch_checked(&image, MANIFEST_BYTES_MAX, fetch)?;
    let Document::Manifest(manifest) = parse(name, &bytes)? else {
        return Err(listed_as_manifest(&image.digest));
    };
    let resolved = finish(name, *manifest, image.digest, wanted, fetch)?;
    let lie = platform.and_then(|listed| contradiction(name, &listed, &resolved.config));
    let (chosen, read) = (&resolved.manifest_digest, &resolved.config_digest);
    let rivals = rivals.into_iter().filter_map(|it| it.problem(name, chosen, read));
    let notices = others.into_iter().chain(lie).chain(rivals).collect();
    Ok(Resolved { indexes: within.to_vec(), notices, ..resolved })
}

/// That an index says an image is for another machine than its configuration says.
fn contradiction(name: &str, listed: &Platform, config: &ImageConfig) -> Option<Problem> {
    let own = config.platform();
    let machine = |it: &Platform| (it.normal().os, it.normal().architecture);
    let message =
        format!("it is listed for `{listed}`, and its configuration says that it is for `{own}`");
    (machine(listed) != machine(&own)).then(|| Problem::new(ProblemKind::Notice, name, message))
}

/// The digest of the image manifest that has this configuration, among all that an index leads
/// to; None too if part of that cannot be read.
pub(crate) fn find_by_config(
    name: &str,
    entries: Vec<Descriptor>,
    config: &Digest,
    fetch: &mut Fetch<'_>,
) -> Option<Digest> {
    let nodes = Search::new(name, None, fetch).gather(entries, &[]).ok()?;
    let mut listed = Vec::new();
    leaves(&nodes, &mut listed);
    let has_config = |node: &&Node| {
        let image = &node.entry;
        let bytes = fetch_checked(image, MANIFEST_BYTES_MAX, fetch).ok()?;
        let Ok(Document::Manifest(manifest)) = parse(name, &bytes) else { return None };
        (manifest.config.digest == *config).then(|| image.digest.clone())
    };
    listed.iter().find_map(has_config)
}

fn finish(
    name: &str,
    manifest: Manifest,
    manifest_digest: Digest,
    wanted: Option<&Platform>,
    fetch: &mut Fetch<'_>,
) -> Result<Resolved, OpenError> {
    let bytes = fetch_checked(check_is_image(name, &manifest)?, CONFIG_BYTES_MAX, fetch)?;
    let config = config::parse(&bytes)?;
    config.check(name, manifest.layers.len(), wanted)?;
    let config_digest = manifest.config.digest;
    let (indexes, notices, layers) = (Vec::new(), Vec::new(), manifest.layers);
    Ok(Resolved { manifest_digest, config_digest, config, indexes, notices, layers })
}

/// Reads an index or a manifest. A document that could be taken for both is refused: two readers
/// might see two images in it (OCI image spec, "Image Manifest", CVE-2021-41190).
pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Document, OpenError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Raw {
        #[serde(default)]
        schema_version: u32,
        manifests: Option<Vec<Descriptor>>,
        config: Option<Descriptor>,
        layers: Option<Vec<Descriptor>>,
        subject: Option<Descriptor>,
    }
    let checked = spelling::check(bytes, spelling::OF_MANIFESTS);
    let raw: Raw = checked.and_then(|()| serde_json::from_slice(bytes)).map_err(|error| {
        damaged(format!("the manifest of `{name}` does not parse")).because(error)
    })?;
    match raw {
        Raw { schema_version: 1, .. } => Err(OpenError::new(
            OpenErrorKind::Unsupported,
            format!("`{name}` has a manifest of Docker's schema 1, which is not supported"),
        )
        .hint("push the image again with a current tool")),
        Raw { manifests: Some(entries), config: None, layers: None, .. } => {
            Ok(Document::Index(entries))
        }
        Raw { manifests: None, config: Some(config), layers, subject, .. } => {
            let layers = layers.unwrap_or_default();
            if layers.len() > LAYERS_MAX {
                return Err(damaged(format!(
                    "`{name}` lists {} layers, more than the {LAYERS_MAX} allowed",
                    layers.len()
                )));
            }
            let subject = subject.map(|subject| subject.digest);
            Ok(Document::Manifest(Box::new(Manifest { config, layers, subject })))
        }
        _ => Err(damaged(format!("the manifest of `{name}` is neither an image nor an index"))),
    }
}

/// Fetches a document and holds it against its descriptor.
pub(crate) fn fetch_checked(
    descriptor: &Descriptor,
    limit: u64,
    fetch: &mut Fetch<'_>,
) -> Result<Vec<u8>, OpenError> {
    let digest = &descriptor.digest;
    if descriptor.size > limit {
        return Err(damaged(format!(
            "`{digest}` claims {} bytes where at most {limit} make sense",
            descriptor.size
        )));
    }
    let bytes = fetch(descriptor, limit)?;
    if bytes.len() as u64 != descriptor.size {
        return Err(damaged(format!(
            "`{digest}` has {} bytes, not the {} it is listed with",
            bytes.len(),
            descriptor.size
        )));
    }
    check_digest(&bytes, digest)?;
    Ok(bytes)
}

/// Fails `Damaged` unless `bytes` have the digest `expected`.
pub(crate) fn check_digest(bytes: &[u8], expected: &Digest) -> Result<(), OpenError> {
    let actual = digest_of(expected.algorithm(), bytes);
    if actual == *expected {
        return Ok(());
    }
    Err(damaged(format!("`{expected}` is not what it is named after: its bytes have `{actual}`")))
}

/// The configuration's descriptor, if this manifest describes an image and not something else
/// that registries hold.
fn check_is_image<'a>(name: &str, manifest: &'a Manifest) -> Result<&'a Descriptor, OpenError> {
    let not_an_image = |what: &str, media_type: &str| {
        let message = format!("`{name}` is not an image: {what} `{media_type}`");
        Err(OpenError::new(OpenErrorKind::NotAnImage, message))
    };
    let config = &manifest.config;
    let is_untyped = UNTYPED_CONFIGS.contains(&config.media_type.as_str())
        && !manifest.layers.is_empty()
        && manifest.layers.iter().all(|layer| layer.layer_kind() != LayerKind::Other);
    if !config.is_image_config() && !is_untyped {
        return not_an_image("its configuration is", &config.media_type);
    }
    let is_encrypted = |layer: &Descriptor| layer.media_type.ends_with("+encrypted");
    match manifest.layers.first() {
        Some(_) if manifest.layers.iter().all(is_encrypted) => {
            let message = format!("the layers of `{name}` are encrypted, which is not supported");
            Err(OpenError::new(OpenErrorKind::Unsupported, message)
                .hint("decrypt a copy of it first, or scan where it is unpacked with `dir:`"))
        }
        Some(first) if manifest.layers.iter().all(|l| l.layer_kind() == LayerKind::Other) => {
            not_an_image("it holds", &first.media_type)
        }
        _ => Ok(config),
    }
}

impl Descriptor {
    /// The tag, or whole name, under which an index lists this entry (OCI "Pre-Defined
    /// Annotation Keys").
    pub(crate) fn reference_name(&self) -> Option<&str> {
        self.annotation("org.opencontainers.image.ref.name")
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// What it takes to ask for it. The rest can be as large as the document that it stands in.
    pub(crate) fn bare(self) -> Self {
        let media_type = self.media_type.chars().take(SUBJECT_CHARS_MAX).collect();
        Self { media_type, platform: None, annotations: None, ..self }
    }

    /// Where an OCI layout has it.
    pub(crate) fn blob_path(&self) -> String {
        format!("blobs/{}/{}", self.digest.algorithm().name(), self.digest.hex())
    }

    /// Whether it says of itself that it is an image's configuration.
    pub(crate) fn is_image_config(&self) -> bool {
        IMAGE_CONFIGS.contains(&self.media_type.as_str())
    }

    pub(crate) fn layer_kind(&self) -> LayerKind {
        let plain = [".gzip", "+gzip", "+zstd", ".zstd"]
            .iter()
            .find_map(|suffix| self.media_type.strip_suffix(suffix))
            .unwrap_or(&self.media_type);
        match plain {
            "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.docker.image.rootfs.diff.tar" => LayerKind::Tar,
            "application/vnd.oci.image.layer.nondistributable.v1.tar"
            | "application/vnd.docker.image.rootfs.foreign.diff.tar" => LayerKind::NotDistributed,
            _ => LayerKind::Other,
        }
    }

    fn platform(&self) -> Option<Platform> {
        let DescribedPlatform { os, architecture, variant, .. } = self.platform.clone()?;
        let known = |text: &str| !text.is_empty() && text != "unknown";
        // As containerd reads it: who names no system means the machine's.
        let os = if os.is_empty() { "linux".to_owned() } else { os };
        (known(&os) && known(&architecture)).then_some(Platform { os, architecture, variant })
    }

    /// Whether containerd takes it for a manifest at all.
    fn is_manifest(&self) -> bool {
        matches!(
            self.media_type.as_str(),
            "application/vnd.oci.image.manifest.v1+json"
                | "application/vnd.docker.distribution.manifest.v2+json"
        )
    }

    fn is_index(&self) -> bool {
        matches!(
            self.media_type.as_str(),
            "application/vnd.oci.image.index.v1+json"
                | "application/vnd.docker.distribution.manifest.list.v2+json"
        )
    }

    /// Whether an index says that it is anything but an image.
    fn is_artifact(&self) -> bool {
        self.artifact_type.as_ref().is_some_and(|it| !IMAGE_CONFIGS.contains(&it.as_str()))
    }

    /// Whether it may be one image among others.
    pub(crate) fn is_choice(&self) -> bool {
        !self.is_artifact() && !self.is_attestation()
    }

    /// BuildKit lists what it attests of an image beside the image.
    fn is_attestation(&self) -> bool {
        self.annotation("vnd.docker.reference.type") == Some("attestation-manifest")
            || self.is_for_nobody()
    }

    fn is_for_nobody(&self) -> bool {
        self.platform.as_ref().is_some_and(|it| it.os == "unknown")
    }
}

impl Resolved {
    /// The facts of this image, as read from a source of `kind` under `name`.
    pub(crate) fn artifact(&self, name: &str, kind: ArtifactKind) -> Artifact {
        let blobs = self.layers.iter().map(|layer| (Some(layer.digest.clone()), Some(layer.size)));
        Artifact {
            name: name.to_owned(),
            kind,
            references: Vec::new(),
            digest: Some(self.config_digest.clone()),
            manifest_digest: Some(self.manifest_digest.clone()),
            platform: Some(self.config.platform()),
            size_bytes: Some(self.layers.iter().fold(0, |sum, l| sum.saturating_add(l.size))),
            created: self.config.created.clone(),
            config: Some(self.config.told()),
            layers: self.config.layers(blobs),
        }
    }
}

fn damaged(message: String) -> OpenError {
    OpenError::new(OpenErrorKind::Damaged, message)
}
