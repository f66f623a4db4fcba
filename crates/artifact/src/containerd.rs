//! Images that containerd holds, read from its store on disk: it has no API that gives an image
//! away without gRPC, and its files are plain.
//!
//! `meta.db` (`bolt`) says which digest a name means; manifests, configurations and layers are
//! files named by digest, laid out as in an OCI layout. Where layers were thrown away once they
//! were unpacked, as clusters do, the unpacked files stand in (`snapshots`); no digest covers
//! those, so they count as unverified. Nothing is ever locked or written.
//!
//! The database layout is that of containerd's `metadata/buckets.go`:
//! `v1/NAMESPACE/images/NAME/target/{digest,mediatype,size}` and so on.

pub(crate) mod bolt;
mod snapshots;

use std::io;
use std::path::PathBuf;

use model::{ArtifactKind, Digest, ImageRef, Layer, Problem, ProblemKind};

use self::bolt::{BoltError, Bucket, Item, view};
use self::snapshots::Snapshots;
use crate::dir::Tree;
use crate::error::OpenErrorKind;
use crate::image::{Backend, Source};
use crate::limits::MANIFEST_BYTES_MAX;
use crate::manifest::{self, Descriptor};
use crate::store::{LocalImage, LocalLayer, Store};
use crate::{Image, OpenError, Options};

/// Where containerd is told to keep its store, by those who package it.
const ROOTS: [&str; 5] = [
    "/var/lib/containerd",
    "/var/lib/rancher/k3s/agent/containerd",
    "/var/lib/rancher/rke2/agent/containerd",
    "/var/snap/microk8s/common/var/lib/containerd",
    "/var/lib/docker/containerd/daemon",
];
const METADATA: &str = "io.containerd.metadata.v1.bolt/meta.db";
const CONTENT: &str = "io.containerd.content.v1.content";
/// The namespaces that Kubernetes, Docker and `ctr` use come first.
const NAMESPACES_FIRST: [&str; 3] = ["k8s.io", "moby", "default"];
/// Namespaces looked into; a name too many is not worth a database full of them.
const NAMESPACES_MAX: usize = 1000;

/// An image in containerd's store.
pub(crate) struct StoredImage {
    blobs: LocalImage,
    /// For each layer whose blob is gone: its unpacked files, if they are there.
    trees: Vec<Option<Tree>>,
}

/// A container that containerd knows.
pub(crate) struct StoredContainer {
    pub(crate) id: String,
    pub(crate) image: Image,
    /// What it wrote.
    pub(crate) upper: Tree,
}

/// One store, for one question.
struct ContainerdStore {
    root: PathBuf,
    /// The only namespace to look into, if the user named one.
    namespace: Option<String>,
}

/// What a name means.
struct Target {
    namespace: String,
    digest: Digest,
    /// Namespaces behind it in which the name means another image.
    elsewhere: Vec<String>,
}

impl Target {
    /// That the name means several images.
    fn notice(&self, name: &str) -> Option<Problem> {
        let Self { namespace, elsewhere, .. } = self;
        let message = format!(
            "this is the image of containerd's namespace `{namespace}`, and the name means another one in `{}`; \
             hint: CONTAINERD_NAMESPACE chooses",
            elsewhere.join("`, `")
        );
        (!elsewhere.is_empty()).then(|| Problem::new(ProblemKind::Notice, name, message))
    }
}

/// The image that `name` means to containerd.
pub(crate) fn open(name: &str, options: &Options) -> Result<Image, OpenError> {
    let mut failure = None;
    for store in stores(options)? {
        match store.open(name, options) {
            Err(error) if error.kind() == OpenErrorKind::NotFound => failure = Some(error),
            outcome => return outcome,
        }
    }
    Err(failure.unwrap_or_else(|| not_found("image", name)))
}

/// The container whose ID is `id`, or alone begins so.
pub(crate) fn container(id: &str, options: &Options) -> Result<StoredContainer, OpenError> {
    for store in stores(options)? {
        if let Some(container) = store.container(id, options)? {
            return Ok(container);
        }
    }
    Err(not_found("container", id))
}

fn not_found(what: &str, name: &str) -> OpenError {
    OpenError::new(OpenErrorKind::NotFound, format!("containerd has no {what} `{name}`"))
}

/// The stores on this machine.
fn stores(options: &Options) -> Result<Vec<ContainerdStore>, OpenError> {
    let environment = &options.environment;
    let candidates = match environment.path("CONTAINERD_ROOT") {
        Some(root) => vec![root],
        None => ROOTS.map(PathBuf::from).to_vec(),
    };
    let namespace = environment.get("CONTAINERD_NAMESPACE").map(str::to_owned);
    let mut stores = Vec::new();
    for root in candidates {
        match root.join(METADATA).metadata() {
            Ok(_) => stores.push(ContainerdStore { root, namespace: namespace.clone() }),
            Err(why) if why.kind() == io::ErrorKind::PermissionDenied => {
                let message = format!("containerd's store `{}` does not let us in", root.display());
                return Err(OpenError::new(OpenErrorKind::Unauthorized, message)
                    .because(why)
                    .hint("run as root"));
            }
            Err(_) => {}
        }
    }
    if stores.is_empty() {
        let message = "there is no containerd store on this machine";
        return Err(OpenError::new(OpenErrorKind::NotFound, message)
            .hint("CONTAINERD_ROOT names one in an unusual place"));
    }
    Ok(stores)
}

