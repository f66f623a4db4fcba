//! What is scanned: an image or a root file system, and the layers it is made of.

use serde::{Deserialize, Serialize};

use crate::{Digest, ImageConfig, ImageRef, Platform};

/// Where an artifact was read from. The names are the prefixes that users type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ArtifactKind {
    Registry,
    Docker,
    Containerd,
    Podman,
    DockerArchive,
    OciArchive,
    OciDir,
    Dir,
    FsArchive,
    Container,
    /// A bill of materials: what somebody else found in it.
    Sbom,
}

impl ArtifactKind {
    pub const ALL: [Self; 11] = [
        Self::Registry,
        Self::Docker,
        Self::Containerd,
        Self::Podman,
        Self::DockerArchive,
        Self::OciArchive,
        Self::OciDir,
        Self::Dir,
        Self::FsArchive,
        Self::Container,
        Self::Sbom,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Docker => "docker",
            Self::Containerd => "containerd",
            Self::Podman => "podman",
            Self::DockerArchive => "docker-archive",
            Self::OciArchive => "oci-archive",
            Self::OciDir => "oci-dir",
            Self::Dir => "dir",
            Self::FsArchive => "fs-archive",
            Self::Container => "container",
            Self::Sbom => "sbom",
        }
    }

    /// Whether the artifact has layers of its own; a directory or a plain tar has none, and its
    /// findings name no layer.
    pub fn has_layers(self) -> bool {
        !matches!(self, Self::Dir | Self::FsArchive)
    }

    /// Whether it is an image, which has a name somewhere, rather than a file system.
    pub fn is_image(self) -> bool {
        !matches!(self, Self::Dir | Self::FsArchive | Self::Container)
    }
}

/// The facts about the thing scanned, before anyone looked inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// As the user or the archive names it: `alpine:3.20`, a path.
    pub name: String,
    pub kind: ArtifactKind,
    /// The image names under which an archive or layout holds it, in full or in short; empty where
    /// it says none. What was asked for by an image name is called so by `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The digest of the image configuration: the image's identity whatever it was read from.
    /// None for file systems.
    pub digest: Option<Digest>,
    /// The digest of the manifest, where the source has one.
    pub manifest_digest: Option<Digest>,
    pub platform: Option<Platform>,
    /// The bytes of the layers as the source holds them, where it says.
    pub size_bytes: Option<u64>,
    /// RFC 3339, from the image configuration.
    pub created: Option<String>,
    /// None for file systems.
    pub config: Option<ImageConfig>,
    /// From the lowest to the highest.
    pub layers: Vec<Layer>,
}

impl Artifact {
    /// What the image is called: as it was asked for, then as the archive says. A path is no name,
    /// however much it looks like one.
    pub fn names(&self) -> Vec<ImageRef> {
        let asked = self.name_asked_for().into_iter();
        asked.chain(&self.references).filter_map(|name| name.parse().ok()).collect()
    }

    /// The name that it was asked for by, where that is no path.
    pub fn name_asked_for(&self) -> Option<&String> {
        use ArtifactKind::{Containerd, Docker, Podman, Registry, Sbom};
        let is_name = matches!(self.kind, Registry | Docker | Containerd | Podman | Sbom);
        is_name.then_some(&self.name)
    }
}

/// One layer of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Position among the layers that hold files, the lowest being 0; history entries that
    /// changed no file are not counted.
    pub index: u32,
    /// The digest of the uncompressed tar; None for file systems.
    pub diff_id: Option<Digest>,
    /// The digest of the blob as stored (compressed or not), where the source has one.
    pub digest: Option<Digest>,
    /// The bytes of the blob as stored, where the source says.
    pub size_bytes: Option<u64>,
    /// The command that made the layer, from the image history; empty if the history is silent.
    pub created_by: String,
}