/// What the first of `names` that a namespace knows points to there.
fn digest_in(
    root: &Bucket<'_>,
    namespace: &str,
    names: &[String],
) -> Result<Option<Digest>, BoltError> {
    let Some(images) = root.descend(&["v1", namespace, "images"])? else { return Ok(None) };
    for name in names {
        let Some(target) = images.descend(&[name, "target"])? else { continue };
        let digest = target.get(b"digest")?.unwrap_or_default();
        return match String::from_utf8_lossy(&digest).parse() {
            Ok(digest) => Ok(Some(digest)),
            Err(_) => Err(BoltError::Damaged("an image has no digest")),
        };
    }
    Ok(None)
}

impl ContainerdStore {
    fn open(&self, name: &str, options: &Options) -> Result<Image, OpenError> {
        let target = self.view(|root| self.target(root, &spellings(name)))?;
        let target = target.ok_or_else(|| not_found("image", name))?;
        let store = Store::Directory(self.root.join(CONTENT));
        let fetch = |descriptor: &Descriptor, limit| {
            options.stop.check()?;
            store.read(&descriptor.blob_path(), limit)?.ok_or_else(|| {
                let message = format!("containerd has only a part of `{name}`");
                OpenError::new(OpenErrorKind::NotFound, message)
                    .because(format!("`{}` is not in its store", descriptor.digest))
                    .hint("it may hold the image for another platform")
            })
        };
        let top_path =
            format!("blobs/{}/{}", target.digest.algorithm().name(), target.digest.hex());
        let top =
            store.read(&top_path, MANIFEST_BYTES_MAX)?.ok_or_else(|| not_found("image", name))?;
        let (wanted, expected) = (options.platform.as_ref(), Some(&target.digest));
        let resolved = manifest::resolve(name, &top, expected, wanted, &mut { fetch })?;
        let artifact = resolved.artifact(name, ArtifactKind::Containerd);
        let layers: Vec<LocalLayer> = resolved.layers.iter().map(local).collect();
        let is_gone = |layer: &LocalLayer| !self.root.join(CONTENT).join(&layer.path).exists();
        let gone: Vec<bool> = layers.iter().map(is_gone).collect();
        let trees = if gone.contains(&true) {
            let snapshots = Snapshots { root: &self.root, namespace: &target.namespace };
            let trees = snapshots.of_layers(&resolved.config.rootfs.diff_ids);
            let trees = trees.map_err(|why| self.unreadable(why))?;
            trees.into_iter().zip(gone).map(|(tree, gone)| tree.filter(|_| gone)).collect()
        } else {
            Vec::new()
        };
        let blobs = LocalImage { store, layers };
        let backend = Backend::Containerd(StoredImage { blobs, trees });
        let notices = resolved.notices.into_iter().chain(target.notice(name)).collect();
        Ok(Image::new(artifact, Some(resolved.config), notices, backend, options))
    }

    /// What the first of `names` that any namespace knows points to.
    fn target(&self, root: &Bucket<'_>, names: &[String]) -> Result<Option<Target>, BoltError> {
        let mut found: Option<Target> = None;
        for namespace in self.namespaces(root)? {
            let digest = match digest_in(root, &namespace, names) {
                Ok(Some(digest)) => digest,
                // What others hold is damaged: no reason to go without the first.
                Err(_) if found.is_some() => continue,
                Ok(None) => continue,
                Err(error) => return Err(error),
            };
            match &mut found {
                None => found = Some(Target { namespace, digest, elsewhere: Vec::new() }),
                Some(found) if found.digest != digest => found.elsewhere.push(namespace),
                Some(_) => {}
            }
        }
        Ok(found)
    }

    fn container(&self, id: &str, options: &Options) -> Result<Option<StoredContainer>, OpenError> {
        let Some(known) = self.view(|root| self.find_container(root, id))? else { return Ok(None) };
        let KnownContainer { namespace, id, image, snapshotter, snapshot } = known;
        let snapshots = Snapshots { root: &self.root, namespace: &namespace };
        let found =
            snapshots.active(&snapshotter, &snapshot).map_err(|why| self.unreadable(why))?;
        let (root, parent) = found.ok_or_else(|| {
            let message = format!("what container `{id}` wrote is kept by `{snapshotter}`");
            OpenError::new(OpenErrorKind::Unsupported, format!("{message}, which is not read"))
        })?;
        let store = Self { root: self.root.clone(), namespace: Some(namespace.clone()) };
        let opened = store.open(&image, options)?;
        let diff_ids = opened.config().map_or(&[][..], |config| &config.rootfs.diff_ids);
        // A tag may have moved since the container was made.
        if snapshots::chain_ids(diff_ids).last().map(ToString::to_string) != parent {
            let message = format!("`{image}` is no longer what container `{id}` was made from");
            return Err(OpenError::new(OpenErrorKind::NotFound, message));
        }
        let trees = snapshots.of_layers(diff_ids).map_err(|why| self.unreadable(why))?;
        let lowers: Option<Vec<PathBuf>> =
            trees.into_iter().rev().map(|tree| Some(tree?.root)).collect();
        let lowers = lowers.unwrap_or_default();
        let upper = Tree::layer(root, lowers);
        Ok(Some(StoredContainer { id, image: opened, upper }))
    }

    /// The container with this ID, or the only one whose ID begins so.
    fn find_container(
        &self,
        root: &Bucket<'_>,
        id: &str,
    ) -> Result<Option<KnownContainer>, BoltError> {
        let mut found = Vec::new();
        for namespace in self.namespaces(root)? {
            let Some(containers) = root.descend(&["v1", &namespace, "containers"])? else {
                continue;
            };
            containers.each(|key, item| {
                let (key, Item::Bucket(container)) = (String::from_utf8_lossy(key), item) else {
                    return Ok(());
                };
                if !key.starts_with(id) {
                    return Ok(());
                }
                let text = |name: &str| {
                    let value = container.get(name.as_bytes())?.unwrap_or_default();
                    Ok::<_, BoltError>(String::from_utf8_lossy(&value).into_owned())
                };
                found.push(KnownContainer {
                    namespace: namespace.clone(),
                    id: key.into_owned(),
                    image: text("image")?,
                    snapshotter: text("snapshotter")?,
                    snapshot: text("snapshotKey")?,
                });
                Ok(())
            })?;
        }
        let exact = found.iter().position(|container| container.id == id);
        Ok(match exact {
            Some(index) => Some(found.swap_remove(index)),
            None if found.len() == 1 => found.pop(),
            None => None,
        })
    }

    fn namespaces(&self, root: &Bucket<'_>) -> Result<Vec<String>, BoltError> {
        if let Some(namespace) = &self.namespace {
            return Ok(vec![namespace.clone()]);
        }
        let mut names = Vec::new();
        if let Some(version) = root.bucket(b"v1")? {
            version.each(|key, item| {
                if matches!(item, Item::Bucket(_)) && names.len() < NAMESPACES_MAX {
                    names.push(String::from_utf8_lossy(key).into_owned());
                }
                Ok(())
            })?;
        }
        let rank = |name: &String| NAMESPACES_FIRST.iter().position(|first| first == name);
        names.sort_by_key(|name| rank(name).unwrap_or(NAMESPACES_FIRST.len()));
        Ok(names)
    }

    fn view<T>(&self, read: impl Fn(&Bucket<'_>) -> Result<T, BoltError>) -> Result<T, OpenError> {
        view(&self.root.join(METADATA), read).map_err(|why| self.unreadable(why))
    }

    fn unreadable(&self, why: BoltError) -> OpenError {
        let message = format!("containerd's store `{}` cannot be read", self.root.display());
        OpenError::new(OpenErrorKind::Damaged, message).because(why)
    }
}

/// What the database says of a container.
struct KnownContainer {
    namespace: String,
    id: String,
    image: String,
    snapshotter: String,
    snapshot: String,
}

impl StoredImage {
    /// Asks for one layer: its blob, or what was unpacked from it.
    pub(crate) fn layer(&self, layer: &Layer, verify: bool) -> Result<Source<'_>, Problem> {
        match self.tree(layer) {
            Some(tree) => Ok(Source::Tree(tree.clone())),
            None => self.blobs.layer(layer, verify),
        }
    }

    /// Whether the layer is read from files of which nothing tells that they are what they were.
    pub(crate) fn is_unpacked(&self, layer: &Layer) -> bool {
        self.tree(layer).is_some()
    }

    /// What tells the bytes of a layer from those of other layers.
    pub(crate) fn bytes_of(&self, layer: &Layer) -> Option<String> {
        match self.tree(layer) {
            Some(tree) => Some(tree.root.display().to_string()),
            None => self.blobs.bytes_of(layer),
        }
    }

    /// The blobs, which are files like those of any layout.
    pub(crate) fn blobs(&self) -> &LocalImage {
        &self.blobs
    }

    fn tree(&self, layer: &Layer) -> Option<&Tree> {
        self.trees.get(usize::try_from(layer.index).ok()?)?.as_ref()
    }
}

fn local(descriptor: &Descriptor) -> LocalLayer {
    LocalLayer {
        path: descriptor.blob_path(),
        media_type: descriptor.media_type.clone(),
        kind: descriptor.layer_kind(),
    }
}

/// The names under which containerd may list what was typed: as it is, and made explicit.
fn spellings(name: &str) -> Vec<String> {
    let explicit = name.parse::<ImageRef>().ok().map(|image| image.to_string());
    std::iter::once(name.to_owned()).chain(explicit).collect()
}
